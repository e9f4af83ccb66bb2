/* Reading selectors word by word, and writing them in their canonical form. */
#include "plugins/kubernetes/selector.h"

#include "base/arena_text.h"
#include <stdlib.h>

enum { REQUIREMENTS_MAX = 64, VALUES_MAX = 64 };

enum operator {
	EXISTS,
	ABSENT,
	EQUALS,
	DIFFERS,
	IN,
	NOT_IN,
	GREATER,
	LESS,
};

struct requirement {
	struct view key;
	enum operator operator;
	struct view values[VALUES_MAX];
	size_t count;
};

struct reading {
	struct arena *arena;
	struct view text, rest, token; /* token: empty at the end */
	const char *why;
};

static bool is_special(char c)
{
	return strchr("=!(),<>", c) != NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void next_token(struct reading *r)
{
	while (r->rest.length && is_blank(r->rest.at[0]))
		r->rest = view_skip(r->rest, 1);
	size_t length = 0;
	if (r->rest.length && is_special(r->rest.at[0])) {
		char first = r->rest.at[0];
		bool two = r->rest.length > 1 && (first == '=' || first == '!') && r->rest.at[1] == '=';
		length = two ? 2 : 1;
	} else {
		while (length < r->rest.length && !is_special(r->rest.at[length]) && r->rest.at[length] &&
			!is_blank(r->rest.at[length]))
			length++;
	}
	r->token = view_first(r->rest, length);
	r->rest = view_skip(r->rest, length);
}

static bool is_word(struct view token)
{
	return token.length && !is_special(token.at[0]);
}

static bool expected(struct reading *r, const char *what)
{
	r->why = arena_printf(r->arena,
		"couldn't parse the selector string \"%.*s\": found '%.*s', expected: %s", VIEW_ARGS(r->text),
		VIEW_ARGS(r->token), what);
	return false;
}

static bool add_value(struct reading *r, struct requirement *q, struct view value)
{
	if (q->count == VALUES_MAX)
		return expected(r, "no more values");
	q->values[q->count++] = value;
	return true;
}

/* "(a,b)" */
static bool read_values(struct reading *r, struct requirement *q)
{
	next_token(r);
	if (!view_is(r->token, "("))
		return expected(r, "'('");
	do {
		next_token(r);
		if (!is_word(r->token))
			return expected(r, "',', ')' or identifier");
		if (!add_value(r, q, r->token))
			return false;
		next_token(r);
	} while (view_is(r->token, ","));
	if (!view_is(r->token, ")"))
		return expected(r, "',' or ')'");
	next_token(r);
	return true;
}

static bool operator_of(struct view token, enum operator *to)
{
	static const struct {
		const char *text;
		enum operator operator;
	} all[] = { { "=", EQUALS }, { "==", EQUALS }, { "!=", DIFFERS }, { "in", IN },
		{ "notin", NOT_IN }, { ">", GREATER }, { "<", LESS } };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (view_is(token, all[i].text)) {
			*to = all[i].operator;
			return true;
		}
	}
	return false;
}

/* One requirement; the token behind it is read. */
static bool read_requirement(struct reading *r, struct requirement *q)
{
	if (view_is(r->token, "!")) {
		next_token(r);
		q->operator = ABSENT;
	}
	if (!is_word(r->token))
		return expected(r, "!, identifier, or 'end of string'");
	q->key = r->token;
	next_token(r);
	if (q->operator == ABSENT || !r->token.length || view_is(r->token, ","))
		return true;
	if (!operator_of(r->token, &q->operator))
		return expected(r, "in, notin, =, ==, !=, gt, lt");
	if (q->operator == IN || q->operator == NOT_IN)
		return read_values(r, q);
	next_token(r);
	bool has_value = is_word(r->token);
	if (!add_value(r, q, has_value ? r->token : VIEW("")))
		return false;
	if (has_value)
		next_token(r);
	return true;
}

/* --- the canonical form --- */

static int compare_views(struct view a, struct view b)
{
	size_t length = a.length < b.length ? a.length : b.length;
	int order = length ? memcmp(a.at, b.at, length) : 0;
	return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_values(const void *a, const void *b)
{
	return compare_views(*(const struct view *)a, *(const struct view *)b);
}

static int compare_requirements(const void *a, const void *b)
{
	return compare_views(((const struct requirement *)a)->key, ((const struct requirement *)b)->key);
}

static void write_requirement(struct arena_text *to, struct requirement *q)
{
	static const char *const signs[] = { [EQUALS] = "=",
		[DIFFERS] = "!=",
		[IN] = " in (",
		[NOT_IN] = " notin (",
		[GREATER] = ">",
		[LESS] = "<" };
	if (q->operator == ABSENT)
		arena_text_add_char(to, '!');
	arena_text_add(to, q->key);
	if (q->operator == ABSENT || q->operator == EXISTS)
		return;
	arena_text_add(to, view_of(signs[q->operator]));
	qsort(q->values, q->count, sizeof q->values[0], compare_values);
	for (size_t i = 0; i < q->count; i++) {
		if (i)
			arena_text_add_char(to, ',');
		arena_text_add(to, q->values[i]);
	}
	if (q->operator == IN || q->operator == NOT_IN)
		arena_text_add_char(to, ')');
}

const char *kube_selector_parse(struct arena *arena, struct view text, const char **why)
{
	struct reading r = { .arena = arena, .text = text, .rest = text };
	struct requirement *all = arena_array(arena, REQUIREMENTS_MAX, sizeof *all);
	size_t count = 0;
	next_token(&r);
	while (r.token.length) {
		bool fine = count < REQUIREMENTS_MAX && read_requirement(&r, &all[count++]);
		if (fine && r.token.length && !view_is(r.token, ","))
			fine = expected(&r, "',' or 'end of string'");
		if (!fine) {
			*why = r.why ? r.why : "too many requirements";
			return NULL;
		}
		if (r.token.length)
			next_token(&r);
	}
	qsort(all, count, sizeof *all, compare_requirements);
	struct arena_text to = { .arena = arena, .limit = SIZE_MAX };
	for (size_t i = 0; i < count; i++) {
		if (i)
			arena_text_add_char(&to, ',');
		write_requirement(&to, &all[i]);
	}
	return arena_string(arena, arena_text_view(&to));
}
