/* DNS over TCP (RFC 7766): pipelined queries, answers out of order, limits on time and number. */
#ifndef ISTHMUS_NET_TCP_H
#define ISTHMUS_NET_TCP_H

#include "net/incoming.h"
#include "net/loop.h"

struct tcp_listener;

/* Times in ns. All of them are enforced: a slow reader is cut off after `write`. */
struct tcp_limits {
	uint64_t read;  /* for the first query, and for a query once its first octet is there */
	uint64_t write; /* until a stuck peer takes more of an answer */
	uint64_t idle;  /* between queries */
	long queries;   /* connection closed after so many; -1: no limit */
	size_t connections; /* of this listener; the one that is idle longest makes room */
	size_t pipelined;   /* queries of one connection that are worked on at once; more are not read meanwhile */
};

extern const struct tcp_limits tcp_limits_default; /* 3 s, 5 s, 10 s, -1, 20,000, 256 */

/* Opens a bound, listening TCP socket; as udp_open. */
int tcp_open(const struct endpoint *local, const char **step);

/* Makes a socket that somebody else has bound, and may have told to listen, one as tcp_open() gives. NULL, or the name of the
 * call that failed. */
const char *tcp_adopt(int fd);

struct tcp_listener *tcp_listen(struct loop *l, int fd, const struct endpoint *local,
	const struct tcp_limits *limits, incoming_handler *handle, void *listener);

/* Accepts no more; idle connections are closed at once, running queries may finish. */
void tcp_stop(struct tcp_listener *t);
void tcp_release(struct tcp_listener *t);

/* Open connections. Any thread. */
size_t tcp_connections(const struct tcp_listener *t);

#endif
