/* The expression language: what it gives, what it refuses and how it says so, and its limits. */
#include "test.h"

#include "base/clock.h"
#include "server/expression/expression.h"
#include "server/query.h"

static struct arena *arena;
static struct query *query;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(65536);
	query = arena_new_object(arena, struct query);
	query->arena = arena;
	query->request.id = 4242;
	query->request.has_question = true;
	query->request.edns = (struct edns){ .present = true, .udp_size = 1400, .flags = EDNS_DO };
	endpoint_parse(VIEW("192.0.2.7:5353"), 0, &query->client);
	endpoint_parse(VIEW("[2001:db8::1]:53"), 0, &query->local);
	query_set_question(
		query, name_from_text(arena, VIEW("Www.Example.ORG.")), TYPE_AAAA, CLASS_IN);
	metadata_set(query, "view/name", VIEW("inside"));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const struct expression_variable variables[] = {
	{ { "n", 1 }, { VALUE_INT, TYPE_ANY_VALUE } },
	{ { "word", 4 }, { VALUE_STRING, TYPE_ANY_VALUE } },
	{ { "thing", 5 }, { TYPE_ANY_VALUE, TYPE_ANY_VALUE } },
};

static const struct expression_scope scope = { variables, 3, true };

static struct expression *compiled(const char *text)
{
	const char *why = NULL;
	struct expression *e = expression_compile(arena, &scope, view_of(text), &why);
	if (!e)
		fail_msg("%s: %s", text, why);
	return e;
}

static bool run(const char *text, struct value *result, const char **why)
{
	struct value values[] = { value_int(7), value_text(VIEW("seven")), { 0 } };
	struct value groups[] = { value_text(VIEW("1")), value_text(VIEW("first")),
		value_text(VIEW("host")), value_text(VIEW("www")) };
	struct value map = value_map(groups, 2);
	struct expression_input input = { query, values, &map };
	return expression_run(compiled(text), &input, result, why);
}

/* What an expression gives, as Go prints it. */
static void assert_gives(const char *text, const char *expected)
{
	struct value v;
	const char *why = NULL;
	if (!run(text, &v, &why))
		fail_msg("%s: %s", text, why);
	struct arena_text printed = { .arena = arena, .limit = 10000 };
	value_print(&printed, &v);
	if (!view_is(arena_text_view(&printed), expected))
		fail_msg("%s gives %.*s, not %s", text, VIEW_ARGS(arena_text_view(&printed)),
			expected);
}

static void assert_fails(const char *text, const char *expected)
{
	struct value v;
	const char *why = NULL;
	if (run(text, &v, &why))
		fail_msg("%s gives a value", text);
	if (strcmp(why, expected) != 0)
		fail_msg("%s: %s, not %s", text, why, expected);
}

/* The first line of what is said of an expression that does not compile. */
static void assert_refused(const char *text, const char *expected)
{
	const char *why = NULL;
	if (expression_compile(arena, &scope, view_of(text), &why))
		fail_msg("%s compiles", text);
	struct view line = view_first(view_of(why), view_find(view_of(why), '\n'));
	if (!view_is(line, expected))
		fail_msg("%s: %.*s, not %s", text, VIEW_ARGS(line), expected);
}

static void literals(void **state)
{
	(void)state;
	assert_gives("42", "42");
	assert_gives("1_000", "1000");
	assert_gives("0x2A + 0o52 + 0b101010", "126");
	assert_gives(".5 + 0.25", "0.75");
	assert_gives("1e3", "1000");
	assert_gives("1e21", "1e+21");
	assert_gives("0.00001", "1e-05");
	assert_gives("'x' == \"x\" ? 1 : 2", "1");
}

static void strings_and_escapes(void **state)
{
	(void)state;
	assert_gives("'a\\tb'", "a\tb");
	assert_gives("\"\\x41\\u00e9\\101\"", "A\xc3\xa9"
					      "A");
	assert_gives("`a\\b`", "a\\b");
	assert_gives("'\\\\.'", "\\.");
	assert_gives("len('')", "0");
	assert_gives("'don\\'t'", "don't");
}

