/* Command lines of `on`, and commands that are run for what they print. */
#include "test.h"

#include "net/loop.h"
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

struct running {
	struct fixture *f;
	const char *script;
	const char *const *environment;
	uint64_t timeout;
	bool done;
	struct view output;
};

static void run_on_loop(void *data)
{
	struct running *r = data;
	const char *const words[] = { "sh", "-c", r->script, NULL };
	struct command c = { words, r->environment, r->timeout };
	r->done = command_run(&c, r->f->arena, &r->output, &r->f->why);
	loop_stop(loop_current());
}

static struct running run(struct fixture *f, const char *script, uint64_t timeout)
{
	static const char *const environment[] = { "WHAT=a word", "PATH=/usr/bin:/bin", NULL };
	struct running r = { f, script, environment, timeout };
	struct loop *l = loop_new(0);
	fiber_spawn(l, run_on_loop, &r);
	loop_run(l);
	loop_free(l);
	return r;
}

static void output_is_taken(void **state)
{
	struct fixture *f = *state;
	struct running r = run(f, "echo $WHAT; echo not this >&2; printf more", 10 * NS_PER_S);
	assert_true(r.done);
	assert_true(view_is(r.output, "a word\nmore"));
	r = run(f, "printf '%s' \"$(env | grep -c ^PATH=)\"", 10 * NS_PER_S);
	assert_true(r.done);
	assert_true(view_is(r.output, "1"));
	r = run(f, "true", 10 * NS_PER_S);
	assert_true(r.done);
	assert_int_equal(r.output.length, 0);
}

static void failures_are_said(void **state)
{
	struct fixture *f = *state;
	assert_false(run(f, "echo part; exit 3", 10 * NS_PER_S).done);
	assert_string_equal(f->why, "exit status 3");
	assert_false(run(f, "kill -9 $$", 10 * NS_PER_S).done);
	assert_string_equal(f->why, "signal: Killed");
	uint64_t began = clock_now();
	assert_false(run(f, "echo part; exec sleep 60", 300 * NS_PER_MS).done);
	assert_non_null(strstr(f->why, "timed out"));
	assert_false(run(f, "exec >&-; exec sleep 60", 300 * NS_PER_MS).done);
	assert_non_null(strstr(f->why, "timed out"));
	assert_true(clock_now() - began < 30 * NS_PER_S);
	assert_false(run(f, "exec yes", 10 * NS_PER_S).done);
	assert_non_null(strstr(f->why, "file too large"));
	struct running r = run(f, "echo still there", 10 * NS_PER_S);
	assert_true(r.done);
	assert_true(view_is(r.output, "still there\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_are_split_as_a_shell_does, setup, teardown),
		cmocka_unit_test_setup_teardown(open_ends_are_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(hooks_have_ids_of_their_own, setup, teardown),
		cmocka_unit_test_setup_teardown(output_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_are_said, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
