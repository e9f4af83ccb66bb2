/* Master files: what is read as which record, and what is refused with which words. */
#include "test.h"

#include "base/text.h"
#include "dns/rdata.h"
#include "dns/zonefile.h"

/* Files that can be included. */
static const struct {
	const char *path, *text;
} files[] = {
	{ "dir/one", "in-one A 192.0.2.1\n$ORIGIN deeper\n$TTL 9\nx A 192.0.2.2\n" },
	{ "dir/sub/two", "two A 192.0.2.3\n$INCLUDE ../one\n" },
	{ "dir/sub/../one", "up A 192.0.2.4\n" },
	{ "/abs", "\tA 192.0.2.5" },
	{ "dir/self", "n A 192.0.2.6\n$INCLUDE self\n" },
	{ "dir/broken", "n A 192.0.2.6\nn A x\n" },
	{ "dir/open", "n TXT (\n" },
};

static const char *include(struct zonefile *z, const char *path, struct view *text)
{
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		if (strcmp(files[i].path, path) == 0) {
			*text = view_of(files[i].text);
			return NULL;
		}
	}
	return arena_printf(z->arena, "open %s: no such file or directory", path);
}

/* All records of a text, one a line, tabs as blanks, and the error. */
static char *read_all(struct arena *a, struct view text)
{
	struct text out = { 0 };
	struct zonefile z;
	struct record r;
	zonefile_open(&z, a, text, "dir/db", name_from_text(a, VIEW("example.org.")));
	z.include = include;
	while (zonefile_next(&z, &r)) {
		record_print(&out, &r);
		text_add_char(&out, '\n');
	}
	assert_false(zonefile_next(&z, &r));
	if (z.error)
		text_printf(&out, "%s", z.error);
	for (size_t i = 0; i < out.length; i++) {
		if (out.at[i] == '\t')
			out.at[i] = ' ';
	}
	char *result = arena_string(a, text_view(&out));
	text_free(&out);
	return result;
}

static void check(const char *text, const char *expected)
{
	struct arena *a = arena_new(4096);
	assert_string_equal(read_all(a, view_of(text)), expected);
	arena_free(a);
}

static void owners_are_taken_over(void **state)
{
	(void)state;
	check("$TTL 60\n@ A 192.0.2.1\n A 192.0.2.2\n\n\t\n; nothing\n  ; nothing\n\tA 192.0.2.3\n"
	      "www A 192.0.2.4\nabs. A 192.0.2.5\n. A 192.0.2.6\nWww.B\\.c A 192.0.2.7\n$x A "
	      "192.0.2.8",
		"example.org. 60 IN A 192.0.2.1\nexample.org. 60 IN A 192.0.2.2\n"
		"example.org. 60 IN A 192.0.2.3\nwww.example.org. 60 IN A 192.0.2.4\n"
		"abs. 60 IN A 192.0.2.5\n. 60 IN A 192.0.2.6\nWww.B\\.c.example.org. 60 IN A "
		"192.0.2.7\n"
		"$x.example.org. 60 IN A 192.0.2.8\n");
}

static void ttl_and_class_stand_in_either_order(void **state)
{
	(void)state;
	check("a 1 IN A 192.0.2.1\na IN 2 A 192.0.2.1\na 3 A 192.0.2.1\na IN A 192.0.2.1\n"
	      "a A 192.0.2.1\na CH 1h30m TXT x\na class9 type65280 \\# 1 01\na ANY TYPE16 \"q\"\n"
	      " 4 in a 192.0.2.1\n  hs Txt x\n",
		"a.example.org. 1 IN A 192.0.2.1\na.example.org. 2 IN A 192.0.2.1\n"
		"a.example.org. 3 IN A 192.0.2.1\na.example.org. 3 IN A 192.0.2.1\n"
		"a.example.org. 3 IN A 192.0.2.1\na.example.org. 5400 CH TXT \"x\"\n"
		"a.example.org. 5400 CLASS9 TYPE65280 \\# 1 01\na.example.org. 5400 ANY TXT \"q\"\n"
		"a.example.org. 4 IN A 192.0.2.1\na.example.org. 4 HS TXT \"x\"\n");
}

