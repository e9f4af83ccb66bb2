/* What plugins ask of the block they stand in. */
#include "server/block.h"

#include "server/listener.h"

size_t block_zones(const struct block *b, const struct name **zones)
{
	*zones = b->zones;
	return b->zone_count;
}

struct plugin *block_plugin(const struct block *b, const char *name)
{
	for (struct plugin *p = b->plugins; p; p = p->sibling) {
		if (strcmp(p->type->name, name) == 0)
			return p;
	}
	return NULL;
}

struct view query_server(const struct query *q)
{
	return view_of(q->listener->name);
}

struct view query_view(const struct query *q)
{
	return q->block ? q->block->view_name : (struct view){ "", 0 };
}
