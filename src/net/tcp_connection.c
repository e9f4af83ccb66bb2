/*
 * The life of a TCP connection (RFC 7766): queries in, answers out in whatever order, limits. It has no buffer of its own but
 * for what is left of a query that is cut off, and for answers that the peer does not take yet.
 */
#include "net/tcp_connection.h"

#include "base/memory.h"
#include "net/connection_counts.h"
#include "net/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	READS_A_TURN = 8,
	OUTPUT_PAUSE = 128 << 10, /* unsent octets at which no more queries are read */
};

/* --- lists of connections by last use --- */

static void list_remove(struct tcp_connection *c)
{
	struct connection_list *list = c->list;
	if (!list)
		return;
	*(c->older ? &c->older->newer : &list->first) = c->newer;
	*(c->newer ? &c->newer->older : &list->last) = c->older;
	c->list = NULL;
}

static void list_append(struct connection_list *list, struct tcp_connection *c)
{
	c->list = list;
	c->newer = NULL;
	c->older = list->last;
	*(list->last ? &list->last->newer : &list->first) = c;
	list->last = c;
}

/* --- the end of a connection --- */

static void connection_free(struct tcp_connection *c)
{
	struct tcp_listener *t = c->listener;
	free(c);
	t->allocated--;
	if (t->released && !t->allocated)
		tcp_listener_free(t);
}

void tcp_connection_close(struct tcp_connection *c)
{
	struct tcp_listener *t = c->listener;
	loop_unwatch(t->loop, &c->watch);
	timer_cancel(t->loop, &c->timer);
	loop_flush_cancel(t->loop, &c->flush);
	list_remove(c);
	if (t->loop->tcp->input && t->loop->tcp->input->owner == c)
		t->loop->tcp->input->owner = NULL;
	close(c->watch.fd);
	free(c->partial);
	free(c->out.at);
	c->partial = NULL;
	c->out = (struct tcp_output){ 0 };
	c->dead = true;
	atomic_fetch_sub_explicit(&t->open, 1, memory_order_relaxed);
	connection_count_open(TRANSPORT_TCP, -1);
	if (!c->active)
		connection_free(c);
}

/* --- answers out --- */

static void answer_queue(struct tcp_connection *c, const struct incoming *in)
{
	struct tcp_output *out = &c->out;
	size_t more = TCP_PREFIX + in->answer_length;
	if (out->capacity - out->length < more)
		tcp_output_grow(c->listener->loop->tcp, out, more);
	if (out->length == 0)
		c->written_at = clock_batch();
	uint8_t *to = out->at + out->length;
	to[0] = (uint8_t)(in->answer_length >> 8);
	to[1] = (uint8_t)in->answer_length;
	memcpy(to + TCP_PREFIX, in->answer, in->answer_length);
	out->length += more;
}

