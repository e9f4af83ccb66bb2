/* Keeping the last good state on the disk. */
#include "plugins/kubernetes/source_parts.h"

#include "plugins/kubernetes/state.h"

static const uint64_t save_interval = 30 * NS_PER_S;
/* Until the first list is there, and while nothing changes. */
static const uint64_t look_interval = NS_PER_S;

/* What the state depends on beside the cluster itself. Selectors are in their canonical form. */
static void add_identity(const struct kube_source *s, struct text *to)
{
	const struct kube_source_settings *settings = &s->settings;
	const struct kube_access *a = &settings->access;
	for (size_t i = 0; i < a->server_count; i++)
		text_printf(to, "%s ", a->servers[i].connect_to ? a->servers[i].connect_to : a->servers[i].url);
	text_printf(to, "watched=%u labels=%s namespace_labels=%s keeping=%d%d%d", settings->watched,
		settings->labels ? settings->labels : "", settings->namespace_labels ? settings->namespace_labels : "",
		settings->keeping.pod_names, settings->keeping.zones, settings->keeping.labels);
}

void kube_source_restore(struct kube_source *s)
{
	struct state_problem why;
	struct text identity = { 0 };
	if (!s->settings.persist)
		return;
	add_identity(s, &identity);
	struct kube_state_owner owner = { identity.at, s->settings.watched };
	switch (kube_state_read(s->settings.persist, &owner, s->index, &s->restored_written, &why)) {
	case STATE_READ:
		s->restored = s->settings.watched;
		kube_index_publish(s->index, (uint32_t)clock_wall_seconds());
		plugin_info(s->settings.self, "serving the state of %s from %s until %s answers",
			s->settings.access.servers->host, s->settings.persist, s->settings.access.servers->host);
		break;
	case STATE_NONE:
		break;
	case STATE_REFUSED:
		plugin_warning(s->settings.self, "the state on disk is not used: %s", why.text);
		break;
	}
	text_free(&identity);
}

static void save(struct kube_source *s)
{
	struct state_problem why;
	struct text identity = { 0 };
	uint64_t changes = s->changes;
	add_identity(s, &identity);
	struct kube_state_owner owner = { identity.at, s->settings.watched };
	bool done = kube_state_write(s->settings.persist, &owner, s->index, &why);
	text_free(&identity);
	if (done) {
		s->saved = changes;
		s->saved_at = (uint64_t)clock_wall_seconds();
	} else if (!s->save_failed) {
		plugin_error(s->settings.self, "the state cannot be kept: %s", why.text);
	}
	s->save_failed = !done;
}

/* Only what the API server has told of is written: a state that was restored stands on the disk already. */
static void persist(struct plugin *self, void *data)
{
	struct kube_source *s = data;
	for (;;) {
		bool due = !s->restored && kube_source_synced(s) && (s->saved != s->changes || !s->saved_at);
		if (due)
			save(s);
		if (!task_sleep(self, due ? save_interval : look_interval))
			return;
	}
}

void kube_source_persist(struct kube_source *s)
{
	if (s->settings.persist)
		task_start(s->settings.self, persist, s);
}
