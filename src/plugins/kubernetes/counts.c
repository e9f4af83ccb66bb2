/* What is counted of a source, and how far behind it is. */
#include "plugins/kubernetes/source_parts.h"

#include "base/rfc3339.h"
#include <malloc.h>
#include <stdio.h>
#include <time.h>

static const double latency_buckets[] = { 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256,
	0.512, 1.024, 2.048, 4.096, 8.192, 16.384, 32.768, 65.536, 131.072, 262.144, 524.288 };

static const struct metric_family latency_family = {
	.name = "coredns_kubernetes_dns_programming_duration_seconds",
	.help = "Histogram of the time (in seconds) it took to program a dns instance.",
	.kind = METRIC_HISTOGRAM,
	.labels = { "service_kind" },
	.buckets = latency_buckets,
	.bucket_count = sizeof latency_buckets / sizeof latency_buckets[0],
};

static const struct metric_family requests_family = {
	.name = "coredns_kubernetes_rest_client_requests_total",
	.help = "Number of HTTP requests, partitioned by status code, method, and host.",
	.kind = METRIC_COUNTER,
	.labels = { "code", "method", "host" },
};

static const struct metric_family objects_family = {
	.name = "isthmus_kubernetes_objects",
	.help = "Objects that are known of the cluster, by kind.",
	.kind = METRIC_GAUGE,
	.labels = { "host", "kind" },
};

static const struct metric_family bytes_family = {
	.name = "isthmus_kubernetes_objects_bytes",
	.help = "Memory that these objects take, without the index over them.",
	.kind = METRIC_GAUGE,
	.labels = { "host", "kind" },
};

static const struct metric_family synced_family = {
	.name = "isthmus_kubernetes_synced",
	.help = "1: what is served was listed by the API server. 0: not yet, or it is from the disk.",
	.kind = METRIC_GAUGE,
	.labels = { "host", "kind" },
};

static const struct metric_family age_family = {
	.name = "isthmus_kubernetes_last_event_age_seconds",
	.help = "How long ago the API server last told of something: an object, an event, a bookmark.",
	.kind = METRIC_GAUGE,
	.labels = { "host", "kind" },
};

static const struct metric_family stale_family = {
	.name = "isthmus_kubernetes_stale_seconds",
	.help = "How old the state is that was taken from the disk, while it is served; 0: what is served is the API server's.",
	.kind = METRIC_GAUGE,
	.labels = { "host" },
};

static const struct metric_family saved_family = {
	.name = "isthmus_kubernetes_state_written_timestamp_seconds",
	.help = "When the state was last written to the disk; 0: never.",
	.kind = METRIC_GAUGE,
	.labels = { "host" },
};

const struct metric_family *const kube_metrics[] = { &latency_family, &requests_family, &objects_family, &bytes_family,
	&synced_family, &age_family, &stale_family, &saved_family, NULL };

void kube_source_count_request(const struct kube_source *s, long status)
{
	char code[24] = "<error>";
	if (status)
		snprintf(code, sizeof code, "%ld", status);
	struct view values[] = { view_of(code), VIEW("GET"), view_of(kube_source_server(s)->host) };
	metric_add(metric_get(&requests_family, values), 1);
}

static double wall_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void kube_source_time(const struct kube_source *s, const struct kube_object *slice)
{
	double then;
	if (!slice->trigger.length || !slice->service.length)
		return;
	if (!rfc3339_parse(slice->trigger, &then)) {
		log_warning("DnsProgrammingLatency cannot be calculated for Endpoints '%.*s/%.*s'; invalid "
			    "\"endpoints.kubernetes.io/last-change-trigger-time\" annotation RFC3339 value of \"%.*s\"",
			VIEW_ARGS(slice->namespace), VIEW_ARGS(slice->name), VIEW_ARGS(slice->trigger));
		return;
	}
	const struct kube_service *service = kube_find_service(
		&kube_index_cluster(s->index)->own, slice->namespace, slice->service);
	if (!service || !service->data)
		return;
	struct view kind = service->data->type == KUBE_HEADLESS ? VIEW("headless_with_selector")
								 : VIEW("cluster_ip");
	metric_observe(metric_get(&latency_family, &kind), wall_now() - then);
}

/* --- gauges, read when a page is written --- */

static const char *const kind_names[KUBE_KINDS] = {
	[KUBE_SERVICE] = "services",
	[KUBE_SLICE] = "endpointslices",
	[KUBE_NAMESPACE] = "namespaces",
	[KUBE_POD] = "pods",
	[KUBE_IMPORT] = "serviceimports",
	[KUBE_IMPORT_SLICE] = "imported_endpointslices",
};

static size_t block_size(const void *block)
{
	return malloc_usable_size((void *)(uintptr_t)block);
}

static void add_service(void *value, void *data)
{
	const struct kube_service *s = value;
	*(size_t *)data += block_size(s) + block_size(s->key) + block_size(s->data);
}

/* Slices, pods and namespaces: the block, and the key that it begins with. */
static void add_block(void *value, void *data)
{
	*(size_t *)data += block_size(value) + block_size(*(struct kube_key *const *)value);
}

static size_t bytes_of(const struct kube_cluster *c, enum kube_kind kind)
{
	const struct kube_directory *d =
		kind == KUBE_IMPORT || kind == KUBE_IMPORT_SLICE ? &c->imported : &c->own;
	size_t bytes = 0;
	if (kind == KUBE_SERVICE || kind == KUBE_IMPORT)
		trie_each(&d->services, add_service, &bytes);
	else if (kind == KUBE_POD)
		trie_each(&c->pods, add_block, &bytes);
	else if (kind == KUBE_NAMESPACE)
		trie_each(&c->namespaces, add_block, &bytes);
	else
		trie_each(&d->slices, add_block, &bytes);
	return bytes;
}

static double seconds_since(uint64_t then)
{
	return (double)(clock_now() - then) / (double)NS_PER_S;
}

static void observe_kind(const struct kube_source *s, enum kube_kind kind, struct view host)
{
	const struct kube_watch *w = &s->watches[kind];
	struct view values[] = { host, view_of(kind_names[kind]) };
	metric_set(metric_get(&objects_family, values), (double)kube_index_count(s->index, kind));
	metric_set(metric_get(&bytes_family, values), (double)bytes_of(kube_index_cluster(s->index), kind));
	metric_set(metric_get(&synced_family, values), w->listed ? 1 : 0);
	metric_set(metric_get(&age_family, values), seconds_since(w->heard ? w->heard : s->started));
}

static void observe(void *source)
{
	const struct kube_source *s = source;
	struct view host = view_of(kube_source_server(s)->host);
	uint64_t stale = kube_source_stale_since(s), now = (uint64_t)clock_wall_seconds();
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++) {
		if (s->settings.watched & 1u << kind)
			observe_kind(s, (enum kube_kind)kind, host);
	}
	metric_set(metric_get(&stale_family, &host), stale && stale < now ? (double)(now - stale) : stale ? 1 : 0);
	if (s->settings.persist)
		metric_set(metric_get(&saved_family, &host), (double)s->keeper.saved_at);
}

void kube_source_observe(struct kube_source *s)
{
	metrics_on_collect(observe, s);
}

void kube_source_forget(struct kube_source *s)
{
	metrics_on_collect_remove(observe, s);
}
