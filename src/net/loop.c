/* The event loop. */
#include "net/loop.h"

#include "base/epoch.h"
#include "base/memory.h"
#include "net/loop_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct post {
	struct post *next;
	void (*run)(void *data);
	void *data;
};

static _Thread_local struct loop *running;

struct loop *loop_current(void)
{
	return running;
}

_Noreturn static void cannot(const char *what)
{
	fprintf(stderr, "event loop: %s: %s\n", what, strerror(errno));
	abort();
}

/* --- watches --- */

static void control(struct loop *l, int operation, struct watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };
	if (epoll_ctl(l->epoll, operation, w->fd, &e) < 0)
		cannot("epoll_ctl");
	w->events = events;
}

/* A watch that waits for nothing is out of the kernel's set: it would report hang-ups for ever. */
void loop_watch(struct loop *l, struct watch *w, uint32_t events)
{
	if (events == w->events)
		return;
	if (!events)
		loop_unwatch(l, w);
	else
		control(l, w->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w, events);
}

void loop_unwatch(struct loop *l, struct watch *w)
{
	if (w->events)
		control(l, EPOLL_CTL_DEL, w, 0);
	if (l->dispatching == w)
		l->dispatching = NULL;
	for (int i = l->event_at; i < l->event_count; i++)
		if (l->events[i].data.ptr == w)
			l->events[i].data.ptr = NULL;
}

static void wakeup_ready(struct watch *w, uint32_t events)
{
	uint64_t count;
	(void)events;
	(void)!read(w->fd, &count, sizeof count);
}

static void wakeup_send(struct loop *l)
{
	uint64_t one = 1;
	(void)!write(l->wakeup.fd, &one, sizeof one);
}

/* --- life --- */

struct loop *loop_new(size_t stack_size)
{
	struct loop *l = memory_array(1, sizeof *l);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		cannot("epoll_create1");
	l->wakeup.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wakeup.fd < 0)
		cannot("eventfd");
	l->wakeup.ready = wakeup_ready;
	loop_watch(l, &l->wakeup, EPOLLIN);
	fibers_init(l, stack_size);
	timer_wheel_init(&l->timers, clock_now());
	l->posts_end = &l->posts;
	return l;
}

static void posts_free(struct post *p)
{
	while (p) {
		struct post *next = p->next;
		free(p);
		p = next;
	}
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	posts_free(l->posts);
	posts_free(atomic_exchange(&l->inbox, NULL));
	fibers_free(l);
	free(l->answer_room);
	upstream_inbox_free(l);
	close(l->wakeup.fd);
	close(l->epoll);
	free(l);
}

void loop_run(struct loop *l)
{
	struct loop *outer = running;
	running = l;
	l->stopping = false;
	clock_batch_begin();
	epoch_quiet();
	fibers_run(l);
	epoch_idle();
	running = outer;
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	wakeup_send(l);
}

uint8_t *loop_answer_room(struct loop *l)
{
	if (!l->answer_room)
		l->answer_room = memory_alloc(UINT16_MAX);
	return l->answer_room;
}

/* --- posts and spawned tasks --- */

static struct post *post_new(void (*run)(void *data), void *data)
{
	struct post *p = memory_alloc(sizeof *p);
	*p = (struct post){ .run = run, .data = data };
	return p;
}

void loop_post(struct loop *l, void (*run)(void *data), void *data)
{
	struct post *p = post_new(run, data), *before = atomic_load(&l->inbox);
	do
		p->next = before;
	while (!atomic_compare_exchange_weak(&l->inbox, &before, p));
	if (!before) /* else whoever posted that one wakes the loop */
		wakeup_send(l);
}

void fiber_spawn(struct loop *l, void (*run)(void *data), void *data)
{
	struct post *p = post_new(run, data);
	*l->posts_end = p;
	l->posts_end = &p->next;
}

/* Appends what other threads have sent, first one first. */
static void inbox_take(struct loop *l)
{
	if (!atomic_load_explicit(&l->inbox, memory_order_relaxed))
		return;
	struct post *list = atomic_exchange(&l->inbox, NULL), *in_order = NULL;
	struct post **end = &list->next; /* of the first one taken, which is the last in order */
	while (list) {
		struct post *p = list;
		list = p->next;
		p->next = in_order;
		in_order = p;
	}
	*l->posts_end = in_order;
	l->posts_end = end;
}

