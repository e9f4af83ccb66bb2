/* Finding and loading the engine's module. */
#ifndef ISTHMUS_SERVER_REGEX_MODULE_H
#define ISTHMUS_SERVER_REGEX_MODULE_H

#include "base/arena.h"
#include "server/regex_engine.h"

/* The engine, loaded with the first call and kept for good; NULL with *why (in the arena). Control
 * thread. */
const struct regex_engine *regex_engine_load(struct arena *arena, const char **why);

#endif
