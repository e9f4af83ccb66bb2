/* Counting connections: each series is looked up once, whoever needs it first. */
#include "net/connection_counts.h"

#include "base/metrics.h"

#include <stdatomic.h>

static const struct metric_family open_now = {
	.name = "isthmus_connections_open",
	.help = "Connections of clients that are open.",
	.kind = METRIC_GAUGE,
	.labels = { "proto" },
};

static const struct metric_family cut_total = {
	.name = "isthmus_connections_cut_total",
	.help = "Counter of connections of clients that a limit closed.",
	.kind = METRIC_COUNTER,
	.labels = { "proto", "reason" },
};

static const char *const reasons[CONNECTION_CUTS] = {
	[CONNECTION_EVICTED] = "evicted",
	[CONNECTION_SLOW_READER] = "slow_reader",
	[CONNECTION_SLOW_WRITER] = "slow_writer",
	[CONNECTION_IDLE] = "idle",
	[CONNECTION_SLOW_HANDSHAKE] = "slow_handshake",
	[CONNECTION_HANDSHAKES_FULL] = "handshakes_full",
	[CONNECTION_CLIENT_FULL] = "client_full",
	[CONNECTION_SURPLUS] = "surplus",
	[CONNECTION_OVERDRAWN] = "memory",
};

static const struct metric_family full_total = {
	.name = "isthmus_connections_full_total",
	.help = "Counter of times that no more connections were accepted until one closed.",
	.kind = METRIC_COUNTER,
	.labels = { "proto" },
};

static const struct metric_family headers_refused_total = {
	.name = "isthmus_proxy_protocol_refused_total",
	.help = "Counter of headers of the PROXY protocol that were refused, with what came behind them.",
	.kind = METRIC_COUNTER,
	.labels = { "proto" },
};

static const struct metric_family handshakes_total = {
	.name = "isthmus_tls_handshakes_total",
	.help = "Counter of TLS handshakes with clients, by how they ended.",
	.kind = METRIC_COUNTER,
	.labels = { "proto", "result" },
};

static const char *const results[HANDSHAKES] = {
	[HANDSHAKE_FULL] = "full",
	[HANDSHAKE_RESUMED] = "resumed",
	[HANDSHAKE_FAILED] = "failed",
	[HANDSHAKE_ABANDONED] = "abandoned",
};

static const struct metric_family retries_total = {
	.name = "isthmus_quic_retries_total",
	.help = "Counter of QUIC clients that had to show that their address is their own.",
	.kind = METRIC_COUNTER,
	.labels = { "proto" },
};

static const struct metric_family resets_total = {
	.name = "isthmus_quic_stateless_resets_total",
	.help = "Counter of stateless resets sent, for packets of QUIC connections that are not known.",
	.kind = METRIC_COUNTER,
	.labels = { "proto" },
};

static _Atomic(struct metric *) open_series[TRANSPORTS], cut_series[TRANSPORTS][CONNECTION_CUTS],
	full_series[TRANSPORTS], refused_series[TRANSPORTS], retry_series[TRANSPORTS], reset_series[TRANSPORTS],
	handshake_series[TRANSPORTS][HANDSHAKES];

static struct metric *series(_Atomic(struct metric *) *at, const struct metric_family *family,
	enum transport t, const char *reason)
{
	struct metric *m = atomic_load_explicit(at, memory_order_acquire);
	if (!m) {
		m = metric_get(family, (struct view[]){ view_of(transport_name(t)), view_of(reason) });
		atomic_store_explicit(at, m, memory_order_release);
	}
	return m;
}

void connection_count_open(enum transport t, int change)
{
	metric_shift(series(&open_series[t], &open_now, t, ""), change);
}

void connection_count_cut(enum transport t, enum connection_cut why)
{
	metric_add(series(&cut_series[t][why], &cut_total, t, reasons[why]), 1);
}

void connection_count_full(enum transport t)
{
	metric_add(series(&full_series[t], &full_total, t, ""), 1);
}

void connection_count_handshake(enum transport t, enum handshake h)
{
	metric_add(series(&handshake_series[t][h], &handshakes_total, t, results[h]), 1);
}

void connection_count_retry(enum transport t)
{
	metric_add(series(&retry_series[t], &retries_total, t, ""), 1);
}

void connection_count_reset(enum transport t)
{
	metric_add(series(&reset_series[t], &resets_total, t, ""), 1);
}

void connection_count_header_refused(enum transport t)
{
	metric_add(series(&refused_series[t], &headers_refused_total, t, ""), 1);
}
