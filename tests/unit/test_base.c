/* The folder base: arenas, views, hashes, text. */
#include "test.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/sha512.h"
#include "base/text.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

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
	for (size_t n = 0; n <= sizeof upper; n++) {
		assert_true(hash_own_nocase(upper, n) == hash_own_nocase(lower, n));
		assert_true(hash_own_nocase(upper, n) == hash_own(lower, n));
	}
	assert_true(hash_own_nocase(at, 8) != hash_own_nocase(other, 8));
}

/* Neither half of a hash falls together for numbers in a row, which names of hosts often are. */
static void hashes_are_spread(void **state)
{
	enum { NAMES = 4096, PLACES = 1024 };
	static unsigned high[PLACES], low[PLACES];
	(void)state;
	hash_init();
	for (unsigned i = 0; i < NAMES; i++) {
		char name[16];
		int length = snprintf(name, sizeof name, "\7host%u", i);
		uint64_t hash = hash_own(name, (size_t)length);
		high[(hash >> 32) * PLACES >> 32]++;
		low[hash % PLACES]++;
	}
	for (unsigned i = 0; i < PLACES; i++) { /* 4 are expected */
		assert_true(high[i] < 24);
		assert_true(low[i] < 24);
	}
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

/* What a child process draws next, after a fork. */
static uint64_t drawn_by_child(void)
{
	int ends[2];
	uint64_t n = 0;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		n = random_u64();
		_exit(write(ends[1], &n, sizeof n) == sizeof n ? 0 : 1);
	}
	assert_int_equal(read(ends[0], &n, sizeof n), sizeof n);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ends[0]);
	close(ends[1]);
	return n;
}

static void random_differs_in_child_processes(void **state)
{
	(void)state;
	(void)random_u64();
	uint64_t first = drawn_by_child(), second = drawn_by_child(), own = random_u64();
	assert_true(first != second && first != own && second != own);
}

static void sha512_gives_the_standards_digests(void **state)
{
	(void)state;
	uint8_t whole[SHA512_OCTETS], parts[SHA512_OCTETS];
	struct sha512 s;
	sha512_begin(&s);
	sha512_add(&s, "abc", 3);
	sha512_end(&s, whole);
	static const uint8_t abc[] = { 0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a, 0xba, 0xcc, 0x41, 0x73, 0x49, 0xae,
		0x20, 0x41, 0x31, 0x12, 0xe6, 0xfa, 0x4e, 0x89, 0xa9, 0x7e, 0xa2, 0x0a, 0x9e, 0xee, 0xe6, 0x4b, 0x55,
		0xd3, 0x9a, 0x21, 0x92, 0x99, 0x2a, 0x27, 0x4f, 0xc1, 0xa8, 0x36, 0xba, 0x3c, 0x23, 0xa3, 0xfe, 0xeb,
		0xbd, 0x45, 0x4d, 0x44, 0x23, 0x64, 0x3c, 0xe8, 0x0e, 0x2a, 0x9a, 0xc9, 0x4f, 0xa5, 0x4c, 0xa4, 0x9f };
	assert_memory_equal(whole, abc, sizeof abc);
	uint8_t text[300];
	memset(text, 'x', sizeof text);
	for (size_t size = 0; size <= sizeof text; size++) {
		sha512_begin(&s);
		sha512_add(&s, text, size);
		sha512_end(&s, whole);
		sha512_begin(&s);
		for (size_t i = 0; i < size; i++)
			sha512_add(&s, text + i, 1);
		sha512_end(&s, parts);
		assert_memory_equal(whole, parts, sizeof whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_gives_zeroed_memory_again_after_reset),
		cmocka_unit_test(arena_runs_closings_once),
		cmocka_unit_test(hash_ignores_case_when_asked),
		cmocka_unit_test(hashes_are_spread),
		cmocka_unit_test(view_splits_lines_and_words),
		cmocka_unit_test(view_reads_numbers_within_bounds),
		cmocka_unit_test(text_grows),
		cmocka_unit_test(random_below_stays_below),
		cmocka_unit_test(random_differs_in_child_processes),
		cmocka_unit_test(sha512_gives_the_standards_digests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
