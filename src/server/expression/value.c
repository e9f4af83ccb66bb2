/* Comparing and printing values. Nesting is followed to a fixed depth: values may be nested by
 * outside data. */
#include "server/expression/value.h"

#include "base/float.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

const char *value_kind_name(enum value_kind kind)
{
	static const char *const names[VALUE_KINDS] = {
		[VALUE_NIL] = "<nil>",
		[VALUE_BOOL] = "bool",
		[VALUE_INT] = "int",
		[VALUE_FLOAT] = "float64",
		[VALUE_STRING] = "string",
		[VALUE_ARRAY] = "[]interface {}",
		[VALUE_MAP] = "map[string]interface {}",
		[VALUE_OBJECT] = "struct",
	};
	return names[kind];
}

/* --- comparing --- */

/* A comparison on its way: values can hold the same array many times over, at each level. */
struct comparison {
	unsigned depth;
	size_t left;
};

static bool equal_in(struct comparison *c, const struct value *a, const struct value *b);

static bool lists_equal(struct comparison *c, const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < a->list.count; i++) {
		if (!equal_in(c, &a->list.items[i], &b->list.items[i]))
			return false;
	}
	return true;
}

static const struct value *get_in(
	struct comparison *c, const struct value *map, const struct value *key)
{
	for (size_t i = 0; i < map->list.count; i++) {
		if (equal_in(c, &map->list.items[2 * i], key))
			return &map->list.items[2 * i + 1];
	}
	return NULL;
}

static bool maps_equal(struct comparison *c, const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < a->list.count; i++) {
		const struct value *other = get_in(c, b, &a->list.items[2 * i]);
		if (!other || !equal_in(c, &a->list.items[2 * i + 1], other))
			return false;
	}
	return true;
}

static bool numbers_equal(const struct value *a, const struct value *b)
{
	if (a->kind == VALUE_INT && b->kind == VALUE_INT)
		return a->integer == b->integer;
	double x = value_real(a), y = value_real(b);
	return x <= y && x >= y;
}

static bool same_kind_equal(struct comparison *c, const struct value *a, const struct value *b)
{
	switch (a->kind) {
	case VALUE_NIL:
		return true;
	case VALUE_BOOL:
		return a->boolean == b->boolean;
	case VALUE_STRING:
		return view_equal(a->text, b->text);
	case VALUE_ARRAY:
		return a->list.count == b->list.count && lists_equal(c, a, b);
	case VALUE_MAP:
		return a->list.count == b->list.count && maps_equal(c, a, b);
	case VALUE_OBJECT:
		return a->object.of == b->object.of;
	default:
		return false;
	}
}

static bool equal_in(struct comparison *c, const struct value *a, const struct value *b)
{
	if (value_is_number(a) && value_is_number(b))
		return numbers_equal(a, b);
	if (a->kind != b->kind || c->depth > VALUE_DEPTH_MAX || c->left == 0)
		return false;
	c->left--;
	c->depth++;
	bool equal = same_kind_equal(c, a, b);
	c->depth--;
	return equal;
}

bool value_equal(const struct value *a, const struct value *b)
{
	struct comparison c = { .left = VALUE_COMPARISONS_MAX };
	return equal_in(&c, a, b);
}

const struct value *value_map_get(const struct value *map, const struct value *key)
{
	struct comparison c = { .left = VALUE_COMPARISONS_MAX };
	return get_in(&c, map, key);
}

static int compare_texts(struct view a, struct view b)
{
	size_t common = a.length < b.length ? a.length : b.length;
	int order = common ? memcmp(a.at, b.at, common) : 0;
	return order ? order : (a.length > b.length) - (a.length < b.length);
}

bool value_compare(const struct value *a, const struct value *b, int *order)
{
	if (a->kind == VALUE_INT && b->kind == VALUE_INT) {
		*order = (a->integer > b->integer) - (a->integer < b->integer);
		return true;
	}
	if (value_is_number(a) && value_is_number(b)) {
		double x = value_real(a), y = value_real(b);
		*order = (x > y) - (x < y);
		return true;
	}
	if (a->kind == VALUE_STRING && b->kind == VALUE_STRING) {
		*order = compare_texts(a->text, b->text);
		return true;
	}
	return false;
}

/* --- printing --- */

static void print_at(struct arena_text *to, const struct value *v, unsigned depth);

static void print_real(struct arena_text *to, double n)
{
	char text[FLOAT_TEXT_MAX];
	arena_text_add(to, (struct view){ text, float_print(n, text) });
}

static void print_integer(struct arena_text *to, int64_t n)
{
	char text[24];
	int length = snprintf(text, sizeof text, "%" PRId64, n);
	arena_text_add(to, (struct view){ text, (size_t)length });
}

static void print_array(struct arena_text *to, const struct value *v, unsigned depth)
{
	arena_text_add_char(to, '[');
	for (size_t i = 0; i < v->list.count && !to->cut; i++) {
		if (i)
			arena_text_add_char(to, ' ');
		print_at(to, &v->list.items[i], depth + 1);
	}
	arena_text_add_char(to, ']');
}

/* The smallest key over `after` (NULL: of all), NULL when there is none: maps are small and seldom
 * printed. */
static const struct value *next_key(const struct value *map, const struct value *after)
{
	const struct value *best = NULL;
	int order;
	for (size_t i = 0; i < map->list.count; i++) {
		const struct value *key = &map->list.items[2 * i];
		if (after && (!value_compare(key, after, &order) || order <= 0))
			continue;
		if (!best || (value_compare(key, best, &order) && order < 0))
			best = key;
	}
	return best;
}

static void print_map(struct arena_text *to, const struct value *v, unsigned depth)
{
	arena_text_add_string(to, "map[");
	for (const struct value *key = next_key(v, NULL); key && !to->cut;) {
		print_at(to, key, depth + 1);
		arena_text_add_char(to, ':');
		print_at(to, key + 1, depth + 1);
		key = next_key(v, key);
		if (key)
			arena_text_add_char(to, ' ');
	}
	arena_text_add_char(to, ']');
}

static void print_at(struct arena_text *to, const struct value *v, unsigned depth)
{
	if (depth > VALUE_DEPTH_MAX) {
		arena_text_add_string(to, "...");
		return;
	}
	switch (v->kind) {
	case VALUE_BOOL:
		arena_text_add_string(to, v->boolean ? "true" : "false");
		break;
	case VALUE_INT:
		print_integer(to, v->integer);
		break;
	case VALUE_FLOAT:
		print_real(to, v->real);
		break;
	case VALUE_STRING:
		arena_text_add(to, v->text);
		break;
	case VALUE_ARRAY:
		print_array(to, v, depth);
		break;
	case VALUE_MAP:
		print_map(to, v, depth);
		break;
	case VALUE_OBJECT:
		if (v->object.type->print)
			v->object.type->print(v->object.of, to);
		break;
	default:
		arena_text_add_string(to, "<nil>");
		break;
	}
}

void value_print(struct arena_text *to, const struct value *v)
{
	print_at(to, v, 0);
}
