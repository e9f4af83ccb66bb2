/*
 * A TLS session without sockets, for servers and clients: ciphertext in, plaintext out, and the other way round. It keeps no
 * octets of ours: what it sends goes to its owner at once, and what it is given it takes in whole. A session belongs to one
 * thread; no function waits.
 */
#ifndef ISTHMUS_NET_TLS_SESSION_H
#define ISTHMUS_NET_TLS_SESSION_H

#include "base/view.h"
#include "net/tls_credentials.h"

#include <stdint.h>

struct tls_session;

enum { TLS_RECORD_MAX = 16384 }; /* octets of plaintext in one record */

enum tls_state {
	TLS_HANDSHAKING,
	TLS_OPEN,
	TLS_ENDED,  /* the peer has said that it sends no more; we may still */
	TLS_FAILED, /* nothing comes or goes any more; what was sent last may be an alert for the peer */
};

enum tls_failure {
	TLS_NO_FAILURE,
	TLS_FAILURE_PROTOCOL,      /* what came is no TLS, or no valid TLS */
	TLS_FAILURE_VERSION,       /* no version, cipher or group in common */
	TLS_FAILURE_ALPN,          /* no protocol in common */
	TLS_FAILURE_ALERT,         /* the peer refused */
	TLS_FAILURE_NO_CERTIFICATE, /* the peer has none */
	TLS_FAILURE_UNTRUSTED,     /* nobody that is trusted has issued it, or the chain is not complete */
	TLS_FAILURE_EXPIRED,       /* or not valid yet */
	TLS_FAILURE_NAME,          /* it is for another name */
	TLS_FAILURES,
};

/* Where ciphertext goes: called from within the functions below, once for each record. */
struct tls_output {
	void (*write)(void *owner, const uint8_t *octets, size_t length);
	void *owner;
};

/* Whom a client wants to speak to. */
struct tls_peer {
	const char *name;         /* a host's name or an IP address as text: must be in the certificate. Never NULL */
	const char *const *alpn;  /* in order of preference, ended by NULL; NULL: none */
	struct view resume;       /* what tls_session_save() gave of an earlier session with it; empty: none */
};

struct tls_session_functions {
	struct tls_session *(*server)(struct tls_credentials *c, const char *const *alpn,
		bool alpn_required, struct tls_output output);
	struct tls_session *(*client)(struct tls_credentials *c, const struct tls_peer *peer,
		struct tls_output output);
	void (*free)(struct tls_session *s);
	enum tls_state (*receive)(struct tls_session *s, const uint8_t *from, size_t length,
		uint8_t *to, size_t room, size_t *got);
	void (*send)(struct tls_session *s, const uint8_t *octets, size_t length);
	void (*end)(struct tls_session *s);
	enum tls_state (*state)(const struct tls_session *s);
	enum tls_failure (*failure)(const struct tls_session *s);
	const char *(*error)(const struct tls_session *s);
	struct view (*alpn)(const struct tls_session *s);
	bool (*resumed)(const struct tls_session *s);
	size_t (*save)(struct tls_session *s, uint8_t *to, size_t room);
};

/*
 * A server's session. `alpn` is what a client may choose from, best first, ended by NULL, and lives as long as the session; NULL:
 * whatever a client offers is passed over. With `alpn_required` clients that offer only others are refused. Holds a
 * reference to the credentials. NULL: no memory for it.
 */
static inline struct tls_session *tls_session_server(struct tls_credentials *c,
	const char *const *alpn, bool alpn_required, struct tls_output output)
{
	return transports->session->server(c, alpn, alpn_required, output);
}

/* A client's. The peer's certificate is verified always: its chain, its time and its name. tls_session_receive() without octets
 * begins the handshake. */
static inline struct tls_session *tls_session_client(
	struct tls_credentials *c, const struct tls_peer *peer, struct tls_output output)
{
	return transports->session->client(c, peer, output);
}

static inline void tls_session_free(struct tls_session *s)
{
	transports->session->free(s);
}

/*
 * Takes all ciphertext that came, goes on with the handshake, and puts the plaintext into `to`: `got` octets. `room` must be at
 * least length + TLS_RECORD_MAX. Gives the state after it; octets may have come also where it is TLS_ENDED or TLS_FAILED.
 */
static inline enum tls_state tls_session_receive(struct tls_session *s, const uint8_t *from,
	size_t length, uint8_t *to, size_t room, size_t *got)
{
	return transports->session->receive(s, from, length, to, room, got);
}

/* Sends plaintext, in as few records as it takes: one call, one record (up to TLS_RECORD_MAX). Only after the handshake;
 * nothing happens to a session that has failed. */
static inline void tls_session_send(struct tls_session *s, const uint8_t *octets, size_t length)
{
	transports->session->send(s, octets, length);
}

/* Tells the peer that no more comes (close_notify). */
static inline void tls_session_end(struct tls_session *s)
{
	transports->session->end(s);
}

static inline enum tls_state tls_session_state(const struct tls_session *s)
{
	return transports->session->state(s);
}

static inline enum tls_failure tls_session_failure(const struct tls_session *s)
{
	return transports->session->failure(s);
}

/* Why it failed, for logs and errors: a static text, "the certificate is for another name". */
static inline const char *tls_session_error(const struct tls_session *s)
{
	return transports->session->error(s);
}

/* The protocol that was agreed on; empty: none. Lives as long as the session. */
static inline struct view tls_session_alpn(const struct tls_session *s)
{
	return transports->session->alpn(s);
}

/* Whether it went on from an earlier session, without a full handshake. */
static inline bool tls_session_resumed(const struct tls_session *s)
{
	return transports->session->resumed(s);
}

/* A client's: what to resume it with, once the server has sent a ticket (with TLS 1.3 some octets after the handshake). Gives its
 * length; 0: there is none, or it does not fit (2 KiB do, as a rule). */
static inline size_t tls_session_save(struct tls_session *s, uint8_t *to, size_t room)
{
	return transports->session->save(s, to, room);
}

#endif