static void operators_by_precedence(void **state)
{
	(void)state;
	assert_gives("1 + 2 * 3", "7");
	assert_gives("(1 + 2) * 3", "9");
	assert_gives("2 ** 3 ** 2", "512");
	assert_gives("-2 ** 2", "-4");
	assert_gives("7 / 2", "3.5");
	assert_gives("7 % 3", "1");
	assert_gives("10 - 2 - 3", "5");
	assert_gives("not false and false", "false");
	assert_gives("true || false && false", "true");
	assert_gives("1 < 2 == true", "true");
	assert_gives("1 + 1 in 1..3", "true");
	assert_gives("!true == false", "true");
	assert_gives("'a' + 'b' + 'c' == 'abc'", "true");
	assert_gives("1 == 1.0", "true");
	assert_gives("nil == nil", "true");
	assert_gives("+n - -n", "14");
}

static void comparisons_chain(void **state)
{
	(void)state;
	assert_gives("1 < 2 < 3", "true");
	assert_gives("1 < 2 < 2", "false");
	assert_gives("3 > 2 >= 2 > 1", "true");
	assert_gives("1 < n < 9 ? 'in' : 'out'", "in");
	assert_gives("'a' < 'b' <= 'b'", "true");
}

static void texts_are_searched(void **state)
{
	(void)state;
	assert_gives("'example' contains 'amp'", "true");
	assert_gives("'example' startsWith 'ex' and 'example' endsWith 'ple'", "true");
	assert_gives("'example' not contains 'x'", "false");
	assert_gives("'example' not startsWith 'x'", "true");
	assert_gives("'re12' matches '^re[0-9]+$'", "true");
	assert_gives("'re' not matches '^re[0-9]+$'", "true");
	assert_gives("'1' + 'a' contains '1a'", "true");
}

static void membership(void **state)
{
	(void)state;
	assert_gives("2 in [1, 2]", "true");
	assert_gives("3 not in [1, 2]", "true");
	assert_gives("1.0 in [1, 2]", "true");
	assert_gives("'a' in {a: 1}", "true");
	assert_gives("'b' in {a: 1}", "false");
	assert_gives("n in [n, 2]", "true");
	assert_gives("'x' in []", "false");
}

static void the_right_side_runs_only_if_it_matters(void **state)
{
	(void)state;
	assert_gives("true or 1 % 0 == 1", "true");
	assert_gives("false and 1 % 0 == 1", "false");
	assert_fails("true and 1 % 0 == 1", "integer divide by zero");
	assert_gives("n == 7 ? 'yes' : string(1 % 0)", "yes");
	assert_gives("thing ?? 'other'", "other");
	assert_gives("word ?? 'other'", "seven");
	assert_gives("thing?.name?.first ?? 1", "1");
	assert_gives("thing?.[3]", "<nil>");
	assert_gives("true ?: false", "true");
}

static void conditions_and_variables(void **state)
{
	(void)state;
	assert_gives("let x = 2; let y = x * 3; x + y", "8");
	assert_gives("(let x = 1; x) + (let x = 2; x)", "3");
	assert_gives("if n > 5 {'big'} else {'small'}", "big");
	assert_gives("if n > 9 {1} else if n > 6 {2} else {3}", "2");
	assert_gives("n > 9 ? 1 : n > 6 ? 2 : 3", "2");
	assert_gives("1; 2; 3", "3");
	assert_gives("// nothing\n n /* seven */ + 1", "8");
}

static void pipes(void **state)
{
	(void)state;
	assert_gives("'A,b' | lower() | split(',')", "[a b]");
	assert_gives("1..5 | filter(# % 2 == 1) | map(# * 10) | sum()", "90");
}

static void arrays_and_maps(void **state)
{
	(void)state;
	assert_gives("[1, 'a', [2]]", "[1 a [2]]");
	assert_gives("[1, 2, 3][-1]", "3");
	assert_gives("[1, 2, 3, 4][1:3]", "[2 3]");
	assert_gives("[1, 2, 3, 4][:-1]", "[1 2 3]");
	assert_gives("[1, 2][1:9]", "[2]");
	assert_gives("'example'[2:4]", "am");
	assert_gives("'example'[:]", "example");
	assert_gives("{b: 2, a: 1}", "map[a:1 b:2]");
	assert_gives("{a: {b: 3}}.a.b", "3");
	assert_gives("{a: 1}['a']", "1");
	assert_gives("{a: 1, a: 2}.a", "2");
	assert_gives("{('x' + 'y'): 1}.xy", "1");
	assert_gives("{a: 1}.b", "<nil>");
	assert_gives("[1, [2]] == [1, [2]] and {a: 1} == {a: 1.0}", "true");
	assert_fails("[1, 2][2]", "index out of range: 2 (array length is 2)");
	assert_fails("[1, 2][-3]", "index out of range: -3 (array length is 2)");
}

