/* A QUIC connection, its application, and what it shares with its listener. */
#ifndef ISTHMUS_NET_QUIC_CONNECTION_H
#define ISTHMUS_NET_QUIC_CONNECTION_H

#include "net/quic/ids.h"
#include "net/quic/packet.h"
#include "net/quic/quic.h"
#include "net/quic/stream.h"
#include "net/tls_gnutls.h"
#include "net/udp.h"

#include <ngtcp2/ngtcp2_crypto.h>

enum {
	QUIC_ID_LENGTH = 12,		  /* of the ids that we give out */
	QUIC_CONNECTION_MEMORY = 1 << 20, /* octets that one connection may hold */
	QUIC_OUTPUT_PAUSE =
		128
		<< 10, /* octets of answers under way at which no more queries are handed over */
};

struct quic_connection;

/* What is spoken on the streams. No function may wait. A stream is NULL where it is not one of
 * queries: then its id tells. */
struct quic_application {
	enum transport transport;
	const char *const *alpn;
	uint64_t stream_window; /* octets of a query's stream that the client may send */
	uint64_t no_error, internal_error, excessive_load, cancelled; /* its codes for these */
	uint64_t rejected; /* and for a query that nobody has begun with */
	bool takes_unidirectional; /* clients may open such streams */
	bool counts_closing; /* quic_service.counted() is told with what connections are closed, too
			      */
	bool (*open)(struct quic_connection
			*c); /* after the handshake; sets c->state up. False: it is closed */
	void (*release)(struct quic_connection *c); /* frees c->state; c->conn is no longer there */
	void (*end_stream)(struct quic_stream *s);  /* it is freed: frees s->request */
	/* Octets of a stream, in order. What is used of them is given back by
	 * quic_connection_consumed() when it is done with, but for what quic_stream_keep() keeps.
	 */
	void (*receive)(struct quic_connection *c, struct quic_stream *s, int64_t id,
		const uint8_t *octets, size_t length, bool ended);
	void (*late)(struct quic_stream *s);		     /* was not ready in time */
	struct view (*message)(const struct quic_stream *s); /* of a stream that is ready */
	/* The message was handled: begins to send what is to be sent. */
	void (*answer)(struct quic_stream *s, const struct incoming *in);
	/* What to send next; leaves id -1 where there is nothing. False: broken. */
	bool (*next)(struct quic_connection *c, struct quic_output *out);
	void (*sent)(struct quic_connection *c, const struct quic_output *out, size_t octets);
	/* It cannot be sent now; it can again; the client wants no more of it. */
	void (*blocked)(struct quic_connection *c, struct quic_stream *s, int64_t id);
	void (*unblocked)(struct quic_connection *c, struct quic_stream *s, int64_t id);
	void (*refused)(struct quic_connection *c, struct quic_stream *s, int64_t id);
	void (*acknowledged)(struct quic_connection *c, int64_t id, uint64_t octets);
	void (*closed)(struct quic_connection *c, struct quic_stream *s, int64_t id, uint64_t code);
	/* No more queries are taken: tells the client so. NULL: there is no way to. */
	void (*leave)(struct quic_connection *c);
};

extern const struct quic_application quic_doq, quic_http3;
extern const struct quic_functions quic_functions;

struct quic_list {
	struct quic_connection *first, *last;
	size_t count;
};

struct quic_connection {
	struct quic_listener *listener;
	struct quic_list *list;
	struct quic_connection *newer, *older;
	ngtcp2_conn *conn; /* NULL: closed; answers what still comes with `farewell` until its timer
			      says */
	gnutls_session_t tls;
	struct tls_credentials *credentials;
	ngtcp2_crypto_conn_ref reference;
	ngtcp2_mem memory_functions;
	size_t memory;	    /* octets held */
	struct timer timer; /* at or before `expires` */
	struct loop_flush flush;
	uint64_t expires;
	struct endpoint client, local; /* the path */
	struct endpoint source;	       /* whom a proxy speaks for, where `proxied` */
	struct quic_id *ids;
	struct quic_stream *newest; /* all of its streams */
	struct quic_queue reading;  /* longest first */
	struct quic_queue held;	    /* ready, but too much is under way */
	struct quic_queue sending;
	size_t streams, output; /* streams there are; octets of answers under way */
	void *state;		/* the application's */
	uint64_t failure;	/* the application's code, where `failed` */
	uint8_t *farewell;
	size_t farewell_length, late_packets;
	bool proxied;
	bool shaken, failed, overdrawn;
	uint16_t *client_counter; /* of the client's connections, once this one is open */
};

struct quic_listener {
	struct watch work; /* no descriptor: what the loop calls again when a query waits */
	struct loop_flush flush;
	struct loop *loop;
	struct udp_listener *udp;
	struct endpoint local;
	struct quic_limits limits;
	struct quic_service service;
	struct quic_ids ids;
	struct quic_list handshaking, idle, busy, closing; /* longest unused first */
	struct quic_queue ready;
	uint16_t *clients; /* connections of each, by a hash of its address */
	size_t active, memory;
	uint64_t resets_at;
	unsigned resets; /* stateless resets sent in the second of `resets_at` */
	bool stopped, released;
};

/* --- connections: connection.c --- */

/* Begins a connection with the client's first packet. `original` is the id that it first chose,
 * where that was before a Retry. */
void quic_connection_new(struct quic_listener *q, const struct incoming *in,
	const ngtcp2_pkt_hd *header, const ngtcp2_cid *original);

/* A datagram came. */
void quic_connection_read(struct quic_connection *c, const struct incoming *in);

/* Closes it with a code of the application, or at once where that has no use any more. */
void quic_connection_close(struct quic_connection *c, uint64_t code);

/* Frees it, without a word. */
void quic_connection_free(struct quic_connection *c);

/* It is to be closed with this code of the application, by the end of the round. */
void quic_connection_fail(struct quic_connection *c, uint64_t code);

/* Octets that came were used: the client may send as many more. */
void quic_connection_consumed(struct quic_connection *c, size_t octets);

/* There is something to send: it goes out with what else the round brings. */
void quic_connection_wake(struct quic_connection *c);

/* Counts octets that it holds; false if that is too many: it fails. */
bool quic_connection_charge(struct quic_connection *c, size_t octets);
void quic_connection_discharge(struct quic_connection *c, size_t octets);

/* --- what ngtcp2 and GnuTLS need: session.c --- */

/* Sets up c->conn and c->tls. False if they could not be. */
bool quic_session_start(struct quic_connection *c, const struct incoming *in,
	const ngtcp2_pkt_hd *header, const ngtcp2_cid *original);
void quic_session_end(struct quic_connection *c);

/* --- listeners: listener.c --- */

/* Tells the client to come again with a token (RFC 9000 8.1.2). */
void quic_listener_retry(
	struct quic_listener *q, const struct incoming *in, const ngtcp2_pkt_hd *header);

/* Closes the connection that is idle longest. False if none is. */
bool quic_listener_evict(struct quic_listener *q);

/* Closes the connection that can be missed most, but not `spared`. False if there is none. */
bool quic_listener_save_memory(struct quic_listener *q, const struct quic_connection *spared);

/* Streams that are ready are to be worked on, by the end of the round. */
void quic_listener_wake(struct quic_listener *q);

/* Frees it if nothing uses it any more. */
void quic_listener_done(struct quic_listener *q);

#endif
