/* What an answer has already, so that nothing stands in it twice. */
#ifndef ISTHMUS_PLUGINS_SEEN_H
#define ISTHMUS_PLUGINS_SEEN_H

#include "base/arena.h"

/* Hashes under the process's key: two that are equal are taken for the same thing. Zeroed is empty. */
struct seen {
	uint64_t *slots; /* 0: free */
	size_t count, capacity;
};

/* True if it is new; memory from the arena. */
bool seen_add(struct seen *s, struct arena *a, uint64_t hash);

#endif
