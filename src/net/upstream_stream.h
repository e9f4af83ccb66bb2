/* A connection to an upstream that carries queries: what upstream_stream.c and the transports know of it. */
#ifndef ISTHMUS_NET_UPSTREAM_STREAM_H
#define ISTHMUS_NET_UPSTREAM_STREAM_H

#include "net/http_client.h"
#include "net/upstream_pool.h"

struct upstream_stream;

/* What connections are made of and what is spoken on them. No function may free the connection. */
struct stream_transport {
	/* Begins to connect, and sets the watch's descriptor. False with errno. */
	bool (*connect)(struct upstream_stream *s);
	/* Takes a query, which is in the table, to be sent as soon as it is open. False if the connection takes no more. */
	bool (*query)(struct upstream_stream *s, struct attempt *a);
	/* Goes on after the descriptor became ready, or its timer asked for it (events: 0). Sets s->over when the connection
	 * is of no use any more; false when it has ended. */
	bool (*progress)(struct upstream_stream *s, uint32_t events, struct wire_end *end);
	/* Sends what there is to send. False when it has ended. */
	bool (*send)(struct upstream_stream *s, struct wire_end *end);
	/* An attempt has left the table, answered or not. NULL: it does not matter. */
	void (*forget)(struct upstream_stream *s, struct attempt *a);
	/* Tells the peer, and gives back all that it holds. */
	void (*close)(struct upstream_stream *s);
};

extern const struct stream_transport dns_over_tcp;  /* upstream_tcp.c */
extern const struct stream_transport http_over_tcp; /* upstream_http.c: DNS over HTTPS, and gRPC */
extern const struct stream_transport over_quic;     /* upstream_quic.c: DNS over QUIC, or HTTP/3 */

struct upstream_stream {
	struct watch watch; /* first */
	struct attempt_table table;
	struct upstream_pool *pool;
	const struct stream_transport *transport;
	struct upstream_wire wire; /* of those over TCP */
	void *state;               /* the transport's */
	struct upstream_stream *newer, *older; /* in the pool's list by last use */
	struct timer connect_timer;
	struct loop_flush flush;
	uint64_t born, used;
	bool open;       /* connected, and hands are shaken */
	bool seasoned;   /* it has brought an answer: that it ends now is no fault of the next query */
	bool distrusted; /* takes no more queries */
	bool over;
};

/* --- for transports: upstream_stream.c --- */

/* It is open now: from now on the time of the queries that waited for it is counted. */
void stream_opened(struct upstream_stream *s);

/* Lets the transport go on. It may be gone afterwards. */
void stream_progress(struct upstream_stream *s, uint32_t events);

/* There is something to send, by the end of the round. */
void stream_wake(struct upstream_stream *s);

/* --- octets over TCP, with TLS if the upstream has it: upstream_tcp.c --- */

/* A transport's connect, of which `received` gets what comes. */
bool tcp_connect(struct upstream_stream *s,
	size_t (*received)(struct upstream_wire *w, const uint8_t *octets, size_t length));

static inline struct upstream_stream *stream_of_wire(struct upstream_wire *w)
{
	return (struct upstream_stream *)((char *)w - offsetof(struct upstream_stream, wire));
}

/* --- DNS in HTTP: upstream_http.c --- */

/* Sends a request on a connection: what the query is known by there, or NULL. */
typedef void *http_call(void *client, const struct http_client_request *r, void *of);

/* Asks by a request to the upstream. False if the connection takes no more. */
bool http_ask(const struct upstream *u, struct attempt *a, http_call *call, void *client);

/* Ends an attempt by what its request was answered. */
void http_take_response(struct attempt *a, const struct http_client_response *r);

#endif