static void ttls_are_those_of_rfc_2308(void **state)
{
	(void)state;
	check("a A 192.0.2.1",
		"dir/db: dns: missing TTL with no previous value: \"A\" at line: 1:4");
	check("@ SOA a b 1 2 3 4 5\na A 192.0.2.1\na 7 A 192.0.2.1\na A 192.0.2.1\n$TTL 1d\na A "
	      "192.0.2.1\n"
	      "a 8 A 192.0.2.1\na A 192.0.2.1\n",
		"example.org. 5 IN SOA a.example.org. b.example.org. 1 2 3 4 5\n"
		"a.example.org. 5 IN A 192.0.2.1\na.example.org. 7 IN A 192.0.2.1\n"
		"a.example.org. 7 IN A 192.0.2.1\na.example.org. 86400 IN A 192.0.2.1\n"
		"a.example.org. 8 IN A 192.0.2.1\na.example.org. 86400 IN A 192.0.2.1\n");
	check("a 4294967295 A 192.0.2.1", "a.example.org. 4294967295 IN A 192.0.2.1\n");
	check("a 4294967296 A 192.0.2.1", "dir/db: dns: not a TTL: \"4294967296\" at line: 1:13");
	check("a 7102w A 192.0.2.1", "dir/db: dns: not a TTL: \"7102w\" at line: 1:8");
	check("a 1x A 192.0.2.1", "dir/db: dns: not a TTL: \"1x\" at line: 1:5");
}

static void parentheses_and_quotes_go_over_lines(void **state)
{
	(void)state;
	check("$TTL 1\n@ SOA a b ( 1 ; serial (\n\t2\n3)4 (5\n)\n"
	      "a TXT (\"x\ny\" ; \"\n  z;)\n) \"(;)\" a\\ b\\;c\r\n( b ) (A) 192.0.2.1\nc ((A "
	      "192.0.2.2))\n",
		"example.org. 1 IN SOA a.example.org. b.example.org. 1 2 3 4 5\n"
		"a.example.org. 1 IN TXT \"x\\010y\" \"z\" \"(;)\" \"a b;c\"\n"
		"b.example.org. 1 IN A 192.0.2.1\nc.example.org. 1 IN A 192.0.2.2\n");
	check("a 1 A (192.0.2.1\n\n",
		"dir/db: dns: unbalanced brace: \"unbalanced brace\" at line: 3:0");
	check("a 1 A 192.0.2.1)",
		"dir/db: dns: extra closing brace: \"extra closing brace\" at line: 1:16");
	check("a 1 TXT \"x\nb", "dir/db: dns: unbalanced quote: \"unbalanced quote\" at line: 2:1");
}

static void errors_say_where(void **state)
{
	(void)state;
	check("$TTL 1\n\nwww IN A not.an.address\n",
		"dir/db: dns: bad A A: \"not.an.address\" at line: 3:23");
	check("www 1 A bad ; c\n", "dir/db: dns: bad A A: \"bad\" at line: 1:12");
	check("a 1 TXT \"\n\n\" )\n",
		"dir/db: dns: extra closing brace: \"extra closing brace\" at line: 3:3");
	check("a..b 1 A 192.0.2.1", "dir/db: dns: bad owner name: \"a..b\" at line: 1:5");
	check("a\\ 1 A 192.0.2.1",
		"dir/db: dns: missing TTL with no previous value: \"A\" at line: 1:7");
	check(" 1 A 192.0.2.1", "dir/db: dns: bad owner name: \"1\" at line: 1:3");
	check("\"a\" 1 A 192.0.2.1", "dir/db: dns: syntax error at beginning: \"a\" at line: 1:3");
	check("a\n",
		"dir/db: dns: expecting RR type, TTL or class, not this...: \"\\n\" at line: 1:1");
	check("a IN\n", "dir/db: dns: expecting RR type or TTL, not this...: \"\\n\" at line: 1:4");
	check("a 1\n",
		"dir/db: dns: expecting RR type or class, not this...: \"\\n\" at line: 1:3");
	check("a 1 2 A 192.0.2.1",
		"dir/db: dns: expecting RR type or class, not this...: \"2\" at line: 1:6");
	check("a IN IN A 192.0.2.1", "dir/db: dns: not a TTL: \"IN\" at line: 1:8");
	check("a 1 IN BAD x", "dir/db: dns: unknown RR type: \"BAD\" at line: 1:11");
	check("a BAD x", "dir/db: dns: not a TTL: \"BAD\" at line: 1:6");
	check("a 1 A\n", "dir/db: dns: unexpected newline: \"\\n\" at line: 1:5");
	check("a 1 A \xc3\xa4\xff\x01\xf0\x9f\x98\x80\\\" \n",
		"dir/db: dns: bad A A: \"\\u00e4\\xff\\x01\\U0001f600\\\\\\\"\" at line: 1:17");
}

