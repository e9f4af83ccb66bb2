/* sync/xml: what is told of a document, whole and in pieces, and what is refused. */
#include "test.h"

#include "base/text.h"
#include "sync/xml.h"

struct told {
	struct text text;
	unsigned until; /* elements that are wanted; 0: all */
	unsigned elements;
};

static bool on_open(void *owner, struct view name)
{
	struct told *t = owner;
	text_printf(&t->text, "<%.*s", VIEW_ARGS(name));
	return ++t->elements != t->until;
}

static bool on_close(void *owner, struct view name, struct view text)
{
	struct told *t = owner;
	text_printf(&t->text, "%.*s=%.*s>", VIEW_ARGS(name), VIEW_ARGS(text));
	return true;
}

/* What was told, and *error; fed in pieces of this size. */
static const char *read_all(struct arena *arena, struct view document, size_t piece, unsigned until, const char **error)
{
	struct told told = { .until = until };
	const struct xml_handler handler = { on_open, on_close, &told };
	const char *why = "";
	struct xml_reader *r = xml_reader_new(arena, &handler, &why);
	assert_non_null(r);
	bool good = true;
	while (good && document.length) {
		size_t length = piece < document.length ? piece : document.length;
		good = xml_feed(r, view_first(document, length));
		document = view_skip(document, length);
	}
	good = good && xml_end(r);
	assert_int_equal(good, xml_error(r) == NULL);
	*error = good ? NULL : arena_string(arena, view_of(xml_error(r)));
	xml_reader_free(r);
	const char *text = arena_string(arena, text_view(&told.text));
	text_free(&told.text);
	return text;
}

static void elements_and_texts(void **state)
{
	(void)state;
	struct arena *arena = arena_new(4096);
	const char *error;
	struct view document = VIEW("<?xml version=\"1.0\"?><n:a xmlns:n=\"urn:x\" k=\"v\"><b>one &amp; two</b>\n <c/><d><![CDATA[<x>]]></d></n:a>");
	for (size_t piece = 1; piece < 20; piece++) {
		assert_string_equal(read_all(arena, document, piece, 0, &error), "<a<bb=one & two><cc=><dd=<x>>a=>");
		assert_null(error);
	}
	arena_free(arena);
}

static void what_is_refused(void **state)
{
	(void)state;
	struct arena *arena = arena_new(4096);
	const char *error;
	read_all(arena, VIEW("<a><b></a>"), 100, 0, &error);
	assert_non_null(strstr(error, "mismatched tag"));
	read_all(arena, VIEW("<a>"), 100, 0, &error);
	assert_non_null(error);
	read_all(arena, VIEW(""), 100, 0, &error);
	assert_non_null(error);
	read_all(arena, VIEW("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"), 100, 0, &error);
	assert_non_null(strstr(error, "a document type is not taken"));
	assert_string_equal(read_all(arena, VIEW("<a><b/><c/></a>"), 100, 2, &error), "<a<b");
	assert_non_null(strstr(error, "stopped"));
	arena_free(arena);
}

static void limits(void **state)
{
	(void)state;
	struct arena *arena = arena_new(4096);
	struct text t = { 0 };
	const char *error;
	for (int i = 0; i <= XML_DEPTH_MAX; i++)
		text_add_string(&t, "<a>");
	read_all(arena, text_view(&t), 1000, 0, &error);
	assert_non_null(strstr(error, "elements are nested too deep"));
	text_clear(&t);
	text_add_string(&t, "<a>");
	for (int i = 0; i <= XML_TEXT_MAX; i++)
		text_add_char(&t, 'x');
	read_all(arena, text_view(&t), 1000, 0, &error);
	assert_non_null(strstr(error, "an element's text is too long"));
	text_free(&t);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_and_texts),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
