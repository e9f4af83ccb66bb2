/* A set of hashes: open addressing, at most half full. */
#include "plugins/seen.h"

enum { SEEN_FIRST = 32 };

static bool insert(struct seen *s, uint64_t hash)
{
	size_t at = hash & (s->capacity - 1);
	for (; s->slots[at]; at = (at + 1) & (s->capacity - 1)) {
		if (s->slots[at] == hash)
			return false;
	}
	s->slots[at] = hash;
	s->count++;
	return true;
}

bool seen_add(struct seen *s, struct arena *a, uint64_t hash)
{
	hash |= 1; /* never the mark of a free slot */
	if (2 * (s->count + 1) > s->capacity) {
		struct seen old = *s;
		s->capacity = old.capacity ? 2 * old.capacity : SEEN_FIRST;
		s->slots = arena_array(a, s->capacity, sizeof *s->slots);
		s->count = 0;
		for (size_t i = 0; i < old.capacity; i++) {
			if (old.slots[i])
				insert(s, old.slots[i]);
		}
	}
	return insert(s, hash);
}
