/* sync/json: events whole and cut anywhere, what is refused, what is passed over. */
#include "test.h"

#include "sync/json.h"
#include <stdio.h>

struct told {
	struct text text;
	const char *skipped; /* key whose value is not wanted */
};

static bool note(struct json_parser *p, enum json_event e, struct view text)
{
	static const char marks[] = "{}[]k\"#tfn";
	struct told *t = p->owner;
	text_add_char(&t->text, marks[e]);
	if (e == JSON_KEY || e == JSON_STRING || e == JSON_NUMBER) {
		text_add(&t->text, text);
		text_add_char(&t->text, ' ');
	}
	if (e == JSON_KEY && t->skipped && view_is(text, t->skipped))
		json_skip(p);
	return true;
}

/* What is told of a text that is fed in pieces of this many octets; NULL if it is refused. */
static const char *events(struct told *t, const char *json, size_t piece)
{
	struct json_parser p;
	struct view rest = view_of(json);
	text_clear(&t->text);
	json_begin(&p, note, t);
	bool fine = true;
	while (fine && rest.length) {
		size_t length = piece < rest.length ? piece : rest.length;
		fine = json_feed(&p, view_first(rest, length));
		rest = view_skip(rest, length);
	}
	fine = fine && json_complete(&p);
	json_end(&p);
	return fine ? text_view(&t->text).at : NULL;
}

static void assert_events(const char *json, const char *skipped, const char *expected)
{
	struct told t = { .skipped = skipped };
	for (size_t piece = 1; piece <= strlen(json); piece++) {
		const char *told = events(&t, json, piece);
		assert_non_null(told);
		assert_string_equal(told, expected);
	}
	text_free(&t.text);
}

static void assert_refused(const char *json)
{
	struct told t = { 0 };
	for (size_t piece = 1; piece <= strlen(json); piece++)
		assert_null(events(&t, json, piece));
	text_free(&t.text);
}

static void tells_of_what_it_meets(void **state)
{
	(void)state;
	assert_events("{\"a\":[1,-2.5e+3,\"x\"],\"b\":{},\"c\":[]}", NULL,
		"{ka [#1 #-2.5e+3 \"x ]kb {}kc []}");
	assert_events(" [ true , false , null ] ", NULL, "[tfn]");
	assert_events("\"a long string that is longer than eight octets\"", NULL,
		"\"a long string that is longer than eight octets ");
	assert_events("12", NULL, "#12 ");
	assert_events("{}\n{} [] 1 2", NULL, "{}{}[]#1 #2 ");
}

static void resolves_escapes(void **state)
{
	(void)state;
	assert_events("\"a\\n\\t\\\\\\\"\\/b\"", NULL, "\"a\n\t\\\"/b ");
	assert_events("\"\\u00e4\\ud83d\\ude00z\"", NULL, "\"\xc3\xa4\xf0\x9f\x98\x80z ");
	assert_refused("\"\\ud83d\"");
	assert_refused("\"\\ud83dx\"");
	assert_refused("\"\\ud83d\\n\"");
	assert_refused("\"\\ude00\"");
	assert_refused("\"\\ud83d\\ud83d\"");
	assert_refused("\"\\x\"");
	assert_refused("\"\\u12g4\"");
}

static void passes_over_what_is_not_wanted(void **state)
{
	(void)state;
	assert_events("{\"no\":{\"a\":[{\"b\":\"\\u0041\"}],\"c\":1},\"yes\":2}", "no",
		"{kno kyes #2 }");
	assert_events("[{\"no\":\"text\",\"a\":1},{\"no\":[],\"a\":2}]", "no",
		"[{kno ka #1 }{kno ka #2 }]");
	assert_events("{\"no\":null}", "no", "{kno }");
	assert_refused("{\"no\":{");
}

static void refuses_what_is_no_json(void **state)
{
	(void)state;
	static const char *const bad[] = { "{", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
		"{a:1}", "[1 2]", "]", "[}", "{]", "01", "1.", ".5", "-", "1e", "+1", "tru", "truth",
		"nul", "\"a", "\"\x01\"", "'a'", "[1}", "{\"a\":1]", "{1:2}", "[\"a\":1]" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_refused(bad[i]);
}

static void has_limits(void **state)
{
	(void)state;
	struct json_parser p;
	struct told t = { 0 };
	json_begin(&p, note, &t);
	for (int depth = 0; depth < JSON_DEPTH_MAX; depth++)
		assert_true(json_feed(&p, VIEW("[")));
	assert_false(json_feed(&p, VIEW("[")));
	assert_false(json_complete(&p));
	json_end(&p);
	json_begin(&p, note, &t);
	assert_true(json_feed(&p, VIEW("\"")));
	for (int i = 0; i < JSON_STRING_MAX / 64; i++)
		assert_true(json_feed(&p,
			VIEW("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")));
	assert_false(json_feed(&p, VIEW("x")));
	json_end(&p);
	text_free(&t.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_of_what_it_meets),
		cmocka_unit_test(resolves_escapes),
		cmocka_unit_test(passes_over_what_is_not_wanted),
		cmocka_unit_test(refuses_what_is_no_json),
		cmocka_unit_test(has_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
