/* One question to one server. */
#include "net/ask.h"

enum { TRIES = 4 }; /* on connections that the peer turns out to have closed */

struct asking {
	struct attempt attempt;
	const struct ask *ask;
	struct arena *arena;
	struct fiber *fiber;
	bool ended, answered, closed;
	struct view answer;
	const char *why;
};

static void done(struct attempt *a, enum attempt_result result, const uint8_t *wire, size_t length)
{
	struct asking *s = (struct asking *)a;
	s->ended = true;
	s->answered = result == ATTEMPT_ANSWERED;
	s->closed = result == ATTEMPT_CLOSED;
	if (s->answered)
		s->answer = arena_copy(s->arena, (struct view){ (const char *)wire, length });
	fiber_wake(s->fiber);
}

static void run_on(struct asking *s, struct upstream_pool *pool, uint64_t deadline)
{
	const struct ask *ask = s->ask;
	char text[ATTEMPT_ERROR_MAX];
	s->attempt.query = ask->query;
	s->attempt.query_length = ask->query_length;
	s->attempt.question_end = ask->question_end;
	s->attempt.done = done;
	s->fiber = fiber_self();
	enum attempt_wait wait = ATTEMPT_LOOK;
	unsigned tries = 0;
	do {
		s->ended = s->closed = false;
		attempt_start(pool, &s->attempt, ask->stream);
		while (!s->ended && wait == ATTEMPT_LOOK)
			wait = attempt_park(&s->attempt, ask->timeout, deadline);
	} while (s->closed && ++tries < TRIES);
	if (!s->ended)
		attempt_timed_out(&s->attempt);
	if (!s->answered)
		s->why = arena_string(s->arena, view_of(attempt_error(&s->attempt, text)));
	attempt_cancel(&s->attempt);
}

static void run(struct asking *s)
{
	const struct ask *ask = s->ask;
	struct upstream u = { .endpoint = ask->endpoint, .transport = TRANSPORT_UDP, .expire = NS_PER_S };
	if (ask->as) {
		u.transport = ask->as->transport;
		u.tls = ask->as->tls;
		u.http = ask->as->http;
	}
	if (ask->source) {
		u.has_source = true;
		u.source = *ask->source;
	}
	struct upstream_pool *pool = upstream_pool_new(loop_current(), &u);
	run_on(s, pool, 0);
	upstream_pool_free(pool);
}

static void run_and_stop(void *data)
{
	run(data);
	loop_stop(loop_current());
}

bool ask_once(const struct ask *ask, struct arena *arena, struct view *answer, const char **why)
{
	struct asking s = { .ask = ask, .arena = arena };
	if (loop_current()) {
		run(&s);
	} else {
		struct loop *l = loop_new(0);
		fiber_spawn(l, run_and_stop, &s);
		loop_run(l);
		loop_free(l);
	}
	*answer = s.answer;
	*why = s.why;
	return s.answered;
}

bool ask_pool(struct upstream_pool *pool, const struct ask *ask, uint64_t deadline,
	struct arena *arena, struct view *answer, const char **why)
{
	struct asking s = { .ask = ask, .arena = arena };
	run_on(&s, pool, deadline);
	*answer = s.answer;
	*why = s.why;
	return s.answered;
}
