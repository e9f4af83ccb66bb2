/* The event loop: timers, fibers that wait, posts from other threads. */
#include "test.h"

#include "base/memory.h"
#include "net/loop.h"
#include "net/loop_state.h"


#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- the wheel alone, over more than one turn of each level --- */

struct counted {
	struct timer timer;
	uint64_t at;
};

static const uint64_t tick = 1ull << WHEEL_SHIFT;

static void wheel_fires_in_time_and_never_early(void **state)
{
	(void)state;
	enum { COUNT = 4000 };
	struct timer_wheel *w = memory_alloc(sizeof *w);
	struct counted *set = memory_array(COUNT, sizeof *set);
	uint64_t now = 12345 * tick + 77, fired = 0, last = 0;
	timer_wheel_init(w, now);
	unsigned random = 1;
	for (unsigned i = 0; i < COUNT; i++) {
		random = random * 1103515245u + 12345u;
		set[i].at = now + (uint64_t)(random >> 8) * (i % 3 == 0 ? 100ull : i % 3 == 1 ? 100000ull : tick / 16);
		if (set[i].at > last)
			last = set[i].at;
		timer_wheel_add(w, &set[i].timer, set[i].at);
	}
	while (fired < COUNT) {
		uint64_t next = timer_wheel_next(w);
		assert_true(next != UINT64_MAX);
		assert_true(next > now);
		now = next;
		timer_wheel_advance(w, now);
		struct timer *t;
		while ((t = timer_wheel_take(w))) {
			struct counted *c = (struct counted *)t;
			assert_true(now >= c->at);
			assert_true(now - c->at <= tick);
			assert_false(timer_is_set(t));
			fired++;
		}
	}
	assert_true(now >= last);
	assert_true(timer_wheel_next(w) == UINT64_MAX);
	free(set);
	free(w);
}

static void wheel_forgets_what_is_cancelled(void **state)
{
	(void)state;
	struct timer_wheel *w = memory_alloc(sizeof *w);
	struct timer a = { 0 }, b = { 0 }, c = { 0 };
	timer_wheel_init(w, 0);
	timer_wheel_add(w, &a, 3 * tick);
	timer_wheel_add(w, &b, 3 * tick);
	timer_wheel_add(w, &c, 3 * tick);
	timer_wheel_remove(w, &b);
	assert_false(timer_is_set(&b));
	timer_wheel_advance(w, 10 * tick);
	timer_wheel_remove(w, &a); /* due already */
	assert_ptr_equal(timer_wheel_take(w), &c);
	assert_null(timer_wheel_take(w));
	timer_wheel_add(w, &a, 0); /* in the past: due at once */
	assert_int_equal(timer_wheel_next(w), 0);
	assert_ptr_equal(timer_wheel_take(w), &a);
	free(w);
}

/* --- the loop --- */

struct log {
	struct loop *loop;
	char text[256];
	size_t length;
	unsigned left;
};

static void note(struct log *log, char c)
{
	if (log->length < sizeof log->text - 1)
		log->text[log->length++] = c;
}

struct sleeper {
	struct log *log;
	uint64_t ns;
	char name;
};

static void sleep_and_note(void *data)
{
	struct sleeper *s = data;
	note(s->log, s->name);
	if (fiber_sleep(s->ns) != WAIT_TIMEOUT)
		note(s->log, '!');
	note(s->log, (char)(s->name - 'a' + 'A'));
	if (--s->log->left == 0)
		loop_stop(s->log->loop);
}

static void fibers_sleep_beside_each_other(void **state)
{
	(void)state;
	struct log log = { .loop = loop_new(0), .left = 3 };
	struct sleeper a = { &log, 150 * NS_PER_MS, 'a' }, b = { &log, 50 * NS_PER_MS, 'b' },
		       c = { &log, 100 * NS_PER_MS, 'c' };
	fiber_spawn(log.loop, sleep_and_note, &a);
	fiber_spawn(log.loop, sleep_and_note, &b);
	fiber_spawn(log.loop, sleep_and_note, &c);
	uint64_t start = clock_now();
	loop_run(log.loop);
	uint64_t took = clock_now() - start;
	assert_string_equal(log.text, "abcBCA");
	assert_true(took >= 150 * NS_PER_MS && took < 5000 * NS_PER_MS);
	assert_int_equal(loop_waiting(log.loop), 0);
	loop_free(log.loop);
}

