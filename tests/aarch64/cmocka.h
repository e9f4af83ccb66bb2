/* So much of cmocka as the tests that run here use; there is no cmocka for the other machine. A test that fails ends the run. */
#ifndef ISTHMUS_TESTS_AARCH64_CMOCKA_H
#define ISTHMUS_TESTS_AARCH64_CMOCKA_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
	int (*setup)(void **state), (*teardown)(void **state);
};

#define cmocka_unit_test(f) { #f, f, NULL, NULL }
#define cmocka_unit_test_setup_teardown(f, setup, teardown) { #f, f, setup, teardown }

static inline void check_at(int holds, const char *what, const char *file, int line)
{
	if (holds)
		return;
	printf("%s:%d: %s\n[  FAILED  ]\n", file, line, what);
	exit(1);
}

#define CHECK(holds, what) check_at(holds, what, __FILE__, __LINE__)
#define assert_true(c) CHECK(!!(c), #c)
#define assert_false(c) CHECK(!(c), "not " #c)
#define assert_null(p) CHECK(!(p), #p " is NULL")
#define assert_non_null(p) CHECK(!!(p), #p " is not NULL")
#define assert_int_equal(a, b) CHECK((uintmax_t)(a) == (uintmax_t)(b), #a " == " #b)
#define assert_int_not_equal(a, b) CHECK((uintmax_t)(a) != (uintmax_t)(b), #a " != " #b)
#define assert_ptr_equal(a, b) CHECK((const void *)(a) == (const void *)(b), #a " == " #b)
#define assert_in_range(x, low, high) \
	CHECK((uintmax_t)(x) >= (uintmax_t)(low) && (uintmax_t)(x) <= (uintmax_t)(high), #x " from " #low " to " #high)
#define assert_string_equal(a, b) CHECK(strcmp(a, b) == 0, #a " is " #b)
#define print_message printf
#define fail_msg(...) (printf(__VA_ARGS__), CHECK(0, "failed"))
#define assert_memory_equal(a, b, n) CHECK(memcmp(a, b, n) == 0, #a " is " #b)

static inline int run_tests(const struct CMUnitTest *tests, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		void *state = NULL;
		if (tests[i].setup)
			tests[i].setup(&state);
		tests[i].run(&state);
		if (tests[i].teardown)
			tests[i].teardown(&state);
		printf("[       OK ] %s\n", tests[i].name);
		fflush(stdout);
	}
	return 0;
}

#define cmocka_run_group_tests(tests, setup, teardown) run_tests(tests, sizeof(tests) / sizeof(tests)[0])

#endif
