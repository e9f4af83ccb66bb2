/* DNS over UDP: recvmmsg and sendmmsg in batches, answers from the address that was asked. */
#ifndef ISTHMUS_NET_UDP_H
#define ISTHMUS_NET_UDP_H

#include "net/incoming.h"
#include "net/loop.h"

struct udp_listener;

/* Opens a bound UDP socket: SO_REUSEPORT, buffer sizes, PKTINFO on wildcard addresses, dual stack for [::].
 * -1 with errno set and *step naming the call that failed ("socket", "bind", ...). */
int udp_open(const struct endpoint *local, const char **step);

/* Serves the socket (which it then owns) on the loop of the calling thread. */
struct udp_listener *udp_listen(
	struct loop *l, int fd, const struct endpoint *local, incoming_handler *handle, void *listener);

/* Takes no more queries; queries that wait still get their answer sent. */
void udp_stop(struct udp_listener *u);

/* Frees it when the last waiting query has been answered. */
void udp_release(struct udp_listener *u);

#endif
