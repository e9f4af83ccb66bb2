/*
 * Encrypted transports and HTTP are a module of their own, isthmus-transports.so: with it come GnuTLS, nghttp2 and ngtcp2,
 * some 3 MiB that a server of plain DNS does not pay. It is loaded when a configuration first needs it.
 *
 * What the module offers is in `transports`: a table of functions for each subject, with wrappers of the usual form in the
 * subject's header (tls_session.h ...), so that code on either side reads the same. The module itself uses the
 * executable's functions by name. In src/net/meson.build, transports_sources are what the module is made of; nothing else may
 * include a header of GnuTLS, nghttp2, nghttp3 or ngtcp2.
 */
#ifndef ISTHMUS_NET_TRANSPORTS_H
#define ISTHMUS_NET_TRANSPORTS_H

#include "base/arena.h"

struct tls_credentials_functions;
struct tls_session_functions;
struct quic_functions;
struct quic_client_functions;
struct http2_functions;
struct http2_client_functions;

struct transports {
	const struct tls_credentials_functions *credentials;
	const struct tls_session_functions *session;
	const struct quic_functions *quic;
	const struct quic_client_functions *quic_client;
	const struct http2_functions *http2;
	const struct http2_client_functions *http2_client;
};

/* NULL until it is loaded; then the same for good. */
extern const struct transports *transports;

/* Loads the module, if it is not loaded yet. False with *why (in the arena). Control thread, before a worker uses anything of
 * it. */
bool transports_load(struct arena *arena, const char **why);

/* The symbol that is looked up in the module. */
#define TRANSPORTS_SYMBOL "isthmus_transports"
extern const struct transports isthmus_transports;

#endif
