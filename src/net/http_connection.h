/* HTTP as a protocol of TCP connections: HTTP/2 where TLS agreed on it or the service knows no
 * other, else HTTP/1.1. */
#ifndef ISTHMUS_NET_HTTP_CONNECTION_H
#define ISTHMUS_NET_HTTP_CONNECTION_H

#include "net/http2.h"
#include "net/tcp.h"

/* `options` of a struct tcp_service with one of these is a const struct http2_settings, which stays
 * as long as the listener. The transports' module must be loaded. */
extern const struct connection_protocol https_protocol; /* by ALPN, or HTTP/1.1 */
extern const struct connection_protocol http2_protocol; /* HTTP/2 always */

/* What TLS is to offer for each. */
extern const char *const https_alpn[], *const http2_alpn[];

#endif
