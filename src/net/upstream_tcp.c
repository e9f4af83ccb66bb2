/*
 * TCP to an upstream (RFC 7766 6.2): connections are kept, carry many queries, and take their answers in any order. A
 * query goes to an idle connection, else to a new one as long as there are few, else to the one with the fewest.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "dns/message.h"
#include "net/loop_state.h"
#include "net/socket.h"
#include "net/upstream_pool.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PREFIX = 2,
	STREAMS_MAX = 8, /* until queries share connections */
	QUERIES_A_STREAM = 256,
	OUTPUT_LEAST = 1024,
	READS_A_TURN = 4,
};

static const uint64_t connect_first = 15 * NS_PER_S; /* what is assumed of an upstream that was never connected to */
static const uint64_t connect_least = 1 * NS_PER_S, connect_most = 5 * NS_PER_S;

struct upstream_stream {
	struct watch watch;
	struct attempt_table table;
	struct upstream_pool *pool;
	struct upstream_stream *newer, *older; /* in the pool's list by last use */
	struct timer connect_timer;
	struct loop_flush flush;
	uint64_t born, used;
	bool connected;
	bool seasoned;   /* it has brought an answer: that it ends now is no fault of the next query */
	bool distrusted; /* takes no more queries */
	uint8_t *partial; /* the start of an answer */
	size_t partial_length;
	uint8_t *out;
	size_t out_length, out_sent, out_capacity;
};

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
	loop_unwatch(l, &s->watch);
	timer_cancel(l, &s->connect_timer);
	loop_flush_cancel(l, &s->flush);
	list_remove(s);
	close(s->watch.fd);
	free(s->partial);
	free(s->out);
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
	if (s->distrusted || !s->connected || u->expire == 0 ||
		(u->max_idle && idle_count(s->pool) > u->max_idle)) {
		stream_close(s);
		return;
	}
	list_remove(s);
	list_append(s);
}

void tcp_distrust(struct attempt_table *t)
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

uint64_t tcp_ready_by(const struct attempt_table *t)
{
	const struct upstream_stream *s =
		(const struct upstream_stream *)((const char *)t - offsetof(struct upstream_stream, table));
	return s->connected ? 0 : s->connect_timer.at;
}

/* --- queries out --- */

static void output_add(struct upstream_stream *s, const struct attempt *a)
{
	size_t more = PREFIX + a->query_length;
	if (s->out_capacity - s->out_length < more) {
		size_t capacity = s->out_capacity ? s->out_capacity : OUTPUT_LEAST;
		while (capacity - s->out_length < more)
			capacity *= 2;
		s->out = memory_resize(s->out, capacity, 1);
		s->out_capacity = capacity;
	}
	uint8_t *to = s->out + s->out_length;
	to[0] = (uint8_t)(a->query_length >> 8);
	to[1] = (uint8_t)a->query_length;
	memcpy(to + PREFIX, a->query, a->query_length);
	memcpy(to + PREFIX, a->id, sizeof a->id);
	s->out_length += more;
}

static void output_forget(struct upstream_stream *s)
{
	free(s->out);
	s->out = NULL;
	s->out_length = s->out_sent = s->out_capacity = 0;
}

/* Sends what the peer takes. Gives 0, or the error that broke the connection. */
static int output_send(struct upstream_stream *s)
{
	while (s->out_sent < s->out_length) {
		ssize_t sent = send(s->watch.fd, s->out + s->out_sent, s->out_length - s->out_sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN && errno != ENOBUFS)
			return errno;
		if (sent < 0)
			break;
		s->out_sent += (size_t)sent;
	}
	bool done = s->out_sent == s->out_length;
	if (done)
		output_forget(s);
	loop_watch(s->pool->loop, &s->watch, EPOLLIN | (done ? 0u : EPOLLOUT));
	return 0;
}

/* The connection has ended, by the peer's will or by an error. One that served before may be closed at any time (RFC 7766
 * 6.2.4): who waits on it tries again. */
static void stream_ended(struct upstream_stream *s, int error)
{
	bool closed = error == 0 || error == ECONNRESET || error == EPIPE;
	if (closed && s->seasoned)
		stream_fail(s, ATTEMPT_CLOSED, STEP_EOF, 0);
	else
		stream_fail(s, ATTEMPT_FAILED, error ? STEP_READ : STEP_EOF, error);
}

/* --- answers in --- */

/* Hands over all whole answers, keeps the rest. */
static void hand_over(struct upstream_stream *s, const uint8_t *at, size_t length)
{
	while (length >= PREFIX) {
		size_t size = (size_t)at[0] << 8 | at[1];
		if (length - PREFIX < size)
			break;
		s->seasoned = true;
		table_receive(s->pool, &s->table, at + PREFIX, size);
		at += PREFIX + size;
		length -= PREFIX + size;
	}
	if (length) {
		s->partial = memory_resize(s->partial, length, 1);
		memcpy(s->partial, at, length);
	} else {
		free(s->partial);
		s->partial = NULL;
	}
	s->partial_length = length;
}

