/* Zones to blocks. */
#include "server/zone_map.h"

enum { LABEL_BITS = 63 };

static uint64_t label_bit(unsigned labels)
{
	return 1ull << (labels < LABEL_BITS ? labels : LABEL_BITS);
}

static void slots_fill(struct zone_map *m, struct arena *arena)
{
	m->slot_count = m->slot_count ? m->slot_count * 2 : 8;
	m->slots = arena_array(arena, m->slot_count, sizeof *m->slots);
	for (size_t i = 0; i < m->count; i++) {
		size_t at = m->entries[i].hash & (m->slot_count - 1);
		while (m->slots[at])
			at = (at + 1) & (m->slot_count - 1);
		m->slots[at] = (uint32_t)(i + 1);
	}
}

static struct zone_entry *find(const struct zone_map *m, struct name zone)
{
	if (!m->count)
		return NULL;
	uint64_t hash = name_hash(zone);
	for (size_t at = hash & (m->slot_count - 1); m->slots[at]; at = (at + 1) & (m->slot_count - 1)) {
		struct zone_entry *e = &m->entries[m->slots[at] - 1];
		if (e->hash == hash && name_equal(e->zone, zone))
			return e;
	}
	return NULL;
}

struct zone_entry *zone_map_exact(const struct zone_map *m, struct name zone)
{
	return find(m, zone);
}

static struct zone_entry *entry_new(struct zone_map *m, struct arena *arena, struct name zone)
{
	if (m->count == m->capacity) {
		size_t capacity = m->capacity ? m->capacity * 2 : 4;
		struct zone_entry *entries = arena_array(arena, capacity, sizeof *entries);
		if (m->count)
			memcpy(entries, m->entries, m->count * sizeof *entries);
		m->entries = entries;
		m->capacity = capacity;
	}
	struct zone_entry *e = &m->entries[m->count++];
	*e = (struct zone_entry){ .zone = zone, .hash = name_hash(zone) };
	if (m->count * 2 > m->slot_count) {
		slots_fill(m, arena);
	} else {
		size_t at = e->hash & (m->slot_count - 1);
		while (m->slots[at])
			at = (at + 1) & (m->slot_count - 1);
		m->slots[at] = (uint32_t)m->count;
	}
	m->label_counts |= label_bit(name_labels(zone));
	return e;
}

void zone_map_add(struct zone_map *m, struct arena *arena, struct name zone, const struct block *b)
{
	struct zone_entry *e = find(m, zone);
	if (!e)
		e = entry_new(m, arena, zone);
	const struct block **blocks = arena_array(arena, e->block_count + 1, sizeof *blocks);
	if (e->block_count)
		memcpy(blocks, e->blocks, e->block_count * sizeof *blocks);
	blocks[e->block_count++] = b;
	e->blocks = blocks;
}

const struct zone_entry *zone_map_longest(const struct zone_map *m, struct name qname, unsigned below)
{
	unsigned labels = name_labels(qname);
	struct name n = qname;
	if (below == 0)
		return NULL;
	for (; labels >= below; labels--)
		n = name_parent(n);
	for (;; n = name_parent(n), labels--) {
		if (m->label_counts & label_bit(labels)) {
			const struct zone_entry *e =
				labels == 0 && m->count == 1 ? &m->entries[0] : find(m, n);
			if (e)
				return e;
		}
		if (labels == 0)
			return NULL;
	}
}
