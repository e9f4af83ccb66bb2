/* A hierarchical wheel of timers: setting, moving and cancelling cost the same however many there are. */
#ifndef ISTHMUS_NET_TIMER_WHEEL_H
#define ISTHMUS_NET_TIMER_WHEEL_H

#include "net/loop.h"

enum {
	WHEEL_SHIFT = 19, /* one tick is 2^19 ns: 0.52 ms */
	WHEEL_BITS = 8,
	WHEEL_SLOTS = 1 << WHEEL_BITS,
	WHEEL_LEVELS = 4, /* 26 days ahead; what is later comes by again */
};

/*
 * A timer that is due d ticks from now stands in the lowest level whose span covers d. When a level has gone round,
 * the next slot of the one above is spread over it. `due` holds what has come, until it is fired.
 */
struct timer_wheel {
	uint64_t tick; /* all before and at this tick is in `due` or gone */
	struct timer *due, **due_end;
	struct timer *slots[WHEEL_LEVELS][WHEEL_SLOTS];
	uint64_t filled[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* a bit a slot; set also where the last one was cancelled */
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now);

/* Sets a timer that is not set. */
void timer_wheel_add(struct timer_wheel *w, struct timer *t, uint64_t at);

/* Takes a timer out that is set. */
void timer_wheel_remove(struct timer_wheel *w, struct timer *t);

/* Moves what is due at `now` to w->due. */
void timer_wheel_advance(struct timer_wheel *w, uint64_t now);

/* The next timer that is due, no longer set; NULL when there is none. */
struct timer *timer_wheel_take(struct timer_wheel *w);

/* When timer_wheel_advance() should be called next; UINT64_MAX: no timer is set. May be earlier than the first timer. */
uint64_t timer_wheel_next(const struct timer_wheel *w);

#endif
