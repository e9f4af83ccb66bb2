/* A source: its watches, its credentials, and when it publishes. */
#include "plugins/kubernetes/source_parts.h"

#include "base/arena.h"
#include "base/memory.h"
#include <stdlib.h>

static const uint64_t publish_interval = 2 * NS_PER_MS, list_interval = 100 * NS_PER_MS;
static const uint64_t unheard_max = 60 * NS_PER_S;

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
	s->changes += kube_index_publish(s->index, (uint32_t)clock_wall_seconds());
	if (!kube_source_healthy(s))
		kube_source_judge(s);
}

/* A first list is shown when it is whole: half a service's endpoints would be a wrong answer. A pod stands for itself. */
static bool is_listing(const struct kube_source *s)
{
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++) {
		if (kind != KUBE_POD && s->watches[kind].listing)
			return true;
	}
	return false;
}

/* Each version copies what the next change touches: while pods come in by the thousand there are few. */
static uint64_t interval(const struct kube_source *s)
{
	return s->watches[KUBE_POD].listing ? list_interval : publish_interval;
}

void kube_source_changed(struct kube_source *s)
{
	uint64_t due = s->published + interval(s);
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

/* A watch that fails is given some time: an API server that is started anew is no cluster that is down. */
static bool is_out_of_reach(const struct kube_watch *w, uint64_t now)
{
	bool connected = w->request && w->http_status == 200;
	return w->failures && !connected && now - w->heard > unheard_max;
}

void kube_source_judge(struct kube_source *s)
{
	uint64_t now = clock_now();
	bool healthy = kube_source_synced(s) && !s->restored;
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++)
		healthy = healthy && !is_out_of_reach(&s->watches[kind], now);
	if (healthy != atomic_load(&s->healthy))
		atomic_store(&s->healthy, healthy);
}

bool kube_source_healthy(const struct kube_source *s)
{
	return atomic_load_explicit(&s->healthy, memory_order_relaxed);
}

void kube_source_listed(struct kube_source *s, enum kube_kind kind)
{
	s->restored &= ~(1u << kind);
	kube_source_changed(s);
	kube_source_judge(s);
}

bool kube_source_synced(const struct kube_source *s)
{
	return (kube_index_cluster(s->index)->listed & s->settings.watched) == s->settings.watched;
}

uint64_t kube_source_stale_since(const struct kube_source *s)
{
	return s->restored ? s->restored_written : 0;
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
	kube_source_forget(s);
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
	s->started = clock_now();
	kube_source_restore(s);
	kube_source_observe(s);
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++) {
		if (s->settings.watched & 1u << kind)
			task_start(s->settings.self, run, &s->watches[kind]);
	}
	kube_source_persist(s);
	return true;
}
