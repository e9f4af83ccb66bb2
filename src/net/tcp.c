/*
 * DNS over TCP. A thread has one buffer that all its connections read into; what is left of a query that is cut off is
 * kept with its connection, which has no buffer else. Queries that wait keep the buffer that they are in.
 */
#include "net/tcp.h"

#include "base/memory.h"
#include "net/loop_state.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

const struct tcp_limits tcp_limits_default = {
	.read = 3 * NS_PER_S,
	.write = 5 * NS_PER_S,
	.idle = 10 * NS_PER_S,
	.queries = -1,
	.connections = 20000,
	.pipelined = 256,
};

enum {
	PREFIX = 2, /* the length before each message */
	INPUT_ROOM = PREFIX + UINT16_MAX + (32 << 10),
	INPUTS_SPARE = 8,
	READS_A_TURN = 8,
	ACCEPTS_A_TURN = 64,
	OUTPUT_LEAST = 4096,
	OUTPUT_PAUSE = 128 << 10, /* unsent octets at which no more queries are read */
	BACKLOG = 4096,
};

static const uint64_t accept_pause = 100 * NS_PER_MS;

/* What was read from a connection. The thread's own while no query in it waits. */
struct tcp_input {
	struct tcp_input *next; /* while it is spare */
	struct tcp_connection *owner;
	size_t start, end; /* not yet handed over */
	bool answering;    /* a query of it is with the handler, or was when it began to wait */
	bool drained;      /* the kernel had no more when it was filled */
	size_t waiting;    /* queries of it that wait */
	uint8_t wire[INPUT_ROOM];
};

/* What the listeners of a thread share. */
struct tcp_thread {
	size_t listeners;
	struct tcp_input *input; /* the one that is worked off */
	struct tcp_input *spare;
	size_t spares;
	uint8_t *output; /* OUTPUT_LEAST octets that no connection uses now, or NULL */
};

struct output {
	uint8_t *at;
	size_t length, sent, capacity;
};

struct connection_list {
	struct tcp_connection *first, *last;
};

struct tcp_connection {
	struct watch watch;
	struct timer timer; /* at or before `expires` */
	struct loop_flush flush;
	struct tcp_listener *listener;
	struct connection_list *list;
	struct tcp_connection *newer, *older;
	struct endpoint client, local;
	uint8_t *partial; /* what was read and cannot be handed over yet */
	size_t partial_length;
	struct output out;
	size_t active; /* queries with the handler */
	long queries;  /* that came so far */
	uint64_t expires, accepted, active_at, partial_since, written_at;
	bool paused;   /* a whole query is in `partial`: too many are worked on, or too much is unsent */
	bool ended;    /* the peer sends no more */
	bool closing;  /* takes no more queries */
	bool lingering; /* all is sent and shut down; what still comes is thrown away */
	bool dead;     /* the descriptor is closed */
};

struct tcp_listener {
	struct watch watch;
	struct timer accept_again;
	struct loop *loop;
	struct endpoint local;
	struct tcp_limits limits;
	incoming_handler *handle;
	void *listener;
	struct connection_list idle, busy; /* longest unused first */
	_Atomic size_t open, evicted;
	size_t allocated; /* connections, dead ones included */
	bool stopped, released;
};

/* --- sockets --- */

static const char *prepare(int fd, const struct endpoint *local)
{
	(void)local;
	return socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0 ? "setsockopt SO_REUSEADDR" : NULL;
}

