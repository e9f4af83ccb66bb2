/* The engine of regular expressions is a module of its own: with it comes a C++ library. */
#include "server/regex_module.h"

#include "base/module.h"

const struct regex_engine *regex_engine_load(struct arena *arena, const char **why)
{
	static const struct regex_engine *engine;
	if (!engine)
		engine = module_load(arena, "isthmus-regex.so", "server", REGEX_ENGINE_SYMBOL,
			"regular expressions", why);
	return engine;
}
