/* The folder base: arenas, views, hashes, text. */
#include "test.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"

static void arena_gives_zeroed_memory_again_after_reset(void **state)
{
	(void)state;
	struct arena *a = arena_new(256);
	for (int round = 0; round < 3; round++) {
		for (size_t size = 1; size < 2000; size += 97) {
			unsigned char *at = arena_alloc(a, size);
			assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
			for (size_t i = 0; i < size; i++)
				assert_int_equal(at[i], 0);
			memset(at, 0xff, size);
		}
		arena_reset(a);
		assert_int_equal(arena_size(a), 256);
	}
	arena_free(a);
}

static void count_one(void *data)
{
	++*(int *)data;
}

static void arena_runs_closings_once(void **state)
{
	(void)state;
	int closed = 0;
	struct arena *a = arena_new(64);
	arena_on_free(a, count_one, &closed);
	arena_on_free(a, count_one, &closed);
	arena_reset(a);
	assert_int_equal(closed, 2);
	arena_free(a);
	assert_int_equal(closed, 2);
}

static void hash_ignores_case_when_asked(void **state)
{
	(void)state;
	hash_init();
	const char upper[] = "\3WWW\7EXAMPLE\3ORG", lower[] = "\3www\7example\3org";
	assert_true(hash_bytes(upper, sizeof upper) != hash_bytes(lower, sizeof lower));
	for (size_t n = 0; n <= sizeof upper; n++)
		assert_true(hash_bytes_nocase(upper, n) == hash_bytes_nocase(lower, n));
	const char at[] = "@[`{@[`{", other[] = "`{`{@[@[";
	assert_true(hash_bytes_nocase(at, 8) != hash_bytes_nocase(other, 8));
}

static void view_splits_lines_and_words(void **state)
{
	(void)state;
	struct view text = VIEW("a  b\r\n\n c"), line, word;
	assert_true(view_line(&text, &line));
	word = view_word(&line);
	assert_true(view_is(word, "a"));
	word = view_word(&line);
	assert_true(view_is(word, "b"));
	assert_int_equal(view_word(&line).length, 0);
	assert_true(view_line(&text, &line));
	assert_int_equal(line.length, 0);
	assert_true(view_line(&text, &line));
	assert_true(view_is(view_trim(line), "c"));
	assert_false(view_line(&text, &line));
}

static void view_reads_numbers_within_bounds(void **state)
{
	(void)state;
	uint64_t n = 0;
	assert_true(view_unsigned(VIEW("65535"), 65535, &n));
	assert_int_equal(n, 65535);
	assert_false(view_unsigned(VIEW("65536"), 65535, &n));
	assert_false(view_unsigned(VIEW(""), 10, &n));
	assert_false(view_unsigned(VIEW("+1"), 10, &n));
	assert_true(view_unsigned(VIEW("18446744073709551615"), UINT64_MAX, &n));
	assert_false(view_unsigned(VIEW("18446744073709551616"), UINT64_MAX, &n));
}

static void text_grows(void **state)
{
	(void)state;
	struct text t = { 0 };
	for (int i = 0; i < 1000; i++)
		text_printf(&t, "%d,", i);
	assert_int_equal(t.length, 3890);
	assert_int_equal(t.at[t.length], 0);
	text_free(&t);
}

static void random_below_stays_below(void **state)
{
	(void)state;
	unsigned seen[7] = { 0 };
	for (int i = 0; i < 7000; i++) {
		uint32_t r = random_below(7);
		assert_true(r < 7);
		seen[r]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 700, 1300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_gives_zeroed_memory_again_after_reset),
		cmocka_unit_test(arena_runs_closings_once),
		cmocka_unit_test(hash_ignores_case_when_asked),
		cmocka_unit_test(view_splits_lines_and_words),
		cmocka_unit_test(view_reads_numbers_within_bounds),
		cmocka_unit_test(text_grows),
		cmocka_unit_test(random_below_stays_below),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
