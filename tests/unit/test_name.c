/* Names: text both ways with escapes and limits, comparison, order, building; mnemonics of types
 * and rcodes. */
#include "base/hash.h"
#include "dns/name.h"
#include "dns/types.h"
#include "test.h"

static struct name parse(struct name_buffer *to, const char *text)
{
	assert_true(name_parse(view_of(text), name_root, to));
	return name_of(to);
}

static void assert_text(struct name n, const char *expected)
{
	char text[NAME_TEXT_MAX];
	size_t length = name_print(n, text);
	assert_string_equal(text, expected);
	assert_int_equal(length, strlen(expected));
}

static void text_goes_both_ways(void **state)
{
	static const char *const cases[][2] = {
		{ ".", "." },
		{ "example.org.", "example.org." },
		{ "WWW.Example", "WWW.Example." },
		{ "a\\.b.c.", "a\\.b.c." },
		{ "\\097b.c.", "ab.c." },
		{ "a\\000\\255.", "a\\000\\255." },
		{ "a\\ b\\@\\(\\)\\;\\\"\\\\\\'.", "a\\ b\\@\\(\\)\\;\\\"\\\\\\'." },
		{ "a b.", "a\\ b." },
		{ "*.x.", "*.x." },
		{ "_dns._udp.", "_dns._udp." },
		{ "\\t\t.", "t\\009." },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct name_buffer b;
		assert_text(parse(&b, cases[i][0]), cases[i][1]);
	}
}

static void bad_text_is_refused(void **state)
{
	static const char *const cases[] = { "", "..", ".a", "a..b", "a\\", "a\\1", "a\\25",
		"a\\256", "a\\12x",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa." };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct name_buffer b;
		assert_false(name_parse(view_of(cases[i]), name_root, &b));
	}
}

/* Labels of these lengths, made of 'a'. */
static size_t long_text(char *to, const size_t *lengths, size_t count)
{
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		memset(to + at, 'a', lengths[i]);
		at += lengths[i];
		to[at++] = '.';
	}
	return at;
}

static void names_end_at_255_octets(void **state)
{
	char text[400];
	struct name_buffer b;
	size_t length = long_text(text, (size_t[]){ 63, 63, 63, 61 }, 4);
	assert_true(name_parse((struct view){ text, length }, name_root, &b));
	assert_int_equal(b.length, 255);
	length = long_text(text, (size_t[]){ 63, 63, 63, 62 }, 4);
	assert_false(name_parse((struct view){ text, length }, name_root, &b));
	length = long_text(text, (size_t[]){ 63, 63, 63, 63 }, 4);
	assert_false(name_parse((struct view){ text, length }, name_root, &b));

	struct name_buffer origin;
	length = long_text(text, (size_t[]){ 63, 63, 63, 59 }, 4);
	assert_true(name_parse((struct view){ text, length }, name_root, &origin));
	assert_true(name_parse(VIEW("b"), name_of(&origin), &b));
	assert_int_equal(b.length, 255);
	assert_false(name_parse(VIEW("bc"), name_of(&origin), &b));
}

static void longest_text_fits(void **state)
{
	uint8_t octets[NAME_OCTETS_MAX] = { 0 };
	octets[0] = octets[64] = octets[128] = 63;
	octets[192] = 61;
	assert_int_equal(name_labels((struct name){ octets, 255 }), 4);
	char text[NAME_TEXT_MAX];
	assert_int_equal(name_print((struct name){ octets, 255 }, text), 250 * 4 + 4);
	struct name_buffer b;
	assert_true(name_parse(view_of(text), name_root, &b));
	assert_memory_equal(b.octets, octets, 255);
}

static void origin_may_lie_in_the_result(void **state)
{
	struct name_buffer b;
	parse(&b, "example.org.");
	assert_true(name_parse(VIEW("www"), name_of(&b), &b));
	assert_text(name_of(&b), "www.example.org.");
}

static void comparing_ignores_case(void **state)
{
	struct name_buffer a, b;
	assert_true(name_equal(parse(&a, "a.EXAMPLE."), parse(&b, "A.example.")));
	assert_int_equal(name_hash(name_of(&a)), name_hash(name_of(&b)));
	assert_false(name_equal(parse(&a, "a.example."), parse(&b, "b.example.")));
	assert_false(name_equal(parse(&a, "ab.c."), parse(&b, "a.bc.")));
	assert_false(name_equal(parse(&a, "a[."), parse(&b, "a{.")));
	assert_true(name_is_under(parse(&a, "x.Example.org."), parse(&b, "example.ORG.")));
	assert_true(name_is_under(name_of(&b), name_of(&b)));
	assert_true(name_is_under(name_of(&b), name_root));
	assert_false(name_is_under(parse(&a, "xexample.org."), parse(&b, "example.org.")));
	assert_false(name_is_under(parse(&a, "org."), parse(&b, "example.org.")));
}

/* The example of RFC 4034 6.1. */
static void order_is_canonical(void **state)
{
	static const char *const sorted[] = { ".", "example.", "a.example.", "yljkjljk.a.example.",
		"Z.a.example.", "zABC.a.EXAMPLE.", "z.example.", "\\001.z.example.", "*.z.example.",
		"\\200.z.example." };
	size_t count = sizeof sorted / sizeof sorted[0];
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count; k++) {
			struct name_buffer a, b;
			int order = name_compare(parse(&a, sorted[i]), parse(&b, sorted[k]));
			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
		}
	}
}

