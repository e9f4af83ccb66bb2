/*
 * A client's end of a QUIC connection (RFC 9000) without sockets: datagrams in, datagrams out; queries and requests in, each on a
 * stream of its own, answers out. It speaks DNS over dedicated QUIC connections (RFC 9250) or HTTP/3 (RFC 9114). A connection
 * belongs to one thread; no function waits. What the server does not take at once waits its turn.
 */
#ifndef ISTHMUS_NET_QUIC_CLIENT_H
#define ISTHMUS_NET_QUIC_CLIENT_H

#include "net/endpoint.h"
#include "net/http_client.h"
#include "net/tls_session.h"
#include "net/transports.h"

struct quic_client;
struct quic_call; /* one query or request, until it is answered */

/* What came on a call's stream. */
struct quic_answer {
	bool whole;     /* else the server has broken it off with `code`, or the connection has ended */
	bool untouched; /* it has not begun with it: it may be asked again */
	uint64_t code;
	unsigned status;  /* HTTP/3 */
	struct view body; /* a DNS message, or HTTP/3's body */
};

/* Whom a connection is opened to, and who is told. Copied; what `peer` points to must live as long as the connection. */
struct quic_client_settings {
	struct tls_credentials *credentials; /* the client takes a reference */
	struct tls_peer peer;                /* without ALPN */
	bool http3;                          /* else DNS over QUIC */
	struct endpoint local, remote;
	uint64_t idle; /* ns until the connection is forgotten when nothing comes */
	void *owner;
	void (*send)(void *owner, const uint8_t *datagram, size_t length);
	/* From within quic_client_receive() and quic_client_expire(). `of` is what the call was made with. */
	void (*answered)(void *owner, void *of, const struct quic_answer *answer);
};

enum quic_client_state {
	QUIC_CLIENT_SHAKING_HANDS,
	QUIC_CLIENT_OPEN,
	QUIC_CLIENT_ENDED,
};

enum quic_client_end {
	QUIC_END_SILENCE, /* nothing came any more */
	QUIC_END_CLOSED,  /* the server has closed it, with an error's code; or it has lost it */
	QUIC_END_TLS,     /* the code is an enum tls_failure */
	QUIC_END_BROKEN,  /* what came is no valid QUIC, or what is spoken on it was wrong */
};

struct quic_client_functions {
	struct quic_client *(*new)(const struct quic_client_settings *settings);
	void (*free)(struct quic_client *c);
	void (*receive)(struct quic_client *c, const uint8_t *datagram, size_t length);
	void (*expire)(struct quic_client *c);
	uint64_t (*expires)(const struct quic_client *c);
	struct quic_call *(*ask)(struct quic_client *c, struct view message, void *of);
	struct quic_call *(*request)(
		struct quic_client *c, const struct http_client_request *r, void *of);
	void (*cancel)(struct quic_client *c, struct quic_call *call);
	void (*flush)(struct quic_client *c);
	enum quic_client_state (*state)(const struct quic_client *c);
	enum quic_client_end (*end)(const struct quic_client *c, uint64_t *code);
	bool (*leaves)(const struct quic_client *c);
	bool (*resumed)(const struct quic_client *c);
	size_t (*save)(struct quic_client *c, uint8_t *to, size_t room);
};

extern const struct quic_client_functions quic_client_functions; /* the module's own */

/* Nothing is sent before quic_client_flush(). NULL: TLS cannot be set up. */
static inline struct quic_client *quic_client_new(const struct quic_client_settings *settings)
{
	return transports->quic_client->new(settings);
}

/* Tells the server, and frees it; calls that are left are not answered. */
static inline void quic_client_free(struct quic_client *c)
{
	transports->quic_client->free(c);
}

/* A datagram came. */
static inline void quic_client_receive(struct quic_client *c, const uint8_t *datagram, size_t length)
{
	transports->quic_client->receive(c, datagram, length);
}

/* The time has come that quic_client_expires() says: of the monotonic clock, UINT64_MAX: never. It changes with each call of the
 * functions here. */
static inline void quic_client_expire(struct quic_client *c)
{
	transports->quic_client->expire(c);
}

static inline uint64_t quic_client_expires(const struct quic_client *c)
{
	return transports->quic_client->expires(c);
}

/* Asks a DNS message, whose id must be 0 (RFC 9250 4.2.1), to be sent by the next flush. NULL if the connection takes no more. */
static inline struct quic_call *quic_client_ask(struct quic_client *c, struct view message, void *of)
{
	return transports->quic_client->ask(c, message, of);
}

/* The same with a request of HTTP/3. */
static inline struct quic_call *quic_client_request(
	struct quic_client *c, const struct http_client_request *r, void *of)
{
	return transports->quic_client->request(c, r, of);
}

/* Nobody wants the answer any more. */
static inline void quic_client_cancel(struct quic_client *c, struct quic_call *call)
{
	transports->quic_client->cancel(c, call);
}

/* Sends what there is to send and may be sent now. */
static inline void quic_client_flush(struct quic_client *c)
{
	transports->quic_client->flush(c);
}

static inline enum quic_client_state quic_client_state(const struct quic_client *c)
{
	return transports->quic_client->state(c);
}

/* Why it has ended; for all but QUIC_END_SILENCE with a code: 0 where there was no error. */
static inline enum quic_client_end quic_client_end(const struct quic_client *c, uint64_t *code)
{
	return transports->quic_client->end(c, code);
}

/* The server takes no more requests (GOAWAY). */
static inline bool quic_client_leaves(const struct quic_client *c)
{
	return transports->quic_client->leaves(c);
}

/* As tls_session_resumed() and tls_session_save(). */
static inline bool quic_client_resumed(const struct quic_client *c)
{
	return transports->quic_client->resumed(c);
}

static inline size_t quic_client_save(struct quic_client *c, uint8_t *to, size_t room)
{
	return transports->quic_client->save(c, to, room);
}

#endif
