/*
 * What the plugins `route53`, `clouddns` and `azure` have in common: their zones' options, their life, and how a query is
 * answered from the zones of a mirror.
 *
 * The state begins with struct mirror_plugin:
 *
 *     struct clouddns { struct mirror_plugin base; ... };
 *
 *     PLUGIN(clouddns) = { ..., MIRROR_PLUGIN, .options = (const struct option[]){ ..., MIRROR_OPTIONS, { 0 } } };
 *
 * The plugin's init() calls mirror_plugin_init(), its setup() mirror_plugin_zone() for each zone named, and its finish()
 * mirror_plugin_finish() when all options have been read (which makes `mirror`).
 */
#ifndef ISTHMUS_PLUGINS_MIRROR_PLUGIN_H
#define ISTHMUS_PLUGINS_MIRROR_PLUGIN_H

#include "server/plugin.h"
#include "sync/mirror.h"

struct mirror_plugin {
	struct mirror *mirror; /* from finish() on; NULL while checking, and where no zone is named */
	struct mirror_settings settings;
	struct fallthrough fallthrough;
	const char *endpoint; /* of the API, without a slash at its end; NULL: not named */
	struct mirror_named *zones, **last; /* as named so far */
};

/* Sets defaults: an interval of 1 minute. */
void mirror_plugin_init(struct setup *s, const struct mirror_provider *provider);

/*
 * A zone that the Corefile names. Its origin is made a complete name in lower case, or a setup_error() `invalid zone "..."` (and
 * false). Id and data are kept.
 */
bool mirror_plugin_zone(struct setup *s, struct view origin, const char *id, void *zone_data);

/* Whether the Corefile has named this zone with this id already, its origin written in whatever way. */
bool mirror_plugin_has_zone(const struct setup *s, struct view origin, const char *id);

/* Makes the mirror, and has it freed with the configuration. */
bool mirror_plugin_finish(struct setup *s, void *provider_data, const char *identity);

/* plugin_type's functions. */
bool mirror_plugin_start(struct plugin *self, struct plugin *before);
int mirror_plugin_serve(struct plugin *self, struct query *q);
void mirror_plugin_foresee(struct plugin *self, const struct foreseen *questions, unsigned count);
bool mirror_plugin_ready(struct plugin *self);
const char *mirror_plugin_source(const struct plugin *self, struct query *q);
void mirror_plugin_shutdown(struct plugin *self);

#define MIRROR_PLUGIN                                                                              \
	.metrics = mirror_metrics, .start = mirror_plugin_start,                                   \
	.serve = mirror_plugin_serve, .foresee = mirror_plugin_foresee, .ready = mirror_plugin_ready, \
	.source = mirror_plugin_source, \
	.shutdown = mirror_plugin_shutdown

/* --- options --- */

bool mirror_plugin_read_fallthrough(struct setup *s);
bool mirror_plugin_read_refresh(struct setup *s);
bool mirror_plugin_read_endpoint(struct setup *s);
bool mirror_plugin_read_persist(struct setup *s);
bool mirror_plugin_read_shrink_guard(struct setup *s);
bool mirror_plugin_read_start_timeout(struct setup *s);
bool mirror_plugin_read_lead(struct setup *s);
bool mirror_plugin_read_upstream(struct setup *s); /* any words, without effect */

#define MIRROR_OPTIONS                                                                             \
	{ .name = "fallthrough",                                                                   \
		.arguments = "[ZONES...]",                                                         \
		.help = "passes names that the zones do not have to the next plugin",              \
		.read = mirror_plugin_read_fallthrough },                                          \
		{ .name = "persist",                                                               \
			.arguments = "FOLDER",                                                     \
			.help = "keeps a copy of each zone there; a server that starts while the " \
				"provider is away begins with it",                                 \
			.read = mirror_plugin_read_persist },                                      \
		{ .name = "lead",                                                                  \
			.arguments = "ETCD-ENDPOINT...",                                           \
			.help = "of all servers with the same zones one lists them, and the "      \
				"others have them from it by this etcd",                           \
			.read = mirror_plugin_read_lead },                                         \
		{ .name = "shrink_guard",                                                          \
			.arguments = "PERCENT|off",                                                \
			.fallback = "50",                                                          \
			.help = "takes a listing with less than this part of the records that are " \
				"served only when five in a row say the same",                     \
			.read = mirror_plugin_read_shrink_guard },                                 \
		{ .name = "start_timeout",                                                         \
			.arguments = "DURATION",                                                   \
			.fallback = "30s",                                                         \
			.help = "how long a start waits for zones; those that come later are "     \
				"answered with SERVFAIL until then",                               \
			.read = mirror_plugin_read_start_timeout }

/* CoreDNS's in route53; an own one elsewhere. */
#define MIRROR_REFRESH(more)                                                                       \
	{ .name = "refresh",                                                                       \
		.arguments = "DURATION",                                                           \
		.fallback = "1m",                                                                  \
		.help = "time from the end of a listing to the next one" more,                     \
		.read = mirror_plugin_read_refresh }

#endif
