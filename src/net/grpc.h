/* DNS over gRPC as a service for HTTP/2: the method Query of CoreDNS's coredns.dns.DnsService, its
 * message DnsPacket { bytes msg = 1; }. */
#ifndef ISTHMUS_NET_GRPC_H
#define ISTHMUS_NET_GRPC_H

#include "net/grpc_status.h"
#include "net/http.h"

extern const struct http_service grpc_service;

/*
 * The DNS message in a call's body: one frame that is not compressed, one DnsPacket. GRPC_OK, or
 * the status with its text in *why. The view points into `body`. For the server (requests) and the
 * client (replies) alike.
 */
enum grpc_status grpc_read(struct view body, struct view *message, struct view *why);

/* The octets that stand before a DNS message of this length in a body: to `head`, which has room
 * for 16. Gives how many. */
size_t grpc_write_head(uint8_t head[static 16], size_t message_length);

/* A grpc-timeout ("200m", "5S") in ns; 0 if it is none. */
uint64_t grpc_timeout(struct view text);

#endif
