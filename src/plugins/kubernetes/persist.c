/* Keeping the last good state on the disk. */
#include "plugins/kubernetes/source_parts.h"

#include "plugins/kubernetes/state.h"

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

/* Only what the API server has told of is written: a state that was restored stands on the disk already. */
static uint64_t version(const void *source)
{
	const struct kube_source *s = source;
	return !s->restored && kube_source_synced(s) ? s->changes + 1 : 0;
}

static bool write_state(void *source, struct state_problem *why)
{
	struct kube_source *s = source;
	struct text identity = { 0 };
	add_identity(s, &identity);
	struct kube_state_owner owner = { identity.at, s->settings.watched };
	bool done = kube_state_write(s->settings.persist, &owner, s->index, why);
	text_free(&identity);
	return done;
}

void kube_source_persist(struct kube_source *s)
{
	s->keeper = (struct state_keeper){ .owner = s, .version = version, .write = write_state };
	if (s->settings.persist)
		state_keeper_start(&s->keeper, s->settings.self);
}
