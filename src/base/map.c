/* Maps from texts to pointers. */
#include "base/map.h"

#include "base/hash.h"

static uint64_t hash_of(struct view key)
{
	return hash_bytes(key.at, key.length) | 1; /* 0 marks a free place */
}

static struct map_entry *place(const struct map *m, struct view key, uint64_t hash)
{
	size_t at = (hash >> 1) & (m->capacity - 1);
	for (;; at = (at + 1) & (m->capacity - 1)) {
		struct map_entry *e = &m->entries[at];
		if (e->hash == 0 || (e->hash == hash && view_equal(e->key, key)))
			return e;
	}
}

static void grow(struct map *m, struct arena *arena)
{
	struct map bigger = { .count = m->count, .capacity = m->capacity ? m->capacity * 2 : 16 };
	bigger.entries = arena_array(arena, bigger.capacity, sizeof *bigger.entries);
	for (size_t i = 0; i < m->capacity; i++) {
		const struct map_entry *e = &m->entries[i];
		if (e->hash)
			*place(&bigger, e->key, e->hash) = *e;
	}
	*m = bigger;
}

void **map_find(const struct map *m, struct view key)
{
	if (!m->count)
		return NULL;
	struct map_entry *e = place(m, key, hash_of(key));
	return e->hash ? &e->value : NULL;
}

void **map_put(struct map *m, struct arena *arena, struct view key)
{
	if ((m->count + 1) * 4 > m->capacity * 3)
		grow(m, arena);
	uint64_t hash = hash_of(key);
	struct map_entry *e = place(m, key, hash);
	if (!e->hash) {
		*e = (struct map_entry){ .key = key, .hash = hash };
		m->count++;
	}
	return &e->value;
}
