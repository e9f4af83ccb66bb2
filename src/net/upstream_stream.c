/*
 * Connections to an upstream (RFC 7766 6.2), whatever they are made of: they are kept, carry many queries, and take their
 * answers in any order. A query goes to an idle connection, else to a new one as long as there are few, else to the one with the
 * fewest. An encrypted connection costs more than the wait for another's answer: a new one is made only when all are busy.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "net/loop_state.h"
#include "net/upstream_stream.h"

#include <errno.h>
#include <stdlib.h>

enum {
	STREAMS_MAX = 8, /* until queries share connections */
	QUERIES_A_STREAM = 256,
	QUERIES_SHARED = 64, /* on an encrypted connection, until another one is made */
};

static const uint64_t connect_first = 15 * NS_PER_S; /* what is assumed of an upstream that was never connected to */
/* At most half of the time that a query has: another upstream must have its turn. */
static const uint64_t connect_least = 1 * NS_PER_S, connect_most = 2500 * NS_PER_MS;

/* --- the pool's list --- */

static void list_remove(struct upstream_stream *s)
{
	struct upstream_pool *p = s->pool;
	*(s->older ? &s->older->newer : &p->streams) = s->newer;
	*(s->newer ? &s->newer->older : &p->streams_last) = s->older;
	p->stream_count--;
}

static void list_append(struct upstream_stream *s)
{
	struct upstream_pool *p = s->pool;
	s->newer = NULL;
	s->older = p->streams_last;
	*(s->older ? &s->older->newer : &p->streams) = s;
	p->streams_last = s;
	p->stream_count++;
}

/* --- the end of a connection --- */

static void stream_close(struct upstream_stream *s)
{
	struct loop *l = s->pool->loop;
	timer_cancel(l, &s->connect_timer);
	loop_flush_cancel(l, &s->flush);
	list_remove(s);
	s->transport->close(s);
	free(s);
}

/* Ends all that wait on it, and then itself: nobody may be using it. */
static void stream_fail(
	struct upstream_stream *s, enum attempt_result result, enum attempt_step step, int error)
{
	s->table.count++;
	table_fail(&s->table, result, step, error);
	stream_close(s);
}

static struct upstream_stream *stream_of(struct attempt_table *t)
{
	return (struct upstream_stream *)((char *)t - offsetof(struct upstream_stream, table));
}

static size_t idle_count(const struct upstream_pool *p)
{
	size_t count = 0;
	for (const struct upstream_stream *s = p->streams; s; s = s->newer)
		count += s->table.count == 0;
	return count;
}

/* Nobody waits on it now: it is kept for the next one, if it may be. */
static void drained(struct attempt_table *t)
{
	struct upstream_stream *s = stream_of(t);
	const struct upstream *u = s->pool->upstream;
	s->used = clock_batch();
	if (s->distrusted || !s->open || u->expire == 0 ||
		(u->max_idle && idle_count(s->pool) > u->max_idle)) {
		stream_close(s);
		return;
	}
	list_remove(s);
	list_append(s);
}

void stream_distrust(struct attempt_table *t)
{
	stream_of(t)->distrusted = true;
}

/* --- connecting --- */

/* Twice the usual time, within bounds: a time-out that followed a fast upstream down would fail the next slow answer. */
static uint64_t connect_timeout(struct upstream *u)
{
	uint64_t average = atomic_load_explicit(&u->connect_average, memory_order_relaxed);
	uint64_t timeout = 2 * (average ? average : connect_first);
	return timeout < connect_least ? connect_least : timeout > connect_most ? connect_most : timeout;
}

static void connect_observed(struct upstream_stream *s)
{
	struct upstream *u = s->pool->upstream;
	uint64_t average = atomic_load_explicit(&u->connect_average, memory_order_relaxed);
	uint64_t took = clock_batch() - s->born;
	if (!average)
		average = connect_first;
	average = took > average ? average + (took - average) / 4 : average - (average - took) / 4;
	atomic_store_explicit(&u->connect_average, average ? average : 1, memory_order_relaxed);
}

