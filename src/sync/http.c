/* The client on the control loop: sockets and time for the engine, fibers for those who ask. */
#include "sync/http.h"

#include "base/memory.h"
#include "base/module.h"
#include "sync/http_engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

/* Who waits looks up so often, for what may make it give up. */
#define LOOK_INTERVAL (100 * NS_PER_MS)

struct client_socket {
	struct watch watch;
	struct client_socket *next;
	struct http_client *client;
};

struct http_client {
	struct loop *loop;
	const struct http_engine *engine;
	void *opened;
	struct timer timer;
	struct client_socket *sockets;
	struct client_socket *spare; /* no longer watched: freed when the engine has returned */
};

/* --- what the engine waits for --- */

static void sweep(struct http_client *c)
{
	for (struct client_socket *s; (s = c->spare);) {
		c->spare = s->next;
		free(s);
	}
}

static void socket_ready(struct watch *w, uint32_t events)
{
	struct client_socket *s = (struct client_socket *)w;
	struct http_client *c = s->client;
	unsigned interest = 0;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		interest |= HTTP_READABLE;
	if (events & EPOLLOUT)
		interest |= HTTP_WRITABLE;
	c->engine->ready(c->opened, w->fd, interest);
	sweep(c);
}

static void timer_fires(struct timer *t)
{
	struct http_client *c =
		(struct http_client *)((char *)t - offsetof(struct http_client, timer));
	c->engine->expired(c->opened);
	sweep(c);
}

static struct client_socket **find_socket(struct http_client *c, int fd)
{
	struct client_socket **at = &c->sockets;
	while (*at && (*at)->watch.fd != fd)
		at = &(*at)->next;
	return at;
}

static void on_watch(void *owner, int fd, unsigned interest)
{
	struct http_client *c = owner;
	struct client_socket **at = find_socket(c, fd), *s = *at;
	if (!interest) {
		if (!s)
			return;
		loop_unwatch(c->loop, &s->watch);
		*at = s->next;
		s->next = c->spare;
		c->spare = s;
		return;
	}
	if (!s) {
		s = *at = memory_array(1, sizeof *s);
		s->watch = (struct watch){ .fd = fd, .ready = socket_ready };
		s->client = c;
	}
	loop_watch(c->loop, &s->watch, (interest & HTTP_READABLE ? EPOLLIN : 0u) |
					       (interest & HTTP_WRITABLE ? EPOLLOUT : 0u));
}

static void on_wait(void *owner, long ms)
{
	struct http_client *c = owner;
	if (ms < 0)
		timer_cancel(c->loop, &c->timer);
	else
		timer_set(c->loop, &c->timer, clock_now() + (uint64_t)ms * NS_PER_MS);
}

/* --- who asks --- */

struct asking {
	struct fiber *fiber;
	struct http_result result;
	bool ended;
};

static void on_ended(void *owner, const struct http_result *result)
{
	struct asking *a = owner;
	a->result = *result;
	a->ended = true;
	fiber_wake(a->fiber);
}

/* Why the request is given up before its end; NULL: it goes on. */
static const char *reason_to_stop(
	const struct http_request *r, uint64_t last_progress, enum wait_result waited)
{
	if (waited == WAIT_STOPPED || (r->stop && atomic_load(r->stop)))
		return "stopped";
	if (r->silence && clock_now() - last_progress > r->silence)
		return "nothing has come for too long";
	return NULL;
}

static void give_up(struct asking *a, const struct http_request *r, const char *why)
{
	bool stopped = r->silence == 0 || strcmp(why, "stopped") == 0;
	a->result.end = stopped ? HTTP_GIVEN_UP : HTTP_BROKEN;
	snprintf(a->result.error, sizeof a->result.error, "%s", why);
}

struct http_result http_perform(struct http_client *c, const struct http_request *r)
{
	struct asking a = { .fiber = fiber_self() };
	void *transfer = c->engine->start(c->opened, r, &a);
	if (!transfer) {
		a.result.end = HTTP_FAILED;
		snprintf(a.result.error, sizeof a.result.error, "out of memory");
		return a.result;
	}
	uint64_t progress = 0, since = clock_now();
	while (!a.ended) {
		enum wait_result waited = fiber_park(clock_now() + LOOK_INTERVAL);
		if (a.ended)
			break;
		uint64_t came = c->engine->progress(transfer);
		if (came != progress)
			since = clock_now();
		progress = came;
		const char *why = reason_to_stop(r, since, waited);
		if (why) {
			c->engine->cancel(c->opened, transfer);
			sweep(c);
			give_up(&a, r, why);
			break;
		}
		if (r->more && waited == WAIT_TIMEOUT)
			c->engine->resume(transfer);
	}
	return a.result;
}

/* --- clients --- */

struct http_client *http_client_new(struct loop *l, struct arena *arena, const char **why)
{
	static const struct http_engine *engine;
	if (!engine)
		engine = module_load(arena, "isthmus-http.so", "sync", HTTP_ENGINE_SYMBOL,
			"sources over HTTP", why);
	if (!engine)
		return NULL;
	struct http_client *c = memory_array(1, sizeof *c);
	c->loop = l;
	c->engine = engine;
	c->timer.fire = timer_fires;
	struct http_host host = { c, on_watch, on_wait, on_ended };
	c->opened = engine->open(&host);
	if (!c->opened)
		memory_exhausted(0);
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	c->engine->close(c->opened);
	timer_cancel(c->loop, &c->timer);
	while (c->sockets)
		on_watch(c, c->sockets->watch.fd, 0);
	sweep(c);
	free(c);
}
