/* What https:// and grpc:// listeners serve, and their limits. */
#ifndef ISTHMUS_SERVER_HTTP_SERVICE_H
#define ISTHMUS_SERVER_HTTP_SERVICE_H

#include "server/listener.h"

/* Whether connections of this scheme speak HTTP over TCP. */
bool scheme_is_http(enum scheme s);

/* For a worker of a listener of such a scheme: what its connections speak (all of it but handler
 * and listener), by what their sessions are set up, and their limits. `http` stays as long as the
 * worker serves them. */
void http_service_set(
	struct tcp_service *service, const struct http2_settings *http, enum scheme s);
struct http2_settings http_settings_of(struct listener *l, const struct endpoint_group *g);
struct tcp_limits http_limits_of(const struct endpoint_group *g, unsigned workers);

#endif
