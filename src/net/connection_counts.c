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
};

static _Atomic(struct metric *) open_series[TRANSPORTS], cut_series[TRANSPORTS][CONNECTION_CUTS];

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
