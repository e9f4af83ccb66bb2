/*
 * Buckets of eight ways, a cache line each: an entry may be in any way of its bucket. A way is a
 * pointer whose low six bits, zero by the entries' alignment, are a mark: the kind and five bits of
 * the hash, so that other entries are hardly ever looked at. There are at least twice as many ways as
 * entries may be, so a bucket is hardly ever full before the table is.
 */
#include "plugins/cache/table.h"

#include "base/epoch.h"
#include "base/hash.h"
#include "base/memory.h"
#include <stdlib.h>

enum {
	CAPACITY_MIN = 1024,
	CAPACITY_MAX = 1 << 28,
	WAYS = 8,
	ATTEMPTS = 16,
	CANDIDATES = 4, /* entries of which the one that expires first is evicted */
	FETCHED = 4 * ENTRY_ALIGNMENT,
	SEARCHED = 16,	/* buckets after which one candidate is enough */
	MARK = ENTRY_ALIGNMENT - 1,
};

struct bucket {
	_Atomic uintptr_t ways[WAYS];
};

struct cache_table {
	void *memory; /* of the buckets */
	struct bucket *buckets;
	size_t bucket_count; /* a power of two */
	size_t capacity[KIND_COUNT];
	/* What putting writes, on a cache line that finding does not read. */
	_Alignas(ENTRY_ALIGNMENT) _Atomic size_t count[KIND_COUNT];
};

static size_t within_limits(int64_t capacity)
{
	if (capacity < CAPACITY_MIN)
		return CAPACITY_MIN;
	return capacity > CAPACITY_MAX ? CAPACITY_MAX : (size_t)capacity;
}

struct cache_table *cache_table_new(const int64_t capacity[KIND_COUNT])
{
	struct cache_table *t = memory_aligned(ENTRY_ALIGNMENT, sizeof *t);
	size_t entries = 0;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		t->capacity[kind] = within_limits(capacity[kind]);
		entries += t->capacity[kind];
	}
	t->bucket_count = 1;
	while (t->bucket_count * WAYS < 2 * entries)
		t->bucket_count *= 2;
	size_t alignment = sizeof(struct bucket);
	t->memory = memory_array(t->bucket_count + 1, sizeof(struct bucket));
	t->buckets = (void *)(((uintptr_t)t->memory + alignment - 1) / alignment * alignment);
	return t;
}

static struct cache_entry *entry_of(uintptr_t way)
{
	return (struct cache_entry *)(way & ~(uintptr_t)MARK);
}

static uintptr_t mark_of(uint64_t hash, unsigned kind)
{
	return kind | (uintptr_t)(hash >> 59) << 1;
}

static struct bucket *bucket_of(const struct cache_table *t, uint64_t hash)
{
	return &t->buckets[hash & (t->bucket_count - 1)];
}

void cache_table_free(void *table)
{
	struct cache_table *t = table;
	for (size_t i = 0; i < t->bucket_count; i++) {
		for (int way = 0; way < WAYS; way++) {
			uintptr_t held = atomic_load(&t->buckets[i].ways[way]);
			if (held)
				cache_entry_free(entry_of(held));
		}
	}
	free(t->memory);
	free(t);
}

struct cache_found cache_table_find(const struct cache_table *t, const struct cache_key *key)
{
	struct cache_found found = { 0 };
	const struct bucket *b = bucket_of(t, key->hash);
	uintptr_t mark = mark_of(key->hash, 0);
	for (int way = 0; way < WAYS; way++) {
		uintptr_t held = atomic_load_explicit(&b->ways[way], memory_order_acquire);
		if (!held || (held & MARK & ~(uintptr_t)1) != mark)
			continue;
		struct cache_entry *e = entry_of(held);
		if (cache_entry_is(e, key))
			found.of[held & 1] = e;
	}
	return found;
}

void cache_table_foresee(const struct cache_table *t, uint64_t hash)
{
	__builtin_prefetch(bucket_of(t, hash));
}

/* An entry and the start of its octets: the entry cannot go meanwhile, and nothing of it is read here. */
static void fetch(const struct cache_entry *e)
{
	for (size_t at = 0; at < FETCHED; at += ENTRY_ALIGNMENT)
		__builtin_prefetch((const char *)e + at);
}

void cache_table_go_ahead(const struct cache_table *t, uint64_t hash)
{
	const struct bucket *b = bucket_of(t, hash);
	for (int way = 0; way < WAYS; way++) {
		uintptr_t held = atomic_load_explicit(&b->ways[way], memory_order_relaxed);
		if (held && (held & MARK & ~(uintptr_t)1) == mark_of(hash, 0))
			fetch(entry_of(held));
	}
}

/* Takes a way's content out; false if another worker has changed it meanwhile. */
static bool take_out(struct cache_table *t, _Atomic uintptr_t *way, uintptr_t held)
{
	struct cache_entry *e = entry_of(held);
	if (!atomic_compare_exchange_strong(way, &held, 0))
		return false;
	atomic_fetch_sub(&t->count[e->kind], 1);
	epoch_retire(e, cache_entry_free);
	return true;
}

