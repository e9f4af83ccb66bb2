/* Truth, comparison, parts of lists, texts and their escapes, numbers from texts. */
#include "plugins/template/functions.h"

#include "base/number.h"
#include <stdio.h>

static bool fail(struct gocall *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct gocall *c, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	c->error = arena_vprintf(c->arena, format, args);
	va_end(args);
	return false;
}

bool govalue_is_true(const struct value *v)
{
	switch (v->kind) {
	case VALUE_BOOL:
		return v->boolean;
	case VALUE_INT:
		return v->integer != 0;
	case VALUE_FLOAT:
		return v->real < 0 || v->real > 0;
	case VALUE_STRING:
		return v->text.length > 0;
	case VALUE_ARRAY:
	case VALUE_MAP:
		return v->list.count > 0;
	default:
		return v->kind == VALUE_OBJECT;
	}
}

void govalue_print(struct arena_text *to, const struct value *v)
{
	if (v->kind == VALUE_NIL)
		arena_text_add_string(to, "<no value>");
	else
		value_print(to, v);
}

/* --- and, or, not: where the parser has not made jumps of them --- */

static bool and (struct gocall * c, const struct value *v, size_t count, struct value *to)
{
	(void)c;
	size_t i = 0;
	while (i + 1 < count && govalue_is_true(&v[i]))
		i++;
	*to = v[i];
	return true;
}

static bool or (struct gocall * c, const struct value *v, size_t count, struct value *to)
{
	(void)c;
	size_t i = 0;
	while (i + 1 < count && !govalue_is_true(&v[i]))
		i++;
	*to = v[i];
	return true;
}

static bool not(struct gocall * c, const struct value *v, size_t count, struct value *to)
{
	(void)c, (void)count;
	*to = value_bool(!govalue_is_true(&v[0]));
	return true;
}

/* --- comparison --- */

static bool same_kind(struct gocall *c, const struct value *a, const struct value *b)
{
	if (a->kind == b->kind)
		return true;
	return fail(c, "incompatible types for comparison: %s and %s", value_kind_name(a->kind),
		value_kind_name(b->kind));
}

static bool eq(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	*to = value_bool(false);
	if (count < 2)
		return fail(c, "missing argument for comparison");
	for (size_t i = 1; i < count && !to->boolean; i++) {
		bool nil = v[0].kind == VALUE_NIL || v[i].kind == VALUE_NIL;
		if (!nil && !same_kind(c, &v[0], &v[i]))
			return false;
		to->boolean = value_equal(&v[0], &v[i]);
	}
	return true;
}

static bool ne(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	if (!eq(c, v, count, to))
		return false;
	to->boolean = !to->boolean;
	return true;
}

static bool ordered(struct gocall *c, const struct value *v, int *order)
{
	if (!same_kind(c, &v[0], &v[1]))
		return false;
	return value_compare(&v[0], &v[1], order) || fail(c, "invalid type for comparison");
}

static bool lt(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	int order = 0;
	bool done = ordered(c, v, &order);
	*to = value_bool(order < 0);
	return done;
}

static bool le(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	int order = 0;
	bool done = ordered(c, v, &order);
	*to = value_bool(order <= 0);
	return done;
}

static bool gt(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	int order = 0;
	bool done = ordered(c, v, &order);
	*to = value_bool(order > 0);
	return done;
}

static bool ge(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	int order = 0;
	bool done = ordered(c, v, &order);
	*to = value_bool(order >= 0);
	return done;
}

/* --- parts --- */

static bool len(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	if (v->kind == VALUE_STRING)
		*to = value_int((int64_t)v->text.length);
	else if (v->kind == VALUE_ARRAY || v->kind == VALUE_MAP)
		*to = value_int((int64_t)v->list.count);
	else
		return fail(c, "len of type %s", value_kind_name(v->kind));
	return true;
}

/* A place in something of this length (with the end itself, if `end`). */
static bool place(struct gocall *c, const struct value *v, size_t length, bool end, size_t *at)
{
	if (v->kind == VALUE_NIL)
		return fail(c, "cannot index slice/array with nil");
	if (v->kind != VALUE_INT)
		return fail(c, "cannot index slice/array with type %s", value_kind_name(v->kind));
	if (v->integer < 0 || (uint64_t)v->integer >= (uint64_t)length + end)
		return fail(c, "index out of range: %lld", (long long)v->integer);
	*at = (size_t)v->integer;
	return true;
}

static bool all_texts(const struct value *map)
{
	for (size_t i = 0; i < map->list.count; i++) {
		if (map->list.items[2 * i + 1].kind != VALUE_STRING)
			return false;
	}
	return true;
}

