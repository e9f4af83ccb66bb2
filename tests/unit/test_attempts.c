/* sync/attempts: how often and after which pauses a provider is asked. */
#include "test.h"

#include "net/loop.h"
#include "sync/attempts.h"

static struct loop *loop;

static void run(void (*body)(void *data))
{
	loop = loop_new(0);
	fiber_spawn(loop, body, NULL);
	loop_run(loop);
	loop_free(loop);
}

static uint64_t took; /* ns */
static unsigned made;

static void ask_ten_times(void *data)
{
	(void)data;
	struct allowance *a = allowance_of(VIEW("ten"), 100);
	uint64_t began = clock_now();
	for (int i = 0; i < 120; i++)
		made += allowance_take(a, NULL);
	took = clock_now() - began;
	loop_stop(loop);
}

/* One every hundredth of a second. */
static void an_allowance_is_kept_to(void **state)
{
	(void)state;
	made = 0;
	run(ask_ten_times);
	assert_int_equal(made, 120);
	assert_true(took >= 1190 * NS_PER_MS && took < 4 * NS_PER_S);
}

static void give_up_after_three(void *data)
{
	(void)data;
	struct attempts a = { .first = 2 * NS_PER_MS, .longest = 4 * NS_PER_MS };
	made = 0;
	while (attempts_next(&a)) {
		made++;
		attempts_failed(&a, false, 0);
	}
	loop_stop(loop);
}

static void attempts_are_few(void **state)
{
	(void)state;
	run(give_up_after_three);
	assert_int_equal(made, ATTEMPTS_MOST);
}

static void hold_all(void *data)
{
	(void)data;
	struct allowance *shared = allowance_of(VIEW("shared"), 1000);
	struct attempts a = { .allowance = shared, .first = NS_PER_MS };
	assert_ptr_equal(shared, allowance_of(VIEW("shared"), 1000));
	assert_true(attempts_next(&a));
	attempts_failed(&a, true, 1);
	uint64_t began = clock_now();
	made = allowance_take(shared, NULL);
	took = clock_now() - began;
	loop_stop(loop);
}

static void throttling_holds_everybody(void **state)
{
	(void)state;
	run(hold_all);
	assert_int_equal(made, 1);
	assert_true(took > 900 * NS_PER_MS);
}

static void stop_at_once(void *data)
{
	(void)data;
	static const _Atomic bool stop = true;
	struct allowance *a = allowance_of(VIEW("stopped"), 1);
	struct attempts attempts = { .stop = &stop };
	made = 0;
	made += allowance_take(a, &stop);
	made += attempts_next(&attempts);
	loop_stop(loop);
}

static void who_is_to_stop_does_not_wait(void **state)
{
	(void)state;
	run(stop_at_once);
	assert_int_equal(made, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_allowance_is_kept_to),
		cmocka_unit_test(attempts_are_few),
		cmocka_unit_test(throttling_holds_everybody),
		cmocka_unit_test(who_is_to_stop_does_not_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
