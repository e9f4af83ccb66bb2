/* A deadline for each query: whoever waits for something on its behalf gives up then. */
#include "base/clock.h"
#include "server/plugin.h"

static const uint64_t timeout_default = 5001 * NS_PER_MS; /* clients give up after 5 s */

struct cancel {
	uint64_t timeout;
};

static void cancel_init(struct setup *s)
{
	((struct cancel *)s->state)->timeout = timeout_default;
}

static bool cancel_setup(struct setup *s)
{
	struct cancel *c = s->state;
	struct view word;
	const char *why;
	int64_t ns;
	if (!arg_next(s, &word))
		return true;
	if (!duration_parse(s->arena, word, &ns, &why))
		return setup_error(s, "invalid duration: \"%.*s\"", VIEW_ARGS(word));
	if (ns <= 0)
		return setup_error(s, "invalid negative duration: \"%.*s\"", VIEW_ARGS(word));
	c->timeout = (uint64_t)ns;
	return arg_end(s);
}

static int cancel_serve(struct plugin *self, struct query *q)
{
	const struct cancel *c = self->state;
	uint64_t deadline = q->started + c->timeout;
	if (!q->deadline || q->deadline > deadline)
		q->deadline = deadline;
	return next(self, q);
}

PLUGIN(cancel) = {
	.name = "cancel",
	.arguments = "[TIMEOUT]",
	.help = "gives each query a deadline (5.001 s), after which nobody waits on its behalf any "
		"longer",
	.state_size = sizeof(struct cancel),
	.init = cancel_init,
	.setup = cancel_setup,
	.serve = cancel_serve,
};