static void predicates(void **state)
{
	(void)state;
	assert_gives("all([1, 2], # > 0)", "true");
	assert_gives("all([], false)", "true");
	assert_gives("any([1, 2], {# > 1})", "true");
	assert_gives("none([1, 2], # > 2)", "true");
	assert_gives("one([1, 2], # > 1)", "true");
	assert_gives("one([1, 2], # > 0)", "false");
	assert_gives("filter(1..5, # > 3)", "[4 5]");
	assert_gives("map([1, 2], {let x = #; x * x})", "[1 4]");
	assert_gives("count([true, false, true])", "2");
	assert_gives("count(1..9, # > 7)", "2");
	assert_gives("sum(['a', 'bc'], len(#))", "3");
	assert_gives("find(1..5, # > 2)", "3");
	assert_gives("find(1..5, # > 9)", "<nil>");
	assert_gives("findIndex(1..5, # > 2)", "2");
	assert_gives("findLast(1..5, # < 3)", "2");
	assert_gives("findLastIndex(1..5, # < 3)", "1");
	assert_gives("findIndex(1..5, # > 9)", "<nil>");
	assert_gives("groupBy(1..5, # % 2)", "map[0:[2 4] 1:[1 3 5]]");
	assert_gives("sortBy(['ccc', 'a', 'bb'], len(#))", "[a bb ccc]");
	assert_gives("sortBy(['ccc', 'a', 'bb'], len(#), 'desc')", "[ccc bb a]");
	assert_gives("reduce(1..4, #acc * #)", "24");
	assert_gives("reduce(1..4, #acc + # + #index, 100)", "116");
	assert_gives("map([{x: 1}, {x: 2}], .x)", "[1 2]");
	assert_gives("any([[1, 2], [3]], {any(#, # == 3)})", "true");
	assert_gives("map([1, 2], {let outer = #; map([10, 20], # + outer)})", "[[11 21] [12 22]]");
	assert_fails("reduce([], #acc)", "reduce of an empty array needs an initial value");
}

static void functions_on_texts(void **state)
{
	(void)state;
	assert_gives("trim('  a ') + trim('__b__', '_')", "ab");
	assert_gives("trimPrefix('www.a', 'www.') + trimSuffix('b.', '.')", "ab");
	assert_gives("upper('aZ') + lower('aZ')", "AZaz");
	assert_gives("toBase64('') + toBase64('a') + toBase64('ab') + toBase64('abc')", "YQ==YWI=YWJj");
	assert_gives("fromBase64('') + fromBase64('YQ==') + fromBase64('YWI=') + fromBase64('YWJj')", "aababc");
	assert_fails("fromBase64('YQ=')", "illegal base64 data");
	assert_fails("fromBase64('Y*==')", "illegal base64 data");
	assert_gives("split('a,b,c', ',', 2)", "[a b,c]");
	assert_gives("split('abc', '')", "[a b c]");
	assert_gives("len(split('', ','))", "1");
	assert_gives("splitAfter('a,b', ',')", "[a, b]");
	assert_gives("replace('aXbX', 'X', '-') + replace('aXbX', 'X', '-', 1)", "a-b-a-bX");
	assert_gives("replace('ab', '', '-')", "-a-b-");
	assert_gives("repeat('ab', 3)", "ababab");
	assert_gives("join(['a', 'b'], '-') + join(['c', 'd'])", "a-bcd");
	assert_gives("indexOf('abcb', 'b') * 10 + lastIndexOf('abcb', 'b')", "13");
	assert_gives("indexOf('abc', 'x')", "-1");
	assert_gives("hasPrefix('ab', 'a') and hasSuffix('ab', 'b')", "true");
	assert_gives("string(1) + string(true) + string(nil) + string([1])", "1true<nil>[1]");
}