static void connect_expired(struct timer *t)
{
	struct upstream_stream *s =
		(struct upstream_stream *)((char *)t - offsetof(struct upstream_stream, connect_timer));
	connect_observed(s);
	stream_fail(s, ATTEMPT_FAILED, STEP_DIAL, 0);
}

uint64_t stream_ready_by(const struct attempt_table *t)
{
	const struct upstream_stream *s =
		(const struct upstream_stream *)((const char *)t - offsetof(struct upstream_stream, table));
	return s->open ? 0 : s->connect_timer.at;
}

void stream_opened(struct upstream_stream *s)
{
	s->open = true;
	timer_cancel(s->pool->loop, &s->connect_timer);
	connect_observed(s);
	for (unsigned slot = 0; slot < TABLE_SLOTS; slot++)
		for (struct attempt *a = s->table.slots[slot]; a; a = a->next)
			a->sent = clock_batch();
}

/* --- queries and answers --- */

/* The connection has ended. One that served before may be closed at any time (RFC 7766 6.2.4): who waits on it tries again. */
static void stream_ended(struct upstream_stream *s, const struct wire_end *end)
{
	bool closed = end->step == STEP_EOF ||
		      (end->step == STEP_READ && (end->error == ECONNRESET || end->error == EPIPE));
	if (!s->open)
		connect_observed(s);
	if (closed && s->seasoned)
		stream_fail(s, ATTEMPT_CLOSED, STEP_EOF, 0);
	else
		stream_fail(s, ATTEMPT_FAILED, end->step, end->error);
}

static void flush_due(struct loop_flush *f)
{
	struct upstream_stream *s =
		(struct upstream_stream *)((char *)f - offsetof(struct upstream_stream, flush));
	struct wire_end end;
	s->table.count++; /* holds it open */
	bool alive = s->transport->send(s, &end);
	s->table.count--;
	if (!alive)
		stream_ended(s, &end);
	else if (s->table.count == 0 && s->open)
		drained(&s->table);
}

void stream_wake(struct upstream_stream *s)
{
	loop_flush_later(s->pool->loop, &s->flush);
}

void stream_progress(struct upstream_stream *s, uint32_t events)
{
	struct wire_end end = { .step = STEP_EOF };
	bool was_open = s->open;
	s->table.count++; /* holds it open */
	bool alive = s->transport->progress(s, events, &end) && !s->over;
	s->table.count--;
	if (!alive)
		stream_ended(s, &end);
	else if (s->table.count == 0 && was_open)
		drained(&s->table);
}

static void stream_ready(struct watch *w, uint32_t events)
{
	stream_progress((struct upstream_stream *)w, events);
}

/* --- choosing one --- */

static void removed(struct attempt_table *t, struct attempt *a)
{
	struct upstream_stream *s = stream_of(t);
	if (s->transport->forget)
		s->transport->forget(s, a);
}

static const struct stream_transport *transport_of(const struct upstream *u)
{
	switch (u->transport) {
	case TRANSPORT_QUIC:
	case TRANSPORT_HTTPS3:
		return &over_quic;
	default:
		return u->http ? &http_over_tcp : &dns_over_tcp;
	}
}

static struct upstream_stream *stream_new(struct upstream_pool *p)
{
	struct upstream_stream *s = memory_array(1, sizeof *s);
	s->transport = transport_of(p->upstream);
	s->watch.ready = stream_ready;
	s->pool = p;
	s->table.drained = drained;
	s->table.removed = removed;
	s->table.stream = true;
	s->flush.run = flush_due;
	s->connect_timer.fire = connect_expired;
	s->born = s->used = clock_batch();
	if (!s->transport->connect(s)) {
		int saved = errno;
		free(s);
		errno = saved;
		return NULL;
	}
	s->table.fd = s->watch.fd;
	list_append(s);
	timer_set(p->loop, &s->connect_timer, clock_batch() + connect_timeout(p->upstream));
	pool_sweep_later(p);
	return s;
}

