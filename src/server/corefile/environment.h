/* {$NAME} and {%NAME%} in words of a Corefile. */
#ifndef ISTHMUS_SERVER_COREFILE_ENVIRONMENT_H
#define ISTHMUS_SERVER_COREFILE_ENVIRONMENT_H

#include "base/arena.h"

/*
 * The text with every reference replaced by the variable's value, also those that came with a
 * value; an unset variable is empty. The text itself if it has none. False if there is no end to
 * it, because a value refers to itself: then *out is as far as it got.
 */
bool environment_expand(struct arena *arena, struct view text, struct view *out);

#endif
