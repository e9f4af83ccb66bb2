/*
 * The event loop and its fibers: one of each thread. Own epoll, level-triggered, timers in a wheel.
 *
 * Code that handles a query runs straight on the loop's own stack, as a plain call. When it must wait it calls one
 * of the waiting functions below; its stack then stays with it, and the *loop* goes on on a spare stack (lazy
 * hand-off): a query that never waits pays nothing. Fibers never move between threads. What the loop needs to go on
 * lives in struct loop, never in locals of the loop's functions.
 *
 * Epochs (base/epoch.h): the loop passes its quiet point in every round. Who waits is entered for as long as its
 * handler runs, from its first wait on: whatever it had found before stays valid, and nobody need think of it.
 */
#ifndef ISTHMUS_NET_LOOP_H
#define ISTHMUS_NET_LOOP_H

#include "base/clock.h"
#include "net/endpoint.h"

struct loop;
struct fiber;

/* A file descriptor and what to do when it is ready. Lives in its owner's struct. `ready` runs on the loop's stack
 * and may wait like any code there; it is called again while the descriptor stays ready, and once more at once when it
 * has begun to wait (by the loop's next frame: what it was at must be found in its owner's struct, not in its locals).
 * It may find nothing to do then. */
struct watch {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT ... as watched now */
	void (*ready)(struct watch *w, uint32_t events);
};

/* A point in time and what to do then. Zeroed means not set. `fire` runs on the loop's stack. */
struct timer {
	struct timer *next, **link; /* the wheel's own */
	uint64_t at;
	void (*fire)(struct timer *t);
};

/* A new loop for the calling thread to run; stack_size is that of each fiber (0: 64 KiB, more under sanitizers). */
struct loop *loop_new(size_t stack_size);
void loop_free(struct loop *l);

/* Runs until loop_stop(); returns on the calling thread's own stack. */
void loop_run(struct loop *l);

/* Ends loop_run() after the batch in hand; any thread. */
void loop_stop(struct loop *l);

/* The loop that this thread runs, NULL outside of one. */
struct loop *loop_current(void);

/* Calls run(data) on the loop's thread soon; any thread. The loop must not be freed before this returns. */
void loop_post(struct loop *l, void (*run)(void *data), void *data);

/* Calls run(data) when all that is ready has been handled, once per round: to flush batches. The loop's thread. */
struct loop_flush {
	struct loop_flush *next;
	bool queued;
	void (*run)(struct loop_flush *f);
};
void loop_flush_later(struct loop *l, struct loop_flush *f);

/* Forgets a flush that is queued, before its memory goes. */
void loop_flush_cancel(struct loop *l, struct loop_flush *f);

/* Watches for events (EPOLLIN | EPOLLOUT), changes what is watched for (0: nothing, still known), stops watching.
 * unwatch must come before the descriptor is closed; after it `ready` is not called again. */
void loop_watch(struct loop *l, struct watch *w, uint32_t events);
void loop_unwatch(struct loop *l, struct watch *w);

/* Sets (or moves) a timer to a point of the monotonic clock. Never early; at most 2 ms late by the wheel's grain. */
void timer_set(struct loop *l, struct timer *t, uint64_t at);
void timer_cancel(struct loop *l, struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
	return t->link != NULL;
}

/* --- waiting: on a loop's thread only --- */

enum wait_result {
	WAIT_READY,
	WAIT_TIMEOUT,
	WAIT_STOPPED, /* the loop is being stopped: give up */
};

/* Who waits: called before fiber_park(), forgets earlier wakes. A waker finds it in the waiter's struct, where the waiter
 * takes it out before it goes on: it is the stack that is woken, whoever stands on it. */
struct fiber *fiber_self(void);

/* Parks the caller until fiber_wake() or the deadline (0: none). A wake that came before the park is not lost. Callers look
 * at what they wait for when it returns, not at the result alone. WAIT_STOPPED also when more are waiting than may be (see
 * loop_waiting_limit(); 32,768 at most): give up then, too. */
enum wait_result fiber_park(uint64_t deadline);

/* Lets a parked fiber go on, in the loop's next round at the latest. The same thread only. */
void fiber_wake(struct fiber *f);

/* Waits until fd can be read (written), which nothing else may watch. */
enum wait_result wait_readable(int fd, uint64_t deadline);
enum wait_result wait_writable(int fd, uint64_t deadline);

/* Sleeps; WAIT_TIMEOUT when the time is over. */
enum wait_result fiber_sleep(uint64_t ns);

/* Runs run(data) as a task of its own: before the loop next sleeps, on the loop's stack. The loop's thread, or before it
 * runs. */
void fiber_spawn(struct loop *l, void (*run)(void *data), void *data);

/* Fibers that wait now on this loop. Any thread. */
size_t loop_waiting(const struct loop *l);

/* At most so many: one more makes the one that has waited longest give up (WAIT_STOPPED). Before the loop runs. */
void loop_waiting_limit(struct loop *l, size_t most);

/* How many had to give up so. Any thread. */
size_t loop_shed(const struct loop *l);

#endif
