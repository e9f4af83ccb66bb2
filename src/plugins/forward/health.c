/* Health checks: an upstream that failed a query is asked until it answers again. */
#include "dns/message.h"
#include "net/ask.h"
#include "plugins/forward/forward.h"

static const uint64_t check_timeout = 1 * NS_PER_S;
static const uint64_t check_pause = 10 * NS_PER_MS; /* at least, between two checks */

/* A query for NS of the domain. Gives its length. */
static size_t check_query(const struct forward *f, uint8_t *to, size_t size)
{
	struct message m = {
		.flags = f->no_rec ? 0 : FLAG_RD,
		.has_question = true,
		.question = { f->check_domain, TYPE_NS, CLASS_IN },
	};
	return message_write(&m, to, size);
}

static bool answers(const struct forward *f, const struct forward_upstream *u)
{
	uint8_t query[HEADER_SIZE + NAME_OCTETS_MAX + QUESTION_FIXED];
	struct arena *arena = arena_new(1024);
	struct view answer;
	const char *why;
	struct ask ask = {
		.endpoint = u->net.endpoint,
		.source = f->has_source ? &f->source : NULL,
		.stream = f->force_tcp,
		.as = &u->net,
		.query = query,
		.query_length = check_query(f, query, sizeof query),
		.timeout = check_timeout,
	};
	ask.question_end = ask.query_length;
	bool good = ask_once(&ask, arena, &answer, &why);
	arena_free(arena);
	return good;
}

static void check_task(struct plugin *self, void *data)
{
	struct forward *f = self->state;
	struct forward_upstream *u = data;
	uint64_t pause = (uint64_t)f->check_interval;
	if (pause < check_pause)
		pause = check_pause;
	while (!answers(f, u)) {
		forward_count_check(u);
		if (atomic_load(&u->fails) < UINT32_MAX)
			atomic_fetch_add(&u->fails, 1);
		if (!task_sleep(self, pause))
			return;
	}
	atomic_store(&u->fails, 0);
	atomic_store(&u->checking, false);
}

void health_check(struct plugin *self, struct forward_upstream *u)
{
	if (!atomic_exchange(&u->checking, true))
		task_start(self, check_task, u);
}
