/* What every gRPC call has: messages in frames, and a status at its end. */
#ifndef ISTHMUS_NET_GRPC_STATUS_H
#define ISTHMUS_NET_GRPC_STATUS_H

enum { GRPC_FRAME_HEAD = 5 }; /* octets before each message: whether it is compressed, its length */

/* Status codes of gRPC, those that are used here. */
enum grpc_status {
	GRPC_OK = 0,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_NOT_FOUND = 5,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_OUT_OF_RANGE = 11,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16,
};

/* "Unavailable"; "Code(99)" is "Unknown". */
const char *grpc_status_name(int status);

#endif