/* Reads what is there. False with *error when the connection has ended. */
static bool read_answers(struct upstream_stream *s, int *error)
{
	struct upstream_inbox *in = upstream_inbox(s->pool->loop);
	uint8_t *room = in->room[0];
	for (int turn = 0; turn < READS_A_TURN; turn++) {
		size_t kept = s->partial_length;
		if (kept)
			memcpy(room, s->partial, kept);
		ssize_t got = recv(s->watch.fd, room + kept, sizeof in->room - kept, MSG_DONTWAIT);
		if (got <= 0) {
			*error = got < 0 ? errno : 0;
			return got < 0 && (errno == EAGAIN || errno == EINTR);
		}
		hand_over(s, room, kept + (size_t)got);
		if (kept + (size_t)got < sizeof in->room)
			return true;
	}
	return true;
}

/* Sending failed: the peer may have answered before it closed. */
static void send_failed(struct upstream_stream *s, int error)
{
	int ignored;
	s->table.count++; /* holds it open */
	read_answers(s, &ignored);
	s->table.count--;
	stream_ended(s, error);
}

static void flush_due(struct loop_flush *f)
{
	struct upstream_stream *s =
		(struct upstream_stream *)((char *)f - offsetof(struct upstream_stream, flush));
	int error = output_send(s);
	if (error)
		send_failed(s, error);
}

/* False when the connection could not be made. */
static bool connect_finish(struct upstream_stream *s)
{
	int error = 0;
	socklen_t length = sizeof error;
	getsockopt(s->watch.fd, SOL_SOCKET, SO_ERROR, &error, &length);
	timer_cancel(s->pool->loop, &s->connect_timer);
	connect_observed(s);
	if (error) {
		stream_fail(s, ATTEMPT_FAILED, STEP_DIAL, error);
		return false;
	}
	s->connected = true;
	for (unsigned slot = 0; slot < TABLE_SLOTS; slot++)
		for (struct attempt *a = s->table.slots[slot]; a; a = a->next)
			a->sent = clock_batch();
	return true;
}

static void stream_ready(struct watch *w, uint32_t events)
{
	struct upstream_stream *s = (struct upstream_stream *)w;
	int error = 0;
	if (!s->connected) {
		if (connect_finish(s) && (error = output_send(s)) != 0)
			stream_ended(s, error);
		return;
	}
	s->table.count++; /* holds it open */
	bool alive = read_answers(s, &error);
	if (alive && (events & EPOLLOUT)) {
		error = output_send(s);
		alive = error == 0;
	}
	s->table.count--;
	if (!alive)
		stream_ended(s, error);
	else if (s->table.count == 0)
		drained(&s->table);
}

/* --- choosing one --- */

static struct upstream_stream *stream_new(struct upstream_pool *p)
{
	struct upstream *u = p->upstream;
	int fd = upstream_socket_new(u, SOCK_STREAM);
	if (fd < 0)
		return NULL;
	socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (connect(fd, &u->endpoint.any, endpoint_length(&u->endpoint)) < 0 && errno != EINPROGRESS) {
		int saved = errno;
		close(fd);
		errno = saved;
		return NULL;
	}
	struct upstream_stream *s = memory_array(1, sizeof *s);
	s->watch = (struct watch){ .fd = fd, .ready = stream_ready };
	s->table.drained = drained;
	s->table.stream = true;
	s->table.fd = fd;
	s->pool = p;
	s->flush.run = flush_due;
	s->connect_timer.fire = connect_expired;
	s->born = s->used = clock_batch();
	list_append(s);
	loop_watch(p->loop, &s->watch, EPOLLOUT);
	timer_set(p->loop, &s->connect_timer, clock_batch() + connect_timeout(u));
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
		if (u->max_age && clock_batch() - s->born > u->max_age)
			continue;
		if (!least || s->table.count < least->table.count)
			least = s;
	}
	return least;
}

static struct upstream_stream *choose(struct upstream_pool *p)
{
	struct upstream_stream *s = idle_stream(p);
	if (!s && p->stream_count >= STREAMS_MAX)
		s = least_used_stream(p);
	upstream_count(p->upstream, s ? UPSTREAM_HIT_TCP : UPSTREAM_MISS_TCP);
	return s ? s : stream_new(p);
}

void tcp_attempt(struct upstream_pool *p, struct attempt *a)
{
	struct upstream_stream *s = choose(p);
	if (!s) {
		a->step = STEP_DIAL;
		a->error = errno;
		a->done(a, ATTEMPT_FAILED, NULL, 0);
		return;
	}
	table_add(&s->table, a);
	output_add(s, a);
	if (s->connected)
		loop_flush_later(p->loop, &s->flush);
}

/* --- closing --- */

bool tcp_sweep(struct upstream_pool *p)
{
	for (struct upstream_stream *s = p->streams, *next; s; s = next) {
		next = s->newer;
		if (!s->table.count && upstream_expired(p->upstream, s->born, s->used))
			stream_close(s);
	}
	return p->streams != NULL;
}

void tcp_close_all(struct upstream_pool *p)
{
	while (p->streams)
		stream_fail(p->streams, ATTEMPT_STOPPED, STEP_READ, 0);
}
