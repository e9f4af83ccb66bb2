/*
 * From a qname to the server blocks of the longest zone above it. Only suffixes with as many labels as some zone has
 * are looked up: with "." alone nothing is hashed at all.
 */
#ifndef ISTHMUS_SERVER_ZONE_MAP_H
#define ISTHMUS_SERVER_ZONE_MAP_H

#include "server/block.h"

/* A zone and its blocks in the order of the Corefile: more than one only with views. */
struct zone_entry {
	struct name zone;
	uint64_t hash;
	const struct block **blocks;
	size_t block_count;
};

struct zone_map {
	struct zone_entry *entries;
	size_t count, capacity;
	uint32_t *slots; /* open addressing: entry + 1, 0 for a free one */
	size_t slot_count;
	uint64_t label_counts; /* bit n: some zone has n labels (63: 63 or more) */
};

/* Adds a block under a zone; memory from the arena. */
void zone_map_add(struct zone_map *m, struct arena *arena, struct name zone, const struct block *b);

/* The entry of exactly this zone, NULL if there is none. */
struct zone_entry *zone_map_exact(const struct zone_map *m, struct name zone);

/* The entry of the longest zone with fewer labels than `below` that qname is under; NULL if there is none. Start with
 * ZONE_MAP_ANY, and with name_labels(found->zone) to go on to the next shorter one. */
enum { ZONE_MAP_ANY = LABELS_MAX };
const struct zone_entry *zone_map_longest(const struct zone_map *m, struct name qname, unsigned below);

#endif
