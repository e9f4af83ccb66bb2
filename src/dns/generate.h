/*
 * $GENERATE (BIND's): one line made into many, each with another number in it.
 *
 * "$" is the number, "$$" a dollar sign, "${offset,width,base}" the number changed and filled up
 * with zeros. Escapes stay as they are, so that "\$" is a dollar sign too.
 */
#ifndef ISTHMUS_DNS_GENERATE_H
#define ISTHMUS_DNS_GENERATE_H

#include "base/arena.h"
#include "base/text.h"

enum {
	GENERATED_MAX = 65536,	    /* records of one $GENERATE */
	GENERATED_LINE_MAX = 65536, /* octets of a line that it makes */
};

/* Numbers are current, current + step, ... up to stop. */
struct generator {
	uint64_t current, start, stop, step;
	struct view pattern;
};

/* Reads "start-stop" or "start-stop/step"; gives what is wrong, or NULL. */
const char *generator_range(struct view text, struct generator *g);

/*
 * Makes the line of the current number in `room` (GENERATED_LINE_MAX octets) and steps on. Gives
 * what is wrong with the pattern, or NULL; *bad is where.
 */
const char *generator_line(struct generator *g, char *room, struct view *line, struct view *bad);

static inline bool generator_ended(const struct generator *g)
{
	return g->current > g->stop;
}

#endif
