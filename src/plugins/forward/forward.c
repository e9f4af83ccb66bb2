/* Passes queries on to other servers and hands their answers back. */
#include "plugins/forward/forward.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "dns/message.h"
#include "server/block.h"
#include <stdlib.h>

enum { RETRIES_AT_ONCE = 16 };

static const uint64_t total_timeout = 5 * NS_PER_S; /* after this, no new attempt is made */

/* --- set-up and life --- */

static bool forward_finish(struct setup *s)
{
	struct forward *f = s->state;
	if (f->max_age > 0 && f->max_age < f->expire)
		return setup_error_plain(s, "max_age (%s) must not be less than expire (%s)",
			duration_print(s->arena, f->max_age), duration_print(s->arena, f->expire));
	if (!destinations_read(s, f) || !upstreams_secure(s, f))
		return false;
	if (!f->attempts_given)
		f->max_attempts = 2 * (uint32_t)f->count;
	f->rejects = metric_get(&forward_rejects, NULL);
	f->broken = metric_get(&forward_broken, NULL);
	return true;
}

static bool forward_start(struct plugin *self, struct plugin *before)
{
	struct forward *f = self->state;
	(void)before;
	relay_start(self, &f->relay);
	return true;
}

static void forward_worker_stop(struct plugin *self, void *state)
{
	struct forward *f = self->state;
	struct forward_worker *w = state;
	flights_free(w->flights);
	w->flights = NULL;
	for (size_t i = 0; w->pools && i < f->count; i++)
		upstream_pool_free(w->pools[i]); /* whoever still waits is told */
	free(w->pools);
	w->pools = NULL;
}

static struct forward_worker *worker_of(struct plugin *self, struct query *q)
{
	struct forward *f = self->state;
	struct forward_worker *w = worker_state(self, q);
	if (!w->flights) {
		w->flights = flights_new(loop_current());
		w->pools = memory_array(f->count, sizeof *w->pools);
	}
	return w;
}

static struct upstream_pool *pool_of(struct forward_worker *w, struct forward *f, size_t upstream)
{
	if (!w->pools[upstream])
		w->pools[upstream] = upstream_pool_new(loop_current(), &f->upstreams[upstream].net);
	return w->pools[upstream];
}

/* --- one query --- */

/* A query on its way through the attempts. */
struct forwarding {
	struct forward *f;
	struct plugin *self;
	struct forward_worker *worker;
	struct query *q;
	struct flight *flight;
	struct flight_outcome outcome; /* for those who follow */
	struct message *reply;
	const char *error;
	bool cancelled, timed_out;
};

static void note_upstream(const struct forwarding *w, size_t upstream)
{
	if (w->q->block->collects_metadata)
		metadata_set(w->q, "forward/upstream", w->f->upstreams[upstream].name);
}

static bool read_reply(struct forwarding *w, const struct flight_outcome *o)
{
	const struct relay_answer answer = { o->wire, o->length, o->stream, w->f->random_case };
	w->reply = relay_reply(w->q, &answer, &w->error);
	w->outcome = *o;
	return w->reply != NULL;
}

static bool uses_stream(const struct forward *f, const struct query *q)
{
	return f->force_tcp || (!f->prefer_udp && query_is_stream(q));
}

/* Asks one upstream, over again where that is to be done at once. True if w->reply is there. */
static bool exchange(struct forwarding *w, size_t upstream)
{
	struct forward *f = w->f;
	struct upstream_pool *pool = pool_of(w->worker, f, upstream);
	bool stream = uses_stream(f, w->q);
	for (unsigned retries = 0; retries <= RETRIES_AT_ONCE; retries++) {
		enum flight_result result = flight_ask(w->flight, pool, upstream, stream,
			(uint64_t)f->read_timeout, w->q->deadline);
		if (result == FLIGHT_CLOSED)
			continue;
		if (result != FLIGHT_ANSWERED) {
			w->cancelled = result == FLIGHT_CANCELLED;
			w->timed_out |= result == FLIGHT_TIMEOUT;
			w->error = flight_error(w->flight, w->q->arena);
			return false;
		}
		struct flight_outcome o = flight_take(w->flight, w->q->arena);
		if (!read_reply(w, &o))
			return false;
		forward_observe(&f->upstreams[o.upstream], w->reply->rcode, o.took);
		if (o.upstream != upstream)
			note_upstream(w, o.upstream);
		if (!(w->reply->flags & FLAG_TC) || stream || !f->prefer_udp)
			return true;
		stream = true;
	}
	return false;
}

static bool in_set(uint32_t rcodes, uint16_t rcode)
{
	return rcode < 32 && (rcodes >> rcode & 1);
}

/* Who is to be tried. */
struct turns {
	uint16_t *order;
	size_t at, down; /* down: upstreams of this turn that are */
};

/* The next upstream that is up; when all are down a random one, or none. False: none. */
static bool choose(struct forwarding *w, struct turns *t, size_t *upstream)
{
	struct forward *f = w->f;
	for (;;) {
		if (t->at == f->count)
			t->at = t->down = 0;
		*upstream = t->order[t->at++];
		if (!upstream_is_down(f, &f->upstreams[*upstream]))
			return true;
		if (++t->down < f->count)
			continue;
		metric_add(f->broken, 1);
		*upstream = random_below((uint32_t)f->count);
		return !f->failfast;
	}
}

