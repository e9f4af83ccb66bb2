/* When a state is written. */
#include "sync/state_keeper.h"

#include "base/clock.h"

static const uint64_t save_interval = 30 * NS_PER_S;
/* Until there is something to keep, and while nothing changes. */
static const uint64_t look_interval = NS_PER_S;

static void save(struct state_keeper *k, const struct plugin *self, uint64_t version)
{
	struct state_problem why;
	bool done = k->write(k->owner, &why);
	if (done) {
		k->saved = version;
		k->saved_at = (uint64_t)clock_wall_seconds();
	} else if (!k->failed) {
		plugin_error(self, "the state cannot be kept: %s", why.text);
	}
	k->failed = !done;
}

static void run(struct plugin *self, void *keeper)
{
	struct state_keeper *k = keeper;
	for (;;) {
		uint64_t version = k->version(k->owner);
		bool due = version && version != k->saved;
		if (due)
			save(k, self, version);
		if (!task_sleep(self, due ? save_interval : look_interval))
			return;
	}
}

void state_keeper_start(struct state_keeper *k, struct plugin *self)
{
	task_start(self, run, k);
}