static void directives_are_checked(void **state)
{
	(void)state;
	check("$ttl\n", "dir/db: dns: expecting $TTL value, not this...: \"\\n\" at line: 1:4");
	check("$TTL x\n", "dir/db: dns: expecting $TTL value, not this...: \"x\" at line: 1:6");
	check("$TTL 1 2\n", "dir/db: dns: garbage after rdata: \"2\" at line: 1:8");
	check("$ORIGIN a..\n", "dir/db: dns: bad origin name: \"a..\" at line: 1:11");
	check("$ORIGIN \"a\"\n",
		"dir/db: dns: expecting $ORIGIN value, not this...: \"a\" at line: 1:11");
	check("$TTL 1 ; c\n$ORIGIN a\nx A 192.0.2.1\n$ORIGIN b\nx NS y\n$Origin c.\nx NS "
	      "@\n$ORIGIN .\nx NS y",
		"x.a.example.org. 1 IN A 192.0.2.1\nx.b.a.example.org. 1 IN NS y.b.a.example.org.\n"
		"x.c. 1 IN NS c.\nx. 1 IN NS y.\n");
}

static void includes_change_nothing_outside(void **state)
{
	(void)state;
	check("$TTL 5\na A 192.0.2.9\n$INCLUDE one\n A 192.0.2.9\n$include sub/two inc ; c\nb A "
	      "192.0.2.9\n"
	      "$INCLUDE /abs\n$INCLUDE \"one\" o.\n",
		"a.example.org. 5 IN A 192.0.2.9\n"
		"in-one.example.org. 5 IN A 192.0.2.1\nx.deeper.example.org. 9 IN A 192.0.2.2\n"
		"a.example.org. 5 IN A 192.0.2.9\n"
		"two.inc.example.org. 5 IN A 192.0.2.3\nup.inc.example.org. 5 IN A 192.0.2.4\n"
		"b.example.org. 5 IN A 192.0.2.9\nb.example.org. 5 IN A 192.0.2.5\n"
		"in-one.o. 5 IN A 192.0.2.1\nx.deeper.o. 9 IN A 192.0.2.2\n");
}

static void includes_are_bounded(void **state)
{
	(void)state;
	check("$TTL 1\n$INCLUDE self\n",
		"n.example.org. 1 IN A 192.0.2.6\nn.example.org. 1 IN A 192.0.2.6\n"
		"n.example.org. 1 IN A 192.0.2.6\nn.example.org. 1 IN A 192.0.2.6\n"
		"n.example.org. 1 IN A 192.0.2.6\nn.example.org. 1 IN A 192.0.2.6\n"
		"n.example.org. 1 IN A 192.0.2.6\n"
		"dir/self: dns: too deeply nested $INCLUDE: \"self\" at line: 2:13");
	check("$INCLUDE none\n",
		"dir/db: dns: failed to open `none' as `dir/none': open dir/none: no such "
		"file or directory: \"none\" at line: 1:13");
	check("$INCLUDE /none\n",
		"dir/db: dns: failed to open `/none': open /none: no such file or "
		"directory: \"/none\" at line: 1:14");
	check("$TTL 1\n$INCLUDE broken\n",
		"n.example.org. 1 IN A 192.0.2.6\ndir/broken: dns: bad A A: \"x\" at line: 2:5");
	check("$TTL 1\n$INCLUDE open\n)\n",
		"dir/open: dns: unbalanced brace: \"unbalanced brace\" at line: 2:0");
	check("$INCLUDE\n",
		"dir/db: dns: expecting $INCLUDE value, not this...: \"\\n\" at line: 1:8");
	check("$INCLUDE one a.. \n", "dir/db: dns: bad origin name: \"a..\" at line: 1:17");
	check("$INCLUDE one a b\n", "dir/db: dns: garbage after $INCLUDE: \"b\" at line: 1:16");
}