static void functions_on_numbers(void **state)
{
	(void)state;
	assert_gives("int('12') + int(3.9)", "15");
	assert_gives("float('2.5') * 2", "5");
	assert_gives("abs(-3) + abs(3)", "6");
	assert_gives("[ceil(1.2), floor(1.8), round(1.5)]", "[2 1 2]");
	assert_gives("max(1, 3, 2) + min([4, 2])", "5");
	assert_gives("mean([1, 2, 3]) + median([3, 1, 2])", "4");
	assert_gives("median([4, 1, 3, 2])", "2.5");
	assert_gives("bitand(6, 3) + bitor(4, 1) + bitxor(3, 1) + bitnand(7, 2)", "14");
	assert_gives("bitshl(1, 4) + bitshr(-8, 1) + bitnot(0)", "11");
	assert_gives("bitshl(1, 64) + bitushr(-1, 63)", "1");
	assert_fails("int('x')", "invalid operation: int(x)");
	assert_fails("bitshl(1, -1)", "invalid operation: negative shift count -1 (type int)");
}

static void functions_on_lists(void **state)
{
	(void)state;
	assert_gives("len('abc') + len([1]) + len({a: 1})", "5");
	assert_gives("first([1, 2]) + last([1, 2])", "3");
	assert_gives("first([]) == nil", "true");
	assert_gives("get([1, 2], 5) ?? get({a: 3}, 'a')", "3");
	assert_gives("take([1, 2, 3], 2)", "[1 2]");
	assert_gives("keys({a: 1, b: 2}) == ['a', 'b'] and values({a: 1}) == [1]", "true");
	assert_gives("fromPairs(toPairs({a: 1}))", "map[a:1]");
	assert_gives("reverse([1, 2, 3])", "[3 2 1]");
	assert_gives("uniq([1, 2, 1, 2.0])", "[1 2]");
	assert_gives("concat([1], [2, 3], [])", "[1 2 3]");
	assert_gives("flatten([1, [2, [3]], []])", "[1 2 3]");
	assert_gives(
		"sort([3, 1, 2]) == [1, 2, 3] and sort(['b', 'a'], 'desc') == ['b', 'a']", "true");
	assert_fails("sort([1, 'a'])", "cannot sort string with int");
}

static void functions_on_the_query(void **state)
{
	(void)state;
	assert_gives("name()", "www.example.org.");
	assert_gives("type() + ' ' + class()", "AAAA IN");
	assert_gives("id()", "4242");
	assert_gives("opcode()", "0");
	assert_gives("do()", "true");
	assert_gives("bufsize()", "1400");
	assert_gives("size()", "44");
	assert_gives("proto()", "udp");
	assert_gives("client_ip() + ' ' + port()", "192.0.2.7 5353");
	assert_gives("server_ip() + ' ' + server_port()", "2001:db8::1 53");
	assert_gives("metadata('view/name') + metadata('no/such')", "inside");
	assert_gives("incidr(client_ip(), '192.0.2.0/24')", "true");
	assert_gives("incidr(server_ip(), '192.0.2.0/24')", "false");
	assert_gives("incidr(server_ip(), '2001:db8::/32')", "true");
	assert_gives("group(1) + group('host') + group('none')", "firstwww");
	assert_fails("incidr(name(), '192.0.2.0/24')", "first argument is not an IP address");
	assert_fails("incidr(client_ip(), 'nonsense')", "invalid CIDR address: nonsense");
}

/* The forms that CoreDNS's manual and the recorded cases use. */
static void holds_for_views(void **state)
{
	(void)state;
	struct expression_input input = { .query = query };
	assert_true(expression_holds(
		compiled("type() == 'AAAA' && name() endsWith 'example.org.'"), &input));
	assert_true(
		expression_holds(compiled("client_ip() in ['127.0.0.1', '192.0.2.7']"), &input));
	assert_false(expression_holds(compiled("size() > 60 and not do()"), &input));
	assert_false(expression_holds(compiled("size()"), &input));
	assert_false(expression_holds(compiled("incidr(name(), 'nonsense')"), &input));
	assert_true(expression_holds(compiled("int(server_port()) < 1000"), &input));
}

