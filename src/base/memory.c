/* The heap, with one answer to its end. */
#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void memory_exhausted(size_t size)
{
	fprintf(stderr, "out of memory: %zu bytes asked for\n", size);
	abort();
}

void *memory_alloc(size_t size)
{
	void *at = malloc(size ? size : 1);
	if (!at)
		memory_exhausted(size);
	return at;
}

void *memory_array(size_t count, size_t size)
{
	void *at = calloc(count ? count : 1, size ? size : 1);
	if (!at)
		memory_exhausted(count);
	return at;
}

void *memory_aligned(size_t alignment, size_t size)
{
	void *at = NULL;
	if (posix_memalign(&at, alignment, size ? size : 1) != 0)
		memory_exhausted(size);
	return memset(at, 0, size);
}

void *memory_resize(void *old, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		memory_exhausted(SIZE_MAX);
	void *at = realloc(old, count && size ? count * size : 1);
	if (!at)
		memory_exhausted(count * size);
	return at;
}
