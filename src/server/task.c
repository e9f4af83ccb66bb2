/* Tasks of plugins on the control thread: fibers that a configuration waits for before it goes. */
#include "base/memory.h"
#include "net/loop.h"
#include "server/block.h"
#include <stdlib.h>

/* A long sleep is cut into naps, so that a task notices soon that it is to end. */
enum { NAP_MS = 100 };

struct task {
	struct plugin *self;
	void (*run)(struct plugin *self, void *data);
	void *data;
};

static void task_run(void *data)
{
	struct task t = *(struct task *)data;
	struct config *config = t.self->block->config;
	free(data);
	t.run(t.self, t.data);
	atomic_fetch_sub(&config->tasks, 1);
}

static void task_begin(void *data)
{
	fiber_spawn(loop_current(), task_run, data);
}

void task_start(struct plugin *self, void (*run)(struct plugin *self, void *data), void *data)
{
	struct task *t = memory_alloc(sizeof *t);
	*t = (struct task){ self, run, data };
	atomic_fetch_add(&self->block->config->tasks, 1);
	loop_post(self->block->config->control, task_begin, t);
}

bool task_sleep(struct plugin *self, uint64_t ns)
{
	const struct config *config = self->block->config;
	uint64_t end = clock_now() + ns;
	for (;;) {
		if (atomic_load(&config->stopping))
			return false;
		uint64_t now = clock_now();
		if (now >= end)
			return true;
		uint64_t nap = end - now < NAP_MS * NS_PER_MS ? end - now : NAP_MS * NS_PER_MS;
		if (fiber_sleep(nap) == WAIT_STOPPED)
			return false;
	}
}

bool start_error(struct plugin *self, const char *format, ...)
{
	struct config *config = self->block->config;
	va_list args;
	va_start(args, format);
	const char *text = arena_vprintf(config->arena, format, args);
	va_end(args);
	config->start_error = arena_printf(config->arena, "plugin/%s: %s", self->type->name, text);
	return false;
}
