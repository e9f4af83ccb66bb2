/* The cache's metrics: series by listener, looked up once by each worker. */
#include "base/memory.h"
#include "plugins/cache/cache.h"
#include <stdlib.h>

#define FAMILY(word, text, of_kind, ...)                                                           \
	static const struct metric_family word = { .name = "coredns_cache_" #word,                 \
		.help = text,                                                                      \
		.kind = of_kind,                                                                   \
		.labels = { "server", __VA_ARGS__, NULL } }

FAMILY(entries, "The number of elements in the cache.", METRIC_GAUGE, "zones", "view", "type");
FAMILY(requests_total, "The count of cache requests.", METRIC_COUNTER, "zones", "view");
FAMILY(hits_total, "The count of cache hits.", METRIC_COUNTER, "zones", "view", "type");
FAMILY(misses_total,
	"The count of cache misses. Deprecated, derive misses from cache hits/requests counters.",
	METRIC_COUNTER, "zones", "view");
FAMILY(prefetch_total, "The number of times the cache has prefetched a cached item.",
	METRIC_COUNTER, "zones", "view");
FAMILY(drops_total, "The number responses that are not cached, because the reply is malformed.",
	METRIC_COUNTER, "zones", "view");
FAMILY(served_stale_total, "The number of requests served from stale cache entries.",
	METRIC_COUNTER, "zones", "view");
FAMILY(evictions_total, "The count of cache evictions.", METRIC_COUNTER, "zones", "view", "type");

const struct metric_family *const cache_metrics[] = { &entries, &requests_total, &hits_total,
	&misses_total, &prefetch_total, &drops_total, &served_stale_total, &evictions_total, NULL };

static const struct {
	const struct metric_family *family;
	const char *type;
} counts[COUNT_COUNT] = {
	[COUNT_REQUESTS] = { &requests_total, "" },
	[COUNT_MISSES] = { &misses_total, "" },
	[COUNT_PREFETCHES] = { &prefetch_total, "" },
	[COUNT_DROPS] = { &drops_total, "" },
	[COUNT_STALE] = { &served_stale_total, "" },
	[COUNT_HITS_SUCCESS] = { &hits_total, "success" },
	[COUNT_HITS_DENIAL] = { &hits_total, "denial" },
	[COUNT_EVICTIONS_SUCCESS] = { &evictions_total, "success" },
	[COUNT_EVICTIONS_DENIAL] = { &evictions_total, "denial" },
	[COUNT_ENTRIES_SUCCESS] = { &entries, "success" },
	[COUNT_ENTRIES_DENIAL] = { &entries, "denial" },
};

/* A listener's series, each found when it is first counted: until then it is not on the page. */
struct cache_series {
	struct cache_series *next;
	const struct listener *listener;
	struct metric *series[COUNT_COUNT];
};

static struct cache_series *series_of(struct cache_worker *w, const struct listener *listener)
{
	struct cache_series *s = w->series;
	while (s && s->listener != listener)
		s = s->next;
	if (s)
		return s;
	s = memory_array(1, sizeof *s);
	s->listener = listener;
	s->next = w->series;
	w->series = s;
	return s;
}

static struct metric *series(struct plugin *self, const struct query *q, enum cache_count what)
{
	const struct cache *c = self->state;
	struct cache_series *s = series_of(worker_state(self, q), q->listener);
	if (!s->series[what]) {
		struct view values[] = { query_server(q), c->zones_label, query_view(q),
			view_of(counts[what].type) };
		s->series[what] = metric_get(counts[what].family, values);
	}
	return s->series[what];
}

void cache_count(struct plugin *self, const struct query *q, enum cache_count what, unsigned n)
{
	if (n)
		metric_add(series(self, q, what), n);
}

void cache_count_entries(struct plugin *self, const struct query *q)
{
	const struct cache *c = self->state;
	metric_set(series(self, q, COUNT_ENTRIES_SUCCESS),
		(double)cache_table_count(c->table, SUCCESS));
	metric_set(
		series(self, q, COUNT_ENTRIES_DENIAL), (double)cache_table_count(c->table, DENIAL));
}

void cache_worker_stop(struct plugin *self, void *worker_state)
{
	struct cache_worker *w = worker_state;
	(void)self;
	while (w->series) {
		struct cache_series *s = w->series;
		w->series = s->next;
		free(s);
	}
}
