/* Whether a listener sheds, and counting what it drops. */
#include "server/shed.h"

#include "server/listener.h"

const struct metric_family shed_dropped_total = {
	.name = "coredns_shed_dropped_total",
	.help = "Counter of queries and responses dropped, per server, by reason.",
	.kind = METRIC_COUNTER,
	.labels = { "server", "reason" },
};

static bool wanted(void *listener)
{
	const struct listener *l = listener;
	return atomic_load_explicit(&l->group, memory_order_acquire)->sheds;
}

static void dropped(void *listener, enum udp_dropped what, size_t count)
{
	const struct listener *l = listener;
	if (!wanted(listener))
		return;
	struct view labels[] = { view_of(l->name),
		what == DROPPED_QUERY ? VIEW("query") : VIEW("response") };
	metric_add(metric_get(&shed_dropped_total, labels), count);
}

const struct udp_shedding shed_policy = { .wanted = wanted, .dropped = dropped };
