/* A connection to an upstream that carries queries, and what can be spoken on it: for upstream_tcp.c and the protocols. */
#ifndef ISTHMUS_NET_UPSTREAM_STREAM_H
#define ISTHMUS_NET_UPSTREAM_STREAM_H

#include "net/upstream_pool.h"

struct upstream_stream;

/* What is spoken on a connection. All functions but query and received may be NULL; none may close the connection. */
struct stream_protocol {
	/* The connection is being made. */
	void (*begin)(struct upstream_stream *s);
	/* Puts a query, which is in the table, on the way. False if the connection takes no more. */
	bool (*query)(struct upstream_stream *s, struct attempt *a);
	/* As upstream_wire's. Sets s->over when the connection is of no use any more. */
	size_t (*received)(struct upstream_wire *w, const uint8_t *octets, size_t length);
	/* Puts what is to be sent into the wire, which is open. */
	void (*flush)(struct upstream_stream *s);
	/* An attempt has left the table, answered or not. */
	void (*forget)(struct upstream_stream *s, struct attempt *a);
	/* The connection is being closed: frees s->state. */
	void (*release)(struct upstream_stream *s);
};

/* HTTP/2: DNS over HTTPS and gRPC. */
extern const struct stream_protocol http_framed;

struct upstream_stream {
	struct upstream_wire wire; /* first */
	struct attempt_table table;
	struct upstream_pool *pool;
	const struct stream_protocol *protocol;
	void *state; /* the protocol's */
	struct upstream_stream *newer, *older; /* in the pool's list by last use */
	struct timer connect_timer;
	struct loop_flush flush;
	uint64_t born, used;
	bool seasoned;   /* it has brought an answer: that it ends now is no fault of the next query */
	bool distrusted; /* takes no more queries */
	bool over;
};

#endif
