/* The language's functions on arrays and maps. */
#include "server/expression/functions.h"

/* --- sorting --- */

static bool rows_comparable(struct run *r, const struct value *rows, size_t count, size_t width)
{
	int order;
	for (size_t i = 0; i < count; i++) {
		if (!value_compare(&rows[i * width], &rows[0], &order))
			return run_fail(r, "cannot sort %s with %s",
				value_kind_name(rows[i * width].kind),
				value_kind_name(rows[0].kind));
	}
	return true;
}

static bool stands_before(const struct value *a, const struct value *b, bool descending)
{
	int order = 0;
	value_compare(a, b, &order);
	return descending ? order >= 0 : order <= 0;
}

/* Merges the runs of rows [from, middle) and [middle, to) of `rows` into `into`. */
static void merge(const struct value *rows, struct value *into, size_t from, size_t middle,
	size_t to, size_t width, bool descending)
{
	size_t a = from, b = middle;
	for (size_t n = from; n < to; n++) {
		bool first = b == to || (a < middle && stands_before(&rows[a * width],
							       &rows[b * width], descending));
		size_t taken = first ? a++ : b++;
		memcpy(&into[n * width], &rows[taken * width], width * sizeof *rows);
	}
}

/* Merge sort from the bottom up: n log n in the worst case, in memory of the run. */
bool run_sort(struct run *r, struct value *rows, size_t count, size_t width, bool descending)
{
	struct value *other = run_values(r, count * width), *from = rows;
	if (!other || !rows_comparable(r, rows, count, width))
		return false;
	for (size_t size = 1; size < count; size *= 2) {
		struct value *into = from == rows ? other : rows;
		if (!run_spend(r, count))
			return false;
		for (size_t at = 0; at < count; at += 2 * size) {
			size_t middle = at + size < count ? at + size : count;
			size_t end = middle + size < count ? middle + size : count;
			merge(from, into, at, middle, end, width, descending);
		}
		from = into;
	}
	if (from != rows && count)
		memcpy(rows, from, count * width * sizeof *rows);
	return true;
}

bool run_order(struct run *r, const struct value *name, bool *descending)
{
	*descending = name->kind == VALUE_STRING && view_is(name->text, "desc");
	if (*descending || name->kind == VALUE_NIL)
		return true;
	if (name->kind == VALUE_STRING && view_is(name->text, "asc"))
		return true;
	return run_fail(r, "invalid order, expected asc or desc");
}

static bool sort(struct run *r, const struct value *v, size_t count, struct value *to)
{
	bool descending = false;
	size_t length = v[0].list.count;
	struct value *items = run_values(r, length);
	if (!items || (count == 2 && !run_order(r, &v[1], &descending)))
		return false;
	if (length)
		memcpy(items, v[0].list.items, length * sizeof *items);
	*to = value_array(items, length);
	return run_sort(r, items, length, 1, descending);
}

/* --- parts --- */

static bool length_of(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = value_int((int64_t)(v->kind == VALUE_STRING ? v->text.length : v->list.count));
	return true;
}

static bool first(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = v->list.count ? v->list.items[0] : (struct value){ 0 };
	return true;
}

static bool last(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = v->list.count ? v->list.items[v->list.count - 1] : (struct value){ 0 };
	return true;
}

/* The item, or nil where there is none: never an error. */
static bool get(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	*to = (struct value){ 0 };
	if (v[0].kind == VALUE_MAP) {
		const struct value *found = value_map_get(&v[0], &v[1]);
		if (found)
			*to = *found;
		return run_spend(r, v[0].list.count);
	}
	if (v[0].kind != VALUE_ARRAY || v[1].kind != VALUE_INT)
		return true;
	int64_t n = v[1].integer < 0 ? v[1].integer + (int64_t)v[0].list.count : v[1].integer;
	if (n >= 0 && (uint64_t)n < v[0].list.count)
		*to = v[0].list.items[n];
	return true;
}

static bool take(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	if (v[1].integer < 0)
		return run_fail(r, "cannot take %lld elements", (long long)v[1].integer);
	uint64_t n = (uint64_t)v[1].integer;
	*to = value_array(v[0].list.items, n < v[0].list.count ? (size_t)n : v[0].list.count);
	return true;
}

/* --- maps --- */

static bool map_column(struct run *r, const struct value *map, size_t column, struct value *to)
{
	struct value *items = run_values(r, map->list.count);
	if (!items || !run_spend(r, map->list.count))
		return false;
	for (size_t i = 0; i < map->list.count; i++)
		items[i] = map->list.items[2 * i + column];
	*to = value_array(items, map->list.count);
	return true;
}

