/*
 * Modules: parts of the server that are loaded when they are first needed. They lie where the executable's own place says: in the
 * library folder beside it in an installed tree, or in the build tree. No search path and no variable of the environment has a
 * say in what a server loads.
 */
#ifndef ISTHMUS_BASE_MODULE_H
#define ISTHMUS_BASE_MODULE_H

#include "base/arena.h"

/*
 * Loads the module of this file name, for good, and gives one of its symbols. `built_in` is its folder below src/ in the build
 * tree. NULL with *why (in the arena), which begins with `what`: "regular expressions need the module ...". Control thread.
 */
const void *module_load(struct arena *arena, const char *file, const char *built_in,
	const char *symbol, const char *what, const char **why);

#endif
