/* gRPC calls of sources over the HTTP client: the control thread alone. One message is asked with; any number come back. */
#ifndef ISTHMUS_SYNC_GRPC_CALL_H
#define ISTHMUS_SYNC_GRPC_CALL_H

#include "sync/http.h"

/* All of it must stay until the call has ended. */
struct grpc_call {
	const char *url;            /* of the method: "http://127.0.0.1:2379/etcdserverpb.KV/Range" */
	const char *unix_socket;    /* as in struct http_request */
	const struct http_tls *tls; /* the same */
	const char *const *headers; /* metadata, "name: value", ended by NULL; NULL: none */
	struct view message;
	size_t answer_max;          /* octets of one message that comes back */
	uint64_t connect_timeout, timeout; /* ns; 0: no limit */
	const _Atomic bool *stop;

	/* A message has come; false: give up. Must not wait. */
	bool (*take)(void *owner, struct view message);
	/* For a stream that stays open: the next message to send, asked about every 100 ms. It stays until this is called again; none:
	 * nothing now. False: give up. NULL: `message` is all. */
	bool (*more)(void *owner, struct view *message);
	void *owner;
};

struct grpc_result {
	enum http_end end;  /* HTTP_DONE: the server has ended the call, `status` says how */
	int status;         /* of gRPC (enum grpc_status); -1: none came */
	bool too_large;     /* given up because of a message over answer_max */
	char error[256];    /* what the server, or the way there, says; empty where status is 0 */
};

/* Makes the call and waits for its end. */
struct grpc_result grpc_perform(struct http_client *c, const struct grpc_call *call);

/*
 * The first whole message of a stream: 1 and the message without its head, whose octets are *used in all; 0: more must come;
 * -1: it is compressed or longer than `max` (*used is then its length, 0 if compressed).
 */
int grpc_next_message(struct view stream, size_t max, struct view *message, size_t *used);

#endif