int tcp_open(const struct endpoint *local, const char **step)
{
	int fd = socket_open(local, SOCK_STREAM, prepare, step);
	if (fd < 0 || listen(fd, BACKLOG) == 0)
		return fd;
	*step = "listen";
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

const char *tcp_adopt(int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return "fcntl O_NONBLOCK";
	return listen(fd, BACKLOG) < 0 ? "listen" : NULL;
}

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

/* --- the thread's buffers --- */

static struct tcp_thread *thread_join(struct loop *l)
{
	if (!l->tcp)
		l->tcp = memory_array(1, sizeof *l->tcp);
	l->tcp->listeners++;
	return l->tcp;
}

static void inputs_free(struct tcp_input *in)
{
	while (in) {
		struct tcp_input *next = in->next;
		free(in);
		in = next;
	}
}

static void thread_leave(struct loop *l)
{
	struct tcp_thread *t = l->tcp;
	if (--t->listeners)
		return;
	inputs_free(t->spare);
	free(t->input);
	free(t->output);
	free(t);
	l->tcp = NULL;
}

static struct tcp_input *input_take(struct tcp_thread *t)
{
	struct tcp_input *in = t->spare;
	if (!in)
		return memory_alloc(sizeof *in);
	t->spare = in->next;
	t->spares--;
	return in;
}

static void input_put(struct tcp_thread *t, struct tcp_input *in)
{
	if (t->spares == INPUTS_SPARE) {
		free(in);
		return;
	}
	in->next = t->spare;
	t->spare = in;
	t->spares++;
}

/* Whoever is answered began to wait: the buffer stays as it is until it is done. */
static void answering_waits(struct tcp_input *in)
{
	if (in && in->answering) {
		in->answering = false;
		in->waiting++;
	}
}

/* A buffer to read into, nothing of which is in use. */
static struct tcp_input *input_fresh(struct tcp_thread *t)
{
	answering_waits(t->input);
	if (!t->input || t->input->waiting) {
		t->input = input_take(t);
		t->input->waiting = 0;
		t->input->answering = false;
	}
	t->input->start = t->input->end = 0;
	t->input->owner = NULL;
	t->input->drained = false;
	return t->input;
}

static void input_leave(struct tcp_thread *t, struct tcp_input *in)
{
	if (--in->waiting == 0 && in != t->input)
		input_put(t, in);
}

/* --- the end of a connection --- */

static void listener_free(struct tcp_listener *t)
{
	thread_leave(t->loop);
	free(t);
}

static void connection_free(struct tcp_connection *c)
{
	struct tcp_listener *t = c->listener;
	free(c);
	t->allocated--;
	if (t->released && !t->allocated)
		listener_free(t);
}

/* Closes it at once. Its memory stays until its queries are done. */
static void connection_close(struct tcp_connection *c)
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
	c->out = (struct output){ 0 };
	c->dead = true;
	atomic_fetch_sub_explicit(&t->open, 1, memory_order_relaxed);
	if (!c->active)
		connection_free(c);
}

/* --- answers out --- */

static void output_grow(struct tcp_thread *t, struct output *out, size_t more)
{
	if (!out->at && t->output) {
		out->at = t->output;
		out->capacity = OUTPUT_LEAST;
		t->output = NULL;
	}
	size_t capacity = out->capacity ? out->capacity : OUTPUT_LEAST;
	while (capacity - out->length < more)
		capacity *= 2;
	if (capacity > out->capacity || !out->at)
		out->at = memory_resize(out->at, capacity, 1);
	out->capacity = capacity;
}

static void output_done(struct tcp_thread *t, struct output *out)
{
	if (!t->output && out->capacity == OUTPUT_LEAST)
		t->output = out->at;
	else
		free(out->at);
	*out = (struct output){ 0 };
}

static void answer_queue(struct tcp_connection *c, const struct incoming *in)
{
	struct output *out = &c->out;
	size_t more = PREFIX + in->answer_length;
	if (out->capacity - out->length < more)
		output_grow(c->listener->loop->tcp, out, more);
	if (out->length == 0)
		c->written_at = clock_batch();
	uint8_t *to = out->at + out->length;
	to[0] = (uint8_t)(in->answer_length >> 8);
	to[1] = (uint8_t)in->answer_length;
	memcpy(to + PREFIX, in->answer, in->answer_length);
	out->length += more;
}

/* Sends what the peer takes. False if the connection is broken. */
static bool output_send(struct tcp_connection *c)
{
	struct output *out = &c->out;
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
		output_done(c->listener->loop->tcp, out);
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

static void expired(struct timer *timer)
{
	struct tcp_connection *c =
		(struct tcp_connection *)((char *)timer - offsetof(struct tcp_connection, timer));
	if (!c->expires)
		return;
	if (c->expires > clock_batch())
		timer_set(c->listener->loop, timer, c->expires);
	else
		connection_close(c);
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
		connection_close(c);
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
		connection_close(c);
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
	input_leave(l->tcp, in);
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
		.wire = in->wire + in->start + PREFIX,
		.length = length,
		.client = c->client,
		.local = c->local,
		.transport = TRANSPORT_TCP,
		.listener = t->listener,
		.answer = loop_answer_room(t->loop),
		.answer_room = UINT16_MAX,
	};
	uint64_t handoffs = t->loop->handoffs;
	in->start += PREFIX + length;
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
	while (!c->closing && in->end - in->start >= PREFIX) {
		const uint8_t *at = in->wire + in->start;
		size_t length = (size_t)at[0] << 8 | at[1];
		if (in->end - in->start < PREFIX + length)
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
	ssize_t got = recv(c->watch.fd, in->wire + kept, INPUT_ROOM - kept, MSG_DONTWAIT);
	if (got <= 0) {
		c->ended = got == 0 || (errno != EAGAIN && errno != EINTR);
		return false;
	}
	in->drained = (size_t)got < INPUT_ROOM - kept;
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
		if (!receive(c, input_fresh(thread)))
			return true;
	}
	return true;
}

