/* Growing by doubling; the arena keeps the outgrown pieces until it goes. */
#include "base/arena_text.h"

enum { FIRST_CAPACITY = 64 };

static void grow(struct arena_text *t, size_t needed)
{
	size_t capacity = 2 * needed + FIRST_CAPACITY;
	char *grown = arena_octets(t->arena, capacity);
	if (t->length)
		memcpy(grown, t->at, t->length);
	t->at = grown;
	t->capacity = capacity;
}

void arena_text_add(struct arena_text *t, struct view v)
{
	size_t length = v.length;
	if (length > t->limit - t->length) {
		length = t->limit - t->length;
		t->cut = true;
	}
	if (length == 0)
		return;
	if (length > t->capacity - t->length)
		grow(t, t->length + length);
	memcpy(t->at + t->length, v.at, length);
	t->length += length;
}
