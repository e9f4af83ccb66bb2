/* Waiting for the control thread. The waiter looks again and again, so that no thread need know whether another's loop still runs. */
#include "plugins/errand.h"

#include "net/loop.h"

static const uint64_t look_interval = NS_PER_MS;

static void let_go(void *errand)
{
	struct errand *e = errand;
	if (atomic_fetch_sub(&e->holders, 1) == 1)
		e->free(e);
}

bool errand_run(struct plugin *self, struct query *q, struct errand *e,
	void (*run)(struct plugin *self, void *errand), uint64_t most)
{
	uint64_t deadline = clock_now() + most;
	if (q->deadline && q->deadline < deadline)
		deadline = q->deadline;
	atomic_store(&e->holders, 2);
	arena_on_free(q->arena, let_go, e);
	task_start(self, run, e);
	while (!atomic_load(&e->done)) {
		if (clock_now() >= deadline || fiber_sleep(look_interval) == WAIT_STOPPED)
			return false;
	}
	return true;
}

void errand_done(struct errand *e)
{
	atomic_store(&e->done, true);
	let_go(e);
}
