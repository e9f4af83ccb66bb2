/*
 * What loop.c and fiber.c share: the loop as it stands between any two steps. Any stack can go on with it, because
 * all that a round needs is here and nothing in the locals of the function that runs it.
 */
#ifndef ISTHMUS_NET_LOOP_STATE_H
#define ISTHMUS_NET_LOOP_STATE_H

#include "net/loop.h"
#include "net/stack.h"
#include "net/timer_wheel.h"

#include <stdatomic.h>
#include <sys/epoll.h>

enum { EVENTS_MAX = 128, RESUMES_A_ROUND = 1024, SPARES_KEPT = 256 };

/* How often memory that a burst of waiting queries took is looked at, to give it back. */
#define TRIM_INTERVAL (60 * NS_PER_S)

/*
 * A stack and who stands on it. It is the loop's current one, or parked by a waiting function (in `waiting`), or
 * ready to go on (in `ready`), or spare: left at the top of a loop's step, where the loop can go on with it.
 */
struct fiber {
	struct fiber *next, **link; /* in one of the loop's lists */
	struct loop *loop;
	void *kept;          /* the stack pointer while another one runs */
	void *base;          /* lowest address; size octets */
	size_t size;
	struct timer deadline;
	uint64_t epoch;      /* what epoch_enter() gave when it first waited */
	bool entered;        /* whether it did */
	bool parked, woken, trimmed;
	enum wait_result result;
	void *asan_stack;    /* AddressSanitizer's and ThreadSanitizer's own */
	void *tsan_fiber;
};

struct post;
struct udp_batch;
struct tcp_thread;
struct upstream_inbox;

struct loop {
	int epoll;
	struct watch wakeup; /* an eventfd: another thread wants something */

	struct fiber thread;   /* the thread's own stack, that waits for the loop's end */
	struct fiber *current; /* who stands on the stack that runs */
	struct fiber *spare, *ready, **ready_end;
	struct fiber *waiting, **waiting_end; /* longest waiting first */
	_Atomic size_t waiting_count; /* written by the loop's thread alone */
	size_t waiting_max;
	_Atomic size_t shed; /* that were told to give up since others wanted to wait */
	uint64_t handoffs; /* how often the loop went on on another stack */
	unsigned resumed;  /* fibers that went on in this round */
	struct stack_pool stacks;
	size_t spare_count, waiting_recently; /* most since stacks were last trimmed */
	struct timer trim;

	struct epoll_event events[EVENTS_MAX];
	int event_count, event_at;
	struct watch *dispatching; /* whose ready() runs, or ran when it began to wait */
	uint32_t dispatching_events;

	struct post *posts, **posts_end; /* being run, in order; where the next one goes */
	_Atomic(struct post *) inbox; /* sent by any thread, last one first */
	struct loop_flush *flushes;
	struct timer_wheel timers;

	struct udp_batch *udp; /* what all transports of the thread share: udp.c */
	struct tcp_thread *tcp;   /* and tcp.c */
	struct upstream_inbox *upstream; /* and upstream_udp.c */
	uint8_t *answer_room;  /* where every handler writes its answer */

	_Atomic bool stop; /* loop_stop() was called */
	bool stopping;     /* and seen: whoever waits is told */
};

/* Runs the loop on spare stacks until fibers_leave(); then the thread's own stack goes on. */
void fibers_run(struct loop *l);

/* Goes back to the thread's own stack. Returns if the loop is run again. */
void fibers_leave(struct loop *l);

/* Lets the first fiber that is ready go on; the stack that runs becomes spare. Returns when the loop needs it again, at any
 * point of a round. */
void fiber_resume(struct loop *l);

/* Calls w->ready(), as after epoll_wait(): it is called again at once when it begins to wait. */
void loop_dispatch(struct loop *l, struct watch *w, uint32_t events);

/* Tells every fiber that waits that the loop is being stopped. */
void fibers_stop(struct loop *l);

/* Sets up what fibers need of a new loop. */
void fibers_init(struct loop *l, size_t stack_size);

/* Frees all stacks; nobody may be waiting. */
void fibers_free(struct loop *l);

/* One step of the loop: what the body of each stack repeats. */
void loop_step(struct loop *l);

/* 65,535 octets for the answer that is being written. One for the whole thread: between a handler's last wait and its
 * return nobody else writes there. */
uint8_t *loop_answer_room(struct loop *l);

/* Gives back what upstream_udp.c received into. */
void upstream_inbox_free(struct loop *l);

void fiber_leave_epoch(struct fiber *f);

/* After each call from the loop: what it has left behind, if it waited. */
static inline void fiber_returned(struct loop *l)
{
	if (l->current->entered)
		fiber_leave_epoch(l->current);
}

#endif
