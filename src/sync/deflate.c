/* Compression, with memory from the heap. */
#include "sync/deflate.h"

#include "base/memory.h"
#include "base/module.h"
#include "sync/deflate_engine.h"
#include <stdlib.h>

static const struct deflate_engine *load(struct arena *arena, const char **why)
{
	static const struct deflate_engine *engine;
	if (!engine)
		engine = module_load(
			arena, "isthmus-deflate.so", "sync", DEFLATE_ENGINE_SYMBOL, "zones in etcd", why);
	return engine;
}

bool deflate_add(struct arena *arena, struct view octets, struct text *to, const char **why)
{
	const struct deflate_engine *e = load(arena, why);
	if (!e)
		return false;
	size_t length = e->bound(octets.length);
	char *room = memory_alloc(length);
	bool good = e->pack(octets.at, octets.length, room, &length);
	if (good)
		text_add(to, (struct view){ room, length });
	else
		*why = "it cannot be compressed";
	free(room);
	return good;
}

bool inflate_add(
	struct arena *arena, struct view packed, size_t length, struct text *to, const char **why)
{
	const struct deflate_engine *e = load(arena, why);
	if (!e)
		return false;
	size_t came = length;
	char *room = memory_alloc(length ? length : 1);
	bool good = e->unpack(packed.at, packed.length, room, &came) && came == length;
	if (good)
		text_add(to, (struct view){ room, length });
	else
		*why = "it is not what was compressed";
	free(room);
	return good;
}
