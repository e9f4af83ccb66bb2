/* Documents and what is looked for in them. */
#include "sync/yaml.h"

#include "base/module.h"

const struct yaml *yaml_read(struct arena *arena, struct view text, const char **why)
{
	static const struct yaml_engine *engine;
	if (!engine)
		engine = module_load(
			arena, "isthmus-yaml.so", "sync", YAML_ENGINE_SYMBOL, "YAML files", why);
	return engine ? engine->read(arena, text, why) : NULL;
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (const struct yaml *y = map->first; y; y = y->next) {
		if (view_is(y->key, key))
			return y;
	}
	return NULL;
}

struct view yaml_text(const struct yaml *map, const char *key)
{
	const struct yaml *y = yaml_get(map, key);
	return y && y->kind == YAML_TEXT ? y->text : VIEW("");
}

const struct yaml *yaml_named(const struct yaml *list, struct view name)
{
	if (!list || list->kind != YAML_LIST)
		return NULL;
	for (const struct yaml *y = list->first; y; y = y->next) {
		if (view_equal(yaml_text(y, "name"), name))
			return y;
	}
	return NULL;
}