/* Waiters that are woken by others; each checks that what stood on its stack is still there. */
struct crowd {
	struct loop *loop;
	struct fiber *waiting[500];
	unsigned count, rounds, done, wrong;
};

struct member {
	struct crowd *crowd;
	unsigned index;
};

static void member_run(void *data)
{
	struct member *m = data;
	volatile unsigned char frame[512];
	for (unsigned round = 0; round < m->crowd->rounds; round++) {
		for (unsigned i = 0; i < sizeof frame; i++)
			frame[i] = (unsigned char)(m->index + round + i);
		m->crowd->waiting[m->index] = fiber_self();
		if (fiber_park(0) != WAIT_READY)
			m->crowd->wrong++;
		m->crowd->waiting[m->index] = NULL;
		for (unsigned i = 0; i < sizeof frame; i++)
			if (frame[i] != (unsigned char)(m->index + round + i))
				m->crowd->wrong++;
	}
	m->crowd->done++;
}

static void wake_all(void *data)
{
	struct crowd *c = data;
	while (c->done < c->count) {
		for (unsigned i = 0; i < c->count; i++)
			if (c->waiting[i * 7 % c->count])
				fiber_wake(c->waiting[i * 7 % c->count]);
		fiber_sleep(1);
	}
	loop_stop(c->loop);
}

static void ten_thousand_waits_keep_their_stacks(void **state)
{
	(void)state;
	struct crowd c = { .loop = loop_new(0), .count = 500, .rounds = 20 };
	struct member members[500];
	for (unsigned i = 0; i < c.count; i++) {
		members[i] = (struct member){ &c, i };
		fiber_spawn(c.loop, member_run, &members[i]);
	}
	fiber_spawn(c.loop, wake_all, &c);
	loop_run(c.loop);
	assert_int_equal(c.done, 500);
	assert_int_equal(c.wrong, 0);
	loop_free(c.loop);
}

static void stop_soon(void *data)
{
	fiber_sleep(5 * NS_PER_MS);
	loop_stop(data);
}

/* How many of the stacks' pages are resident. */
static size_t resident(const struct loop *l)
{
	size_t pages = 0, page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char map[256];
	for (const struct fiber *f = l->spare; f; f = f->next) {
		assert_true(l->stacks.size / page <= sizeof map);
		assert_int_equal(mincore(f->base, l->stacks.size, map), 0);
		for (size_t i = 0; i < l->stacks.size / page; i++)
			pages += map[i] & 1;
	}
	return pages;
}

static void stacks_give_memory_back_after_a_burst(void **state)
{
	(void)state;
	struct crowd c = { .loop = loop_new(0), .count = 500, .rounds = 2 };
	struct member members[500];
	size_t before = 0;
	for (int burst = 0; burst < 2; burst++) {
		c.done = 0;
		for (unsigned i = 0; i < c.count; i++) {
			members[i] = (struct member){ &c, i };
			fiber_spawn(c.loop, member_run, &members[i]);
		}
		fiber_spawn(c.loop, wake_all, &c);
		loop_run(c.loop);
		assert_int_equal(c.done, 500);
		assert_int_equal(c.wrong, 0);
		before = resident(c.loop);
		c.loop->waiting_recently = 0;
		timer_set(c.loop, &c.loop->trim, clock_now());
		fiber_spawn(c.loop, stop_soon, c.loop);
		loop_run(c.loop);
		assert_true(resident(c.loop) <= before);
		for (const struct fiber *f = c.loop->spare; f && burst == 0; f = f->next)
			before += f->trimmed;
		assert_true(burst > 0 || before > resident(c.loop) + 200);
	}
	loop_free(c.loop);
}

