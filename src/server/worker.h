/* Worker threads: a loop each, and the way of a message through it. */
#ifndef ISTHMUS_SERVER_WORKER_H
#define ISTHMUS_SERVER_WORKER_H

#include "server/listener.h"

struct worker;

/* CPUs that the process may use: affinity, and the quota of its cgroup (rounded down, at least 1). */
unsigned worker_count_default(void);

/* Starts `count` threads; none of them serves anything yet. */
struct worker *workers_start(unsigned count);

/* Runs run(worker, data) on the thread of each worker, and waits (on the control loop's fiber) until all have done so. */
void workers_each(struct worker *workers, unsigned count,
	void (*run)(unsigned worker, struct loop *loop, void *data), void *data);

/* Queries that some worker has in hand and that wait. */
size_t workers_waiting(struct worker *workers, unsigned count);

/* Ends all threads. */
void workers_stop(struct worker *workers, unsigned count);

/* What every listener hands its messages to. */
void worker_handle(struct incoming *in);

#endif
