/* "Did you mean": the nearest of some words to one that was mistyped. */
#ifndef ISTHMUS_SERVER_NEAREST_H
#define ISTHMUS_SERVER_NEAREST_H

#include "base/view.h"

struct nearest {
	struct view typed;
	const char *best; /* NULL while nothing was near enough */
	unsigned distance;
};

/* Starts a search for a word at most two edits (a third of the typed word's length, if that is less) away. */
struct nearest nearest_begin(struct view typed);

/* Takes another word into account. */
void nearest_try(struct nearest *n, const char *word);

#endif
