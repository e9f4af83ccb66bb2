/* fiber_switch() by the C library, for processors that have no assembly of ours: slower, the same to its callers. */
#include "net/fiber_switch.h"

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/* What a kept stack pointer points to. A stack that has run keeps it in the frame that switched away. */
struct kept {
	ucontext_t context;
	void (*body)(void *data);
	void *data;
};

enum { RED_ZONE = 256 };

void fiber_switch(void **from, void *to)
{
	struct kept here, *there = to;
	*from = &here;
	swapcontext(&here.context, &there->context);
}

/* makecontext() passes int arguments only: the pointer comes in two halves. */
static void enter(unsigned high, unsigned low)
{
	struct kept *k = (struct kept *)(((uintptr_t)high << 16 << 16) | (uintptr_t)low);
	k->body(k->data);
}

void *fiber_prepare(void *top, void (*body)(void *data), void *data)
{
	enum { LEAST = 16384 };
	struct kept *k = (struct kept *)(((uintptr_t)top - sizeof *k) & ~(uintptr_t)63);
	getcontext(&k->context);
	k->body = body;
	k->data = data;
	k->context.uc_stack.ss_sp = (char *)k - LEAST;
	k->context.uc_stack.ss_size = LEAST - RED_ZONE;
	k->context.uc_link = NULL;
	makecontext(&k->context, (void (*)(void))enter, 2, (unsigned)((uintptr_t)k >> 16 >> 16),
		(unsigned)(uintptr_t)k);
	return k;
}
