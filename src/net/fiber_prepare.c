/* What a new stack looks like to fiber_switch(): as if it had been left by it, just before fiber_entry. */
#include "net/fiber_switch.h"

#include <assert.h>
#include <stdint.h>

void fiber_entry(void);

#if defined(__x86_64__)
/* In the order in which fiber_switch() takes them off: r15, r14, r13, r12, rbx, rbp, return address. */
enum { SLOTS = 7, SLOT_BODY = 2, SLOT_DATA = 3, SLOT_ENTRY = 6 };
#elif defined(__aarch64__)
/* x29, x30, x19 ... x28, d8 ... d15. */
enum { SLOTS = 20, SLOT_ENTRY = 1, SLOT_DATA = 2, SLOT_BODY = 3 };
#endif

void *fiber_prepare(void *top, void (*body)(void *data), void *data)
{
	assert((uintptr_t)top % 16 == 0);
	uintptr_t *slot = (uintptr_t *)top - SLOTS;
	for (int i = 0; i < SLOTS; i++)
		slot[i] = 0;
	slot[SLOT_BODY] = (uintptr_t)body;
	slot[SLOT_DATA] = (uintptr_t)data;
	slot[SLOT_ENTRY] = (uintptr_t)fiber_entry;
	return slot;
}