/* What a map of texts has not is the empty text. */
static bool map_item(
	struct gocall *c, const struct value *map, const struct value *key, struct value *to)
{
	if (key->kind != VALUE_STRING)
		return fail(c, "value has type %s; should be string", value_kind_name(key->kind));
	const struct value *found = value_map_get(map, key);
	if (found)
		*to = *found;
	else
		*to = all_texts(map) ? value_text(VIEW("")) : (struct value){ 0 };
	return true;
}

static bool item(struct gocall *c, const struct value *v, const struct value *key, struct value *to)
{
	size_t at = 0;
	switch (v->kind) {
	case VALUE_ARRAY:
		if (!place(c, key, v->list.count, false, &at))
			return false;
		*to = v->list.items[at];
		return true;
	case VALUE_STRING:
		if (!place(c, key, v->text.length, false, &at))
			return false;
		*to = value_int((unsigned char)v->text.at[at]);
		return true;
	case VALUE_MAP:
		return map_item(c, v, key, to);
	case VALUE_NIL:
		return fail(c, "index of untyped nil");
	default:
		return fail(c, "can't index item of type %s", value_kind_name(v->kind));
	}
}

static bool index_of(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	*to = v[0];
	for (size_t i = 1; i < count; i++) {
		struct value whole = *to;
		if (!item(c, &whole, &v[i], to))
			return false;
	}
	return true;
}

static bool slice(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	bool text = v->kind == VALUE_STRING;
	if (!text && v->kind != VALUE_ARRAY)
		return fail(c, "can't slice item of type %s", value_kind_name(v->kind));
	if (text && count == 4)
		return fail(c, "cannot 3-index slice a string");
	size_t length = text ? v->text.length : v->list.count, at[3] = { 0, length, length };
	for (size_t i = 1; i < count; i++) {
		if (!place(c, &v[i], length, true, &at[i - 1]))
			return false;
	}
	if (at[0] > at[1] || at[1] > at[2])
		return fail(c, "invalid slice index: %zu > %zu", at[at[0] > at[1] ? 0 : 1],
			at[at[0] > at[1] ? 1 : 2]);
	*to = text ? value_text(view_first(view_skip(v->text, at[0]), at[1] - at[0]))
		   : value_array(v->list.items + at[0], at[1] - at[0]);
	return true;
}

/* --- texts --- */

static bool made(struct gocall *c, const struct arena_text *text, struct value *to)
{
	*to = value_text(arena_text_view(text));
	return !text->cut || fail(c, "the text is too long");
}

/* Blanks stand between all (println) or between two that are no texts (print). */
static bool print_all(
	struct gocall *c, const struct value *v, size_t count, bool lines, struct value *to)
{
	struct arena_text text = { .arena = c->arena, .limit = c->room };
	for (size_t i = 0; i < count; i++) {
		bool apart =
			i &&
			(lines || (v[i].kind != VALUE_STRING && v[i - 1].kind != VALUE_STRING));
		if (apart)
			arena_text_add_char(&text, ' ');
		value_print(&text, &v[i]);
	}
	if (lines)
		arena_text_add_char(&text, '\n');
	return made(c, &text, to);
}

static bool print(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	return print_all(c, v, count, false, to);
}

static bool println(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	return print_all(c, v, count, true, to);
}

static bool printf_(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	if (v->kind != VALUE_STRING)
		return fail(c, "wrong type for value; expected string; got %s",
			value_kind_name(v->kind));
	struct arena_text text = { .arena = c->arena, .limit = c->room };
	goformat(&text, v->text, v + 1, count - 1);
	return made(c, &text, to);
}

/* --- parseInt --- */

/* parseInt TEXT BASE BITS: unsigned, as it is in CoreDNS. */
static bool parse_int(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	if (v[0].kind != VALUE_STRING)
		return fail(c, "wrong type for value; expected string; got %s",
			value_kind_name(v[0].kind));
	for (size_t i = 1; i < 3; i++) {
		if (v[i].kind != VALUE_INT)
			return fail(c, "wrong type for value; expected int; got %s",
				value_kind_name(v[i].kind));
	}
	uint64_t base = (uint64_t)v[1].integer, bits = v[2].integer ? (uint64_t)v[2].integer : 64,
		 n;
	const char *text =
		arena_printf(c->arena, "strconv.ParseUint: parsing \"%.*s\"", VIEW_ARGS(v[0].text));
	if (base == 1 || base > 36)
		return fail(c, "%s: invalid base %lld", text, (long long)v[1].integer);
	if (bits > 64)
		return fail(c, "%s: invalid bit size %lld", text, (long long)v[2].integer);
	enum number_error error =
		number_read(v[0].text, (unsigned)base, UINT64_MAX >> (64 - bits), &n);
	if (error)
		return fail(c, "%s: %s", text, number_error_text(error));
	*to = n <= INT64_MAX
		      ? value_int((int64_t)n)
		      : value_text(view_of(arena_printf(c->arena, "%llu", (unsigned long long)n)));
	return true;
}

