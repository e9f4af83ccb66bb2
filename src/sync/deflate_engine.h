/* What the module deflate_zlib offers and deflate.c uses. */
#ifndef ISTHMUS_SYNC_DEFLATE_ENGINE_H
#define ISTHMUS_SYNC_DEFLATE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

struct deflate_engine {
	size_t (*bound)(size_t length); /* octets that so many become at most */
	/* *to_length: the room, then what was written. */
	bool (*pack)(const void *at, size_t length, void *to, size_t *to_length);
	bool (*unpack)(const void *at, size_t length, void *to, size_t *to_length);
};

#define DEFLATE_ENGINE_SYMBOL "isthmus_deflate_engine"

#endif
