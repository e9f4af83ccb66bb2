/* The list of plugins. */
#include "server/registry.h"

#include "server/nearest.h"

static const struct plugin_entry *list;
static size_t list_count;

void registry_set(const struct plugin_entry *entries, size_t count)
{
	list = entries;
	list_count = count;
}

size_t registry_count(void)
{
	return list_count;
}

const struct plugin_entry *registry_at(size_t position)
{
	return &list[position];
}

const struct plugin_entry *registry_find(struct view name, unsigned *position)
{
	for (size_t i = 0; i < list_count; i++) {
		if (view_is(name, list[i].name)) {
			if (position)
				*position = (unsigned)i;
			return &list[i];
		}
	}
	return NULL;
}

const char *registry_nearest(struct view name)
{
	struct nearest n = nearest_begin(name);
	for (size_t i = 0; i < list_count; i++)
		nearest_try(&n, list[i].name);
	return n.best;
}
