/* The layout of `isthmus fmt`, and its differences. */
#include "test.h"

#include "base/hash.h"
#include "cli/diff.h"
#include "cli/format.h"

static struct arena *arena;
static struct complaints complaints;

static const char *formatted(const char *source)
{
	struct text t = { 0 };
	complaints_init(&complaints, arena);
	bool done = corefile_format(view_of(source), "Corefile", &t, &complaints);
	const char *kept = arena_string(arena, text_view(&t));
	text_free(&t);
	return done ? kept : NULL;
}

/* And what is in layout stays as it is. */
static void expect(const char *source, const char *layout)
{
	const char *once = formatted(source);
	assert_non_null(once);
	assert_string_equal(once, layout);
	assert_string_equal(formatted(once), layout);
}

static void lines_and_blanks(void **state)
{
	(void)state;
	expect("", "");
	expect("\n\n  \n", "");
	expect(".   {\nlog\t. \"{type}   x\"\n\n\n\n  errors\n\n}\n\n\n\nb. {\n}",
		". {\n    log . \"{type}   x\"\n\n    errors\n}\n\nb. {\n}\n");
	expect("a. {\r\nlog\r\n}\r\n", "a. {\n    log\n}\n");
	expect("a. {\n}\nb. {\n}\n", "a. {\n}\n\nb. {\n}\n");
}

static void braces(void **state)
{
	(void)state;
	expect("a.\n{\nlog\n}\n", "a. {\n    log\n}\n");
	expect("a. { log\n}", "a. {\n    log\n}\n");
	expect("(x) { log }", "(x) {\n    log\n}\n");
	expect("a. {\nforward . 1.1.1.1 { force_tcp\nexcept a b }\n}\n",
		"a. {\n    forward . 1.1.1.1 {\n        force_tcp\n        except a b\n    }\n}\n");
	expect("a. {\nforward . x\n{\nforce_tcp\n}\n}\n",
		"a. {\n    forward . x\n    {\n        force_tcp\n    }\n}\n");
	expect("a. {\nlog \"{\" \"}\"\n}\n", "a. {\n    log \"{\" \"}\"\n}\n");
	expect("a. {\nhosts {\n1.1.1.1 a\n} x\n}\n",
		"a. {\n    hosts {\n        1.1.1.1 a\n    } x\n}\n");
	expect("{\nlog\n}\n", "{\n    log\n}\n");
	expect("import a\n{\nlog\n}\n", "import a\n{\n    log\n}\n");
	expect("a. { }", "a. {\n}\n");
}

static void comments(void **state)
{
	(void)state;
	expect("# one  \n\n\n# two\na. { # three\n# four\nlog a#b c\n # five\n}# six\n# seven",
		"# one\n\n# two\na. { # three\n    # four\n    log a #b c\n    # five\n} # "
		"six\n\n# seven\n");
	expect("a. # b\n{\n}\n", "a. # b\n{\n}\n");
}

static void keys(void **state)
{
	(void)state;
	expect("a.,\n  b.   c.\n{\n}\n", "a.,\nb. c. {\n}\n");
	expect("import x\nimport  y\na. {\n}\n", "import x\nimport y\na. {\n}\n");
}

static void a_block_without_braces(void **state)
{
	(void)state;
	expect("a.\n  log\n  forward . {\n  except x\n }\n errors\n}\nb. {\n}\n",
		"a.\nlog\nforward . {\n    except x\n}\nerrors\n}\n\nb. {\n}\n");
}

/* What stands behind keys in their line does not make the next line one of keys. */
static void a_comment_behind_keys(void **state)
{
	(void)state;
	expect("a # b\n}\n} import c\n", "a # b\n}\n} import c\n");
	expect("a.  # b\nlog\n} \nb. {\n}\n", "a. # b\nlog\n}\n\nb. {\n}\n");
	expect("a.\n# b\n{ log\n}\n", "a.\n# b\n{\n    log\n}\n");
}

/* At the start a byte-order mark is none of the words, behind an empty line it is. */
static void a_byte_order_mark(void **state)
{
	(void)state;
	expect("\xef\xbb\xbf\xef\xbb\xbf a. {\n}\n", "a. {\n}\n");
	expect("\n\xef\xbb\xbf", "\n\xef\xbb\xbf\n");
}

static void quoted_lines(void **state)
{
	(void)state;
	expect("a. {\nlog \"a\n   b\"  c\nerrors\n}\n",
		"a. {\n    log \"a\n   b\" c\n    errors\n}\n");
	expect("a. {\nlog \"a\"b\n}\n", "a. {\n    log \"a\" b\n}\n");
}

static void what_does_not_close(void **state)
{
	(void)state;
	assert_null(formatted("a. {\nlog {\n}\n"));
	assert_string_equal(complaints.first->text,
		"Corefile:1 - Syntax error: the '{' in this line is not closed");
	assert_null(formatted("a. {\nlog \"x\n}\n"));
	assert_string_equal(complaints.first->text,
		"Corefile:2 - Syntax error: the quote in this line is not closed");
	assert_null(formatted("a. {\n}\n\""));
}

static void expect_diff(const char *old, const char *new, const char *diff)
{
	struct text t = { 0 };
	text_add_string(&t, "");
	diff_write(&t, "F", view_of(old), view_of(new));
	assert_string_equal(t.at, diff);
	text_free(&t);
}

static void differences(void **state)
{
	(void)state;
	expect_diff("a\nb\n", "a\nb\n", "");
	expect_diff("a\nb\nc\n", "a\nx\nc\n",
		"--- F\n+++ F (formatted)\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
	expect_diff("", "a\n", "--- F\n+++ F (formatted)\n@@ -0,0 +1,1 @@\n+a\n");
	expect_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n",
		"1\nx\n3\n4\n5\n6\n7\n8\n9\n10\ny\n12\n",
		"--- F\n+++ F (formatted)\n"
		"@@ -1,5 +1,5 @@\n 1\n-2\n+x\n 3\n 4\n 5\n"
		"@@ -8,5 +8,5 @@\n 8\n 9\n 10\n-11\n+y\n 12\n");
	expect_diff("1\n2\n3\n4\n5\n6\n", "2\n3\n4\n5\n6\n7\n",
		"--- F\n+++ F (formatted)\n@@ -1,6 +1,6 @@\n-1\n 2\n 3\n 4\n 5\n 6\n+7\n");
}

static int set_up(void **state)
{
	(void)state;
	hash_init();
	arena = arena_new(4096);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_blanks),
		cmocka_unit_test(braces),
		cmocka_unit_test(comments),
		cmocka_unit_test(keys),
		cmocka_unit_test(a_block_without_braces),
		cmocka_unit_test(a_comment_behind_keys),
		cmocka_unit_test(a_byte_order_mark),
		cmocka_unit_test(quoted_lines),
		cmocka_unit_test(what_does_not_close),
		cmocka_unit_test(differences),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
