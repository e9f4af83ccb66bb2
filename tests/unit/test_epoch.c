/* Epochs: what waits, what is freed, and readers that run against a writer. */
#include "test.h"

#include "base/epoch.h"
#include "base/memory.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

static unsigned freed;

static void count_freed(void *old)
{
	(void)old;
	freed++;
}

static char thing[8];

static int begin(void **state)
{
	(void)state;
	freed = 0;
	epoch_register();
	return 0;
}

static int end(void **state)
{
	(void)state;
	epoch_unregister();
	epoch_drain();
	return 0;
}

static void test_without_readers_all_is_freed(void **state)
{
	(void)state;
	epoch_retire(&thing[0], count_freed);
	epoch_retire(&thing[1], count_freed);
	assert_int_equal(epoch_reclaim(), 0);
	assert_int_equal(freed, 2);
	epoch_retire(NULL, count_freed);
	assert_int_equal(epoch_reclaim(), 0);
	assert_int_equal(freed, 2);
}

static void test_freed_after_quiet_point(void **state)
{
	(void)state;
	epoch_retire(&thing[0], count_freed);
	assert_int_equal(epoch_reclaim(), 1);
	epoch_quiet();
	epoch_retire(&thing[1], count_freed);
	assert_int_equal(epoch_reclaim(), 1);
	assert_int_equal(freed, 1);
	epoch_quiet();
	assert_int_equal(epoch_reclaim(), 0);
	assert_int_equal(freed, 2);
}

static void test_idle_reader_holds_nothing(void **state)
{
	(void)state;
	epoch_idle();
	epoch_retire(&thing[0], count_freed);
	assert_int_equal(epoch_reclaim(), 0);
	epoch_quiet();
	epoch_retire(&thing[1], count_freed);
	assert_int_equal(epoch_reclaim(), 1);
}

static void test_waiting_query_holds_its_epoch(void **state)
{
	(void)state;
	uint64_t early = epoch_enter();
	epoch_retire(&thing[0], count_freed);
	epoch_quiet();
	uint64_t late = epoch_enter();
	epoch_retire(&thing[1], count_freed);
	epoch_quiet();
	assert_int_equal(epoch_reclaim(), 2);

	epoch_idle();
	epoch_leave(early);
	assert_int_equal(epoch_reclaim(), 1);
	assert_int_equal(freed, 1);
	epoch_leave(late);
	assert_int_equal(epoch_reclaim(), 0);
	assert_int_equal(freed, 2);
}

static void test_queries_end_in_any_order(void **state)
{
	(void)state;
	uint64_t entered[40];
	for (unsigned i = 0; i < 40; i++) {
		entered[i] = epoch_enter();
		epoch_retire(&thing[0], count_freed);
		epoch_quiet();
	}
	for (unsigned i = 39; i > 0; i--) {
		epoch_leave(entered[i]);
		assert_int_equal(epoch_reclaim(), 40);
	}
	uint64_t again = epoch_enter();
	epoch_leave(entered[0]);
	assert_int_equal(epoch_reclaim(), 0);
	epoch_retire(&thing[0], count_freed);
	epoch_quiet();
	assert_int_equal(epoch_reclaim(), 1);
	epoch_leave(again);
	assert_int_equal(epoch_reclaim(), 0);
}

static void test_queries_nest(void **state)
{
	(void)state;
	uint64_t outer = epoch_enter(), inner = epoch_enter();
	assert_int_equal(outer, inner);
	epoch_retire(&thing[0], count_freed);
	epoch_quiet();
	epoch_leave(inner);
	assert_int_equal(epoch_reclaim(), 1);
	epoch_leave(outer);
	assert_int_equal(epoch_reclaim(), 0);
}

static void test_thread_that_never_registered(void **state)
{
	(void)state;
	epoch_unregister();
	uint64_t entered = epoch_enter();
	epoch_quiet();
	epoch_leave(entered);
	epoch_idle();
	epoch_retire(&thing[0], count_freed);
	assert_int_equal(epoch_reclaim(), 0);
}

/* --- readers against a writer: a freed snapshot would be seen --- */

enum { READERS = 3, ROUNDS = 20000, ALIVE = 0x600d };

struct snapshot {
	unsigned state;
	unsigned serial;
};

static _Atomic(struct snapshot *) current;
static _Atomic bool over;

static struct snapshot *snapshot_new(unsigned serial)
{
	struct snapshot *s = memory_alloc(sizeof *s);
	*s = (struct snapshot){ ALIVE, serial };
	return s;
}

static void snapshot_free(void *old)
{
	((struct snapshot *)old)->state = 0;
	free(old);
}

/* Loops with quiet points, idle times and queries that outlive several quiet points. */
static void *read_snapshots(void *bad)
{
	epoch_register();
	for (unsigned turn = 0; !atomic_load(&over); turn++) {
		epoch_quiet();
		uint64_t entered = epoch_enter();
		const struct snapshot *held = atomic_load(&current);
		for (unsigned i = 0; i < turn % 5; i++) {
			epoch_quiet();
			const struct snapshot *s = atomic_load(&current);
			if (s->state != ALIVE || s->serial < held->serial)
				atomic_store((_Atomic bool *)bad, true);
			if (turn % 7 == 0)
				epoch_idle();
		}
		if (held->state != ALIVE)
			atomic_store((_Atomic bool *)bad, true);
		epoch_leave(entered);
		if (turn % 3 == 0)
			epoch_idle();
	}
	epoch_unregister();
	return NULL;
}

static void test_readers_against_writer(void **state)
{
	(void)state;
	epoch_idle();
	_Atomic bool bad = false;
	atomic_store(&current, snapshot_new(0));
	pthread_t threads[READERS];
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_snapshots, &bad), 0);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		epoch_retire(atomic_exchange(&current, snapshot_new(i)), snapshot_free);
		if (i % 8 == 0)
			epoch_reclaim();
	}
	atomic_store(&over, true);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_false(bad);
	epoch_drain();
	free(atomic_load(&current));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_readers_all_is_freed),
		cmocka_unit_test_setup_teardown(test_freed_after_quiet_point, begin, end),
		cmocka_unit_test_setup_teardown(test_idle_reader_holds_nothing, begin, end),
		cmocka_unit_test_setup_teardown(test_waiting_query_holds_its_epoch, begin, end),
		cmocka_unit_test_setup_teardown(test_queries_end_in_any_order, begin, end),
		cmocka_unit_test_setup_teardown(test_queries_nest, begin, end),
		cmocka_unit_test_setup_teardown(test_thread_that_never_registered, begin, end),
		cmocka_unit_test_setup_teardown(test_readers_against_writer, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
