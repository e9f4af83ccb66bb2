/* TCP: listening and accepting. */
#include "net/tcp_connection.h"

#include "base/memory.h"
#include "net/client_counters.h"
#include "net/connection_counts.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

const struct tcp_limits tcp_limits_default = {
	.read = 3 * NS_PER_S,
	.write = 5 * NS_PER_S,
	.idle = 10 * NS_PER_S,
	.queries = -1,
	.connections = 20000,
	.client_connections = 5000,
	.handshakes = 1000,
	.pipelined = 256,
};

enum { ACCEPTS_A_TURN = 64, BACKLOG = 4096 };

static const uint64_t accept_pause = 100 * NS_PER_MS;

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

/* --- accepting --- */

/* Closes the connection that has not been used longest; where most of them are in a handshake, one of those. False if
 * there is none. */
static bool make_room(struct tcp_listener *t)
{
	struct tcp_connection *c = t->idle.first ? t->idle.first : t->busy.first;
	if (!c || t->handshaking.count > t->idle.count + t->busy.count)
		c = t->handshaking.first;
	if (!c)
		return false;
	tcp_connection_end(c);
	connection_count_cut(t->service.transport, CONNECTION_EVICTED);
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

static bool has_room(const struct tcp_listener *t)
{
	bool evicts = t->idle.first || t->handshaking.count > t->busy.count;
	return tcp_connections(t) < t->limits.connections || evicts || !t->limits.waits_when_full;
}

/* Whether no more may be accepted before another one has done its work: then the listener is left alone until then. */
static bool is_full(struct tcp_listener *t)
{
	t->full = !has_room(t);
	if (t->full) {
		connection_count_full(t->service.transport);
		loop_watch(t->loop, &t->watch, 0);
	}
	return t->full;
}

void tcp_listener_resume(struct tcp_listener *t)
{
	t->full = false;
	loop_watch(t->loop, &t->watch, EPOLLIN);
}

/* What is done with a header of the PROXY protocol from this client. */
static enum proxy_use proxy_use_of(const struct tcp_listener *t, const struct endpoint *client)
{
	const struct tcp_service *s = &t->service;
	const struct proxy_policy *policy = s->proxies ? s->proxies(s->listener) : NULL;
	return policy ? proxy_use_for(policy, client) : PROXY_SKIP;
}

/* Takes a connection over, unless its client has too many: a proxy may have more. */
static void accepted(struct tcp_listener *t, int fd, const struct sockaddr_in6 *peer)
{
	struct endpoint client = endpoint_from((const struct sockaddr *)peer);
	uint16_t *counter = client_counter(t->clients, &client);
	enum proxy_use proxy = proxy_use_of(t, &client);
	size_t most = proxy == PROXY_USE ? UINT16_MAX : t->limits.client_connections;
	if (*counter >= most || *counter == UINT16_MAX) {
		connection_count_cut(t->service.transport, CONNECTION_CLIENT_FULL);
		close(fd);
		return;
	}
	if (tcp_connections(t) >= t->limits.connections)
		make_room(t);
	++*counter;
	tcp_connection_new(t, fd, &client, counter, proxy);
}

static void listener_ready(struct watch *w, uint32_t events)
{
	struct tcp_listener *t = (struct tcp_listener *)w;
	(void)events;
	for (int turn = 0; turn < ACCEPTS_A_TURN && !is_full(t); turn++) {
		struct sockaddr_in6 peer = { 0 };
		socklen_t length = sizeof peer;
		int fd = accept4(w->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (!accept_failed(t))
				return;
			continue;
		}
		accepted(t, fd, &peer);
	}
}

/* --- listeners --- */

void tcp_listener_free(struct tcp_listener *t)
{
	tcp_thread_leave(t->loop);
	free(t->clients);
	free(t);
}

struct tcp_listener *tcp_listen(struct loop *l, int fd, const struct endpoint *local,
	const struct tcp_limits *limits, const struct tcp_service *service)
{
	struct tcp_listener *t = memory_array(1, sizeof *t);
	t->watch = (struct watch){ .fd = fd, .ready = listener_ready };
	t->accept_again.fire = accept_again;
	t->loop = l;
	t->clients = client_counters_new();
	t->local = *local;
	t->limits = *limits;
	t->service = *service;
	if (!t->service.protocol)
		t->service.protocol = &dns_framing;
	tcp_thread_join(l);
	loop_watch(l, &t->watch, EPOLLIN);
	return t;
}

void tcp_limit(struct tcp_listener *t, const struct tcp_limits *limits)
{
	t->limits = *limits;
	if (t->full && !t->stopped)
		tcp_listener_resume(t);
}

void tcp_stop(struct tcp_listener *t)
{
	if (t->stopped)
		return;
	t->stopped = true;
	tcp_input_waits(t->loop->tcp->input);
	loop_unwatch(t->loop, &t->watch);
	timer_cancel(t->loop, &t->accept_again);
	close(t->watch.fd);
	while (t->handshaking.first)
		tcp_connection_close(t->handshaking.first);
	while (t->idle.first)
		tcp_connection_end(t->idle.first);
	for (struct tcp_connection *c = t->busy.first; c; c = c->newer)
		tcp_connection_stop(c);
}

void tcp_release(struct tcp_listener *t)
{
	tcp_stop(t);
	t->released = true;
	if (!t->allocated)
		tcp_listener_free(t);
}

size_t tcp_connections(const struct tcp_listener *t)
{
	return atomic_load_explicit(&t->open, memory_order_relaxed);
}
