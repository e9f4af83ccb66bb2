/*
 * Answers that come too late for their client, and are there for the next one, whichever worker asks for it: the question is
 * asked once more from the block's cache on, by nobody, and finds the answer waiting in its flight.
 */
#include "base/epoch.h"
#include "net/loop.h"
#include "plugins/forward/forward.h"
#include "server/chain.h"

enum { LATE_ARENA_SIZE = 1024 };

struct late {
	struct flight_late flight;
	struct plugin *cache;
	struct query *q;
	uint64_t epoch; /* keeps the configuration */
};

static void ask_cache(void *data)
{
	struct late *l = data;
	chain_serve(l->cache, l->q);
	epoch_leave(l->epoch);
	arena_free(l->flight.arena);
}

static void answered(struct flight_late *flight)
{
	struct late *l = (struct late *)flight;
	l->epoch = epoch_enter();
	l->q->started = clock_batch();
	fiber_spawn(loop_current(), ask_cache, l);
}

struct flight_late *late_new(struct plugin *self, const struct query *q)
{
	struct plugin *cache = block_plugin(self->block, "cache");
	if (!cache)
		return NULL;
	struct arena *a = arena_new(LATE_ARENA_SIZE);
	struct late *l = arena_new_object(a, struct late);
	l->flight = (struct flight_late){ a, answered };
	l->cache = cache;
	l->q = query_copy(a, q);
	return &l->flight;
}
