/* Stacks for fibers: mapped many at once, each with a guard page below. */
#ifndef ISTHMUS_NET_STACK_H
#define ISTHMUS_NET_STACK_H

#include <stdbool.h>
#include <stddef.h>

struct stack_slab;

/* One loop's stacks. One thread only. */
struct stack_pool {
	struct stack_slab *slabs;
	size_t size;  /* of one stack, without its guard page */
	size_t made;  /* stacks given out */
	size_t limit; /* and how many there may be */
};

/* size is rounded up to whole pages; 0: 64 KiB, more where a sanitizer needs more. */
void stack_pool_init(struct stack_pool *p, size_t size);
void stack_pool_free(struct stack_pool *p);

/* The lowest address of a stack that was never used, pool->size bytes; NULL when the limit or the memory is reached. */
void *stack_new(struct stack_pool *p);

/* Gives the kernel back the pages of a stack from its lowest address up to `end`. */
void stack_trim(void *base, const void *end);

#endif