static bool keys(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	return map_column(r, v, 0, to);
}

static bool values(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	return map_column(r, v, 1, to);
}

/* A map's memory is that of its pairs, one behind the other. */
static bool to_pairs(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	struct value *pairs = run_values(r, v->list.count);
	if (!pairs || !run_spend(r, v->list.count))
		return false;
	for (size_t i = 0; i < v->list.count; i++)
		pairs[i] = value_array(&v->list.items[2 * i], 2);
	*to = value_array(pairs, v->list.count);
	return true;
}

static bool from_pairs(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	struct value *made = run_values(r, 2 * v->list.count);
	if (!made || !run_spend(r, v->list.count))
		return false;
	for (size_t i = 0; i < v->list.count; i++) {
		const struct value *pair = &v->list.items[i];
		if (pair->kind != VALUE_ARRAY || pair->list.count != 2)
			return run_fail(r, "invalid pair");
		made[2 * i] = pair->list.items[0];
		made[2 * i + 1] = pair->list.items[1];
	}
	*to = value_map(made, v->list.count);
	return true;
}

/* --- whole arrays --- */

static bool reverse(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	size_t length = v->list.count;
	struct value *items = run_values(r, length);
	if (!items || !run_spend(r, length))
		return false;
	for (size_t i = 0; i < length; i++)
		items[i] = v->list.items[length - 1 - i];
	*to = value_array(items, length);
	return true;
}

static bool holds(const struct value *items, size_t count, const struct value *v)
{
	for (size_t i = 0; i < count; i++) {
		if (value_equal(&items[i], v))
			return true;
	}
	return false;
}

static bool uniq(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	struct value *items = run_values(r, v->list.count);
	size_t kept = 0;
	if (!items)
		return false;
	for (size_t i = 0; i < v->list.count; i++) {
		if (!run_spend(r, kept + 1))
			return false;
		if (!holds(items, kept, &v->list.items[i]))
			items[kept++] = v->list.items[i];
	}
	*to = value_array(items, kept);
	return true;
}

static bool concat(struct run *r, const struct value *v, size_t count, struct value *to)
{
	size_t length = 0, at = 0;
	for (size_t i = 0; i < count; i++)
		length += v[i].list.count;
	struct value *items = run_values(r, length);
	if (!items || !run_spend(r, length))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (v[i].list.count)
			memcpy(&items[at], v[i].list.items, v[i].list.count * sizeof *items);
		at += v[i].list.count;
	}
	*to = value_array(items, length);
	return true;
}

/* Arrays within arrays that are being walked; deeper ones stay as they are. */
struct walk {
	struct value_list lists[VALUE_DEPTH_MAX];
	size_t at[VALUE_DEPTH_MAX], depth;
};

static const struct value *walk_next(struct walk *w)
{
	for (;;) {
		struct value_list list = w->lists[w->depth];
		if (w->at[w->depth] == list.count) {
			if (w->depth-- == 0)
				return NULL;
			continue;
		}
		const struct value *v = &list.items[w->at[w->depth]++];
		if (v->kind != VALUE_ARRAY || w->depth + 1 == VALUE_DEPTH_MAX)
			return v;
		w->depth++;
		w->lists[w->depth] = v->list;
		w->at[w->depth] = 0;
	}
}

static bool flatten(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	size_t length = 0;
	struct walk w = { .lists[0] = v->list };
	while (walk_next(&w)) {
		length++;
		if (!run_spend(r, 1))
			return false;
	}
	struct value *items = run_values(r, length);
	if (!items)
		return false;
	w = (struct walk){ .lists[0] = v->list };
	for (size_t i = 0; i < length; i++)
		items[i] = *walk_next(&w);
	*to = value_array(items, length);
	return true;
}

const struct function list_functions[] = {
	{ "len", "l", result_int, length_of },
	{ "first", "a", result_item, first },
	{ "last", "a", result_item, last },
	{ "get", "vv", result_any, get },
	{ "take", "ai", result_same, take },
	{ "keys", "m", result_array, keys },
	{ "values", "m", result_array, values },
	{ "toPairs", "m", result_array, to_pairs },
	{ "fromPairs", "a", result_map, from_pairs },
	{ "reverse", "a", result_array, reverse },
	{ "uniq", "a", result_array, uniq },
	{ "concat", "a*", result_array, concat },
	{ "flatten", "a", result_array, flatten },
	{ "sort", "a?s", result_array, sort },
	{ 0 },
};
