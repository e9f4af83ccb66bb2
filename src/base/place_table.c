/* Making tables of places, and putting them in. */
#include "base/place_table.h"

#include "base/memory.h"
#include <stdlib.h>

enum { CACHE_LINE = 64 };

_Static_assert(sizeof(struct place_bucket) == CACHE_LINE, "a bucket is a cache line");

/* Three quarters full: one bucket in twelve then overflows. */
struct place_table place_table_new(size_t items)
{
	size_t count = items / (PLACE_BUCKET * 3 / 4) + 1;
	struct place_table t = { .memory = memory_array(count + 1, sizeof(struct place_bucket)) };
	t.buckets = (struct place_bucket *)(((uintptr_t)t.memory + CACHE_LINE - 1) &
					    ~(uintptr_t)(CACHE_LINE - 1));
	t.bucket_count = (uint32_t)count;
	return t;
}

void place_table_free(struct place_table *t)
{
	free(t->memory);
	*t = (struct place_table){ 0 };
}

void place_table_put(struct place_table *t, uint64_t hash, uint32_t place)
{
	uint32_t at = place_bucket_of(t, hash);
	while (t->buckets[at].count == PLACE_BUCKET) {
		t->buckets[at].overflowed = true;
		at = at + 1 == t->bucket_count ? 0 : at + 1;
	}
	struct place_bucket *b = &t->buckets[at];
	b->tags[b->count] = (uint8_t)hash;
	b->places[b->count++] = place;
}
