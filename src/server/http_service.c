/* DNS over HTTPS and gRPC as the server has them. */
#include "server/http_service.h"

#include "net/doh.h"
#include "net/grpc.h"
#include "net/http_connection.h"

enum {
	CONNECTIONS = 200,
	HTTPS_STREAMS = 250,
	GRPC_STREAMS = 256,
	STREAMS_OF_NO_LIMIT = 65536,
};

static const uint64_t grpc_idle =
	3600 * NS_PER_S; /* clients keep channels open for their next call */

bool scheme_is_http(enum scheme s)
{
	return s == SCHEME_HTTPS || s == SCHEME_GRPC;
}

void http_service_set(struct tcp_service *service, const struct http2_settings *http, enum scheme s)
{
	bool grpc = s == SCHEME_GRPC;
	service->transport = http->service->http2;
	service->protocol = grpc ? &http2_protocol : &https_protocol;
	service->alpn = grpc ? http2_alpn : https_alpn;
	service->alpn_required = true;
	service->options = http;
}

static uint32_t streams_of(const struct endpoint_group *g)
{
	const struct transport_limit *set = &g->transport_limits.streams;
	if (!set->set)
		return g->scheme == SCHEME_GRPC ? GRPC_STREAMS : HTTPS_STREAMS;
	return set->most && set->most < STREAMS_OF_NO_LIMIT ? set->most : STREAMS_OF_NO_LIMIT;
}

struct http2_settings http_settings_of(struct listener *l, const struct endpoint_group *g)
{
	return (struct http2_settings){
		.service = l->scheme == SCHEME_GRPC ? &grpc_service : &doh_service,
		.streams = streams_of(g),
		.counts = &l->http,
	};
}

/* The limit is the listener's: each worker has its part of it, and one at least. */
struct tcp_limits http_limits_of(const struct endpoint_group *g, unsigned workers)
{
	const struct transport_limit *set = &g->transport_limits.connections;
	struct tcp_limits limits = g->limits;
	size_t connections = set->set ? set->most : CONNECTIONS;
	limits.connections = connections ? (connections + workers - 1) / workers : SIZE_MAX;
	limits.waits_when_full = true;
	limits.pipelined = streams_of(g);
	limits.queries = -1;
	if (g->scheme == SCHEME_GRPC && limits.idle == tcp_limits_default.idle)
		limits.idle = grpc_idle;
	return limits;
}
