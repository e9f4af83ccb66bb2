/* Zones to blocks. */
#include "server/zone_map.h"

struct zone_entry *zone_map_exact(const struct name_map *m, struct name zone)
{
	return name_map_exact(m, zone);
}

void zone_map_add(struct name_map *m, struct arena *arena, struct name zone, const struct block *b)
{
	struct name_entry *named = name_map_add(m, arena, zone);
	struct zone_entry *e = named->value;
	if (!e) {
		e = named->value = arena_new_object(arena, struct zone_entry);
		e->zone = zone;
	}
	const struct block **blocks = arena_array(arena, e->block_count + 1, sizeof *blocks);
	if (e->block_count)
		memcpy(blocks, e->blocks, e->block_count * sizeof *blocks);
	blocks[e->block_count++] = b;
	e->blocks = blocks;
}

const struct zone_entry *zone_map_longest(const struct name_map *m, struct name qname, unsigned below)
{
	return name_map_longest(m, qname, below);
}
