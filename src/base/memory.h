/* The heap, for what is not in an arena. Running out ends the process (see arena.h for why). */
#ifndef ISTHMUS_BASE_MEMORY_H
#define ISTHMUS_BASE_MEMORY_H

#include <stddef.h>

/* size bytes, not zeroed; never NULL. To be given back with free(). */
void *memory_alloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));

/* count * size zeroed bytes; never NULL. */
void *memory_array(size_t count, size_t size)
	__attribute__((malloc, alloc_size(1, 2), returns_nonnull));

/* size zeroed bytes at a multiple of `alignment`, a power of two; never NULL. */
void *memory_aligned(size_t alignment, size_t size)
	__attribute__((malloc, alloc_align(1), alloc_size(2), returns_nonnull));

/* The block at `old` (or none, when NULL) grown or shrunk to count * size bytes; never NULL. */
void *memory_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull));

/* Says how much was asked for, and ends the process. */
_Noreturn void memory_exhausted(size_t size);

#endif