static void generate_makes_records(void **state)
{
	(void)state;
	check("$GENERATE 1-3 host$ A 192.0.2.$\n",
		"host1.example.org. 3600 IN A 192.0.2.1\nhost2.example.org. 3600 IN A 192.0.2.2\n"
		"host3.example.org. 3600 IN A 192.0.2.3\n");
	check("$TTL 7\nlast A 192.0.2.9\n$GENERATE 8-12/2 h${0,3} ( TXT ; c\n \"a $ \\$ $$ ; \\\" "
	      "${-8,2,x}\" "
	      "${90,0,X} ${0,0,o} )\n A 192.0.2.9\n",
		"last.example.org. 7 IN A 192.0.2.9\n"
		"h008.example.org. 7 IN TXT \"a 8 $ $ ; \\\" 00\" \"62\" \"10\"\n"
		"h010.example.org. 7 IN TXT \"a 10 $ $ ; \\\" 02\" \"64\" \"12\"\n"
		"h012.example.org. 7 IN TXT \"a 12 $ $ ; \\\" 04\" \"66\" \"14\"\n"
		"last.example.org. 7 IN A 192.0.2.9\n");
	check("$generate 0-0 $ 5 CH TXT ${2147483647}\n$GENERATE 5-5 $$ 1 A 192.0.2.1\n",
		"0.example.org. 5 CH TXT \"2147483647\"\n$.example.org. 1 IN A 192.0.2.1\n");
	check("$GENERATE 255-255 ${0,4,X}.${0,0,x} 1 A 192.0.2.1\n$GENERATE 1-1 a\\.$ 1 A "
	      "192.0.2.1",
		"00FF.ff.example.org. 1 IN A 192.0.2.1\na\\.1.example.org. 1 IN A 192.0.2.1\n");
}

static void check_generate(const char *rest, const char *expected)
{
	struct arena *a = arena_new(4096);
	check(arena_printf(a, "\n$GENERATE %s", rest),
		arena_printf(a, "dir/db: dns: %s", expected));
	arena_free(a);
}

static void generate_is_bounded(void **state)
{
	(void)state;
	check_generate("1 a A x", "bad start-stop in $GENERATE range: \"1\" at line: 2:12");
	check_generate("1-2/ a A x", "bad step in $GENERATE range: \"1-2/\" at line: 2:15");
	check_generate("1-2/0 a A x", "bad step in $GENERATE range: \"1-2/0\" at line: 2:16");
	check_generate("x-2 a A x", "bad start in $GENERATE range: \"x-2\" at line: 2:14");
	check_generate("1-x a A x", "bad stop in $GENERATE range: \"1-x\" at line: 2:14");
	check_generate("2-1 a A x", "bad range in $GENERATE range: \"2-1\" at line: 2:14");
	check_generate("0-65536 a A x", "bad range in $GENERATE range: \"0-65536\" at line: 2:18");
	check_generate("1-2 a${ A x", "bad modifier in $GENERATE: \"{ A x\" at line: 2:0");
	check_generate(
		"1-2 a${1,2,d,3} A x", "bad modifier in $GENERATE: \"{1,2,d,3}\" at line: 2:0");
	check_generate("1-2 a${1,2,n} A x", "bad base in $GENERATE: \"{1,2,n}\" at line: 2:0");
	check_generate("1-2 a${1,256} A x", "bad width in $GENERATE: \"{1,256}\" at line: 2:0");
	check_generate("1-2 a${-2} A x", "bad offset in $GENERATE: \"{-2}\" at line: 2:0");
	check_generate(
		"1-2 a${2147483646} A x", "bad offset in $GENERATE: \"{2147483646}\" at line: 2:0");
	check_generate("1-2 a${9223372036854775807} A x",
		"bad offset in $GENERATE: \"{9223372036854775807}\" at line: 2:0");
	check_generate("1-2 \\$GENERATE 1-2 a", "not a TTL: \"1-2\" at line: 2:15");
	check_generate(
		"1-2 a\n", "expecting RR type, TTL or class, not this...: \"\" at line: 2:1");
	check_generate("1-2 a A \"",
		"bad data in $GENERATE directive: \"unbalanced quote\" at line: 2:19");
	check_generate("\n", "expecting $GENERATE value, not this...: \"\\n\" at line: 2:10");
	struct arena *a = arena_new(4096);
	struct text t = { 0 };
	text_add_string(&t, "$GENERATE 1-1 a TXT ");
	for (int i = 0; i < 400; i++)
		text_add_string(&t, "${0,255}");
	const char *result = read_all(a, text_view(&t));
	assert_non_null(strstr(result, "dir/db: dns: too long a line in $GENERATE: "));
	text_free(&t);
	arena_free(a);
}

