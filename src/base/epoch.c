/*
 * Epochs: a counter that each retirement moves on, and for each reader the value it last saw.
 *
 * What is retired at epoch E may be held by every reader that has not yet seen an epoch after E. A
 * reader shows two numbers: `seen`, where its loop last passed a quiet point, and `oldest`, where
 * the oldest of its running queries entered. Nothing retired at or after the smaller of the two is
 * freed.
 *
 * Why this needs no fence on a reader's way (all loads of snapshots are acquire loads or stronger):
 * - Moving on: the reader loads the counter (acquire) and stores it into `seen` (release). Its
 * accesses to old snapshots happen before that store, hence before the free in whoever read `seen`
 * (acquire). Having read E + 1 it has synchronised with the retirement that made it, hence reads
 * the pointers as they were stored before that.
 * - Coming back from idle: until then nothing protects the reader, so the store of `seen` and the
 * load of the counter behind it are sequentially consistent, as are the retirement's increment and
 * the reclaimer's load of `seen`. Either the reclaimer sees `seen`, or its load comes first, then
 * the reader's load of the counter comes after the increment.
 * - A query that enters: `oldest` is stored before a later `seen`, and the reclaimer reads `seen`
 * first. It reads either a `seen` that still protects the query, or the `oldest` that does.
 */
#include "base/epoch.h"

#include "base/memory.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { READERS_MAX = 1024 };

static const uint64_t never = UINT64_MAX; /* a reader that holds nothing */

/* Queries that entered at the same epoch. */
struct entered {
	uint64_t epoch;
	size_t queries;
};

/* A reader. Only its thread writes; the reclaimer reads the two numbers. */
struct reader {
	_Alignas(64) _Atomic uint64_t seen;
	_Atomic uint64_t oldest;
	bool taken; /* under `lock` */
	/* Running queries by epoch, ascending; from `first` on, the first one never empty. */
	struct entered *entered;
	size_t first, end, capacity;
};

struct retired {
	struct retired *next;
	void *old;
	void (*free_it)(void *old);
	uint64_t epoch;
};

static struct reader readers[READERS_MAX];
static _Atomic size_t reader_count; /* slots ever taken */
static _Atomic uint64_t now = 1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct retired *first_retired, **last_retired = &first_retired; /* ascending; under `lock` */
static size_t retired_count;

static _Thread_local struct reader *self;

static void wake_up(struct reader *r)
{
	atomic_store(&r->seen, atomic_load(&now));
	atomic_store_explicit(&r->seen, atomic_load(&now), memory_order_release);
}

static struct reader *take_reader(void)
{
	size_t count = atomic_load(&reader_count);
	for (size_t i = 0; i < count; i++) {
		if (!readers[i].taken)
			return &readers[i];
	}
	if (count == READERS_MAX)
		return NULL;
	atomic_store(&readers[count].seen, never);
	atomic_store(&readers[count].oldest, never);
	atomic_store(&reader_count, count + 1);
	return &readers[count];
}

void epoch_register(void)
{
	if (self)
		return;
	pthread_mutex_lock(&lock);
	struct reader *r = take_reader();
	if (!r)
		abort();
	r->taken = true;
	pthread_mutex_unlock(&lock);
	wake_up(r);
	self = r;
}

void epoch_unregister(void)
{
	struct reader *r = self;
	if (!r)
		return;
	assert(r->first == r->end);
	free(r->entered);
	r->entered = NULL;
	r->first = r->end = r->capacity = 0;
	atomic_store_explicit(&r->oldest, never, memory_order_release);
	atomic_store_explicit(&r->seen, never, memory_order_release);
	pthread_mutex_lock(&lock);
	r->taken = false;
	pthread_mutex_unlock(&lock);
	self = NULL;
}

/* Room for one more epoch at the end: by moving the live ones to the front, or by growing. */
static void make_room(struct reader *r)
{
	if (r->first > 0) {
		for (size_t i = r->first; i < r->end; i++)
			r->entered[i - r->first] = r->entered[i];
		r->end -= r->first;
		r->first = 0;
	}
	if (r->end == r->capacity) {
		r->capacity = r->capacity ? r->capacity * 2 : 8;
		r->entered = memory_resize(r->entered, r->capacity, sizeof *r->entered);
	}
}

