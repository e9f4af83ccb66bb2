/*
 * Log lines: each thread writes into a ring of its own, one writer thread empties them all.
 *
 * A ring has one producer (the thread that took it) and one consumer (the writer). A line is a
 * header and its octets, in one piece or cut at the ring's end. The writer merges the rings by the
 * lines' times and hands them to the kernel in large writes. While it is awake a line costs the
 * producer no system call; it looks again after each millisecond, and goes to sleep when that gave
 * nothing for a while.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	RING_SIZE = 256 * 1024,	     /* a power of two */
	LINE_MAX_OCTETS = 32 * 1024, /* a longer line is cut */
	SHORT_LINE = 1024,	     /* formatted on the stack */
	WRITE_SIZE = 64 * 1024,
	LOOKS_BEFORE_SLEEP = 5,
	WAITS_FOR_ROOM = 30, /* of 100 ms, for a pipe that takes nothing */
};

static const uint64_t stop_patience = 3 * NS_PER_S; /* for a reader of the log that does not read */
static const uint64_t fatal_patience = NS_PER_S;

/* Invariant: tail - head is at most RING_SIZE; both only grow. */
struct ring {
	struct ring *next;
	_Atomic bool taken;
	_Alignas(64) _Atomic size_t tail; /* the producer's */
	_Alignas(64) _Atomic size_t head; /* the writer's */
	char octets[RING_SIZE];
};

struct line_header {
	uint64_t time;
	size_t length;
};

static _Atomic bool debug_on;
static _Atomic uint64_t dropped_lines;

static _Atomic(struct ring *)
	rings; /* never freed: a thread may hold on to its own until it ends */
static _Thread_local struct ring *own_ring;
static pthread_key_t ring_key;
static pthread_once_t ring_key_once = PTHREAD_ONCE_INIT;

static pthread_t writer;
static _Atomic bool running;	/* a writer thread is there: lines go through the rings */
static _Atomic bool stopping;	/* it shall end when the rings are empty */
static _Atomic bool writing;	/* it has lines in hand */
static _Atomic uint32_t asleep; /* it waits on this word while it is 1 */

bool log_debug_on(void)
{
	return atomic_load_explicit(&debug_on, memory_order_relaxed);
}

