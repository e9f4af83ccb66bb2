/*
 * Workers. worker_handle() is a query's whole life: an arena from the pool, intake, dispatch, the reply encoded into the
 * transport's room. It runs straight on the loop's stack, and may come back much later if a plugin waits.
 */
#include "server/worker.h"

#include "base/clock.h"
#include "base/epoch.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "server/bare_reply.h"
#include "server/dispatch.h"
#include "server/intake.h"
#include "server/supervisor.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	QUERY_ARENA_SIZE = 8192,
	POOL_MAX = 256,
	PADDING_BLOCK = 468, /* of answers (RFC 8467 4.1) */
	WAITING_SIZE = 32 << 10, /* what a query that waits holds: two pages of its stack, its datagram, its arena */
};

/* A query and its arena, reused by the next query when this one has ended. */
struct activity {
	struct activity *next;
	struct arena *arena;
	struct query query;
};

struct worker {
	pthread_t thread;
	struct loop *loop;
	unsigned index;
	size_t waiting_limit;
	sem_t started;
	struct activity *idle;
	unsigned idle_count;
};

static _Thread_local struct worker *this_worker;

/* --- queries --- */

static struct activity *activity_take(struct worker *w)
{
	struct activity *a = w->idle;
	if (a) {
		w->idle = a->next;
		w->idle_count--;
		return a;
	}
	a = memory_alloc(sizeof *a);
	a->arena = arena_new(QUERY_ARENA_SIZE);
	return a;
}

static void activity_give(struct worker *w, struct activity *a)
{
	if (w->idle_count >= POOL_MAX) {
		arena_free(a->arena);
		free(a);
		return;
	}
	arena_reset(a->arena);
	a->next = w->idle;
	w->idle = a;
	w->idle_count++;
}

static struct query *query_begin(struct worker *w, struct activity *a, struct incoming *in)
{
	struct query *q = &a->query;
	memset(q, 0, offsetof(struct query, lower_room));
	q->arena = a->arena;
	q->client = in->client;
	q->local = in->local;
	q->transport = in->transport;
	q->listener = in->listener;
	q->worker = w->index;
	q->wire = (struct view){ (const char *)in->wire, in->length };
	q->wire_length = in->length;
	q->started = clock_batch();
	q->deadline = in->deadline;
	q->incoming = in;
	return q;
}

static const struct metric_family unusable_total = {
	.name = "isthmus_messages_unusable_total",
	.help = "Counter of messages that are no query the server could look at, by the rcode that answered them.",
	.kind = METRIC_COUNTER,
	.labels = { "answer" },
};

/* Its series, by the answer. */
static struct {
	struct metric *none, *formerr, *notimp;
} unusable;

static void unusable_start(void)
{
	unusable.none = metric_get(&unusable_total, (struct view[]){ VIEW("none") });
	unusable.formerr = metric_get(&unusable_total, (struct view[]){ VIEW("FORMERR") });
	unusable.notimp = metric_get(&unusable_total, (struct view[]){ VIEW("NOTIMP") });
}

static void answer(struct query *q, struct incoming *in)
{
	const struct listener *l = q->listener;
	switch (intake_read(q, in)) {
	case INTAKE_DROP:
		metric_add(unusable.none, 1);
		return;
	case INTAKE_REFUSED:
		metric_add(q->reply->rcode == RCODE_NOTIMP ? unusable.notimp : unusable.formerr, 1);
		in->answer_length = message_write(q->reply, in->answer, UDP_SIZE_DEFAULT);
		return;
	case INTAKE_QUERY:
		break;
	}
	dispatch(q, atomic_load_explicit(&l->group, memory_order_acquire));
	if (!q->reply)
		return;
	reply_finish_edns(q);
	in->outcome = INCOMING_ANSWERED;
	if (q->transport == TRANSPORT_HTTPS || q->transport == TRANSPORT_HTTPS3)
		in->max_age = reply_max_age(q);
	size_t size = query_reply_size(q);
	if (size > in->answer_room)
		size = in->answer_room;
	in->answer_length = message_write(q->reply, in->answer, size);
	if (query_is_encrypted(q))
		in->answer_length =
			message_pad(q->reply, in->answer, in->answer_length, size, PADDING_BLOCK);
}

void worker_handle(struct incoming *in)
{
	struct worker *w = this_worker;
	struct activity *a = activity_take(w);
	in->answer_length = 0;
	in->max_age = 0;
	unsigned note = crash_ring_begin(w->index, in);
	answer(query_begin(w, a, in), in);
	crash_ring_end(w->index, note);
	activity_give(w, a);
}

/* --- threads --- */

/* The numbers in a file of the process's cgroup; 0 where there is none. */
static void cgroup_numbers(const char *path, long *first, long *second)
{
	FILE *f = fopen(path, "re");
	*first = *second = 0;
	if (!f)
		return;
	char line[64];
	if (fgets(line, sizeof line, f)) {
		char *end;
		*first = strtol(line, &end, 10);
		*second = end != line ? strtol(end, NULL, 10) : 0;
	}
	fclose(f);
}

/* Queries of one worker that may wait at a time: what they hold must fit half of the memory that the process may use. */
static size_t waiting_limit(unsigned workers)
{
	long bytes, none;
	cgroup_numbers("/sys/fs/cgroup/memory.max", &bytes, &none);
	size_t machine = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
	size_t memory = bytes > 0 && (size_t)bytes < machine ? (size_t)bytes : machine;
	return memory / 2 / workers / WAITING_SIZE;
}