static void mistakes_are_found_at_the_start(void **state)
{
	(void)state;
	assert_refused("", "unexpected token EOF (1:1)");
	assert_refused("1 +", "unexpected token EOF (1:4)");
	assert_refused("1 2", "unexpected token Number(\"2\") (1:3)");
	assert_refused("foo", "unknown name foo (1:1)");
	assert_refused("foo()", "unknown name foo (1:1)");
	assert_refused("do && true", "do is a function: write do() (1:1)");
	assert_refused("n + 'a'", "invalid operation: + (mismatched types int and string) (1:3)");
	assert_refused(
		"name() == 1", "invalid operation: == (mismatched types string and int) (1:8)");
	assert_refused("not 1", "invalid operation: not (mismatched type int) (1:1)");
	assert_refused(
		"1 in ['a']", "invalid operation: in (mismatched types int and []string) (1:3)");
	assert_refused("n ? 1 : 2", "non-bool expression (type int) used as condition (1:3)");
	assert_refused("len(1)",
		"cannot use int as argument (type string, array or map) to call len (1:5)");
	assert_refused("len()", "not enough arguments to call len (1:1)");
	assert_refused("name(1)", "too many arguments to call name (1:6)");
	assert_refused("filter(1..2, #)", "predicate should return boolean (got int) (1:14)");
	assert_refused("filter(n, true)", "builtin filter takes only array (got int) (1:7)");
	assert_refused("#", "unexpected token Operator(\"#\") (1:1)");
	assert_refused("map([1], #acc)", "unknown pointer #acc (1:11)");
	assert_refused("let n = 1; n", "cannot redeclare n (1:5)");
	assert_refused("let len = 1; 2", "cannot redeclare len (1:5)");
	assert_refused("word matches '('", "error parsing regexp: missing closing ): `(` (1:6)");
	assert_refused(
		"word matches name()", "the pattern of matches must be a constant string (1:14)");
	assert_refused("'a", "literal not terminated (1:1)");
	assert_refused("'\\q'", "invalid char escape (1:2)");
	assert_refused("12ab", "bad number syntax: \"12a\" (1:1)");
	assert_refused(
		"9223372036854775808", "invalid integer literal: \"9223372036854775808\" (1:1)");
	assert_refused("1 /* ", "unclosed comment (1:3)");
	assert_refused("a @ b", "unrecognized character: U+0040 (1:3)");
	assert_refused("1 @ 2", "unrecognized character: U+0040 (1:3)");
	assert_refused("word.x", "type string has no fields (1:6)");
	assert_refused("word[0]", "type string[int] is undefined (1:6)");
	assert_refused("[1]['a']",
		"array elements can only be selected using an integer (got string) (1:5)");
	assert_refused("now()", "unknown name now (1:1)");
}

static void the_place_is_shown(void **state)
{
	(void)state;
	const char *why = NULL;
	assert_null(expression_compile(arena, NULL, VIEW("1 +\n 2 + 'a'"), &why));
	assert_string_equal(why, "invalid operation: + (mismatched types int and string) (2:4)\n"
				 " |  2 + 'a'\n"
				 " | ...^");
}

static void names_that_variables_may_have(void **state)
{
	(void)state;
	static const char *const taken[] = { "name", "group", "len", "filter", "true", "nil", "not",
		"in", "now", "type", "let", "1a", "a-b", "" };
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		assert_false(expression_name_is_free(view_of(taken[i])));
	assert_true(expression_name_is_free(VIEW("host_1")));
}

/* --- limits --- */

static struct view repeated(const char *head, const char *piece, size_t times, const char *tail)
{
	struct arena_text t = { .arena = arena, .limit = SIZE_MAX };
	arena_text_add_string(&t, head);
	for (size_t i = 0; i < times; i++)
		arena_text_add_string(&t, piece);
	arena_text_add_string(&t, tail);
	return arena_text_view(&t);
}

static void assert_compiles(struct view text, bool expected, const char *reason)
{
	const char *why = "";
	bool done = expression_compile(arena, &scope, text, &why);
	if (done != expected || !view_starts(view_of(why), view_of(reason)))
		fail_msg("%.*s...: %s", (int)(text.length < 40 ? text.length : 40), text.at, why);
}

