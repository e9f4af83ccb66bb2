/* Octets made small, and back (RFC 1950). By zlib, in a module that is loaded with the first use. */
#ifndef ISTHMUS_SYNC_DEFLATE_H
#define ISTHMUS_SYNC_DEFLATE_H

#include "base/text.h"
#include "base/arena.h"

/* Adds the octets, compressed, to a text. False with *why (in the arena) when the module cannot be loaded. */
bool deflate_add(struct arena *arena, struct view octets, struct text *to, const char **why);

/* Adds what was compressed, which must become exactly `length` octets. False with *why. */
bool inflate_add(
	struct arena *arena, struct view packed, size_t length, struct text *to, const char **why);

#endif
