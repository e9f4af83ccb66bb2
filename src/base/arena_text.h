/* Text that grows in an arena, up to a limit: what is put together while a query runs. */
#ifndef ISTHMUS_BASE_ARENA_TEXT_H
#define ISTHMUS_BASE_ARENA_TEXT_H

#include "base/arena.h"

/* Starts as { .arena = a, .limit = octets }. What goes over the limit is left out, and `cut` set.
 */
struct arena_text {
	struct arena *arena;
	size_t limit;
	char *at;
	size_t length, capacity;
	bool cut;
};

void arena_text_add(struct arena_text *t, struct view v);

static inline void arena_text_add_string(struct arena_text *t, const char *string)
{
	arena_text_add(t, view_of(string));
}

static inline void arena_text_add_char(struct arena_text *t, char c)
{
	arena_text_add(t, (struct view){ &c, 1 });
}

/* What has been added; good until the next addition, and then as long as the arena. */
static inline struct view arena_text_view(const struct arena_text *t)
{
	return (struct view){ t->at ? t->at : "", t->length };
}

#endif