/* Tries upstreams until one has answered. True if w->reply is what the client gets. */
static bool lead(struct forwarding *w)
{
	struct forward *f = w->f;
	struct turns turns = { .order = arena_array(w->q->arena, f->count, sizeof *turns.order) };
	uint64_t end = clock_batch() + total_timeout;
	uint32_t attempts = 0;
	size_t failovers = 0, upstream;
	relay_order(&f->relay, f->count, turns.order);
	while (clock_batch() < end && (!f->max_attempts || attempts < f->max_attempts)) {
		if (!choose(w, &turns, &upstream))
			return false;
		note_upstream(w, upstream);
		w->error = NULL;
		if (exchange(w, upstream)) {
			bool other = in_set(f->failover, w->reply->rcode) && ++failovers < f->count;
			if (!other)
				return true;
			continue;
		}
		if (w->cancelled)
			return false;
		if (f->max_fails)
			health_check(w->self, &f->upstreams[upstream]);
		attempts++;
		if (turns.down == f->count)
			return false;
	}
	return false;
}

static bool is_nodata(const struct message *m)
{
	return m->rcode == RCODE_NOERROR && message_record_count(m, SECTION_ANSWER) == 0;
}

/* Hands the reply to the client, or the request to the forward that follows. */
static int finish(struct forwarding *w)
{
	const struct forward *f = w->f;
	const struct plugin *after = w->self->next;
	const struct message *m = w->reply;
	query_why(w->q, "%.*s answered", VIEW_ARGS(w->f->upstreams[w->outcome.upstream].name));
	bool elsewhere = in_set(f->next, m->rcode) || (f->next_on_nodata && is_nodata(m));
	if (elsewhere && after && after->type == w->self->type)
		return next(w->self, w->q);
	w->q->reply = w->reply;
	return m->rcode;
}

static int fail(struct forwarding *w, const char *error)
{
	return query_fail(w->q, RCODE_SERVFAIL, "%s", error ? error : "no healthy proxies");
}

static int lead_and_land(struct forwarding *w)
{
	bool done = lead(w);
	if (!done)
		w->outcome = (struct flight_outcome){ .error = w->error };
	if (flight_land(w->flight, &w->outcome, w->cancelled, !done && w->timed_out))
		w->flight->late = late_new(w->self, w->q);
	return done ? finish(w) : fail(w, w->error);
}

static int follow(struct forwarding *w)
{
	struct flight_outcome o = w->outcome;
	if (!o.wire || !read_reply(w, &o))
		return fail(w, o.wire ? w->error : o.error);
	note_upstream(w, o.upstream);
	w->reply->question.name = w->q->request.question.name; /* the letters' case is this client's */
	return finish(w);
}

static int forward_query(struct plugin *self, struct query *q)
{
	struct forwarding w = { .f = self->state, .self = self, .worker = worker_of(self, q), .q = q };
	size_t size = message_size(&q->request);
	uint8_t *query = arena_octets(q->arena, size);
	struct message request = q->request;
	request.id = 0;
	size_t length = message_write(&request, query, size);
	if (!length)
		return query_fail(q, RCODE_FORMERR, "dns: query cannot be encoded");
	size_t question_end = HEADER_SIZE + q->request.question.name.length + QUESTION_FIXED;
	switch (flight_join(w.worker->flights, query, length, question_end, query_is_stream(q),
		w.f->random_case, q->arena, q->deadline, &w.flight, &w.outcome)) {
	case FLIGHT_LEADS:
		return lead_and_land(&w);
	case FLIGHT_FOLLOWED:
		return follow(&w);
	default:
		return fail(&w, "context deadline exceeded");
	}
}

/* With max_concurrent all workers count together; without it nothing is shared. */
static int forward_serve(struct plugin *self, struct query *q)
{
	struct forward *f = self->state;
	if (!relay_takes(&f->relay, q->name)) {
		query_why(q, "not below %s, or excepted", name_text(q->arena, f->relay.from));
		return next(self, q);
	}
	if (!f->max_concurrent)
		return forward_query(self, q);
	int rcode;
	if (atomic_fetch_add(&f->concurrent, 1) < f->max_concurrent) {
		rcode = forward_query(self, q);
	} else {
		metric_add(f->rejects, 1);
		rcode = query_fail(q, RCODE_REFUSED, "concurrent queries exceeded maximum %.*s",
			VIEW_ARGS(f->max_concurrent_text));
	}
	atomic_fetch_sub(&f->concurrent, 1);
	return rcode;
}

PLUGIN(forward) = {
	.name = "forward",
	.arguments = "FROM TO...",
	.help = "passes queries on to other servers",
	.about = "Queries for names in FROM are sent to one of the servers TO: an IP address with or without a port, a file in the "
		 "form of resolv.conf(5), whose name servers are meant, or a name, whose addresses are looked up once at the "
		 "start. At most 15. An upstream that fails a query is checked until it answers again, and is not asked while "
		 "it is down, unless all are.\n\n"
		 "tls:// before a TO means DNS over TLS (port 853), quic:// DNS over QUIC (port 853), https:// DNS over HTTPS (port "
		 "443, path /dns-query; the server must speak HTTP/2), h3:// the same over HTTP/3. Sessions are resumed, but nothing is "
		 "sent as early data. Such an upstream is never asked in the clear, and its certificate "
		 "is verified always. It must be for `tls_servername`, or for the name behind a % (tls://192.0.2.1%dns.example; not "
		 "with https://), or else for the address.\n\n"
		 "Several forward directives in a block are tried one after the other: a query that is not in the first one's "
		 "FROM goes to the next.\n\n"
		 "Identical questions that are in flight at the same time are asked once. An answer over UDP that comes up to 5 s too "
		 "late for its client is taken into the block's `cache`; without one it is there for the next who asks.",
	.options = forward_options,
	.metrics = forward_metrics,
	.state_size = sizeof(struct forward),
	.worker_size = sizeof(struct forward_worker),
	.each_line = true,
	.init = forward_init,
	.setup = forward_setup,
	.finish = forward_finish,
	.start = forward_start,
	.worker_stop = forward_worker_stop,
	.serve = forward_serve,
};
