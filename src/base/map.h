/* A map from texts to pointers, in an arena: open addressing, nothing is ever removed. Zeroed is empty. */
#ifndef ISTHMUS_BASE_MAP_H
#define ISTHMUS_BASE_MAP_H

#include "base/arena.h"

struct map_entry {
	struct view key;
	uint64_t hash;
	void *value;
};

struct map {
	struct map_entry *entries; /* a key of length 0 with hash 0 marks a free one */
	size_t count, capacity;
};

/* The place of this key's value, NULL if the key is not there. */
void **map_find(const struct map *m, struct view key);

/* The place of this key's value, made (with value NULL; the key is kept, not copied) if it is not there. */
void **map_put(struct map *m, struct arena *arena, struct view key);

#endif
