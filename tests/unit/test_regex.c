/* Regular expressions: Go's syntax and error texts, groups, expansion, and time that stays linear.
 */
#include "test.h"

#include "base/clock.h"
#include "server/regex.h"
#include <pthread.h>

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(4096);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct regex *compiled(const char *pattern)
{
	const char *why = NULL;
	struct regex *r = regex_compile(arena, view_of(pattern), &why);
	if (!r)
		fail_msg("%s: %s", pattern, why);
	return r;
}

static void assert_matches(const char *pattern, const char *text, bool expected)
{
	if (regex_matches(compiled(pattern), view_of(text)) != expected)
		fail_msg("`%s` on %s", pattern, text);
}

static void searches_anywhere_unless_anchored(void **state)
{
	(void)state;
	assert_matches("b", "abc", true);
	assert_matches("^b", "abc", false);
	assert_matches("c$", "abc", true);
	assert_matches("c$", "abc\n", false);
	assert_matches("", "", true);
	assert_matches("(?i)EXAMPLE\\.org\\.$", "www.example.ORG.", true);
	assert_matches("^[[:alpha:]]+$", "abc", true);
	assert_matches("^\\Qa.b\\E$", "a.b", true);
	assert_matches("^\\Qa.b\\E$", "axb", false);
	assert_matches("\\bfoo\\b", "a foo b", true);
	assert_matches("^\\pL+$", "\xc3\xa9t\xc3\xa9", true);
}

static void assert_refused(const char *pattern, const char *expected)
{
	const char *why = NULL;
	assert_null(regex_compile(arena, view_of(pattern), &why));
	assert_string_equal(why, expected);
}

static void refuses_in_the_words_of_go(void **state)
{
	(void)state;
	assert_refused("(", "error parsing regexp: missing closing ): `(`");
	assert_refused("a(b", "error parsing regexp: missing closing ): `a(b`");
	assert_refused("(?<n>a", "error parsing regexp: missing closing ): `(?<n>a`");
	assert_refused("a)", "error parsing regexp: unexpected ): `a)`");
	assert_refused("[a", "error parsing regexp: missing closing ]: `[a`");
	assert_refused("*", "error parsing regexp: missing argument to repetition operator: `*`");
	assert_refused("a**", "error parsing regexp: invalid nested repetition operator: `**`");
	assert_refused("a{1001}", "error parsing regexp: invalid repeat count: `{1001}`");
	assert_refused("[b-a]", "error parsing regexp: invalid character class range: `b-a`");
	assert_refused(
		"[[:nope:]]", "error parsing regexp: invalid character class range: `[:nope:]`");
	assert_refused("\\", "error parsing regexp: trailing backslash at end of expression: ``");
	assert_refused("\\8", "error parsing regexp: invalid escape sequence: `\\8`");
	assert_refused("(a)\\1", "error parsing regexp: invalid escape sequence: `\\1`");
	assert_refused("a\\C", "error parsing regexp: invalid escape sequence: `\\C`");
	assert_refused("(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`");
	assert_refused("(?P<1-2>a)", "error parsing regexp: invalid named capture: `(?P<1-2>`");
}

static void refuses_long_patterns(void **state)
{
	(void)state;
	char *pattern = arena_string(arena, (struct view){ arena_alloc(arena, 10001), 10001 });
	memset(pattern, 'a', 10001);
	const char *why = NULL;
	assert_null(regex_compile(arena, (struct view){ pattern, 10001 }, &why));
	assert_string_equal(why, "regex pattern too long: 10001 > 10000");
	assert_non_null(regex_compile(arena, (struct view){ pattern, 10000 }, &why));
}

static void gives_groups_as_views(void **state)
{
	(void)state;
	struct regex *r = compiled("^(?P<host>[a-z]+)-(\\d+)(x)?\\.(?<zone>.*)$");
	assert_int_equal(regex_groups(r), 4);
	assert_true(view_is(regex_group_name(r, 1), "host"));
	assert_true(view_is(regex_group_name(r, 2), ""));
	assert_true(view_is(regex_group_name(r, 4), "zone"));

	struct view g[6], text = VIEW("web-12.example.org.");
	assert_true(regex_captures(r, text, g, 6));
	assert_true(view_equal(g[0], text));
	assert_true(view_is(g[1], "web"));
	assert_ptr_equal(g[1].at, text.at);
	assert_true(view_is(g[2], "12"));
	assert_null(g[3].at);
	assert_true(view_is(g[4], "example.org."));
	assert_null(g[5].at);
	assert_false(regex_captures(r, VIEW("12.example.org."), g, 6));
	assert_null(regex_captures_all(r, arena, VIEW("12.example.org.")));
}

/* The rewriting of (?<name> must see what is no group: classes, escapes, quoted runs, look-behinds.
 */
