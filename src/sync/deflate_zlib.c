/* The engine: zlib. */
#include "sync/deflate_engine.h"

#include <zlib.h>

static size_t bound(size_t length)
{
	return compressBound(length);
}

static bool pack(const void *at, size_t length, void *to, size_t *to_length)
{
	uLongf n = *to_length;
	bool good = compress2(to, &n, at, length, Z_BEST_SPEED) == Z_OK;
	*to_length = n;
	return good;
}

static bool unpack(const void *at, size_t length, void *to, size_t *to_length)
{
	uLongf n = *to_length;
	bool good = uncompress(to, &n, at, length) == Z_OK;
	*to_length = n;
	return good;
}

extern const struct deflate_engine isthmus_deflate_engine;

__attribute__((visibility("default"))) const struct deflate_engine isthmus_deflate_engine = {
	.bound = bound,
	.pack = pack,
	.unpack = unpack,
};
