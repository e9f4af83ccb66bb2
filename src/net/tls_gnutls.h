/* Credentials as GnuTLS has them: for the module's own files (TLS, QUIC), nobody else. */
#ifndef ISTHMUS_NET_TLS_GNUTLS_H
#define ISTHMUS_NET_TLS_GNUTLS_H

#include "net/tls_session.h"

#include <gnutls/gnutls.h>

/* What the session is for decides on versions and ciphers. */
enum tls_use {
	TLS_OVER_TCP, /* TLS 1.2 and 1.3 */
	TLS_IN_QUIC,  /* TLS 1.3 alone (RFC 9001) */
	TLS_USES,
};

/*
 * Makes a session that gnutls_init() gave, with GNUTLS_SERVER, one of these credentials: versions and ciphers, certificate, what
 * is asked of clients, tickets, key log, ALPN as tls_session_server() takes it. The session must not outlive the caller's
 * reference; its gnutls_db_ptr is taken, its session pointer (gnutls_session_set_ptr) is the caller's. Gives what GnuTLS
 * gives: negative for an error.
 */
int tls_set_up_server(gnutls_session_t session, struct tls_credentials *c, enum tls_use use,
	const char *const *alpn, bool alpn_required);

/* What a server's certificate must be good for. */
struct tls_wanted {
	gnutls_typed_vdata_st data[2];
};

/* The same with GNUTLS_CLIENT: trust, the name that is verified, own certificate, resumption. peer->name and `wanted`, which is
 * filled in, must live as long as the session. */
int tls_set_up_client(gnutls_session_t session, struct tls_credentials *c, enum tls_use use,
	const struct tls_peer *peer, struct tls_wanted *wanted);

/* What a client's session can be resumed with, as tls_session_save() gives it. */
size_t tls_save(gnutls_session_t session, uint8_t *to, size_t room);

/* Why a handshake (or what came after it) failed, from GnuTLS's error; and as a text. */
enum tls_failure tls_failure_of(gnutls_session_t session, int error);
const char *tls_failure_text(enum tls_failure f);

extern const struct tls_credentials_functions tls_credentials_functions;
extern const struct tls_session_functions tls_session_functions;

#endif