uint64_t epoch_enter(void)
{
	struct reader *r = self;
	if (!r)
		return 0;
	uint64_t epoch = atomic_load_explicit(&r->seen, memory_order_relaxed);
	if (epoch == never) {
		wake_up(r);
		epoch = atomic_load_explicit(&r->seen, memory_order_relaxed);
	}
	if (r->end > r->first && r->entered[r->end - 1].epoch == epoch) {
		r->entered[r->end - 1].queries++;
		return epoch;
	}
	if (r->end == r->capacity)
		make_room(r);
	if (r->first == r->end)
		atomic_store_explicit(&r->oldest, epoch, memory_order_release);
	r->entered[r->end++] = (struct entered){ epoch, 1 };
	return epoch;
}

/* Where the queries of this epoch are counted; a query that just ran is at the end. */
static struct entered *find_entered(struct reader *r, uint64_t epoch)
{
	size_t i = r->end;
	while (i > r->first && r->entered[i - 1].epoch != epoch)
		i--;
	assert(i > r->first);
	return &r->entered[i - 1];
}

void epoch_leave(uint64_t entered)
{
	struct reader *r = self;
	if (!r || entered == 0)
		return;
	struct entered *e = find_entered(r, entered);
	if (--e->queries > 0)
		return;
	if (e != &r->entered[r->first])
		return;
	while (r->first < r->end && r->entered[r->first].queries == 0)
		r->first++;
	if (r->first == r->end)
		r->first = r->end = 0;
	uint64_t oldest = r->first < r->end ? r->entered[r->first].epoch : never;
	atomic_store_explicit(&r->oldest, oldest, memory_order_release);
}

void epoch_quiet(void)
{
	struct reader *r = self;
	if (!r)
		return;
	uint64_t seen = atomic_load_explicit(&r->seen, memory_order_relaxed);
	uint64_t current = atomic_load_explicit(&now, memory_order_acquire);
	if (seen == current)
		return;
	if (seen == never)
		wake_up(r);
	else
		atomic_store_explicit(&r->seen, current, memory_order_release);
}

void epoch_idle(void)
{
	if (self)
		atomic_store_explicit(&self->seen, never, memory_order_release);
}

void epoch_retire(void *old, void (*free_it)(void *old))
{
	if (!old)
		return;
	struct retired *r = memory_alloc(sizeof *r);
	*r = (struct retired){ .old = old, .free_it = free_it };
	pthread_mutex_lock(&lock);
	r->epoch = atomic_fetch_add(&now, 1);
	*last_retired = r;
	last_retired = &r->next;
	retired_count++;
	pthread_mutex_unlock(&lock);
}

/* What every reader has gone past: whatever was retired before it may be freed. */
static uint64_t oldest_in_use(void)
{
	uint64_t oldest = never;
	size_t count = atomic_load(&reader_count);
	for (size_t i = 0; i < count; i++) {
		uint64_t seen = atomic_load(&readers[i].seen); /* before `oldest`: see the top */
		uint64_t entered = atomic_load_explicit(&readers[i].oldest, memory_order_acquire);
		if (seen < oldest)
			oldest = seen;
		if (entered < oldest)
			oldest = entered;
	}
	return oldest;
}

/* Takes what may be freed off the list. */
static struct retired *take_free(size_t *waiting)
{
	struct retired *free_ones = NULL, **last = &free_ones;
	pthread_mutex_lock(&lock);
	uint64_t in_use = oldest_in_use();
	while (first_retired && first_retired->epoch < in_use) {
		*last = first_retired;
		last = &first_retired->next;
		first_retired = first_retired->next;
		retired_count--;
	}
	*last = NULL;
	if (!first_retired)
		last_retired = &first_retired;
	*waiting = retired_count;
	pthread_mutex_unlock(&lock);
	return free_ones;
}

size_t epoch_reclaim(void)
{
	size_t waiting;
	struct retired *r = take_free(&waiting);
	while (r) {
		struct retired *next = r->next;
		r->free_it(r->old);
		free(r);
		r = next;
	}
	return waiting;
}

void epoch_drain(void)
{
	while (epoch_reclaim() > 0)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}