/* Sends what the peer takes. False if the connection is broken. */
static bool output_send(struct tcp_connection *c)
{
	struct tcp_output *out = &c->out;
	while (out->sent < out->length) {
		ssize_t sent = send(c->watch.fd, out->at + out->sent, out->length - out->sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN || errno == ENOBUFS;
		out->sent += (size_t)sent;
		c->written_at = clock_batch();
	}
	if (out->length)
		tcp_output_done(c->listener->loop->tcp, out);
	return true;
}

static size_t output_unsent(const struct tcp_connection *c)
{
	return c->out.length - c->out.sent;
}

/* --- what a connection waits for now --- */

static uint64_t expires(const struct tcp_connection *c)
{
	const struct tcp_limits *limits = &c->listener->limits;
	if (output_unsent(c))
		return c->written_at + limits->write;
	if (c->lingering)
		return c->active_at + limits->read;
	if (c->partial_length && !c->paused)
		return c->partial_since + limits->read;
	if (c->active)
		return 0;
	return c->queries ? c->active_at + limits->idle : c->accepted + limits->read;
}

/* Moves the timer only when it would come too late: most connections are used again before it does. */
static void timer_update(struct tcp_connection *c)
{
	struct loop *l = c->listener->loop;
	c->expires = expires(c);
	if (!c->expires)
		return;
	if (!timer_is_set(&c->timer) || c->timer.at > c->expires)
		timer_set(l, &c->timer, c->expires);
}

/* Which of the times that expires() knows is over. */
static enum connection_cut limit_reached(const struct tcp_connection *c)
{
	if (output_unsent(c))
		return CONNECTION_SLOW_READER;
	if (c->partial_length || (!c->queries && !c->lingering))
		return CONNECTION_SLOW_WRITER;
	return CONNECTION_IDLE;
}

static void expired(struct timer *timer)
{
	struct tcp_connection *c =
		(struct tcp_connection *)((char *)timer - offsetof(struct tcp_connection, timer));
	if (!c->expires)
		return;
	if (c->expires > clock_batch()) {
		timer_set(c->listener->loop, timer, c->expires);
		return;
	}
	connection_count_cut(TRANSPORT_TCP, limit_reached(c));
	tcp_connection_close(c);
}

static void list_update(struct tcp_connection *c)
{
	struct tcp_listener *t = c->listener;
	list_remove(c);
	list_append(c->active || output_unsent(c) ? &t->busy : &t->idle, c);
}

/* All is answered and nothing will be read: closes, but lets the peer take the answers first. Closing while unread queries
 * lie in the kernel would make it throw away what we sent. */
static void finish(struct tcp_connection *c)
{
	if (c->ended || c->lingering || c->listener->stopped || shutdown(c->watch.fd, SHUT_WR) < 0) {
		tcp_connection_close(c);
		return;
	}
	c->lingering = true;
	c->active_at = clock_batch();
	loop_watch(c->listener->loop, &c->watch, EPOLLIN);
	timer_update(c);
	list_update(c);
}

/* Sends what there is and sets up all that makes the connection go on; may close it. */
static void settle(struct tcp_connection *c)
{
	if (!output_send(c)) {
		tcp_connection_close(c);
		return;
	}
	bool reads = !c->ended && !c->closing && !c->paused;
	if (!c->active && !output_unsent(c) && !reads && !c->paused) {
		finish(c);
		return;
	}
	loop_watch(c->listener->loop, &c->watch,
		(reads ? EPOLLIN : 0u) | (output_unsent(c) ? EPOLLOUT : 0u));
	timer_update(c);
	list_update(c);
}

/* --- queries in --- */

static void flush_due(struct loop_flush *f)
{
	struct tcp_connection *c =
		(struct tcp_connection *)((char *)f - offsetof(struct tcp_connection, flush));
	if (c->paused)
		loop_dispatch(c->listener->loop, &c->watch, 0);
	else
		settle(c);
}

/* After a query that waited: its answers go out with others of this round. */
static void waited(struct tcp_connection *c, struct tcp_input *in)
{
	struct loop *l = c->listener->loop;
	tcp_input_leave(l->tcp, in);
	if (!c->dead)
		loop_flush_later(l, &c->flush);
	else if (!c->active)
		connection_free(c);
}

/* Hands over one query of `length` octets. False if it had to wait: buffer and connection are no longer ours then. */
static bool answer(struct tcp_connection *c, struct tcp_input *in, size_t length)
{
	struct tcp_listener *t = c->listener;
	struct incoming m = {
		.wire = in->wire + in->start + TCP_PREFIX,
		.length = length,
		.client = c->client,
		.local = c->local,
		.transport = TRANSPORT_TCP,
		.listener = t->listener,
		.answer = loop_answer_room(t->loop),
		.answer_room = UINT16_MAX,
	};
	uint64_t handoffs = t->loop->handoffs;
	in->start += TCP_PREFIX + length;
	in->answering = true;
	c->active++;
	c->queries++;
	if (t->limits.queries >= 0 && c->queries >= t->limits.queries)
		c->closing = true;
	t->handle(&m);
	c->active--;
	if (m.answer_length && !c->dead)
		answer_queue(c, &m);
	c->closing |= m.close;
	if (t->loop->handoffs != handoffs) {
		waited(c, in);
		return false;
	}
	in->answering = false;
	return true;
}

static bool may_answer(const struct tcp_connection *c)
{
	return c->active < c->listener->limits.pipelined && output_unsent(c) < OUTPUT_PAUSE;
}

/* Hands over all whole queries of the buffer that are to be worked on now. False if one of them had to wait. */
static bool answer_all(struct tcp_connection *c, struct tcp_input *in)
{
	c->paused = false;
	while (!c->closing && in->end - in->start >= TCP_PREFIX) {
		const uint8_t *at = in->wire + in->start;
		size_t length = (size_t)at[0] << 8 | at[1];
		if (in->end - in->start < TCP_PREFIX + length)
			return true;
		if (!may_answer(c)) {
			c->paused = true;
			return true;
		}
		if (!answer(c, in, length))
			return false;
	}
	return true;
}

/* Keeps what could not be handed over. */
static void keep_rest(struct tcp_connection *c, struct tcp_input *in)
{
	size_t rest = c->closing ? 0 : in->end - in->start;
	if (rest) {
		c->partial = memory_resize(c->partial, rest, 1);
		memcpy(c->partial, in->wire + in->start, rest);
	} else if (c->partial) {
		free(c->partial);
		c->partial = NULL;
	}
	/* A query has so much time from its first octet on, not from its last. */
	if (rest && (!c->partial_length || in->start))
		c->partial_since = clock_batch();
	c->partial_length = rest;
	in->start = in->end;
	in->owner = NULL;
}

/* Reads behind what is kept from before. False when there is nothing to read, or no more. */
static bool receive(struct tcp_connection *c, struct tcp_input *in)
{
	size_t kept = c->partial_length;
	ssize_t got = recv(c->watch.fd, in->wire + kept, TCP_INPUT_ROOM - kept, MSG_DONTWAIT);
	if (got <= 0) {
		c->ended = got == 0 || (errno != EAGAIN && errno != EINTR);
		return false;
	}
	in->drained = (size_t)got < TCP_INPUT_ROOM - kept;
	if (kept)
		memcpy(in->wire, c->partial, kept);
	in->owner = c;
	in->end = kept + (size_t)got;
	c->active_at = clock_batch();
	return true;
}

/* Works off what the buffer holds of this connection, then what the kernel holds. False if a query had to wait. */
static bool work(struct tcp_connection *c)
{
	struct tcp_thread *thread = c->listener->loop->tcp;
	for (int turn = 0; turn < READS_A_TURN; turn++) {
		struct tcp_input *in = thread->input;
		if (in && in->owner == c) {
			if (!answer_all(c, in))
				return false;
			keep_rest(c, in);
			if (in->drained)
				return true;
		}
		if (c->paused || c->closing || c->ended)
			return true;
		if (!receive(c, tcp_input_fresh(thread)))
			return true;
	}
	return true;
}

/* Works on queries that were kept back, as far as they may be now. False if one of them had to wait. */
static bool work_on_kept(struct tcp_connection *c)
{
	while (c->paused && output_send(c) && may_answer(c)) {
		struct tcp_input *in = tcp_input_fresh(c->listener->loop->tcp);
		memcpy(in->wire, c->partial, c->partial_length);
		in->end = c->partial_length;
		in->owner = c;
		if (!work(c))
			return false;
	}
	return true;
}

static void discard(struct tcp_connection *c)
{
	struct tcp_input *in = tcp_input_fresh(c->listener->loop->tcp);
	ssize_t got;
	for (int turn = 0; turn < READS_A_TURN; turn++) {
		got = recv(c->watch.fd, in->wire, sizeof in->wire, MSG_DONTWAIT);
		if (got <= 0)
			break;
	}
	if (got == 0 || (got < 0 && errno != EAGAIN))
		tcp_connection_close(c);
}

static void connection_ready(struct watch *w, uint32_t events)
{
	struct tcp_connection *c = (struct tcp_connection *)w;
	tcp_input_waits(c->listener->loop->tcp->input);
	if (events & (EPOLLERR | EPOLLHUP))
		tcp_connection_close(c);
	else if (c->lingering)
		discard(c);
	else if ((c->paused || work(c)) && work_on_kept(c))
		settle(c);
}

/* --- a new one --- */

void tcp_connection_new(struct tcp_listener *t, int fd, const struct sockaddr_in6 *peer)
{
	struct tcp_connection *c = memory_array(1, sizeof *c);
	struct sockaddr_in6 local;
	socklen_t length = sizeof local;
	c->watch = (struct watch){ .fd = fd, .ready = connection_ready };
	c->timer.fire = expired;
	c->flush.run = flush_due;
	c->listener = t;
	c->client = endpoint_from((const struct sockaddr *)peer);
	c->local = t->local;
	if (endpoint_is_wildcard(&t->local) &&
		getsockname(fd, (struct sockaddr *)&local, &length) == 0)
		c->local = endpoint_from((struct sockaddr *)&local);
	c->accepted = clock_batch();
	socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	t->allocated++;
	atomic_fetch_add_explicit(&t->open, 1, memory_order_relaxed);
	connection_count_open(TRANSPORT_TCP, 1);
	loop_watch(t->loop, &c->watch, EPOLLIN);
	timer_update(c);
	list_append(&t->idle, c);
}
