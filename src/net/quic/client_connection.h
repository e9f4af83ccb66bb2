/* A client's QUIC connection, its calls, and what is spoken on their streams. */
#ifndef ISTHMUS_NET_QUIC_CLIENT_CONNECTION_H
#define ISTHMUS_NET_QUIC_CLIENT_CONNECTION_H

#include "base/text.h"
#include "net/quic/client.h"
#include "net/quic/packet.h"
#include "net/tls_gnutls.h"

#include <ngtcp2/ngtcp2_crypto.h>

struct quic_call_queue {
	struct quic_call *first, *last;
};

/* Lives until its stream is closed, wherever it was answered: what is sent may have to be sent again. */
struct quic_call {
	struct quic_call *next, **link; /* of the connection */
	struct quic_call *behind;       /* in the queue that it stands in */
	bool queued;
	int64_t id; /* of its stream; -1: it waits for one */
	void *of;   /* NULL: nobody wants the answer any more */
	bool closed;
	struct http_client_request request; /* HTTP/3: its values are in `fields`; its body is what is sent */
	char *fields;
	uint8_t *sent;
	size_t sent_length, sent_at;
	struct text body; /* what came */
	struct quic_answer answer; /* once it is finished; its body is set when it is handed over */
	bool finished;
};

/* What is spoken on the streams. A call is NULL where the stream is not one of calls. */
struct quic_client_application {
	const char *alpn[2];
	uint64_t stream_window;          /* octets of an answer's stream that the server may send */
	uint64_t unidirectional_streams; /* that the server may open */
	uint64_t no_error, cancelled, protocol_error; /* its codes for these */
	uint64_t rejected; /* and for a call that the server has not begun with; 0: there is none */
	bool (*open)(struct quic_client *c);    /* after the handshake. False: it is closed */
	void (*release)(struct quic_client *c); /* frees c->state */
	bool (*begin)(struct quic_client *c, struct quic_call *call); /* it has a stream now */
	void (*receive)(struct quic_client *c, struct quic_call *call, int64_t id,
		const uint8_t *octets, size_t length, bool ended);
	/* What to send next; leaves id -1 where there is nothing. False: broken. */
	bool (*next)(struct quic_client *c, struct quic_output *out);
	void (*sent)(struct quic_client *c, const struct quic_output *out, size_t octets);
	/* It cannot be sent now, or not at all any more; it can again. */
	void (*blocked)(struct quic_client *c, const struct quic_output *out, bool for_good);
	void (*unblocked)(struct quic_client *c, struct quic_call *call, int64_t id);
	void (*acknowledged)(struct quic_client *c, int64_t id, uint64_t octets);
	void (*closed)(struct quic_client *c, int64_t id, uint64_t code);
};

extern const struct quic_client_application quic_client_doq, quic_client_http3;

struct quic_client {
	const struct quic_client_application *application;
	struct quic_client_settings settings;
	ngtcp2_conn *conn;
	gnutls_session_t tls;
	struct tls_wanted wanted;
	ngtcp2_crypto_conn_ref reference;
	struct quic_call *calls; /* all */
	struct quic_call_queue waiting;  /* for a stream */
	struct quic_call_queue sending;  /* DNS over QUIC */
	struct quic_call_queue finished; /* to be handed over */
	void *state; /* the application's */
	enum quic_client_state progress;
	enum quic_client_end why;
	uint64_t code;
	bool leaves, reset;
};

/* The connection is broken: what is spoken on it was wrong. The server is told. */
void quic_client_fail(struct quic_client *c, uint64_t code);

/* Octets of a stream were used: the server may send as many more, on it and on the connection. */
void quic_client_consumed(struct quic_client *c, int64_t id, size_t octets);

/* --- calls: client_call.c --- */

struct quic_call *quic_call_new(struct quic_client *c, struct view sent, void *of);
void quic_calls_free(struct quic_client *c);

void quic_call_append(struct quic_call_queue *q, struct quic_call *call);

/* The first that somebody still wants; those before it are dropped. */
struct quic_call *quic_call_first(struct quic_call_queue *q);

/* Takes out the first. */
struct quic_call *quic_call_take(struct quic_call_queue *q);

/* Keeps octets of its answer. False if it would be too long. */
bool quic_call_keep(struct quic_call *call, const uint8_t *octets, size_t length);

/* It is answered, or will not be: it is handed over when no callback runs. */
void quic_call_finish(struct quic_client *c, struct quic_call *call, const struct quic_answer *answer);

/* Its stream is closed, or there never was one: frees it as soon as it stands in no queue. */
void quic_call_close(struct quic_call *call);

/* Hands over what is finished. */
void quic_calls_deliver(struct quic_client *c);

#endif