static uint64_t expiry(const struct cache_entry *e)
{
	return e->stored + e->ttl * NS_PER_S;
}

/* The way in a bucket whose entry of this kind expires first, if that is before `*best`. */
static void look_for_victim(struct bucket *b, enum kind kind, _Atomic uintptr_t **victim,
	uint64_t *best, unsigned *seen)
{
	for (int way = 0; way < WAYS; way++) {
		uintptr_t held = atomic_load_explicit(&b->ways[way], memory_order_acquire);
		if (!held || (held & 1) != kind)
			continue;
		++*seen;
		uint64_t at = expiry(entry_of(held));
		if (!*victim || at < *best) {
			*victim = &b->ways[way];
			*best = at;
		}
	}
}

/* Makes room: of a few entries in arbitrary buckets, the one that expires first goes. */
static bool evict(struct cache_table *t, uint64_t hash, enum kind kind)
{
	_Atomic uintptr_t *victim = NULL;
	uint64_t best = 0, start = hash_mix(hash, clock_batch());
	unsigned seen = 0;
	for (size_t n = 0; n < t->bucket_count && seen < CANDIDATES; n++) {
		if (seen > 0 && n >= SEARCHED)
			break;
		look_for_victim(bucket_of(t, start + n), kind, &victim, &best, &seen);
	}
	uintptr_t held = victim ? atomic_load_explicit(victim, memory_order_acquire) : 0;
	return held && (held & 1) == kind && take_out(t, victim, held);
}

/* The ways of a bucket as one that wants to put an entry in sees them. */
struct places {
	_Atomic uintptr_t *same, *free;
	uintptr_t same_held;
};

static struct places places_in(struct bucket *b, const struct cache_entry *e)
{
	struct places p = { 0 };
	struct cache_key key = cache_entry_key(e);
	for (int way = 0; way < WAYS; way++) {
		uintptr_t held = atomic_load_explicit(&b->ways[way], memory_order_acquire);
		if (!held)
			p.free = &b->ways[way];
		else if ((held & MARK) == mark_of(e->hash, e->kind) &&
			 cache_entry_is(entry_of(held), &key)) {
			p.same = &b->ways[way];
			p.same_held = held;
		}
	}
	return p;
}

static bool replace(_Atomic uintptr_t *way, uintptr_t held, uintptr_t by)
{
	if (!atomic_compare_exchange_strong(way, &held, by))
		return false;
	epoch_retire(entry_of(held), cache_entry_free);
	return true;
}

/* Two workers may have found the same key missing at once: the entry that was put in last stays. */
static void drop_twins(struct cache_table *t, struct bucket *b, const struct cache_entry *e)
{
	struct cache_key key = cache_entry_key(e);
	for (int way = 0; way < WAYS; way++) {
		uintptr_t held = atomic_load_explicit(&b->ways[way], memory_order_acquire);
		if (held && entry_of(held) != e && (held & MARK) == mark_of(e->hash, e->kind) &&
			cache_entry_is(entry_of(held), &key))
			take_out(t, &b->ways[way], held);
	}
}

/* One attempt; false if another worker came between, or room was made first. */
static bool try_put(struct cache_table *t, struct cache_entry *e, unsigned evicted[KIND_COUNT])
{
	struct bucket *b = bucket_of(t, e->hash);
	_Atomic size_t *count = &t->count[e->kind];
	uintptr_t marked = (uintptr_t)e | mark_of(e->hash, e->kind), empty = 0;
	struct places p = places_in(b, e);
	if (p.same)
		return replace(p.same, p.same_held, marked);
	if (atomic_load(count) >= t->capacity[e->kind]) {
		evicted[e->kind] += evict(t, e->hash, e->kind);
		return false;
	}
	if (p.free) {
		atomic_fetch_add(count, 1);
		bool put = atomic_compare_exchange_strong(p.free, &empty, marked);
		if (!put)
			atomic_fetch_sub(count, 1);
		else
			drop_twins(t, b, e);
		return put;
	}
	_Atomic uintptr_t *way = &b->ways[hash_mix(e->hash, clock_batch()) % WAYS];
	uintptr_t held = atomic_load_explicit(way, memory_order_acquire);
	if (held && take_out(t, way, held))
		evicted[entry_of(held)->kind]++;
	return false;
}

bool cache_table_put(struct cache_table *t, struct cache_entry *e, unsigned evicted[KIND_COUNT])
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (try_put(t, e, evicted))
			return true;
	}
	return false;
}

void cache_table_remove(struct cache_table *t, struct cache_entry *e)
{
	struct bucket *b = bucket_of(t, e->hash);
	for (int way = 0; way < WAYS; way++) {
		uintptr_t held = atomic_load_explicit(&b->ways[way], memory_order_acquire);
		if (held && entry_of(held) == e) {
			take_out(t, &b->ways[way], held);
			return;
		}
	}
}

size_t cache_table_count(const struct cache_table *t, enum kind kind)
{
	return atomic_load_explicit(&t->count[kind], memory_order_relaxed);
}