static const struct metric_family waiting_now = {
	.name = "isthmus_queries_waiting",
	.help = "Queries that wait for other servers.",
	.kind = METRIC_GAUGE,
};

static const struct metric_family waits_shed = {
	.name = "isthmus_waits_shed_total",
	.help = "Queries that were given up since more wanted to wait than memory allows.",
	.kind = METRIC_COUNTER,
};

/* What the metrics of all workers are made from. */
static struct {
	struct worker *workers;
	unsigned count;
	size_t shed; /* counted so far */
} collected;

static void collect(void *data)
{
	size_t shed = 0;
	(void)data;
	for (unsigned i = 0; i < collected.count; i++)
		shed += loop_shed(collected.workers[i].loop);
	metric_set(metric_get(&waiting_now, NULL),
		(double)workers_waiting(collected.workers, collected.count));
	metric_add(metric_get(&waits_shed, NULL), shed - collected.shed);
	collected.shed = shed;
}

static void *worker_run(void *data)
{
	struct worker *w = data;
	char name[16];
	snprintf(name, sizeof name, "worker-%u", w->index);
	pthread_setname_np(pthread_self(), name);
	this_worker = w;
	metrics_thread(w->index + 1);
	epoch_register();
	w->loop = loop_new(0);
	loop_waiting_limit(w->loop, w->waiting_limit);
	sem_post(&w->started);
	loop_run(w->loop);
	while (w->idle) {
		struct activity *a = w->idle;
		w->idle = a->next;
		arena_free(a->arena);
		free(a);
	}
	epoch_unregister();
	return NULL;
}

struct worker *workers_start(unsigned count)
{
	struct worker *workers = memory_array(count, sizeof *workers);
	unusable_start();
	for (unsigned i = 0; i < count; i++) {
		struct worker *w = &workers[i];
		w->index = i;
		w->waiting_limit = waiting_limit(count);
		sem_init(&w->started, 0, 0);
		int error = pthread_create(&w->thread, NULL, worker_run, w);
		if (error) {
			fprintf(stderr, "cannot start a thread: %s\n", strerror(error));
			exit(1);
		}
		while (sem_wait(&w->started) < 0)
			;
	}
	collected.workers = workers;
	collected.count = count;
	collected.shed = 0;
	metrics_on_collect(collect, NULL);
	return workers;
}

void workers_stop(struct worker *workers, unsigned count)
{
	metrics_on_collect_remove(collect, NULL);
	for (unsigned i = 0; i < count; i++)
		loop_stop(workers[i].loop);
	for (unsigned i = 0; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
		loop_free(workers[i].loop);
		sem_destroy(&workers[i].started);
	}
	free(workers);
}

size_t workers_waiting(struct worker *workers, unsigned count)
{
	size_t waiting = 0;
	for (unsigned i = 0; i < count; i++)
		waiting += loop_waiting(workers[i].loop);
	return waiting;
}

/* --- work from the control thread --- */

struct errand {
	void (*run)(unsigned worker, struct loop *loop, void *data);
	void *data;
	_Atomic unsigned left;
	struct loop *control;
	struct fiber *waiter; /* NULL: it has gone on */
};

struct errand_part {
	struct errand *errand;
	struct worker *worker;
};

static void errand_done(void *data)
{
	struct errand *e = data;
	if (e->waiter)
		fiber_wake(e->waiter);
	else
		free(e);
}

static void errand_run(void *data)
{
	struct errand_part *part = data;
	struct errand *e = part->errand;
	struct worker *w = part->worker;
	struct loop *control = e->control;
	free(part);
	e->run(w->index, w->loop, e->data);
	if (atomic_fetch_sub(&e->left, 1) == 1)
		loop_post(control, errand_done, e);
}

/* The control loop ends: nobody parks there any more, but what the workers use has to stay until they are done. */
static void wait_in_place(struct errand *e)
{
	while (atomic_load(&e->left) > 0)
		usleep(100);
	e->waiter = NULL; /* errand_done() frees it */
}

void workers_each(struct worker *workers, unsigned count,
	void (*run)(unsigned worker, struct loop *loop, void *data), void *data)
{
	struct errand *e = memory_alloc(sizeof *e);
	*e = (struct errand){ .run = run,
		.data = data,
		.left = count,
		.control = loop_current(),
		.waiter = fiber_self() };
	for (unsigned i = 0; i < count; i++) {
		struct errand_part *part = memory_alloc(sizeof *part);
		*part = (struct errand_part){ e, &workers[i] };
		loop_post(workers[i].loop, errand_run, part);
	}
	if (fiber_park(0) == WAIT_READY)
		free(e);
	else
		wait_in_place(e);
}

/* --- how many --- */

static unsigned cgroup_quota(void)
{
	long quota, period;
	cgroup_numbers("/sys/fs/cgroup/cpu.max", &quota, &period);
	if (quota <= 0 || period <= 0)
		return 0;
	return quota / period < 1 ? 1 : (unsigned)(quota / period);
}

unsigned worker_count_default(void)
{
	cpu_set_t set;
	unsigned count = sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
	unsigned quota = cgroup_quota();
	if (quota && quota < count)
		count = quota;
	return count ? count : 1;
}
