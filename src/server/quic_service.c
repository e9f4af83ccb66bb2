/* DNS over QUIC and over HTTP/3 as the server has them. */
#include "server/quic_service.h"

#include "net/doh.h"
#include <stdio.h>

enum { HTTPS3_CONNECTIONS = 200, HTTPS3_STREAMS_OF_NONE = 100 };

const struct metric_family quic_responses_total = {
	.name = "coredns_dns_quic_responses_total",
	.help = "Counter of DoQ responses per server and QUIC application code.",
	.kind = METRIC_COUNTER,
	.labels = { "server", "status" },
};

/* The series of the code that nearly all answers have is remembered. */
static void count_code(void *listener, uint64_t code)
{
	struct listener *l = listener;
	struct metric *m = code ? NULL : atomic_load_explicit(&l->quic_answered, memory_order_acquire);
	if (!m) {
		char text[24];
		snprintf(text, sizeof text, "0x%llx", (unsigned long long)code);
		m = metric_get(&quic_responses_total, (struct view[]){ view_of(l->name), view_of(text) });
		if (!code)
			atomic_store_explicit(&l->quic_answered, m, memory_order_release);
	}
	metric_add(m, 1);
}

static void count_status(void *listener, uint64_t status)
{
	struct listener *l = listener;
	http_count_response(&l->http, (unsigned)status);
}

struct quic_service quic_service_of(struct listener *l, unsigned worker, incoming_handler *handle)
{
	bool http = l->scheme == SCHEME_HTTPS3;
	return (struct quic_service){
		.application = http ? transports->quic->http3 : transports->quic->doq,
		.credentials = listener_credentials,
		.proxies = listener_proxies,
		.http3 = &doh_service,
		.counted = http ? count_status : count_code,
		.shared = l->quic,
		.worker = worker,
		.handle = handle,
		.listener = l,
	};
}

static size_t at_least_one(size_t n)
{
	return n ? n : 1;
}

struct quic_limits quic_limits_of(const struct endpoint_group *g, unsigned workers)
{
	const struct transport_limits *set = &g->transport_limits;
	struct quic_limits limits = quic_limits_default;
	limits.read = g->limits.read;
	limits.idle = g->limits.idle;
	if (set->streams.set)
		limits.streams = set->streams.most ? set->streams.most : HTTPS3_STREAMS_OF_NONE;
	if (set->active.set)
		limits.active = set->active.most;
	limits.active = at_least_one(limits.active / workers);
	if (g->scheme == SCHEME_HTTPS3)
		limits.connections = HTTPS3_CONNECTIONS;
	if (set->connections.set)
		limits.connections = set->connections.most ? set->connections.most : SIZE_MAX;
	limits.memory = at_least_one(limits.memory / workers);
	return limits;
}
