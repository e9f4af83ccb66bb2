/* Command lines of `on`. */
#include "test.h"

#include "server/hooks.h"
#include <stdlib.h>

struct fixture {
	struct arena *arena;
	struct hook h;
	const char *why;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	f->arena = arena_new(1024);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	arena_free(f->arena);
	free(f);
	return 0;
}

/* The words between bars. */
static void assert_split(struct fixture *f, const char *line, const char *expected)
{
	char got[256] = "";
	assert_true(hook_parse(f->arena, view_of(line), &f->h, &f->why));
	for (size_t i = 0; i < f->h.argc; i++) {
		strncat(got, "|", sizeof got - strlen(got) - 1);
		strncat(got, f->h.argv[i], sizeof got - strlen(got) - 1);
	}
	assert_string_equal(got, expected);
	assert_null(f->h.argv[f->h.argc]);
}

static void lines_are_split_as_a_shell_does(void **state)
{
	struct fixture *f = *state;
	assert_split(f, "", "");
	assert_split(f, "  touch  started ", "|touch|started");
	assert_split(f, "sh -c 'echo one two > words'", "|sh|-c|echo one two > words");
	assert_split(f, "a\"b c\"'d e'f", "|ab cd ef");
	assert_split(f, "a\\ b \"c\\\"d\" '\\'", "|a b|c\"d|\\");
	assert_split(f, "'' \"\"", "||");
	assert_split(f, "# all\n a b#c # rest\n# more\n d", "|a|b#c|d");
}

static void open_ends_are_errors(void **state)
{
	struct fixture *f = *state;
	assert_false(hook_parse(f->arena, VIEW("echo 'a"), &f->h, &f->why));
	assert_string_equal(f->why, "EOF found when expecting closing quote");
	assert_false(hook_parse(f->arena, VIEW("echo \"a\\"), &f->h, &f->why));
	assert_string_equal(f->why, "EOF found after escape character");
	assert_false(hook_parse(f->arena, VIEW("echo a\\"), &f->h, &f->why));
	assert_string_equal(f->why, "EOF found after escape character");
}

static void hooks_have_ids_of_their_own(void **state)
{
	struct fixture *f = *state;
	assert_split(f, "echo one", "|echo|one");
	struct hook first = f->h;
	assert_string_equal(first.text, "echo one");
	assert_int_equal(strlen(first.id), 36);
	assert_int_equal(first.id[14], '4');
	assert_split(f, "echo one", "|echo|one");
	assert_string_not_equal(first.id, f->h.id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_are_split_as_a_shell_does, setup, teardown),
		cmocka_unit_test_setup_teardown(open_ends_are_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(hooks_have_ids_of_their_own, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
