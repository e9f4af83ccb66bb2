/* A source: its watches, its credentials, when it publishes, and what it counts. */
#include "plugins/kubernetes/source_parts.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/rfc3339.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const uint64_t publish_interval = 5 * NS_PER_MS;

/* --- metrics --- */

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

const struct metric_family *const kube_metrics[] = { &latency_family, &requests_family, NULL };

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

/* --- servers --- */

void kube_source_server_failed(struct kube_source *s, const struct kube_server *server)
{
	const struct kube_access *a = &s->settings.access;
	if (a->server_count < 2 || server != kube_source_server(s))
		return;
	s->server = (s->server + 1) % a->server_count;
	plugin_warning(s->settings.self, "%s does not answer: asking %s", server->host, kube_source_server(s)->host);
}

/* --- publishing --- */

static void publish(struct kube_source *s)
{
	timer_cancel(s->loop, &s->publish);
	s->published = clock_now();
	kube_index_publish(s->index, (uint32_t)clock_wall_seconds());
}

/* A first list is shown when it is whole: half a service's endpoints would be a wrong answer. */
static bool is_listing(const struct kube_source *s)
{
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++) {
		if (s->watches[kind].listing)
			return true;
	}
	return false;
}

void kube_source_changed(struct kube_source *s)
{
	uint64_t due = s->published + publish_interval;
	if (is_listing(s))
		return;
	if (clock_now() >= due)
		publish(s);
	else if (!timer_is_set(&s->publish))
		timer_set(s->loop, &s->publish, due);
}

static void publish_due(struct timer *t)
{
	kube_source_changed((struct kube_source *)((char *)t - offsetof(struct kube_source, publish)));
}

bool kube_source_synced(const struct kube_source *s)
{
	return (kube_index_cluster(s->index)->listed & s->settings.watched) == s->settings.watched;
}

const char *kube_source_host(const struct kube_source *s)
{
	return kube_source_server(s)->host;
}

const struct kube_cluster *kube_source_cluster(const struct kube_source *s)
{
	return kube_index_cluster(s->index);
}

/* --- life --- */

struct kube_source *kube_source_new(const struct kube_source_settings *settings)
{
	struct kube_source *s = memory_array(1, sizeof *s);
	s->settings = *settings;
	s->index = kube_index_new(&settings->keeping);
	s->publish.fire = publish_due;
	s->credentials = (struct kube_credentials){ .self = settings->self, .access = &s->settings.access };
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++) {
		s->watches[kind].source = s;
		s->watches[kind].kind = (enum kube_kind)kind;
	}
	return s;
}

void kube_source_free(void *source)
{
	struct kube_source *s = source;
	if (!s)
		return;
	if (s->loop)
		timer_cancel(s->loop, &s->publish);
	http_client_free(s->client);
	kube_index_free(s->index);
	kube_credentials_free(&s->credentials);
	free(s);
}

static void run(struct plugin *self, void *data)
{
	(void)self;
	kube_watch_run(data);
}

bool kube_source_start(struct kube_source *s, struct arena *arena, const char **why)
{
	s->loop = loop_current();
	s->client = http_client_new(s->loop, arena, why);
	if (!s->client)
		return false;
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++) {
		if (s->settings.watched & 1u << kind)
			task_start(s->settings.self, run, &s->watches[kind]);
	}
	return true;
}