/* --- descriptors, posts, stopping --- */

struct pipes {
	struct loop *loop;
	int fd[2];
	enum wait_result first, second;
	char got;
};

static void reader(void *data)
{
	struct pipes *p = data;
	p->first = wait_readable(p->fd[0], clock_now() + 5 * NS_PER_MS);
	p->second = wait_readable(p->fd[0], 0);
	if (read(p->fd[0], &p->got, 1) != 1)
		p->got = 0;
	loop_stop(p->loop);
}

static void write_later(void *data)
{
	struct pipes *p = data;
	fiber_sleep(20 * NS_PER_MS);
	(void)!write(p->fd[1], "x", 1);
}

static void waits_for_descriptors(void **state)
{
	(void)state;
	struct pipes p = { .loop = loop_new(0) };
	assert_int_equal(pipe(p.fd), 0);
	fiber_spawn(p.loop, reader, &p);
	fiber_spawn(p.loop, write_later, &p);
	loop_run(p.loop);
	assert_int_equal(p.first, WAIT_TIMEOUT);
	assert_int_equal(p.second, WAIT_READY);
	assert_int_equal(p.got, 'x');
	close(p.fd[0]);
	close(p.fd[1]);
	loop_free(p.loop);
}

static void count_post(void *data)
{
	++*(unsigned *)data;
}

static void stop_loop(void *data)
{
	loop_stop(data);
}

struct sender {
	struct loop *loop;
	unsigned *count;
};

static void *send_posts(void *data)
{
	struct sender *s = data;
	for (int i = 0; i < 1000; i++)
		loop_post(s->loop, count_post, s->count);
	loop_post(s->loop, stop_loop, s->loop);
	return NULL;
}

static void other_threads_post(void **state)
{
	(void)state;
	unsigned count = 0;
	struct sender s = { .loop = loop_new(0), .count = &count };
	pthread_t thread;
	pthread_create(&thread, NULL, send_posts, &s);
	loop_run(s.loop);
	pthread_join(thread, NULL);
	assert_int_equal(count, 1000);
	loop_free(s.loop);
}

static void wait_for_ever(void *data)
{
	enum wait_result *results = data;
	fiber_self();
	results[0] = fiber_park(0);
	results[1] = fiber_park(0);
}

static void stopping_tells_who_waits(void **state)
{
	(void)state;
	struct loop *l = loop_new(0);
	enum wait_result results[2] = { WAIT_READY, WAIT_READY };
	fiber_spawn(l, wait_for_ever, results);
	loop_post(l, stop_loop, l);
	loop_run(l);
	assert_int_equal(results[0], WAIT_STOPPED);
	assert_int_equal(results[1], WAIT_STOPPED);
	loop_free(l);
}

static void wake_before_park_is_kept(void *data)
{
	enum wait_result *result = data;
	fiber_wake(fiber_self());
	*result = fiber_park(0);
	loop_stop(loop_current());
}

static void early_wakes_are_not_lost(void **state)
{
	(void)state;
	struct loop *l = loop_new(0);
	enum wait_result result = WAIT_STOPPED;
	fiber_spawn(l, wake_before_park_is_kept, &result);
	loop_run(l);
	assert_int_equal(result, WAIT_READY);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wheel_fires_in_time_and_never_early),
		cmocka_unit_test(wheel_forgets_what_is_cancelled),
		cmocka_unit_test(fibers_sleep_beside_each_other),
		cmocka_unit_test(ten_thousand_waits_keep_their_stacks),
		cmocka_unit_test(stacks_give_memory_back_after_a_burst),
		cmocka_unit_test(waits_for_descriptors),
		cmocka_unit_test(other_threads_post),
		cmocka_unit_test(stopping_tells_who_waits),
		cmocka_unit_test(early_wakes_are_not_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