void log_debug_set(bool on)
{
	atomic_store_explicit(&debug_on, on, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
	return atomic_load_explicit(&dropped_lines, memory_order_relaxed);
}

/* --- standard output --- */

/* Waits for room in a pipe that does not block; what cannot be written otherwise is given up: no
 * log is worth the service. */
static void write_out(const char *at, size_t length)
{
	unsigned waits = 0;
	while (length > 0) {
		ssize_t n = write(STDOUT_FILENO, at, length);
		if (n > 0) {
			at += n;
			length -= (size_t)n;
			waits = 0;
		} else if (n < 0 && errno == EAGAIN && waits++ < WAITS_FOR_ROOM) {
			poll(&(struct pollfd){ .fd = STDOUT_FILENO, .events = POLLOUT }, 1, 100);
		} else if (n == 0 || errno != EINTR) {
			return;
		}
	}
}

/* --- rings: the producer's side --- */

static void give_ring_back(void *ring)
{
	atomic_store_explicit(&((struct ring *)ring)->taken, false, memory_order_release);
}

static void make_ring_key(void)
{
	if (pthread_key_create(&ring_key, give_ring_back) != 0)
		abort();
}

static struct ring *find_free_ring(void)
{
	for (struct ring *r = atomic_load(&rings); r; r = r->next) {
		bool free_one = false;
		if (atomic_compare_exchange_strong(&r->taken, &free_one, true))
			return r;
	}
	return NULL;
}

static struct ring *new_ring(void)
{
	struct ring *r;
	if (posix_memalign((void **)&r, 64, sizeof *r) != 0)
		memory_exhausted(sizeof *r);
	atomic_init(&r->taken, true);
	atomic_init(&r->tail, 0);
	atomic_init(&r->head, 0);
	r->next = atomic_load(&rings);
	while (!atomic_compare_exchange_weak(&rings, &r->next, r))
		;
	return r;
}

static struct ring *this_ring(void)
{
	if (own_ring)
		return own_ring;
	pthread_once(&ring_key_once, make_ring_key);
	own_ring = find_free_ring();
	if (!own_ring)
		own_ring = new_ring();
	pthread_setspecific(ring_key, own_ring);
	return own_ring;
}

static void ring_put(struct ring *r, size_t at, const void *from, size_t length)
{
	size_t start = at & (RING_SIZE - 1);
	size_t before_end = RING_SIZE - start < length ? RING_SIZE - start : length;
	memcpy(r->octets + start, from, before_end);
	memcpy(r->octets, (const char *)from + before_end, length - before_end);
}

static void ring_get(const struct ring *r, size_t at, void *to, size_t length)
{
	size_t start = at & (RING_SIZE - 1);
	size_t before_end = RING_SIZE - start < length ? RING_SIZE - start : length;
	memcpy(to, r->octets + start, before_end);
	memcpy((char *)to + before_end, r->octets, length - before_end);
}

/*
 * Wakes the writer if it sleeps. The store of `tail` before and the load of `asleep` here are
 * sequentially consistent, as are the writer's store of `asleep` and its last look at the tails:
 * one of the two sees the other.
 */
static void wake_writer(void)
{
	if (atomic_load(&asleep) && atomic_exchange(&asleep, 0))
		syscall(SYS_futex, &asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void ring_add(struct view line)
{
	struct ring *r = this_ring();
	struct line_header header = { clock_now(), line.length };
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	size_t used = tail - atomic_load_explicit(&r->head, memory_order_acquire);
	if (RING_SIZE - used < sizeof header + line.length) {
		atomic_fetch_add_explicit(&dropped_lines, 1, memory_order_relaxed);
		return;
	}
	ring_put(r, tail, &header, sizeof header);
	ring_put(r, tail + sizeof header, line.at, line.length);
	atomic_store(&r->tail, tail + sizeof header + line.length);
	wake_writer();
}

/* --- the writer's side --- */

/* What the writer has gathered for one write(). */
struct outgoing {
	char octets[WRITE_SIZE];
	size_t length;
};

static bool ring_head(const struct ring *r, struct line_header *header)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	if (atomic_load(&r->tail) == head)
		return false;
	ring_get(r, head, header, sizeof *header);
	return true;
}

static bool all_empty(void)
{
	for (struct ring *r = atomic_load(&rings); r; r = r->next) {
		if (atomic_load(&r->tail) != atomic_load_explicit(&r->head, memory_order_relaxed))
			return false;
	}
	return true;
}

static struct ring *ring_with_oldest_line(struct line_header *header)
{
	struct ring *oldest = NULL;
	struct line_header here;
	for (struct ring *r = atomic_load(&rings); r; r = r->next) {
		if (ring_head(r, &here) && (!oldest || here.time < header->time)) {
			oldest = r;
			*header = here;
		}
	}
	return oldest;
}

static void flush_outgoing(struct outgoing *o)
{
	write_out(o->octets, o->length);
	o->length = 0;
}

/* Writes all lines that are there; false if there was none. */
static bool write_lines(struct outgoing *o)
{
	struct line_header header;
	struct ring *r;
	atomic_store(&writing, true);
	bool any = false;
	while ((r = ring_with_oldest_line(&header))) {
		if (header.length > WRITE_SIZE - o->length)
			flush_outgoing(o);
		size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
		ring_get(r, head + sizeof header, o->octets + o->length, header.length);
		o->length += header.length;
		atomic_store_explicit(
			&r->head, head + sizeof header + header.length, memory_order_release);
		any = true;
	}
	flush_outgoing(o);
	atomic_store(&writing, false);
	return any;
}

static void say_what_was_dropped(struct outgoing *o)
{
	static uint64_t said; /* the writer's alone */
	uint64_t dropped = log_dropped();
	if (dropped == said)
		return;
	o->length = (size_t)snprintf(o->octets, sizeof o->octets,
		"[WARNING] %llu log lines dropped: the log is not read as fast as it is written\n",
		(unsigned long long)(dropped - said));
	flush_outgoing(o);
	said = dropped;
}

static void sleep_until_woken(void)
{
	atomic_store(&asleep, 1);
	if (!all_empty() || atomic_load(&stopping))
		atomic_store(&asleep, 0);
	while (atomic_load(&asleep))
		syscall(SYS_futex, &asleep, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
}

static void *write_until_stopped(void *unused)
{
	(void)unused;
	struct outgoing *o = memory_alloc(sizeof *o);
	o->length = 0;
	unsigned looks = 0;
	for (;;) {
		bool last = atomic_load(&stopping);
		if (write_lines(o)) {
			looks = 0;
		} else if (last) {
			break;
		} else if (++looks >= LOOKS_BEFORE_SLEEP) {
			say_what_was_dropped(o);
			sleep_until_woken();
			looks = 0;
			continue;
		}
		nanosleep(&(struct timespec){ .tv_nsec = NS_PER_MS }, NULL);
	}
	say_what_was_dropped(o);
	free(o);
	return NULL;
}

/* Waits until all that this thread logged is out, but not for ever. */
static void flush_own(uint64_t patience)
{
	struct ring *r = this_ring();
	uint64_t deadline = clock_now() + patience;
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	while (clock_now() < deadline) {
		if ((ptrdiff_t)(atomic_load(&r->head) - tail) >= 0 && !atomic_load(&writing))
			return;
		nanosleep(&(struct timespec){ .tv_nsec = NS_PER_MS / 4 }, NULL);
	}
}

/* --- lines --- */

static void put_line(struct view line)
{
	if (atomic_load_explicit(&running, memory_order_acquire))
		ring_add(line);
	else
		write_out(line.at, line.length);
}

static const char *level_text(enum log_level level)
{
	static const char *const texts[] = { "[DEBUG] ", "[INFO] ", "[WARNING] ", "[ERROR] ",
		"[FATAL] " };
	return texts[level];
}

/* A line longer than the stack's buffer, put together on the heap; cut where it is longer than any
 * line may be. */
__attribute__((format(printf, 3, 0))) static void put_long_line(
	enum log_level level, const char *plugin, const char *format, va_list args)
{
	struct text t = { 0 };
	text_add_string(&t, level_text(level));
	if (plugin)
		text_printf(&t, "plugin/%s: ", plugin);
	text_vprintf(&t, format, args);
	if (t.length >= LINE_MAX_OCTETS)
		t.length = LINE_MAX_OCTETS - 1;
	text_add_char(&t, '\n');
	put_line(text_view(&t));
	text_free(&t);
}

void log_line(enum log_level level, const char *plugin, const char *format, ...)
{
	if (level == LOG_DEBUG && !log_debug_on())
		return;
	char line[SHORT_LINE];
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int front = snprintf(line, sizeof line, "%s%s%s%s", level_text(level),
		plugin ? "plugin/" : "", plugin ? plugin : "", plugin ? ": " : "");
	size_t used = front < 0 || front >= SHORT_LINE ? SHORT_LINE - 1 : (size_t)front;
	int n = vsnprintf(line + used, sizeof line - used, format, args);
	if (n >= 0 && (size_t)n + 1 < sizeof line - used) {
		used += (size_t)n;
		line[used++] = '\n';
		put_line((struct view){ line, used });
	} else {
		put_long_line(level, plugin, format, again);
	}
	va_end(again);
	va_end(args);
	if (level == LOG_FATAL && atomic_load(&running))
		flush_own(fatal_patience);
}

void log_bare(struct view line)
{
	struct text t = { 0 };
	text_add(&t, line.length < LINE_MAX_OCTETS ? line : view_first(line, LINE_MAX_OCTETS - 1));
	text_add_char(&t, '\n');
	put_line(text_view(&t));
	text_free(&t);
}

/* --- start and stop --- */

void log_start(void)
{
	if (atomic_load(&running))
		return;
	atomic_store(&stopping, false);
	atomic_store(&asleep, 0);
	/* Signals are for others, and a closed pipe is an error of write(), not the end of the
	 * process. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool started = pthread_create(&writer, NULL, write_until_stopped, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	atomic_store_explicit(&running, started, memory_order_release);
}

void log_stop(void)
{
	if (!atomic_load(&running))
		return;
	atomic_store(&running, false);
	atomic_store(&stopping, true);
	wake_writer();
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(stop_patience / NS_PER_S);
	if (pthread_timedjoin_np(writer, NULL, &until) != 0)
		pthread_detach(writer);
}
