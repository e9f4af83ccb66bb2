/*
 * Fibers: waiting by lazy hand-off. Whoever waits keeps the stack it stands on, loop frames below it included; the
 * loop goes on on a spare stack. When the fiber is woken and its handler returns, it returns into the loop's frame
 * below, and that stack is simply the loop's again; the one that resumed it has become spare. So no fiber ever ends,
 * and there are never more stacks than fibers that waited at once, and one.
 */
#include "base/epoch.h"
#include "base/memory.h"
#include "net/fiber_switch.h"
#include "net/loop_state.h"
#include "net/sanitizers.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* --- switching, with what the sanitizers want to know --- */

static void arrived(struct fiber *f)
{
#if SANITIZE_ADDRESS
	__sanitizer_finish_switch_fiber(f ? f->asan_stack : NULL, NULL, NULL);
#else
	(void)f;
#endif
}

NO_SANITIZE_THREAD static void switch_to(struct loop *l, struct fiber *to)
{
	struct fiber *from = l->current;
	l->current = to;
	l->handoffs++;
#if SANITIZE_ADDRESS
	__sanitizer_start_switch_fiber(&from->asan_stack, to->base, to->size);
#endif
#if SANITIZE_THREAD
	__tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
	fiber_switch(&from->kept, to->kept);
	arrived(from);
}

/* --- stacks --- */

static void body(void *data)
{
	struct fiber *f = data;
	arrived(NULL);
	for (;;)
		loop_step(f->loop);
}

static void deadline_reached(struct timer *t);

static struct fiber *fiber_new(struct loop *l)
{
	char *base = stack_new(&l->stacks);
	if (!base)
		return NULL;
	/* The fiber's own struct lies at the upper end of its stack, a cache line of its own for what is touched most. */
	size_t usable = (l->stacks.size - sizeof(struct fiber)) / 64 * 64;
	struct fiber *f = (struct fiber *)(base + usable);
	*f = (struct fiber){ .loop = l, .base = base, .size = usable };
	f->deadline.fire = deadline_reached;
#if SANITIZE_THREAD
	f->tsan_fiber = __tsan_create_fiber(0);
#endif
	f->kept = fiber_prepare(base + usable, body, f);
	return f;
}

/* A stack for the loop to go on with: the one used last, its pages are there. */
static struct fiber *spare_take(struct loop *l)
{
	struct fiber *f = l->spare;
	if (!f)
		return fiber_new(l);
	l->spare = f->next;
	l->spare_count--;
	f->trimmed = false;
	return f;
}

static void spare_put(struct loop *l, struct fiber *f)
{
	f->next = l->spare;
	l->spare = f;
	l->spare_count++;
}

/* Gives back the memory of stacks that nobody has needed since the last time: those at the end of the list. */
static void trim(struct timer *t)
{
	struct loop *l = (struct loop *)((char *)t - offsetof(struct loop, trim));
	size_t kept = l->waiting_recently + SPARES_KEPT;
	for (struct fiber *f = l->spare; f; f = f->next) {
		if (kept) {
			kept--;
		} else if (!f->trimmed) {
			stack_trim(f->base, f->kept);
			f->trimmed = true;
		}
	}
	l->waiting_recently = loop_waiting(l);
	if (l->spare_count > SPARES_KEPT)
		timer_set(l, t, clock_batch() + TRIM_INTERVAL);
}

void fibers_init(struct loop *l, size_t stack_size)
{
	l->ready_end = &l->ready;
	l->waiting_end = &l->waiting;
	l->trim.fire = trim;
	stack_pool_init(&l->stacks, stack_size);
	l->waiting_max = l->stacks.limit;
}

void fibers_free(struct loop *l)
{
#if SANITIZE_THREAD
	for (struct fiber *f = l->spare; f; f = f->next)
		__tsan_destroy_fiber(f->tsan_fiber);
#endif
	l->spare = NULL;
	stack_pool_free(&l->stacks);
}

/* --- the loop's side --- */

static void thread_stack_find(struct fiber *f)
{
#if SANITIZE_ADDRESS
	pthread_attr_t attributes;
	if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
		pthread_attr_getstack(&attributes, &f->base, &f->size);
		pthread_attr_destroy(&attributes);
	}
#endif
#if SANITIZE_THREAD
	f->tsan_fiber = __tsan_get_current_fiber();
#endif
	(void)f;
}

void fibers_run(struct loop *l)
{
	thread_stack_find(&l->thread);
	l->current = &l->thread;
	struct fiber *first = spare_take(l);
	if (!first)
		memory_exhausted(l->stacks.size);
	switch_to(l, first);
}

void fibers_leave(struct loop *l)
{
	spare_put(l, l->current);
	switch_to(l, &l->thread);
}

void fiber_resume(struct loop *l)
{
	struct fiber *f = l->ready;
	l->ready = f->next;
	if (!l->ready)
		l->ready_end = &l->ready;
	l->resumed++;
	spare_put(l, l->current);
	switch_to(l, f);
}

