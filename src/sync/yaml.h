/*
 * YAML as configuration files have it (kubeconfig), read into a tree: maps, lists and texts; JSON is YAML, too. Aliases,
 * tags and more than one document are refused; depth and size have limits. The reader is a module of its own, loaded with the
 * first file.
 */
#ifndef ISTHMUS_SYNC_YAML_H
#define ISTHMUS_SYNC_YAML_H

#include "base/arena.h"

enum { YAML_DEPTH_MAX = 32, YAML_NODES_MAX = 100000 };

enum yaml_kind {
	YAML_TEXT, /* also numbers, true, null: as written */
	YAML_LIST,
	YAML_MAP,
};

struct yaml {
	enum yaml_kind kind;
	struct view text;
	struct view key;          /* its own, in a map */
	struct yaml *first, *next; /* what is in it; what is beside it */
};

/* The document, in the arena; NULL with *why ("line 3: did not find expected key"). Control thread. */
const struct yaml *yaml_read(struct arena *arena, struct view text, const char **why);

/* The value of a key of a map; NULL where there is none, or where `map` is none. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);

/* The text of a key's value; empty where there is none. */
struct view yaml_text(const struct yaml *map, const char *key);

/* The map in a list whose "name" has this value; NULL if there is none. */
const struct yaml *yaml_named(const struct yaml *list, struct view name);

/* What the module yaml_libyaml offers. */
struct yaml_engine {
	const struct yaml *(*read)(struct arena *arena, struct view text, const char **why);
};

#define YAML_ENGINE_SYMBOL "isthmus_yaml_engine"

#endif
