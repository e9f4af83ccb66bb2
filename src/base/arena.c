/* Arenas: a chain of blocks, the newest first; big requests get a block of their own. */
#include "base/arena.h"

#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif
#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

struct block {
	struct block *older;
	size_t size, used;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct closing {
	struct closing *older;
	void (*run)(void *data);
	void *data;
};

/* Invariant: newest is never NULL, and the oldest block is the one that arena_reset keeps. */
struct arena {
	struct block *newest;
	struct closing *closings;
	size_t block_size, held;
};

static struct block *block_new(struct arena *a, size_t size, struct block *older)
{
	if (size > SIZE_MAX / 2)
		memory_exhausted(size);
	struct block *b = memory_alloc(sizeof *b + size);
	b->older = older;
	b->size = size;
	b->used = 0;
	a->held += size;
	ASAN_POISON_MEMORY_REGION(b->bytes, size);
	return b;
}

static void block_free(struct arena *a, struct block *b)
{
	a->held -= b->size;
	ASAN_UNPOISON_MEMORY_REGION(b->bytes, b->size);
	free(b);
}

struct arena *arena_new(size_t block_size)
{
	struct arena *a = memory_alloc(sizeof *a);
	*a = (struct arena){ .block_size = block_size };
	a->newest = block_new(a, block_size, NULL);
	return a;
}

static void run_closings(struct arena *a)
{
	struct closing *c = a->closings;
	a->closings = NULL;
	for (; c; c = c->older)
		c->run(c->data);
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	run_closings(a);
	for (struct block *b = a->newest, *older; b; b = older) {
		older = b->older;
		block_free(a, b);
	}
	free(a);
}

void arena_reset(struct arena *a)
{
	if (a->closings)
		run_closings(a);
	while (a->newest->older) {
		struct block *b = a->newest;
		a->newest = b->older;
		block_free(a, b);
	}
	a->newest->used = 0;
	ASAN_POISON_MEMORY_REGION(a->newest->bytes, a->newest->size);
}

static void *take(struct arena *a, size_t size, size_t align)
{
	struct block *b = a->newest;
	size_t at = (b->used + align - 1) & ~(align - 1);
	if (at > b->size || size > b->size - at) {
		size_t room = size > a->block_size ? size : a->block_size;
		b = block_new(a, room, b);
		a->newest = b;
		at = 0;
	}
	b->used = at + size;
	ASAN_UNPOISON_MEMORY_REGION(b->bytes + at, size);
	return b->bytes + at;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *at = take(a, size, _Alignof(max_align_t));
	memset(at, 0, size);
	return at;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		memory_exhausted(SIZE_MAX);
	return arena_alloc(a, count * size);
}

void *arena_grow(struct arena *a, void *array, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return array;
	size_t larger = *capacity ? 2 * *capacity : 8;
	void *made = arena_array(a, larger, size);
	if (count)
		memcpy(made, array, count * size);
	*capacity = larger;
	return made;
}

void *arena_octets(struct arena *a, size_t size)
{
	return take(a, size, 1);
}

struct view arena_copy(struct arena *a, struct view v)
{
	char *to = arena_octets(a, v.length);
	if (v.length)
		memcpy(to, v.at, v.length);
	return (struct view){ to, v.length };
}

char *arena_string(struct arena *a, struct view v)
{
	char *to = arena_octets(a, v.length + 1);
	if (v.length)
		memcpy(to, v.at, v.length);
	to[v.length] = 0;
	return to;
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n < 0)
		n = 0;
	char *to = arena_octets(a, (size_t)n + 1);
	to[0] = 0;
	vsnprintf(to, (size_t)n + 1, format, args);
	return to;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *to = arena_vprintf(a, format, args);
	va_end(args);
	return to;
}

void arena_on_free(struct arena *a, void (*run)(void *data), void *data)
{
	struct closing *c = arena_alloc(a, sizeof *c);
	*c = (struct closing){ .older = a->closings, .run = run, .data = data };
	a->closings = c;
}

size_t arena_size(const struct arena *a)
{
	return a->held;
}