static void names_are_taken_apart(void **state)
{
	struct name_buffer b;
	struct name n = parse(&b, "a.b.c.");
	assert_int_equal(name_labels(n), 3);
	assert_int_equal(name_labels(name_root), 0);
	assert_text(name_parent(n), "b.c.");
	assert_text(name_parent(name_root), ".");
	assert_text(name_suffix(n, 2), "b.c.");
	assert_text(name_suffix(n, 0), ".");
	assert_text(name_suffix(n, 9), "a.b.c.");
	assert_true(view_is(name_first_label(n), "a"));
	assert_true(name_is_wildcard(parse(&b, "*.c.")));
	assert_false(name_is_wildcard(parse(&b, "**.c.")));
	assert_false(name_is_wildcard(name_root));
}

static void names_are_built(void **state)
{
	struct name_buffer a, b, to;
	struct name n = parse(&a, "x.y.example.");
	assert_text(name_lower(parse(&b, "X.\\193Y."), &to), "x.\\193y.");
	assert_true(name_prepend(VIEW("w"), n, &to));
	assert_text(name_of(&to), "w.x.y.example.");
	assert_false(name_prepend(VIEW(""), n, &to));
	assert_true(name_replace_suffix(n, parse(&b, "Example."), name_root, &to));
	assert_text(name_of(&to), "x.y.");
	char text[400];
	size_t length = long_text(text, (size_t[]){ 63, 63, 63, 59 }, 4);
	assert_true(name_parse((struct view){ text, length }, name_root, &b));
	assert_false(name_replace_suffix(n, parse(&to, "y.example."), name_of(&b), &to) &&
		     to.length > NAME_OCTETS_MAX);
	assert_false(name_replace_suffix(n, name_suffix(n, 1), name_of(&b), &to));
	assert_false(name_prepend(VIEW("ab"), name_of(&b), &to));
	char label[65];
	memset(label, 'a', 64);
	assert_false(name_prepend((struct view){ label, 64 }, n, &to));
}

/* Labels of every length, of octets around both ends of the letters. */
static void letters_become_lower_case(void **state)
{
	static const uint8_t some[] = { '@', 'A', 'Z', '[', '`', 'a', 'z', '{', 0, 0xc1, 0xda };
	for (size_t length = 1; length <= LABEL_OCTETS_MAX; length++) {
		struct name_buffer n = { .length = length + 2 }, lower;
		n.octets[0] = (uint8_t)length;
		n.octets[length + 1] = 0;
		for (size_t i = 1; i <= length; i++)
			n.octets[i] = some[(i + length) % sizeof some];
		name_lower(name_of(&n), &lower);
		assert_int_equal(lower.length, n.length);
		for (size_t i = 0; i < n.length; i++) {
			uint8_t c = n.octets[i];
			assert_int_equal(lower.octets[i], c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
		}
	}
}

static void names_go_to_the_arena(void **state)
{
	struct arena *a = arena_new(1024);
	struct name n = name_from_text(a, VIEW("Ab.c"));
	assert_string_equal(name_text(a, n), "Ab.c.");
	assert_string_equal(name_text(a, name_copy_lower(a, n)), "ab.c.");
	assert_true(name_copy(a, n).octets != n.octets);
	assert_int_equal(name_from_text(a, VIEW("a..")).length, 0);
	arena_free(a);
}

static void mnemonics(void **state)
{
	char to[MNEMONIC_MAX];
	uint16_t n;
	assert_string_equal(type_print(TYPE_NSEC3PARAM, to), "NSEC3PARAM");
	assert_string_equal(type_print(TYPE_ANY, to), "ANY");
	assert_string_equal(type_print(32769, to), "DLV");
	assert_string_equal(type_print(0, to), "TYPE0");
	assert_string_equal(type_print(265, to), "TYPE265");
	assert_string_equal(type_print(65535, to), "TYPE65535");
	assert_string_equal(class_print(CLASS_CH, to), "CH");
	assert_string_equal(class_print(42, to), "CLASS42");
	assert_string_equal(rcode_print(RCODE_BADCOOKIE, to), "BADCOOKIE");
	assert_string_equal(rcode_print(3841, to), "RCODE3841");
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		type_print((uint16_t)type, to);
		assert_true(type_parse(view_of(to), &n) && n == type);
	}
	assert_true(type_parse(VIEW("aaaa"), &n) && n == TYPE_AAAA);
	assert_true(type_parse(VIEW("type28"), &n) && n == TYPE_AAAA);
	assert_false(type_parse(VIEW("TYPE65536"), &n));
	assert_false(type_parse(VIEW("TYPE"), &n));
	assert_false(type_parse(VIEW("28"), &n));
	assert_true(class_parse(VIEW("class255"), &n) && n == CLASS_ANY);
	assert_true(class_parse(VIEW("hs"), &n) && n == CLASS_HS);
	assert_true(class_parse(VIEW("cs"), &n) && n == 2);
	assert_false(class_parse(VIEW("A"), &n));
	assert_true(rcode_parse(VIEW("NotImpl"), &n) && n == RCODE_NOTIMP);
	assert_true(rcode_parse(VIEW("nxdomain"), &n) && n == RCODE_NXDOMAIN);
	assert_true(rcode_parse(VIEW("badsig"), &n) && n == RCODE_BADVERS);
	assert_false(rcode_parse(VIEW("3"), &n));
}

int main(void)
{
	hash_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_goes_both_ways),
		cmocka_unit_test(bad_text_is_refused),
		cmocka_unit_test(names_end_at_255_octets),
		cmocka_unit_test(longest_text_fits),
		cmocka_unit_test(origin_may_lie_in_the_result),
		cmocka_unit_test(comparing_ignores_case),
		cmocka_unit_test(order_is_canonical),
		cmocka_unit_test(names_are_taken_apart),
		cmocka_unit_test(names_are_built),
		cmocka_unit_test(letters_become_lower_case),
		cmocka_unit_test(names_go_to_the_arena),
		cmocka_unit_test(mnemonics),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
