/* From a qname to the server blocks of the longest zone above it. */
#ifndef ISTHMUS_SERVER_ZONE_MAP_H
#define ISTHMUS_SERVER_ZONE_MAP_H

#include "dns/name_map.h"
#include "server/block.h"

/* A zone and its blocks in the order of the Corefile: more than one only with views. */
struct zone_entry {
	struct name zone;
	const struct block **blocks;
	size_t block_count;
};

/* Adds a block under a zone; memory from the arena. */
void zone_map_add(struct name_map *m, struct arena *arena, struct name zone, const struct block *b);

/* The entry of exactly this zone, NULL if there is none. */
struct zone_entry *zone_map_exact(const struct name_map *m, struct name zone);

/* The entry of the longest zone with fewer labels than `below` that qname is under, as name_map_longest() has it. */
const struct zone_entry *zone_map_longest(const struct name_map *m, struct name qname, unsigned below);

#endif