static void long_chains_are_no_deep_nesting(void **state)
{
	(void)state;
	assert_compiles(repeated("true", " || true", 1000, ""), true, "");
	assert_compiles(repeated("1", " + 1", 2000, " > 0"), true, "");
}

static void nesting_is_limited(void **state)
{
	(void)state;
	const char *reason = "expression nests too deeply";
	assert_compiles(repeated("", "(", 4000, "1"), false, reason);
	assert_compiles(repeated("", "!", 4000, "true"), false, reason);
	assert_compiles(repeated("", "[", 4000, "1"), false, reason);
	assert_compiles(repeated("", "true ? 1 : ", 800, "1"), false, reason);
	assert_compiles(repeated("1", " ** 1", 1500, ""), false, reason);
	assert_compiles(repeated("", "len(", 2000, "1"), false, reason);
	assert_compiles(repeated("thing", "?.a", 2000, ""), false, reason);
	assert_compiles(repeated("", "let x = ", 1000, "1"), false, "");
	assert_compiles(repeated("", "{a:", 2000, "1"), false, reason);
}

static void size_is_limited(void **state)
{
	(void)state;
	assert_compiles(
		repeated("'", "a", 10000, "'"), false, "expression too long: 10002 > 10000");
	assert_compiles(repeated("[n", ",n", 3000, "]"), false, "more than 250 items");
	assert_compiles(repeated("", "any([n],", 9, "true"), false,
		"more than 8 predicates inside each other");
	assert_compiles(repeated("max(1", ",1", 30, ")"), false, "too many arguments to call max");
}

static void runs_are_limited(void **state)
{
	(void)state;
	uint64_t began = clock_now();
	assert_fails("len(1..1000000000)", "memory budget exceeded");
	assert_fails("len(1..50000)", "memory budget exceeded");
	assert_fails("all(1..5000, all(1..5000, true))", "memory budget exceeded");
	assert_fails("let a = 1..900; all(a, {all(a, true)})", "the expression takes too long");
	assert_fails("repeat('a', 100000000)", "memory budget exceeded");
	assert_fails("len(reduce(1..40, #acc + #acc, 'x'))", "memory budget exceeded");
	assert_fails("let a = 1..700; uniq(a) == a", "the expression takes too long");
	assert_true(clock_now() - began < 2 * NS_PER_S);
}

/* Values that hold themselves many times over: small in memory, endless to walk. */
static void bombs_end(void **state)
{
	(void)state;
	uint64_t began = clock_now();
	assert_gives("let a = reduce(1..100, [#acc, #acc], 0); let b = reduce(1..100, [#acc, "
		     "#acc], 0); a == b",
		"false");
	struct value v;
	const char *why = NULL;
	assert_false(run("string(reduce(1..100, [#acc, #acc], 0))", &v, &why));
	assert_false(run("flatten(reduce(1..30, [#acc, #acc], 0))", &v, &why));
	assert_true(clock_now() - began < 2 * NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals),
		cmocka_unit_test(strings_and_escapes),
		cmocka_unit_test(operators_by_precedence),
		cmocka_unit_test(comparisons_chain),
		cmocka_unit_test(texts_are_searched),
		cmocka_unit_test(membership),
		cmocka_unit_test(the_right_side_runs_only_if_it_matters),
		cmocka_unit_test(conditions_and_variables),
		cmocka_unit_test(pipes),
		cmocka_unit_test(arrays_and_maps),
		cmocka_unit_test(predicates),
		cmocka_unit_test(functions_on_texts),
		cmocka_unit_test(functions_on_numbers),
		cmocka_unit_test(functions_on_lists),
		cmocka_unit_test(functions_on_the_query),
		cmocka_unit_test(holds_for_views),
		cmocka_unit_test(mistakes_are_found_at_the_start),
		cmocka_unit_test(the_place_is_shown),
		cmocka_unit_test(names_that_variables_may_have),
		cmocka_unit_test(long_chains_are_no_deep_nesting),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(size_is_limited),
		cmocka_unit_test(runs_are_limited),
		cmocka_unit_test(bombs_end),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
