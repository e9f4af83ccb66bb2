/* Signing, by the module that knows how. */
#include "sync/rs256.h"

#include "base/module.h"

bool rs256_sign(struct arena *arena, struct view key, struct view octets, struct view *signature, const char **why)
{
	static const struct rs256_engine *engine;
	uint8_t *to = arena_octets(arena, RS256_OCTETS_MAX);
	if (!engine)
		engine = module_load(
			arena, "isthmus-rs256.so", "sync", RS256_ENGINE_SYMBOL, "service accounts", why);
	size_t length = engine ? engine->sign(key, octets, to, why) : 0;
	*signature = (struct view){ (const char *)to, length };
	return length > 0;
}
