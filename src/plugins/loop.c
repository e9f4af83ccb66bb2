/*
 * Finds out at the start whether queries come back to this server: asks itself for a name that nobody can know, and ends the
 * process if that question arrives again. A server that was serving before - a reload - says so and goes on.
 */
#include "base/clock.h"
#include "base/random.h"
#include "dns/message.h"
#include "net/ask.h"
#include "server/block.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	PROBES_MAX = 30, /* one a second; each has a name of its own */
	PROOF = 3,       /* arrivals of one name */
	EXIT_LOOP = 1,
	LABEL_BITS = 62,
};

static const uint64_t probe_timeout = 2 * NS_PER_S;
static const uint64_t probe_pause = 1 * NS_PER_S;
static const uint64_t stays_armed = 2 * NS_PER_S; /* behind the first answer */

struct loop_probe {
	struct name name;
	_Atomic unsigned arrived;
	_Atomic unsigned inside; /* being worked on now: a second one meanwhile is proof, too, since forward asks once only */
};

struct loop_state {
	struct name zone;
	struct endpoint self;
	const char *address; /* as the message has it: ":53" */
	struct loop_probe probes[PROBES_MAX];
	_Atomic(struct loop_probe *) armed; /* NULL: not any more */
};

/* --- set-up --- */

static struct name secret_name(struct arena *a, struct name zone)
{
	uint64_t first = random_u64() >> (64 - LABEL_BITS), second = random_u64() >> (64 - LABEL_BITS);
	const char *text = arena_printf(a, "%llu.%llu", (unsigned long long)first, (unsigned long long)second);
	struct name_buffer b;
	if (!name_parse(view_of(text), zone, &b))
		return (struct name){ 0 };
	return name_copy_lower(a, name_of(&b));
}

/* Where the block listens: its first address, else the local host. */
static void find_self(struct setup *s, struct loop_state *l)
{
	struct view address = s->block->bind_count ? s->block->bind[0] : VIEW("");
	const char *port = s->block->source->keys[0].port;
	uint64_t number = 0;
	view_unsigned(view_of(port), UINT16_MAX, &number);
	if (!endpoint_parse_ip(address, (uint16_t)number, &l->self))
		endpoint_parse_ip(VIEW("127.0.0.1"), (uint16_t)number, &l->self);
	bool v6 = view_find(address, ':') < address.length;
	l->address = arena_printf(s->arena, v6 ? "[%.*s]:%s" : "%.*s:%s", VIEW_ARGS(address), port);
}

static bool loop_finish(struct setup *s)
{
	struct loop_state *l = s->state;
	l->zone = s->block->zones[0];
	for (unsigned i = 0; i < PROBES_MAX; i++) {
		l->probes[i].name = secret_name(s->arena, l->zone);
		if (!l->probes[i].name.length)
			return setup_error_plain(s, "no room for a name below '%s'", name_text(s->arena, l->zone));
	}
	find_self(s, l);
	return true;
}

/* --- asking: control thread --- */

static bool probe(struct loop_state *l, struct name name)
{
	uint8_t query[HEADER_SIZE + NAME_OCTETS_MAX + QUESTION_FIXED];
	struct message m = { .flags = FLAG_RD, .has_question = true, .question = { name, TYPE_HINFO, CLASS_IN } };
	struct arena *arena = arena_new(1024);
	struct ask ask = { .endpoint = l->self, .query = query, .timeout = probe_timeout };
	struct view answer;
	const char *why;
	ask.query_length = ask.question_end = message_write(&m, query, sizeof query);
	bool answered = ask_once(&ask, arena, &answer, &why);
	arena_free(arena);
	return answered;
}

static void probe_task(struct plugin *self, void *data)
{
	struct loop_state *l = self->state;
	uint64_t end = clock_now() + PROBES_MAX * NS_PER_S;
	(void)data;
	for (unsigned i = 0; i < PROBES_MAX && clock_now() < end; i++) {
		atomic_store(&l->armed, &l->probes[i]);
		bool answered = probe(l, l->probes[i].name);
		if (!task_sleep(self, answered ? stays_armed : probe_pause) || answered)
			break;
	}
	atomic_store(&l->armed, NULL);
}

static void loop_started(struct plugin *self)
{
	task_start(self, probe_task, NULL);
}

/* --- answering --- */

static void found(struct plugin *self, struct query *q, const struct loop_probe *p)
{
	struct loop_state *l = self->state;
	bool ends = !self->block->config->replaces;
	char client[ENDPOINT_TEXT_MAX];
	if (!atomic_exchange(&l->armed, NULL))
		return; /* another worker was faster */
	endpoint_print(&q->client, client);
	log_line(ends ? LOG_FATAL : LOG_ERROR, self->type->name,
		"Loop (%s -> %s) detected for zone \"%s\", see https://coredns.io/plugins/loop#troubleshooting. Query: \"HINFO %s\"",
		client, l->address, name_text(q->arena, l->zone), name_text(q->arena, p->name));
	if (ends)
		_exit(EXIT_LOOP);
}

static int loop_serve(struct plugin *self, struct query *q)
{
	struct loop_state *l = self->state;
	if (query_type(q) != TYPE_HINFO)
		return next(self, q);
	struct loop_probe *p = atomic_load(&l->armed);
	if (!p || !name_equal(q->name, p->name))
		return next(self, q);
	unsigned arrived = atomic_fetch_add(&p->arrived, 1) + 1;
	unsigned inside = atomic_fetch_add(&p->inside, 1) + 1;
	if (arrived >= PROOF || inside > 1)
		found(self, q, p);
	int rcode = next(self, q);
	atomic_fetch_sub(&p->inside, 1);
	return rcode;
}

PLUGIN(loop) = {
	.name = "loop",
	.help = "ends the start if queries that are forwarded come back",
	.about = "Sends a HINFO query for a random name below the block's first zone to the block's own address, every second until "
		 "it is answered, for at most 30 s. If the same query arrives again, queries go in a circle: the process "
		 "ends with status 1. At a reload the server was serving before, so it only logs an error and goes on.",
	.state_size = sizeof(struct loop_state),
	.once = true,
	.finish = loop_finish,
	.started = loop_started,
	.serve = loop_serve,
};