/* --- timers --- */

void timer_set(struct loop *l, struct timer *t, uint64_t at)
{
	if (timer_is_set(t))
		timer_wheel_remove(&l->timers, t);
	timer_wheel_add(&l->timers, t, at);
}

void timer_cancel(struct loop *l, struct timer *t)
{
	if (timer_is_set(t))
		timer_wheel_remove(&l->timers, t);
}

/* --- flushes --- */

void loop_flush_later(struct loop *l, struct loop_flush *f)
{
	if (f->queued)
		return;
	f->queued = true;
	f->next = l->flushes;
	l->flushes = f;
}

void loop_flush_cancel(struct loop *l, struct loop_flush *f)
{
	struct loop_flush **at = &l->flushes;
	if (!f->queued)
		return;
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	f->queued = false;
}

/* --- a round --- */

void loop_dispatch(struct loop *l, struct watch *w, uint32_t events)
{
	uint64_t before = l->handoffs;
	l->dispatching = w;
	l->dispatching_events = events;
	w->ready(w, events);
	if (l->handoffs == before)
		l->dispatching = NULL;
	fiber_returned(l);
}

static void events_run(struct loop *l)
{
	/* Somebody began to wait in its ready(): what that descriptor still has comes first. */
	if (l->dispatching)
		loop_dispatch(l, l->dispatching, l->dispatching_events);
	while (l->event_at < l->event_count) {
		struct epoll_event e = l->events[l->event_at++];
		if (e.data.ptr)
			loop_dispatch(l, e.data.ptr, e.events);
	}
}

static void posts_run(struct loop *l)
{
	inbox_take(l);
	while (l->posts) {
		struct post p = *l->posts;
		free(l->posts);
		l->posts = p.next;
		if (!l->posts)
			l->posts_end = &l->posts;
		p.run(p.data);
		fiber_returned(l);
	}
}

static void timers_run(struct loop *l)
{
	struct timer *t;
	while ((t = timer_wheel_take(&l->timers))) {
		t->fire(t);
		fiber_returned(l);
	}
}

static void flushes_run(struct loop *l)
{
	while (l->flushes) {
		struct loop_flush *f = l->flushes;
		l->flushes = f->next;
		f->queued = false;
		f->run(f);
		fiber_returned(l);
	}
}

/* How long to sleep until the next timer, in ms, rounded up; -1: for ever. */
static int sleep_time(struct loop *l)
{
	if (l->ready || l->posts || l->flushes)
		return 0;
	uint64_t next = timer_wheel_next(&l->timers), now = clock_batch();
	if (next == UINT64_MAX)
		return -1;
	if (next <= now)
		return 0;
	uint64_t ms = (next - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > 3600000 ? 3600000 : (int)ms;
}

static void poll(struct loop *l)
{
	int timeout = sleep_time(l);
	epoch_idle();
	int count = epoll_wait(l->epoll, l->events, EVENTS_MAX, timeout);
	if (count < 0 && errno != EINTR)
		cannot("epoll_wait");
	epoch_quiet();
	l->event_count = count < 0 ? 0 : count;
	l->event_at = 0;
	l->resumed = 0;
	timer_wheel_advance(&l->timers, clock_batch_begin());
}

/* True when the loop is to end and nobody waits any more. */
static bool stopped(struct loop *l)
{
	if (!atomic_load_explicit(&l->stop, memory_order_relaxed))
		return false;
	l->stopping = true;
	fibers_stop(l);
	return !l->ready;
}

void loop_step(struct loop *l)
{
	events_run(l);
	posts_run(l);
	timers_run(l);
	if (l->ready && l->resumed < RESUMES_A_ROUND) {
		fiber_resume(l);
		return;
	}
	flushes_run(l);
	if (stopped(l)) {
		atomic_store(&l->stop, false);
		fibers_leave(l);
		return;
	}
	poll(l);
}