/* --- escapes --- */

/* Writes one octet in the way of an escape; `c` is none that stays as it is. */
static void add_html(struct arena_text *to, unsigned char c)
{
	switch (c) {
	case '"':
		arena_text_add_string(to, "&#34;");
		break;
	case '\'':
		arena_text_add_string(to, "&#39;");
		break;
	case '&':
		arena_text_add_string(to, "&amp;");
		break;
	case '<':
		arena_text_add_string(to, "&lt;");
		break;
	case '>':
		arena_text_add_string(to, "&gt;");
		break;
	default:
		arena_text_add_string(to, "\xef\xbf\xbd"); /* NUL */
	}
}

static void add_js(struct arena_text *to, unsigned char c)
{
	char room[8];
	if (c == '\\' || c == '\'' || c == '"')
		snprintf(room, sizeof room, "\\%c", c);
	else
		snprintf(room, sizeof room, "\\u%04X", c);
	arena_text_add_string(to, room);
}

static void add_query(struct arena_text *to, unsigned char c)
{
	char room[4];
	snprintf(room, sizeof room, "%%%02X", c);
	arena_text_add_string(to, c == ' ' ? "+" : room);
}

static bool stays_in_html(unsigned char c)
{
	return c && !strchr("\"'&<>", c);
}

static bool stays_in_js(unsigned char c)
{
	return c >= 0x20 && !strchr("\\'\"<>&=", c);
}

static bool stays_in_query(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("-_.~", c));
}

/* All arguments as print writes them, with what does not stay as it is written by `add`. */
static bool escaped(struct gocall *c, const struct value *v, size_t count, struct value *to,
	bool (*stays)(unsigned char c), void (*add)(struct arena_text *to, unsigned char c))
{
	struct arena_text text = { .arena = c->arena, .limit = c->room };
	if (!print_all(c, v, count, false, to))
		return false;
	for (size_t i = 0; i < to->text.length; i++) {
		unsigned char octet = (unsigned char)to->text.at[i];
		if (stays(octet))
			arena_text_add_char(&text, (char)octet);
		else
			add(&text, octet);
	}
	return made(c, &text, to);
}

static bool html(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	return escaped(c, v, count, to, stays_in_html, add_html);
}

static bool js(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	return escaped(c, v, count, to, stays_in_js, add_js);
}

static bool urlquery(struct gocall *c, const struct value *v, size_t count, struct value *to)
{
	return escaped(c, v, count, to, stays_in_query, add_query);
}

const struct gofunction gofunctions[] = {
	{ "and", 1, GOFUNCTION_ANY_NUMBER, and},
	{ "or", 1, GOFUNCTION_ANY_NUMBER, or },
	{ "not", 1, 1, not },
	{ "eq", 1, GOFUNCTION_ANY_NUMBER, eq },
	{ "ne", 2, 2, ne },
	{ "lt", 2, 2, lt },
	{ "le", 2, 2, le },
	{ "gt", 2, 2, gt },
	{ "ge", 2, 2, ge },
	{ "len", 1, 1, len },
	{ "index", 1, GOFUNCTION_ANY_NUMBER, index_of },
	{ "slice", 1, 4, slice },
	{ "print", 0, GOFUNCTION_ANY_NUMBER, print },
	{ "println", 0, GOFUNCTION_ANY_NUMBER, println },
	{ "printf", 1, GOFUNCTION_ANY_NUMBER, printf_ },
	{ "html", 0, GOFUNCTION_ANY_NUMBER, html },
	{ "js", 0, GOFUNCTION_ANY_NUMBER, js },
	{ "urlquery", 0, GOFUNCTION_ANY_NUMBER, urlquery },
	{ "parseInt", 3, 3, parse_int },
};

bool gofunction_find(struct view name, uint32_t *index)
{
	for (uint32_t i = 0; i < sizeof gofunctions / sizeof gofunctions[0]; i++) {
		if (view_is(name, gofunctions[i].name)) {
			*index = i;
			return true;
		}
	}
	return false;
}
