/* The wheel of timers. */
#include "net/timer_wheel.h"

#include <string.h>

void timer_wheel_init(struct timer_wheel *w, uint64_t now)
{
	memset(w, 0, sizeof *w);
	w->tick = now >> WHEEL_SHIFT;
	w->due_end = &w->due;
}

static void list_push(struct timer **head, struct timer *t)
{
	t->next = *head;
	if (t->next)
		t->next->link = &t->next;
	t->link = head;
	*head = t;
}

static void due_append(struct timer_wheel *w, struct timer *t)
{
	t->next = NULL;
	t->link = w->due_end;
	*w->due_end = t;
	w->due_end = &t->next;
}

/* The first tick that is not before this point: a timer never fires early. */
static uint64_t tick_after(uint64_t at)
{
	return (at >> WHEEL_SHIFT) + ((at & ((1ull << WHEEL_SHIFT) - 1)) != 0);
}

static void place(struct timer_wheel *w, struct timer *t)
{
	uint64_t tick = tick_after(t->at);
	if (tick <= w->tick) {
		due_append(w, t);
		return;
	}
	uint64_t distance = tick - w->tick;
	unsigned level = 0;
	while (level < WHEEL_LEVELS - 1 && distance >> (WHEEL_BITS * (level + 1)))
		level++;
	uint64_t furthest = (1ull << (WHEEL_BITS * WHEEL_LEVELS)) - 1;
	if (distance > furthest)
		tick = w->tick + furthest;
	unsigned slot = (unsigned)(tick >> (WHEEL_BITS * level)) % WHEEL_SLOTS;
	list_push(&w->slots[level][slot], t);
	w->filled[level][slot / 64] |= 1ull << slot % 64;
}

void timer_wheel_add(struct timer_wheel *w, struct timer *t, uint64_t at)
{
	t->at = at;
	place(w, t);
}

void timer_wheel_remove(struct timer_wheel *w, struct timer *t)
{
	if (w->due_end == &t->next)
		w->due_end = t->link;
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	t->next = NULL;
	t->link = NULL;
}

/* Takes a slot's whole list off. */
static struct timer *slot_empty(struct timer_wheel *w, unsigned level, unsigned slot)
{
	struct timer *list = w->slots[level][slot];
	w->slots[level][slot] = NULL;
	w->filled[level][slot / 64] &= ~(1ull << slot % 64);
	return list;
}

static void slot_spread(struct timer_wheel *w, unsigned level)
{
	unsigned slot = (unsigned)(w->tick >> (WHEEL_BITS * level)) % WHEEL_SLOTS;
	struct timer *list = slot_empty(w, level, slot);
	while (list) {
		struct timer *t = list;
		list = t->next;
		place(w, t);
	}
}

/* How many slots after `slot` the next filled one of the level is: 1 to WHEEL_SLOTS; 0 if none is. */
static unsigned next_filled(const struct timer_wheel *w, unsigned level, unsigned slot)
{
	enum { WORDS = WHEEL_SLOTS / 64 };
	unsigned from = (slot + 1) % WHEEL_SLOTS;
	for (unsigned i = 0; i <= WORDS; i++) {
		unsigned word = (from / 64 + i) % WORDS;
		uint64_t bits = w->filled[level][word];
		if (i == 0)
			bits &= ~0ull << from % 64;
		if (i == WORDS)
			bits &= ~(~0ull << from % 64);
		if (bits) {
			unsigned found = word * 64 + (unsigned)__builtin_ctzll(bits);
			return (found - from) % WHEEL_SLOTS + 1;
		}
	}
	return 0;
}

/* The next tick at which something must be moved. */
static uint64_t next_tick(const struct timer_wheel *w)
{
	uint64_t first = UINT64_MAX;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		uint64_t at = w->tick >> (WHEEL_BITS * level);
		unsigned distance = next_filled(w, level, (unsigned)(at % WHEEL_SLOTS));
		uint64_t tick = (at + distance) << (WHEEL_BITS * level);
		if (distance && tick < first)
			first = tick;
	}
	return first;
}

static void tick_reached(struct timer_wheel *w)
{
	for (unsigned level = WHEEL_LEVELS - 1; level > 0; level--)
		if ((w->tick & ((1ull << (WHEEL_BITS * level)) - 1)) == 0)
			slot_spread(w, level);
	slot_spread(w, 0);
}

void timer_wheel_advance(struct timer_wheel *w, uint64_t now)
{
	uint64_t target = now >> WHEEL_SHIFT;
	while (w->tick < target) {
		uint64_t next = next_tick(w);
		if (next > target) {
			w->tick = target;
			return;
		}
		w->tick = next;
		tick_reached(w);
	}
}

struct timer *timer_wheel_take(struct timer_wheel *w)
{
	struct timer *t = w->due;
	if (t)
		timer_wheel_remove(w, t);
	return t;
}

uint64_t timer_wheel_next(const struct timer_wheel *w)
{
	if (w->due)
		return 0;
	uint64_t tick = next_tick(w);
	return tick == UINT64_MAX ? UINT64_MAX : tick << WHEEL_SHIFT;
}
