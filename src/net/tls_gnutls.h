/* Credentials as GnuTLS has them: for the module's own files (TLS, QUIC), nobody else. */
#ifndef ISTHMUS_NET_TLS_GNUTLS_H
#define ISTHMUS_NET_TLS_GNUTLS_H

#include "net/tls_session.h"

#include <gnutls/gnutls.h>

/*
 * Makes a session that gnutls_init() gave, with GNUTLS_SERVER or GNUTLS_CLIENT, one of these credentials: certificate, trust,
 * what is asked of clients, tickets, key log, ALPN (a list ended by NULL, or NULL; with `alpn_required` a peer that offers none
 * of them is refused). The priority string, and for clients the name that is verified, too. The session must not outlive the
 * caller's reference. Gives what GnuTLS gives: negative for an error.
 */
int tls_set_up_server(gnutls_session_t session, const struct tls_credentials *c,
	const char *const *alpn, bool alpn_required, const char *priority);
int tls_set_up_client(gnutls_session_t session, const struct tls_credentials *c,
	const struct tls_peer *peer, const char *priority);

/* The priority strings: TLS 1.2 and 1.3; 1.3 alone, as QUIC has it. */
extern const char tls_priority[], tls_priority_quic[];

/* Why a handshake failed, from GnuTLS's error. */
enum tls_failure tls_failure_of(gnutls_session_t session, int error);

#endif
