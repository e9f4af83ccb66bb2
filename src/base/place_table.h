/*
 * A hash table of places: 32-bit numbers that say where the caller keeps an item, 0 being none.
 *
 * A bucket is a cache line: 12 places with an octet of each hash, so that a lookup touches one line of the table and, nearly
 * always, no other item than the one it wants. What an item is, and whether it is the one, is the caller's.
 */
#ifndef ISTHMUS_BASE_PLACE_TABLE_H
#define ISTHMUS_BASE_PLACE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLACE_BUCKET = 12 };

struct place_bucket {
	uint8_t tags[PLACE_BUCKET];
	uint8_t count;
	uint8_t overflowed; /* an item that belongs here stands in a later bucket */
	uint32_t places[PLACE_BUCKET];
};

struct place_table {
	void *memory;
	struct place_bucket *buckets; /* on a cache line's border */
	uint32_t bucket_count;
};

/* An empty table with room for `items` and some more: see place_table_holds(). Its memory is given back by
 * place_table_free(). */
struct place_table place_table_new(size_t items);
void place_table_free(struct place_table *t);

/* When so many items are in, a larger table should be made before the next one. */
static inline size_t place_table_holds(const struct place_table *t)
{
	return (size_t)t->bucket_count * PLACE_BUCKET * 5 / 6;
}

/* Puts in an item that is not there yet. The table has room. */
void place_table_put(struct place_table *t, uint64_t hash, uint32_t place);

/* Steps through all items, `at` starting as 0; 0 at the end. */
static inline uint32_t place_table_step(const struct place_table *t, size_t *at)
{
	while (*at / PLACE_BUCKET < t->bucket_count) {
		const struct place_bucket *b = &t->buckets[*at / PLACE_BUCKET];
		size_t i = (*at)++ % PLACE_BUCKET;
		if (i < b->count)
			return b->places[i];
	}
	return 0;
}

/* Where the upper half of a hash falls among the buckets; its lowest octet is the tag. */
static inline uint32_t place_bucket_of(const struct place_table *t, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * t->bucket_count >> 32);
}

/* Begins to fetch what a search for this hash will read into the CPU's cache. */
static inline void place_table_foresee(const struct place_table *t, uint64_t hash)
{
	__builtin_prefetch(&t->buckets[place_bucket_of(t, hash)]);
}

/* A search for the items that may have a hash, in a table that has been made. */
struct place_search {
	const struct place_table *table;
	uint32_t at;
	unsigned next;
	uint8_t tag;
};

static inline struct place_search place_search(const struct place_table *t, uint64_t hash)
{
	return (struct place_search){ t, place_bucket_of(t, hash), 0, (uint8_t)hash };
}

/* The next item that may be the one; 0: there are no more. */
static inline uint32_t place_next(struct place_search *s)
{
	const struct place_table *t = s->table;
	for (;;) {
		const struct place_bucket *b = &t->buckets[s->at];
		while (s->next < b->count) {
			unsigned i = s->next++;
			if (b->tags[i] == s->tag)
				return b->places[i];
		}
		if (!b->overflowed)
			return 0;
		s->at = s->at + 1 == t->bucket_count ? 0 : s->at + 1;
		s->next = 0;
	}
}

#endif
