/* What `forward` counts. Names, help and labels are CoreDNS's, but for the messages that answer nothing and for handshakes. */
#include "plugins/forward/forward.h"

const struct metric_family forward_rejects = {
	.name = "coredns_forward_max_concurrent_rejects_total",
	.help = "Counter of the number of queries rejected because the concurrent queries were at maximum.",
	.kind = METRIC_COUNTER,
};

const struct metric_family forward_broken = {
	.name = "coredns_forward_healthcheck_broken_total",
	.help = "Counter of the number of complete failures of the healthchecks.",
	.kind = METRIC_COUNTER,
};

static const struct metric_family duration = {
	.name = "coredns_proxy_request_duration_seconds",
	.help = "Histogram of the time each request took.",
	.kind = METRIC_HISTOGRAM,
	.labels = { "proxy_name", "to", "rcode" },
	.buckets = metric_time_buckets,
	.bucket_count = sizeof metric_time_buckets / sizeof *metric_time_buckets,
};

static const struct metric_family check_failures = {
	.name = "coredns_proxy_healthcheck_failures_total",
	.help = "Counter of the number of failed healthchecks.",
	.kind = METRIC_COUNTER,
	.labels = { "proxy_name", "to" },
};

static const struct metric_family hits = {
	.name = "coredns_proxy_conn_cache_hits_total",
	.help = "Counter of connection cache hits per upstream and protocol.",
	.kind = METRIC_COUNTER,
	.labels = { "proxy_name", "to", "proto" },
};

static const struct metric_family misses = {
	.name = "coredns_proxy_conn_cache_misses_total",
	.help = "Counter of connection cache misses per upstream and protocol.",
	.kind = METRIC_COUNTER,
	.labels = { "proxy_name", "to", "proto" },
};

static const struct metric_family ignored = {
	.name = "isthmus_proxy_ignored_messages_total",
	.help = "Counter of messages from upstreams that answer no query: wrong id, question, or late.",
	.kind = METRIC_COUNTER,
	.labels = { "proxy_name", "to" },
};

static const struct metric_family handshakes = {
	.name = "isthmus_proxy_tls_handshakes_total",
	.help = "Counter of TLS handshakes with upstreams, QUIC's too: full and resumed ones, and why others failed: name, expired, untrusted "
		"(of the certificate), refused (by the upstream), broken.",
	.kind = METRIC_COUNTER,
	.labels = { "proxy_name", "to", "result" },
};

const struct metric_family *const forward_metrics[] = {
	&forward_broken,
	&forward_rejects,
	&duration,
	&check_failures,
	&hits,
	&misses,
	&ignored,
	&handshakes,
	NULL,
};

/* The series at `at`, made now if it is not there: label values proxy_name, to, and a third where the family has one. */
static struct metric *series(_Atomic(struct metric *) *at, const struct metric_family *family,
	const struct forward_upstream *u, struct view third)
{
	struct metric *m = atomic_load_explicit(at, memory_order_acquire);
	if (!m) {
		m = metric_get(family, (struct view[]){ VIEW("forward"), u->name, third });
		atomic_store_explicit(at, m, memory_order_release);
	}
	return m;
}

void forward_count(struct upstream *net, enum upstream_event event)
{
	static const struct {
		const struct metric_family *family;
		const char *third;
	} counted[UPSTREAM_EVENTS] = {
		[UPSTREAM_HIT_UDP] = { &hits, "udp" },
		[UPSTREAM_HIT_TCP] = { &hits, "tcp" },
		[UPSTREAM_MISS_UDP] = { &misses, "udp" },
		[UPSTREAM_MISS_TCP] = { &misses, "tcp" },
		[UPSTREAM_IGNORED] = { &ignored, "" },
		[UPSTREAM_HIT_TLS] = { &hits, "tcp-tls" },
		[UPSTREAM_MISS_TLS] = { &misses, "tcp-tls" },
		[UPSTREAM_HIT_QUIC] = { &hits, "quic" },
		[UPSTREAM_MISS_QUIC] = { &misses, "quic" },
		[UPSTREAM_TLS_FULL] = { &handshakes, "full" },
		[UPSTREAM_TLS_RESUMED] = { &handshakes, "resumed" },
		[UPSTREAM_TLS_NAME] = { &handshakes, "name" },
		[UPSTREAM_TLS_EXPIRED] = { &handshakes, "expired" },
		[UPSTREAM_TLS_UNTRUSTED] = { &handshakes, "untrusted" },
		[UPSTREAM_TLS_REFUSED] = { &handshakes, "refused" },
		[UPSTREAM_TLS_BROKEN] = { &handshakes, "broken" },
	};
	struct forward_upstream *u = (struct forward_upstream *)net;
	metric_add(series(&u->events[event], counted[event].family, u, view_of(counted[event].third)), 1);
}

void forward_count_check(struct forward_upstream *u)
{
	metric_add(series(&u->check_failures, &check_failures, u, VIEW("")), 1);
}

void forward_observe(struct forward_upstream *u, uint16_t rcode, uint64_t ns)
{
	_Atomic(struct metric *) rare = NULL, *at = rcode < RCODES_COUNTED ? &u->durations[rcode] : &rare;
	struct metric *m = atomic_load_explicit(at, memory_order_acquire);
	char text[MNEMONIC_MAX];
	if (!m)
		m = series(at, &duration, u, view_of(rcode_print(rcode, text)));
	metric_observe(m, (double)ns / (double)NS_PER_S);
}
