/* A zone that is served from a file and follows its changes: `file` has them by name, `auto` finds
 * them. */
#ifndef ISTHMUS_PLUGINS_ZONE_FILE_H
#define ISTHMUS_PLUGINS_ZONE_FILE_H

#include "base/clock.h"
#include "server/plugin.h"
#include "zone/zone_load.h"

#include <stdatomic.h>

/* `zone` is published for workers; all else is for set-up and the control thread. */
struct zone_file {
	_Atomic(struct zone *) zone; /* NULL until it has been loaded */
	struct name origin;
	const char *path;
	uint64_t interval; /* ns between looks at the file; 0: never again */
	bool by_mtime;	   /* whatever the serial, a file that was written to is loaded */
	uint64_t due;	   /* when to look again, in clock_now(); 0: never */

	struct stat seen;   /* the version of the file that was read last, good or not */
	struct stat loaded; /* the version that `zone` is */
	bool has_seen, includes, reloaded;
	unsigned waits; /* looks that found it being written */
};

/* Loads the file for the first time; *error (in the arena) says why that failed. */
enum zone_load_result zone_file_load(struct zone_file *f, struct arena *a, const char **error);

/* Looks at the file when that is due, and loads and publishes it if it has changed; logs what it
 * did. Whether there is a new version. */
bool zone_file_follow(struct zone_file *f, uint64_t now);

/* The version for this query. */
static inline const struct zone *zone_file_zone(const struct zone_file *f)
{
	return atomic_load_explicit(&((struct zone_file *)f)->zone, memory_order_acquire);
}

/* Which zone it is and what version of it answers, for plugin_type.source. */
const char *zone_file_source(const struct zone_file *f, struct arena *a);

/* Frees the zone when no query can see it any more. */
void zone_file_close(void *file);

/* --- options that `file` and `auto` share --- */

#define ZONE_RELOAD_DEFAULT (60 * (int64_t)NS_PER_S)

/* `reload DURATION`; what follows is passed over. */
bool zone_file_read_reload(struct setup *s, int64_t *ns);

/* `upstream [...]`, which has no effect any more. */
bool zone_file_read_upstream(struct setup *s);

/* Its line in the tables of both plugins. */
#define ZONE_FILE_UPSTREAM_OPTION                                                                  \
	{                                                                                          \
		.name = "upstream",                                                                \
		.arguments = "[...]",                                                              \
		.help = "accepted and without effect: aliases out of the zone are always looked "  \
			"up",                                                                      \
		.read = zone_file_read_upstream,                                                   \
	}

#endif
