/* Names to values by a hash table, and the longest suffix by looking up one suffix after the other.
 */
#include "dns/name_map.h"

enum { LABEL_BITS = 63 };

static uint64_t label_bit(unsigned labels)
{
	return 1ull << (labels < LABEL_BITS ? labels : LABEL_BITS);
}

static void slot_set(struct name_map *m, size_t entry)
{
	size_t at = m->entries[entry].hash & (m->slot_count - 1);
	while (m->slots[at])
		at = (at + 1) & (m->slot_count - 1);
	m->slots[at] = (uint32_t)(entry + 1);
}

static void slots_grow(struct name_map *m, struct arena *arena)
{
	m->slot_count = m->slot_count ? m->slot_count * 2 : 8;
	m->slots = arena_array(arena, m->slot_count, sizeof *m->slots);
	for (size_t i = 0; i < m->count; i++)
		slot_set(m, i);
}

static struct name_entry *find(const struct name_map *m, struct name n)
{
	if (!m->count)
		return NULL;
	uint64_t hash = name_hash(n);
	for (size_t at = hash & (m->slot_count - 1); m->slots[at];
		at = (at + 1) & (m->slot_count - 1)) {
		struct name_entry *e = &m->entries[m->slots[at] - 1];
		if (e->hash == hash && name_equal(e->name, n))
			return e;
	}
	return NULL;
}

void *name_map_exact(const struct name_map *m, struct name n)
{
	const struct name_entry *e = find(m, n);
	return e ? e->value : NULL;
}

static void entries_grow(struct name_map *m, struct arena *arena)
{
	size_t capacity = m->capacity ? m->capacity * 2 : 4;
	struct name_entry *entries = arena_array(arena, capacity, sizeof *entries);
	if (m->count)
		memcpy(entries, m->entries, m->count * sizeof *entries);
	m->entries = entries;
	m->capacity = capacity;
}

struct name_entry *name_map_add(struct name_map *m, struct arena *arena, struct name n)
{
	struct name_entry *e = find(m, n);
	if (e)
		return e;
	if (m->count == m->capacity)
		entries_grow(m, arena);
	e = &m->entries[m->count++];
	*e = (struct name_entry){ .name = n, .hash = name_hash(n) };
	if (m->count * 2 > m->slot_count)
		slots_grow(m, arena);
	else
		slot_set(m, m->count - 1);
	m->label_counts |= label_bit(name_labels(n));
	return e;
}

/* With one name there is nothing to search: most servers have one zone at a listener, and one in a plugin. */
static void *longest_of_one(const struct name_entry *e, struct name n, unsigned below)
{
	bool fits = below == NAME_MAP_ANY || name_labels(e->name) < below;
	return fits && name_is_under(n, e->name) ? e->value : NULL;
}

void *name_map_longest(const struct name_map *m, struct name n, unsigned below)
{
	if (m->count == 1)
		return longest_of_one(&m->entries[0], n, below);
	unsigned labels = name_labels(n);
	if (below == 0)
		return NULL;
	for (; labels >= below; labels--)
		n = name_parent(n);
	for (;; n = name_parent(n), labels--) {
		if (m->label_counts & label_bit(labels)) {
			const struct name_entry *e = find(m, n);
			if (e)
				return e->value;
		}
		if (labels == 0)
			return NULL;
	}
}