/* Every number of the largest range, and many directives after each other, in little memory. */
static void generate_takes_little_memory(void **state)
{
	(void)state;
	struct arena *a = arena_new(4096);
	struct text t = { 0 };
	struct zonefile z;
	struct record r;
	size_t count = 0;
	for (int i = 0; i < 1000; i++)
		text_add_string(&t, "$GENERATE 0-1 a$ 1 A 192.0.2.$\n");
	text_add_string(&t, "$GENERATE 0-65535 a$ 1 A 192.0.2.1\n");
	zonefile_open(&z, a, text_view(&t), "db", name_root);
	while (zonefile_next(&z, &r))
		count++;
	assert_null(z.error);
	assert_int_equal(count, 2000 + 65536);
	assert_true(arena_size(a) < 500000);
	text_free(&t);
	arena_free(a);
}

static void one_record_is_parsed(void **state)
{
	(void)state;
	struct arena *a = arena_new(1024);
	struct record r, s;
	const char *why;
	assert_true(record_parse(a, VIEW("web-1.example A 192.0.2.1"), &r, &why));
	assert_true(record_parse(a, VIEW("web-2.example. 5 CH TXT x\nrest is ignored"), &s, &why));
	struct text t = { 0 };
	record_print(&t, &r);
	text_add_char(&t, '|');
	record_print(&t, &s);
	assert_string_equal(
		t.at, "web-1.example.\t3600\tIN\tA\t192.0.2.1|web-2.example.\t5\tCH\tTXT\t\"x\"");
	text_free(&t);
	assert_false(record_parse(a, VIEW("2 rr.bad.example. 60 IN A x"), &r, &why));
	assert_string_equal(why, "dns: not a TTL: \"rr.bad.example.\" at line: 1:18");
	assert_false(record_parse(a, VIEW("rr.bad.example. 60 IN A not-an-address"), &r, &why));
	assert_string_equal(why, "dns: bad A A: \"not-an-address\" at line: 1:38");
	assert_false(record_parse(a, VIEW("$INCLUDE /etc/passwd"), &r, &why));
	assert_string_equal(
		why, "dns: $INCLUDE directive not allowed: \"/etc/passwd\" at line: 1:20");
	assert_false(record_parse(a, VIEW(""), &r, &why));
	assert_false(record_parse(a, VIEW("; nothing"), &r, &why));
	assert_string_equal(why, "no record");
	arena_free(a);
}

/* The densest text: a bit map's window takes 34 octets for one word. */
static void one_record_has_room_for_its_rdata(void **state)
{
	(void)state;
	struct arena *a = arena_new(1024);
	struct text t = { 0 };
	struct record r;
	const char *why;
	text_add_string(&t, ". NSEC .");
	for (int window = 0; window < 256; window++)
		text_printf(&t, " TYPE%d", window * 256 + 255);
	assert_true(record_parse(a, text_view(&t), &r, &why));
	assert_int_equal(r.rdata_length, 1 + 256 * 34);
	assert_true(record_parse(a, VIEW(". HTTPS 1 . ipv6hint=::,::,::,::,::,::,::"), &r, &why));
	assert_int_equal(r.rdata_length, 3 + 4 + 7 * 16);
	text_free(&t);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_are_taken_over),
		cmocka_unit_test(ttl_and_class_stand_in_either_order),
		cmocka_unit_test(ttls_are_those_of_rfc_2308),
		cmocka_unit_test(parentheses_and_quotes_go_over_lines),
		cmocka_unit_test(errors_say_where),
		cmocka_unit_test(directives_are_checked),
		cmocka_unit_test(includes_change_nothing_outside),
		cmocka_unit_test(includes_are_bounded),
		cmocka_unit_test(generate_makes_records),
		cmocka_unit_test(generate_is_bounded),
		cmocka_unit_test(generate_takes_little_memory),
		cmocka_unit_test(one_record_is_parsed),
		cmocka_unit_test(one_record_has_room_for_its_rdata),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
