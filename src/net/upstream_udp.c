/*
 * UDP to an upstream. Of the pool's sockets, each with a random port of its own, one is drawn for all queries of a
 * round of the loop: they leave by one call. A socket is replaced after some thousands of queries.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "net/loop_state.h"
#include "net/upstream_pool.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	QUERIES_A_SOCKET = 4096,
};

struct upstream_socket {
	struct watch watch;
	struct attempt_table table;
	struct upstream_pool *pool;
	struct upstream_socket *next; /* among the retired ones */
	uint64_t born, used;
	unsigned sent;
	bool retired;
};

/* --- sockets --- */

static void socket_close(struct upstream_socket *s)
{
	loop_unwatch(s->pool->loop, &s->watch);
	close(s->watch.fd);
	free(s);
}

static struct upstream_socket *socket_of(struct attempt_table *t)
{
	return (struct upstream_socket *)((char *)t - offsetof(struct upstream_socket, table));
}

/* Nobody waits on it any more: a retired one is closed. */
static void drained(struct attempt_table *t)
{
	struct upstream_socket *s = socket_of(t), **link = &s->pool->retired;
	s->used = clock_batch();
	if (!s->retired || s->pool->sending == s)
		return;
	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	socket_close(s);
}

/* Lets nobody use it again. Answers that are on their way still count. */
static void socket_retire(struct upstream_socket *s)
{
	struct upstream_pool *p = s->pool;
	if (!s->table.count && p->sending != s) {
		socket_close(s);
		return;
	}
	s->retired = true;
	s->next = p->retired;
	p->retired = s;
}

static void queue_forget(struct upstream_pool *p)
{
	for (; p->queue; p->queue = p->queue->queue_next)
		p->queue->queued = false;
	p->queue_end = &p->queue;
}

static void socket_failed(struct upstream_socket *s, int error)
{
	struct upstream_pool *p = s->pool;
	if (p->sending == s)
		queue_forget(p);
	s->table.count++; /* holds the socket open */
	table_fail(&s->table, ATTEMPT_FAILED, STEP_READ, error);
	if (--s->table.count == 0)
		drained(&s->table);
}

/* Hands over what has come. An error of the network in place of it ends all that wait: the port is closed, or the host
 * away. */
static void socket_ready(struct watch *w, uint32_t events)
{
	struct upstream_socket *s = (struct upstream_socket *)w;
	struct upstream_inbox *in = upstream_inbox(s->pool->loop);
	(void)events;
	int count = recvmmsg(w->fd, in->messages, INBOX_BATCH, MSG_DONTWAIT, NULL);
	if (count < 0) {
		if (errno != EAGAIN && errno != EINTR)
			socket_failed(s, errno);
		return;
	}
	s->table.count++; /* holds the socket open */
	for (int i = 0; i < count; i++)
		table_receive(s->pool, &s->table, in->room[i], in->messages[i].msg_len);
	if (--s->table.count == 0)
		drained(&s->table);
}

/* A kernel that does not know UDP_SEGMENT takes no notice of it. */
static bool cuts_up(int fd)
{
	int size;
	socklen_t length = sizeof size;
	return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &length) == 0;
}

static struct upstream_socket *socket_new(struct upstream_pool *p)
{
	int fd = upstream_socket_new(p->upstream, SOCK_DGRAM);
	if (fd < 0)
		return NULL;
	const struct endpoint *to = &p->upstream->endpoint;
	if (connect(fd, &to->any, endpoint_length(to)) < 0) {
		int saved = errno;
		close(fd);
		errno = saved;
		return NULL;
	}
	struct upstream_socket *s = memory_array(1, sizeof *s);
	s->watch = (struct watch){ .fd = fd, .ready = socket_ready };
	s->table.drained = drained;
	s->table.fd = fd;
	s->pool = p;
	s->born = s->used = clock_batch();
	loop_watch(p->loop, &s->watch, EPOLLIN);
	p->whole = p->whole || !cuts_up(fd);
	pool_sweep_later(p);
	return s;
}

/* Draws the socket for this round; makes it, if it is not there or has served its time. */
static struct upstream_socket *draw(struct upstream_pool *p)
{
	struct upstream *u = p->upstream;
	struct upstream_socket **slot = &p->sockets[random_below(UDP_SOCKETS)], *s = *slot;
	if (s && (s->sent >= QUERIES_A_SOCKET || upstream_expired(u, s->born, s->used))) {
		*slot = NULL;
		socket_retire(s);
		s = NULL;
	}
	upstream_count(u, s ? UPSTREAM_HIT_UDP : UPSTREAM_MISS_UDP);
	if (!s)
		s = *slot = socket_new(p);
	if (s)
		s->used = clock_batch();
	return s;
}

/* --- sending --- */

void udp_attempt(struct upstream_pool *p, struct attempt *a)
{
	if (!p->sending) {
		p->sending = draw(p);
		if (!p->sending) {
			a->step = STEP_DIAL;
			a->error = errno;
			a->done(a, ATTEMPT_FAILED, NULL, 0);
			return;
		}
	} else {
		upstream_count(p->upstream, UPSTREAM_HIT_UDP);
	}
	table_add(&p->sending->table, a);
	p->sending->sent++;
	a->queued = true;
	a->queue_next = NULL;
	*p->queue_end = a;
	p->queue_end = &a->queue_next;
	loop_flush_later(p->loop, &p->flush);
}

void udp_unqueue(struct upstream_pool *p, struct attempt *a)
{
	struct attempt **link = &p->queue;
	while (*link != a)
		link = &(*link)->queue_next;
	*link = a->queue_next;
	if (p->queue_end == &a->queue_next)
		p->queue_end = link;
	a->queued = false;
}

void udp_flush(struct upstream_pool *p)
{
	struct upstream_outbox *out = &upstream_inbox(p->loop)->out;
	struct upstream_socket *s = p->sending;
	while (p->queue) {
		int error = outbox_send(out, &p->queue, s->watch.fd, &p->whole);
		if (error)
			socket_failed(s, error);
	}
	p->queue_end = &p->queue;
	p->sending = NULL;
	if (s && s->retired && !s->table.count)
		drained(&s->table);
}

/* --- closing --- */

bool udp_sweep(struct upstream_pool *p)
{
	bool open = p->retired != NULL;
	for (unsigned i = 0; i < UDP_SOCKETS; i++) {
		struct upstream_socket *s = p->sockets[i];
		if (!s)
			continue;
		if (!s->table.count && s != p->sending && upstream_expired(p->upstream, s->born, s->used)) {
			p->sockets[i] = NULL;
			socket_close(s);
			continue;
		}
		open = true;
	}
	return open;
}

static void socket_stop(struct upstream_socket *s)
{
	s->retired = false;
	table_fail(&s->table, ATTEMPT_STOPPED, STEP_READ, 0);
	socket_close(s);
}

void udp_close_all(struct upstream_pool *p)
{
	queue_forget(p);
	p->sending = NULL;
	for (unsigned i = 0; i < UDP_SOCKETS; i++)
		if (p->sockets[i])
			socket_stop(p->sockets[i]);
	while (p->retired) {
		struct upstream_socket *s = p->retired;
		p->retired = s->next;
		socket_stop(s);
	}
}