/* The idle one that was used longest ago; those that are too old are closed on the way. */
static struct upstream_stream *idle_stream(struct upstream_pool *p)
{
	for (struct upstream_stream *s = p->streams, *next; s; s = next) {
		next = s->newer;
		if (s->table.count || s->distrusted)
			continue;
		if (!upstream_expired(p->upstream, s->born, s->used))
			return s;
		stream_close(s);
	}
	return NULL;
}

static struct upstream_stream *least_used_stream(struct upstream_pool *p)
{
	const struct upstream *u = p->upstream;
	struct upstream_stream *least = NULL;
	for (struct upstream_stream *s = p->streams; s; s = s->newer) {
		if (s->distrusted || s->table.count >= QUERIES_A_STREAM || u->expire == 0)
			continue;
		if (!s->table.count ? upstream_expired(u, s->born, s->used) :
				      u->max_age && clock_batch() - s->born > u->max_age)
			continue;
		if (!least || s->table.count < least->table.count)
			least = s;
	}
	return least;
}

/* Whether queries rather wait behind others than for a connection of their own. */
static bool is_shared(const struct upstream *u)
{
	return u->tls || u->http;
}

/* One that is shared before another is made: encrypted, any that is not busy, else any when there are many. */
static struct upstream_stream *shared_stream(struct upstream_pool *p)
{
	struct upstream_stream *s = least_used_stream(p);
	bool many = p->stream_count >= STREAMS_MAX;
	bool spare = is_shared(p->upstream) && s && s->table.count < QUERIES_SHARED;
	return many || spare ? s : NULL;
}

/* As CoreDNS counts, which has a pool of its own for what is not HTTP alone. */
static void count_choice(struct upstream *u, bool hit)
{
	if (u->http)
		return;
	if (u->transport == TRANSPORT_QUIC)
		upstream_count(u, hit ? UPSTREAM_HIT_QUIC : UPSTREAM_MISS_QUIC);
	else if (u->tls)
		upstream_count(u, hit ? UPSTREAM_HIT_TLS : UPSTREAM_MISS_TLS);
	else
		upstream_count(u, hit ? UPSTREAM_HIT_TCP : UPSTREAM_MISS_TCP);
}

static struct upstream_stream *choose(struct upstream_pool *p)
{
	struct upstream *u = p->upstream;
	bool shared = is_shared(u);
	struct upstream_stream *s = shared ? shared_stream(p) : idle_stream(p);
	if (!s)
		s = shared ? idle_stream(p) : shared_stream(p);
	count_choice(u, s != NULL);
	return s ? s : stream_new(p);
}

void stream_attempt(struct upstream_pool *p, struct attempt *a)
{
	struct upstream_stream *s = choose(p);
	if (!s) {
		a->step = STEP_DIAL;
		a->error = errno;
		a->done(a, ATTEMPT_FAILED, NULL, 0);
		return;
	}
	table_add(&s->table, a);
	if (!s->transport->query(s, a)) {
		s->distrusted = true;
		table_end(a, ATTEMPT_CLOSED, STEP_EOF, 0);
		return;
	}
	if (s->open)
		stream_wake(s);
}

/* --- closing --- */

bool stream_sweep(struct upstream_pool *p)
{
	for (struct upstream_stream *s = p->streams, *next; s; s = next) {
		next = s->newer;
		if (!s->table.count && upstream_expired(p->upstream, s->born, s->used))
			stream_close(s);
	}
	return p->streams != NULL;
}

void stream_close_all(struct upstream_pool *p)
{
	while (p->streams)
		stream_fail(p->streams, ATTEMPT_STOPPED, STEP_READ, 0);
}