static void short_names_are_found_only_where_groups_are(void **state)
{
	(void)state;
	assert_matches("^[(?<a>]+$", "<a?(>", true);
	assert_matches("^[](?<a>]+$", "]P", false);
	assert_matches("^\\Q(?<a>\\E$", "(?<a>", true);
	assert_matches("^\\(?<a>$", "(<a>", true);
	assert_matches("^\\[(?<a>b)$", "[b", true);
	assert_matches("^[[:alpha:](?<]+$", "P", true);
	assert_matches("^[^](?<a>]$", "P", true);
	assert_refused(
		"(?<=a)b", "error parsing regexp: invalid or unsupported Perl syntax: `(?<`");
}

static void finds_many_groups(void **state)
{
	(void)state;
	struct regex *r = compiled("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)(m)(n)(o)(p)(q)(r)(s)(t)");
	struct view *g = regex_captures_all(r, arena, VIEW("-abcdefghijklmnopqrst-"));
	assert_non_null(g);
	assert_true(view_is(g[0], "abcdefghijklmnopqrst"));
	assert_true(view_is(g[20], "t"));
}

static void assert_expands(const char *template, const char *expected)
{
	struct regex *r = compiled("(?P<first>[a-z]+)-(?P<second>[0-9]+)(?P<none>x)?");
	struct view *g = regex_captures_all(r, arena, VIEW("web-12"));
	struct view got = regex_expand(r, arena, view_of(template), g);
	if (!view_is(got, expected))
		fail_msg("%s: %.*s, not %s", template, VIEW_ARGS(got), expected);
}

static void expands_as_go_does(void **state)
{
	(void)state;
	assert_expands("", "");
	assert_expands("plain", "plain");
	assert_expands("$1.$2", "web.12");
	assert_expands("${1}x$0", "webxweb-12");
	assert_expands("$1x", "");
	assert_expands("$first|${second}|$none|$nobody", "web|12||");
	assert_expands("$$1", "$1");
	assert_expands("$", "$");
	assert_expands("a$-b", "a$-b");
	assert_expands("${1", "${1");
	assert_expands("${}", "${}");
	assert_expands("${1-}", "${1-}");
	assert_expands("$01", "");
	assert_expands("$99999999999999999999", "");
	assert_expands("$4", "");
}

static void fills_places_in_ascending_order(void **state)
{
	(void)state;
	struct view g[] = { VIEW("whole"), VIEW("{2}"), VIEW("two"), { 0 } };
	assert_true(view_is(regex_fill(arena, VIEW("{1}-{2}-{3}-{0}-{4}-{x}"), g, 4),
		"two-two--whole-{4}-{x}"));
	assert_true(view_is(regex_fill(arena, VIEW("none"), g, 4), "none"));
}

/* Each group doubles the text: 2^n octets without a limit. */
static void an_expansion_ends_at_its_limit(void **state)
{
	(void)state;
	struct view g[40];
	for (size_t i = 0; i < 40; i++)
		g[i] = view_of(arena_printf(arena, "{%zu}{%zu}", i + 1, i + 1));
	struct view made = regex_fill(arena, VIEW("{0}"), g, 40);
	assert_int_equal(made.length, REGEX_EXPANSION_MAX);
}

/* Patterns that take backtracking engines hours: here each answers in no time. */
static void time_is_linear_in_the_text(void **state)
{
	(void)state;
	static const char *const patterns[] = { "(a+)+$", "(a|aa)+$", "^(a|a?)+$", "(.*a){20}$",
		"^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y" };
	char text[1001];
	memset(text, 'a', 1000);
	text[1000] = '!';
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
		struct regex *r = compiled(patterns[i]);
		uint64_t began = clock_now();
		assert_false(regex_matches(r, (struct view){ text, sizeof text }));
		assert_true(clock_now() - began < 2 * NS_PER_S);
	}
}

static struct regex *shared;
static _Atomic size_t agreed;

static void *match_often(void *data)
{
	(void)data;
	for (int i = 0; i < 2000; i++) {
		struct view g[2];
		if (regex_captures(shared, VIEW("web-12"), g, 2) && view_is(g[1], "12") &&
			!regex_matches(shared, VIEW("web")))
			agreed++;
	}
	return NULL;
}

static void threads_share_a_pattern(void **state)
{
	(void)state;
	pthread_t threads[4];
	shared = compiled("-(\\d+)$");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, match_often, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(agreed, 8000);
}

/* A few octets of pattern that would be gigabytes of program. */
static void huge_programs_are_refused(void **state)
{
	(void)state;
	const char *why = NULL;
	assert_null(regex_compile(arena, VIEW("((a{100}){100}){100}"), &why));
	assert_true(view_starts(view_of(why), VIEW("error parsing regexp: ")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searches_anywhere_unless_anchored),
		cmocka_unit_test(refuses_in_the_words_of_go),
		cmocka_unit_test(refuses_long_patterns),
		cmocka_unit_test(gives_groups_as_views),
		cmocka_unit_test(short_names_are_found_only_where_groups_are),
		cmocka_unit_test(finds_many_groups),
		cmocka_unit_test(expands_as_go_does),
		cmocka_unit_test(fills_places_in_ascending_order),
		cmocka_unit_test(an_expansion_ends_at_its_limit),
		cmocka_unit_test(time_is_linear_in_the_text),
		cmocka_unit_test(threads_share_a_pattern),
		cmocka_unit_test(huge_programs_are_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