/* Works on queries that were kept back, as far as they may be now. False if one of them had to wait. */
static bool work_on_kept(struct tcp_connection *c)
{
	while (c->paused && output_send(c) && may_answer(c)) {
		struct tcp_input *in = input_fresh(c->listener->loop->tcp);
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
	struct tcp_input *in = input_fresh(c->listener->loop->tcp);
	ssize_t got;
	for (int turn = 0; turn < READS_A_TURN; turn++) {
		got = recv(c->watch.fd, in->wire, sizeof in->wire, MSG_DONTWAIT);
		if (got <= 0)
			break;
	}
	if (got == 0 || (got < 0 && errno != EAGAIN))
		connection_close(c);
}

static void connection_ready(struct watch *w, uint32_t events)
{
	struct tcp_connection *c = (struct tcp_connection *)w;
	answering_waits(c->listener->loop->tcp->input);
	if (events & (EPOLLERR | EPOLLHUP))
		connection_close(c);
	else if (c->lingering)
		discard(c);
	else if ((c->paused || work(c)) && work_on_kept(c))
		settle(c);
}

/* --- connections --- */

static void connection_new(struct tcp_listener *t, int fd, const struct sockaddr_in6 *peer)
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
	loop_watch(t->loop, &c->watch, EPOLLIN);
	timer_update(c);
	list_append(&t->idle, c);
}

/* Closes the connection that has not been used longest. False if there is none. */
static bool make_room(struct tcp_listener *t)
{
	struct tcp_connection *c = t->idle.first ? t->idle.first : t->busy.first;
	if (!c)
		return false;
	connection_close(c);
	atomic_fetch_add_explicit(&t->evicted, 1, memory_order_relaxed);
	return true;
}

static void accept_again(struct timer *timer)
{
	struct tcp_listener *t =
		(struct tcp_listener *)((char *)timer - offsetof(struct tcp_listener, accept_again));
	loop_watch(t->loop, &t->watch, EPOLLIN);
}

/* Whether to try again after accept() failed. Out of descriptors or memory and nothing to close: the kernel would report
 * the listener as ready for ever, so it is left alone for a while. */
static bool accept_failed(struct tcp_listener *t)
{
	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		if (make_room(t))
			return true;
		loop_unwatch(t->loop, &t->watch);
		timer_set(t->loop, &t->accept_again, clock_batch() + accept_pause);
		return false;
	case EAGAIN:
		return false;
	default: /* what happened to this one connection, accept(2) */
		return true;
	}
}

static void listener_ready(struct watch *w, uint32_t events)
{
	struct tcp_listener *t = (struct tcp_listener *)w;
	(void)events;
	for (int turn = 0; turn < ACCEPTS_A_TURN; turn++) {
		struct sockaddr_in6 peer = { 0 };
		socklen_t length = sizeof peer;
		int fd = accept4(w->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (!accept_failed(t))
				return;
			continue;
		}
		if (tcp_connections(t) >= t->limits.connections)
			make_room(t);
		connection_new(t, fd, &peer);
	}
}

/* --- listeners --- */

struct tcp_listener *tcp_listen(struct loop *l, int fd, const struct endpoint *local,
	const struct tcp_limits *limits, incoming_handler *handle, void *listener)
{
	struct tcp_listener *t = memory_array(1, sizeof *t);
	t->watch = (struct watch){ .fd = fd, .ready = listener_ready };
	t->accept_again.fire = accept_again;
	t->loop = l;
	t->local = *local;
	t->limits = *limits;
	t->handle = handle;
	t->listener = listener;
	thread_join(l);
	loop_watch(l, &t->watch, EPOLLIN);
	return t;
}

void tcp_stop(struct tcp_listener *t)
{
	if (t->stopped)
		return;
	t->stopped = true;
	answering_waits(t->loop->tcp->input);
	loop_unwatch(t->loop, &t->watch);
	timer_cancel(t->loop, &t->accept_again);
	close(t->watch.fd);
	while (t->idle.first)
		connection_close(t->idle.first);
	for (struct tcp_connection *c = t->busy.first; c; c = c->newer)
		c->closing = true;
}

void tcp_release(struct tcp_listener *t)
{
	tcp_stop(t);
	t->released = true;
	if (!t->allocated)
		listener_free(t);
}

size_t tcp_connections(const struct tcp_listener *t)
{
	return atomic_load_explicit(&t->open, memory_order_relaxed);
}

size_t tcp_evicted(const struct tcp_listener *t)
{
	return atomic_load_explicit(&t->evicted, memory_order_relaxed);
}
