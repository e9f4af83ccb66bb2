/* Setting a plugin up: the one reader that walks the words of its directive by the plugin's option table. */
#ifndef ISTHMUS_SERVER_SETUP_H
#define ISTHMUS_SERVER_SETUP_H

#include "server/plugin.h"

/*
 * Sets `self` (state allocated) up from all occurrences of its directive in the block, in order: init(), then for each
 * the line by setup() and the block by `options`, then finish(). Errors and warnings go to s->complaints; false if there
 * was an error. `s` has self, block, arena, state, complaints and checking filled in.
 */
bool setup_plugin(struct setup *s, const struct directive *const *occurrences, size_t count);

#endif
