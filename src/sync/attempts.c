/* Allowances and pauses. */
#include "sync/attempts.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/random.h"
#include "net/loop.h"

static const uint64_t pause_first = NS_PER_S;
static const uint64_t pause_longest = 20 * NS_PER_S;

/* Who waits looks up so often, for what may make it give up. */
static const uint64_t look_interval = 100 * NS_PER_MS;

/* Requests are made one by one, at a distance: several that were made at once would come together with the next ones where the
 * first are delayed, and be too many. */
struct allowance {
	struct allowance *next;
	char *key;
	uint64_t distance;   /* ns */
	uint64_t next_at;    /* when the next may be made, all turns that are waited for taken */
	uint64_t held_until; /* nobody's turn counts before */
};

static struct allowance *allowances;

static struct allowance *find(struct view key)
{
	struct allowance *a = allowances;
	while (a && !view_is(key, a->key))
		a = a->next;
	return a;
}

static struct allowance *add(struct view key)
{
	struct allowance *a = memory_array(1, sizeof *a);
	a->key = memory_array(key.length + 1, 1);
	memcpy(a->key, key.at, key.length);
	a->next = allowances;
	return allowances = a;
}

struct allowance *allowance_of(struct view key, double rate)
{
	struct allowance *a = find(key);
	if (!a)
		a = add(key);
	a->distance = (uint64_t)((double)NS_PER_S / rate);
	return a;
}

/* Sleeps until then; false when it is to be given up. */
static bool sleep_until(uint64_t then, const _Atomic bool *stop)
{
	for (;;) {
		uint64_t now = clock_now();
		if (stop && atomic_load(stop))
			return false;
		if (now >= then)
			return true;
		uint64_t left = then - now;
		if (fiber_sleep(left < look_interval ? left : look_interval) == WAIT_STOPPED)
			return false;
	}
}

/* Takes the next turn; gives when that is. */
static uint64_t reserve(struct allowance *a)
{
	uint64_t now = clock_now(), turn = a->next_at > now ? a->next_at : now;
	a->next_at = turn + a->distance;
	return turn;
}

bool allowance_take(struct allowance *a, const _Atomic bool *stop)
{
	while (sleep_until(reserve(a), stop)) {
		if (a->held_until <= clock_now())
			return true;
	}
	return false;
}

void allowance_hold(struct allowance *a, uint64_t ns)
{
	uint64_t until = clock_now() + ns;
	if (until > a->held_until)
		a->held_until = until;
	if (until > a->next_at)
		a->next_at = until;
}

bool attempts_next(struct attempts *a)
{
	if (a->made >= (a->most ? a->most : ATTEMPTS_MOST))
		return false;
	if (!sleep_until(clock_now() + a->pause, a->stop))
		return false;
	if (a->allowance && !allowance_take(a->allowance, a->stop))
		return false;
	a->made++;
	a->pause = 0;
	return true;
}

/* A random part of the bound, which doubles with each attempt. */
static uint64_t random_pause(const struct attempts *a)
{
	uint64_t bound = a->first ? a->first : pause_first;
	uint64_t longest = a->longest ? a->longest : pause_longest;
	for (unsigned i = 1; i < a->made && bound < longest; i++)
		bound *= 2;
	if (bound > longest)
		bound = longest;
	return bound / 1024 * random_below(1024);
}

void attempts_failed(struct attempts *a, bool throttled, long retry_after)
{
	a->pause = random_pause(a);
	if (retry_after > RETRY_AFTER_MOST_S)
		retry_after = RETRY_AFTER_MOST_S;
	uint64_t asked = retry_after > 0 ? (uint64_t)retry_after * NS_PER_S : 0;
	if (a->pause < asked)
		a->pause = asked;
	if (throttled && a->allowance)
		allowance_hold(a->allowance, a->pause);
}
