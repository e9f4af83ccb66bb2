/* Which plugins there are. The list is the folder plugins' own (order.def); main() hands it over before anything else. */
#ifndef ISTHMUS_SERVER_REGISTRY_H
#define ISTHMUS_SERVER_REGISTRY_H

#include "server/plugin.h"

/* A line of order.def: a directive's word, and its plugin, or NULL for one that this build does not have. */
struct plugin_entry {
	const char *name;
	const struct plugin_type *type;
};

void registry_set(const struct plugin_entry *entries, size_t count);
size_t registry_count(void);
const struct plugin_entry *registry_at(size_t position);

/* The entry of a directive's word and its position; NULL if no directive is called so. */
const struct plugin_entry *registry_find(struct view name, unsigned *position);

/* The name nearest to a mistyped one (at most two edits away), NULL if none is near. */
const char *registry_nearest(struct view name);

#endif