void fiber_leave_epoch(struct fiber *f)
{
	f->entered = false;
	epoch_leave(f->epoch);
}

/* --- the waiter's side --- */

static void waiting_set(struct loop *l, size_t count)
{
	atomic_store_explicit(&l->waiting_count, count, memory_order_relaxed);
}

static void unpark(struct fiber *f, enum wait_result result)
{
	struct loop *l = f->loop;
	if (timer_is_set(&f->deadline))
		timer_wheel_remove(&l->timers, &f->deadline);
	*f->link = f->next;
	if (f->next)
		f->next->link = f->link;
	else
		l->waiting_end = f->link;
	waiting_set(l, loop_waiting(l) - 1);
	f->parked = false;
	f->result = result;
	f->next = NULL;
	*l->ready_end = f;
	l->ready_end = &f->next;
}

static void deadline_reached(struct timer *t)
{
	unpark((struct fiber *)((char *)t - offsetof(struct fiber, deadline)), WAIT_TIMEOUT);
}

struct fiber *fiber_self(void)
{
	struct fiber *me = loop_current()->current;
	me->woken = false;
	return me;
}

static void park(struct loop *l, struct fiber *me)
{
	if (loop_waiting(l) >= l->waiting_max) {
		unpark(l->waiting, WAIT_STOPPED);
		atomic_fetch_add_explicit(&l->shed, 1, memory_order_relaxed);
	}
	me->parked = true;
	me->next = NULL;
	me->link = l->waiting_end;
	*l->waiting_end = me;
	l->waiting_end = &me->next;
	size_t count = loop_waiting(l) + 1;
	waiting_set(l, count);
	if (count > l->waiting_recently)
		l->waiting_recently = count;
	if (count > SPARES_KEPT && !timer_is_set(&l->trim))
		timer_set(l, &l->trim, clock_batch() + TRIM_INTERVAL);
	if (!me->entered) {
		me->entered = true;
		me->epoch = epoch_enter();
	}
}

enum wait_result fiber_park(uint64_t deadline)
{
	struct loop *l = loop_current();
	struct fiber *me = l->current;
	assert(me != &l->thread);
	if (me->woken) {
		me->woken = false;
		return WAIT_READY;
	}
	if (l->stopping)
		return WAIT_STOPPED;
	if (deadline && deadline <= clock_batch())
		return WAIT_TIMEOUT;
	struct fiber *spare = spare_take(l);
	if (!spare)
		return WAIT_STOPPED;
	park(l, me);
	if (deadline)
		timer_wheel_add(&l->timers, &me->deadline, deadline);
	switch_to(l, spare);
	return me->result;
}

void fiber_wake(struct fiber *f)
{
	if (!f->parked) {
		f->woken = true;
		return;
	}
	unpark(f, WAIT_READY);
}

void fibers_stop(struct loop *l)
{
	while (l->waiting)
		unpark(l->waiting, WAIT_STOPPED);
}

enum wait_result fiber_sleep(uint64_t ns)
{
	uint64_t deadline = clock_now() + ns;
	fiber_self();
	for (;;) {
		enum wait_result result = fiber_park(deadline);
		if (result != WAIT_READY)
			return result;
	}
}

/* A fiber that waits for a descriptor of its own. */
struct fd_wait {
	struct watch watch;
	struct fiber *fiber;
	bool ready;
};

static void fd_ready(struct watch *w, uint32_t events)
{
	(void)events;
	struct fd_wait *wait = (struct fd_wait *)w;
	wait->ready = true;
	fiber_wake(wait->fiber);
}

static enum wait_result wait_for(int fd, uint32_t events, uint64_t deadline)
{
	struct loop *l = loop_current();
	struct fd_wait wait = { .watch = { .fd = fd, .ready = fd_ready }, .fiber = fiber_self() };
	enum wait_result result = WAIT_READY;
	loop_watch(l, &wait.watch, events);
	while (!wait.ready && result == WAIT_READY)
		result = fiber_park(deadline);
	loop_unwatch(l, &wait.watch);
	return wait.ready ? WAIT_READY : result;
}

enum wait_result wait_readable(int fd, uint64_t deadline)
{
	return wait_for(fd, EPOLLIN, deadline);
}

enum wait_result wait_writable(int fd, uint64_t deadline)
{
	return wait_for(fd, EPOLLOUT, deadline);
}

size_t loop_waiting(const struct loop *l)
{
	return atomic_load_explicit(&l->waiting_count, memory_order_relaxed);
}

void loop_waiting_limit(struct loop *l, size_t most)
{
	if (most < l->waiting_max)
		l->waiting_max = most ? most : 1;
}

size_t loop_shed(const struct loop *l)
{
	return atomic_load_explicit(&l->shed, memory_order_relaxed);
}
