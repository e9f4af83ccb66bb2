/* One question to one server, and waiting for its answer: on a socket of its own (for health checks, start-up and the like) or on a
 * pool's. */
#ifndef ISTHMUS_NET_ASK_H
#define ISTHMUS_NET_ASK_H

#include "base/arena.h"
#include "net/upstream.h"

struct ask {
	struct endpoint endpoint;
	const struct endpoint *source; /* local address, or NULL */
	bool stream;
	const struct upstream *as; /* whose transport it is; NULL: plain DNS */
	const uint8_t *query;          /* with one question, which ends at question_end */
	size_t query_length, question_end;
	uint64_t timeout;              /* ns, from when the query was sent */
};

/* Asks on a socket of its own and waits for the answer, which is put into the arena. False with *why (in the arena) when there
 * was none in time. Outside of a loop it runs one of its own. */
bool ask_once(const struct ask *ask, struct arena *arena, struct view *answer, const char **why);

/* Asks on a connection of the pool, and waits no longer than until `deadline` (0: none). Of `ask` only query and timeout are
 * looked at, and `stream`. */
bool ask_pool(struct upstream_pool *pool, const struct ask *ask, uint64_t deadline,
	struct arena *arena, struct view *answer, const char **why);

#endif
