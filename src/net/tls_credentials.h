/*
 * What one end of a TLS connection knows of itself and whom it trusts: certificate, key, authorities, what is asked of clients,
 * the key of session tickets. Read from files, immutable, shared by all workers, by TLS and by QUIC.
 *
 * Lifetime: a count of references, since a connection outlives the reload that replaces what it was made with. Loading gives the
 * caller one; each session holds one. Counting is atomic and happens once a connection, never for a query. Whoever publishes
 * credentials in an atomic pointer for workers to pick up drops its own reference by epoch_retire() after it has replaced
 * the pointer: a worker that has just read the pointer can still take its reference.
 */
#ifndef ISTHMUS_NET_TLS_CREDENTIALS_H
#define ISTHMUS_NET_TLS_CREDENTIALS_H

#include "base/arena.h"
#include "net/transports.h"

struct tls_credentials;

/* What a server asks of its clients. */
enum client_auth {
	CLIENT_AUTH_NONE,
	CLIENT_AUTH_REQUEST,            /* a certificate is asked for, and not looked at */
	CLIENT_AUTH_REQUIRE,            /* there must be one, whoever issued it */
	CLIENT_AUTH_VERIFY_IF_GIVEN,    /* there need not be one, but a given one must be valid */
	CLIENT_AUTH_REQUIRE_AND_VERIFY,
};

/* A certificate with its issuers, and its key: PEM files. */
struct tls_pair {
	const char *certificate, *key;
};

struct tls_settings {
	bool is_client;          /* for connections that we open */
	const char *certificate; /* PEM: the own certificate, then its issuers. NULL: none, as a client may */
	const char *key;         /* PEM */
	const struct tls_pair *others; /* of a server: a client gets the one for the name that it asks for (SNI), the first else */
	size_t other_count;
	const char *authorities; /* PEM: whom to trust. NULL: whom the system trusts */
	enum client_auth client_auth;
	int keylog;              /* a descriptor that secrets are appended to (NSS key log format); -1: none. Not closed */
};

struct tls_credentials_functions {
	struct tls_credentials *(*load)(const struct tls_settings *settings,
		const struct tls_credentials *before, struct arena *arena, const char **why);
	void (*retain)(struct tls_credentials *c);
	void (*release)(struct tls_credentials *c);
	int64_t (*expires)(const struct tls_credentials *c);
};

/*
 * Reads the files. NULL with *why (in the arena), which names the file and what is wrong with it. A certificate that has
 * expired is no error: see tls_credentials_expires(). `before` are credentials that these replace, or NULL: where what is asked
 * of clients is the same, sessions that began with those may be resumed with these. transports_load() comes first. Control
 * thread.
 */
static inline struct tls_credentials *tls_credentials_load(const struct tls_settings *settings,
	const struct tls_credentials *before, struct arena *arena, const char **why)
{
	return transports->credentials->load(settings, before, arena, why);
}

/* One reference more (less; with the last one they are freed). Any thread. */
static inline void tls_credentials_retain(struct tls_credentials *c)
{
	transports->credentials->retain(c);
}

static inline void tls_credentials_release(struct tls_credentials *c)
{
	transports->credentials->release(c);
}

/* When the own certificate (not the others) expires, in seconds since 1970; INT64_MAX without one. */
static inline int64_t tls_credentials_expires(const struct tls_credentials *c)
{
	return transports->credentials->expires(c);
}

#endif
