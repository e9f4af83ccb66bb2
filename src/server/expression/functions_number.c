/* The language's functions on numbers. */
#include "server/expression/functions.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* --- kinds --- */

/* The whole of a text as a number, by `read`. */
static bool text_to_int(struct view text, int64_t *n)
{
	char digits[32], *end;
	if (text.length == 0 || text.length >= sizeof digits || text.at[0] == ' ')
		return false;
	memcpy(digits, text.at, text.length);
	digits[text.length] = '\0';
	errno = 0;
	*n = strtoll(digits, &end, 10);
	return errno == 0 && end == digits + text.length;
}

static bool text_to_float(struct view text, double *n)
{
	char digits[512], *end;
	if (text.length == 0 || text.length >= sizeof digits || text.at[0] == ' ')
		return false;
	memcpy(digits, text.at, text.length);
	digits[text.length] = '\0';
	errno = 0;
	*n = strtod(digits, &end);
	return errno == 0 && end == digits + text.length;
}

/* Towards zero; what no int64 holds is the nearest one that is. */
static int64_t truncated(double n)
{
	if (isnan(n))
		return 0;
	if (n >= 9223372036854775807.0)
		return INT64_MAX;
	return n <= -9223372036854775808.0 ? INT64_MIN : (int64_t)n;
}

static bool to_int(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	if (v->kind != VALUE_STRING) {
		*to = value_int(v->kind == VALUE_INT ? v->integer : truncated(v->real));
		return true;
	}
	int64_t n;
	if (!text_to_int(v->text, &n))
		return run_fail(r, "invalid operation: int(%.*s)", VIEW_ARGS(v->text));
	*to = value_int(n);
	return true;
}

static bool to_float(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	double n;
	if (v->kind != VALUE_STRING)
		n = value_real(v);
	else if (!text_to_float(v->text, &n))
		return run_fail(r, "invalid operation: float(%.*s)", VIEW_ARGS(v->text));
	*to = value_float(n);
	return true;
}

/* --- sizes --- */

static bool absolute(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	if (v->kind == VALUE_FLOAT)
		*to = value_float(fabs(v->real));
	else
		*to = value_int(v->integer < 0 ? (int64_t)(0 - (uint64_t)v->integer) : v->integer);
	return true;
}

static bool ceiling(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = value_float(ceil(value_real(v)));
	return true;
}

static bool floor_of(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = value_float(floor(value_real(v)));
	return true;
}

static bool rounded(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = value_float(round(value_real(v)));
	return true;
}

/* --- of many: numbers as arguments, or arrays of them --- */

/* Calls visit for each number among the arguments and in arrays that stand there. */
static bool each_number(struct run *r, const struct value *v, size_t count,
	void (*visit)(const struct value *n, void *data), void *data)
{
	for (size_t i = 0; i < count; i++) {
		const struct value *items = v[i].kind == VALUE_ARRAY ? v[i].list.items : &v[i];
		size_t length = v[i].kind == VALUE_ARRAY ? v[i].list.count : 1;
		if (!run_spend(r, length))
			return false;
		for (size_t n = 0; n < length; n++) {
			if (!value_is_number(&items[n]))
				return run_fail(
					r, "%s is not a number", value_kind_name(items[n].kind));
			visit(&items[n], data);
		}
	}
	return true;
}

static void keep_largest(const struct value *n, void *data)
{
	struct value *best = data;
	int order;
	if (best->kind == VALUE_NIL || (value_compare(n, best, &order) && order > 0))
		*best = *n;
}

static void keep_smallest(const struct value *n, void *data)
{
	struct value *best = data;
	int order;
	if (best->kind == VALUE_NIL || (value_compare(n, best, &order) && order < 0))
		*best = *n;
}

static bool maximum(struct run *r, const struct value *v, size_t count, struct value *to)
{
	*to = (struct value){ 0 };
	return each_number(r, v, count, keep_largest, to);
}

static bool minimum(struct run *r, const struct value *v, size_t count, struct value *to)
{
	*to = (struct value){ 0 };
	return each_number(r, v, count, keep_smallest, to);
}

struct total {
	double sum;
	size_t count;
	struct value *kept; /* NULL: nothing but the sum is wanted */
};

static void add_up(const struct value *n, void *data)
{
	struct total *t = data;
	t->sum += value_real(n);
	if (t->kept)
		t->kept[t->count] = value_float(value_real(n));
	t->count++;
}

static bool mean(struct run *r, const struct value *v, size_t count, struct value *to)
{
	struct total t = { 0 };
	if (!each_number(r, v, count, add_up, &t))
		return false;
	*to = value_float(t.count ? t.sum / (double)t.count : 0);
	return true;
}

static bool median(struct run *r, const struct value *v, size_t count, struct value *to)
{
	struct total t = { 0 };
	if (!each_number(r, v, count, add_up, &t))
		return false;
	size_t n = t.count;
	t = (struct total){ .kept = run_values(r, n) };
	if (!t.kept || !each_number(r, v, count, add_up, &t) || !run_sort(r, t.kept, n, 1, false))
		return false;
	if (n == 0)
		*to = value_float(0);
	else if (n % 2)
		*to = t.kept[n / 2];
	else
		*to = value_float((t.kept[n / 2 - 1].real + t.kept[n / 2].real) / 2);
	return true;
}

/* --- bits --- */

static bool bit_and(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = value_int(v[0].integer & v[1].integer);
	return true;
}

static bool bit_or(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = value_int(v[0].integer | v[1].integer);
	return true;
}

static bool bit_xor(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = value_int(v[0].integer ^ v[1].integer);
	return true;
}

static bool bit_clear(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = value_int(v[0].integer & ~v[1].integer);
	return true;
}

static bool bit_not(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = value_int(~v[0].integer);
	return true;
}

static bool shift_count(struct run *r, const struct value *v)
{
	return v->integer >= 0 ||
	       run_fail(r, "invalid operation: negative shift count %lld (type int)",
		       (long long)v->integer);
}

static bool shift_left(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	*to = value_int(
		v[1].integer < 64 ? (int64_t)((uint64_t)v[0].integer << (v[1].integer & 63)) : 0);
	return shift_count(r, &v[1]);
}

static bool shift_right(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	*to = value_int(v[0].integer >> (v[1].integer < 64 ? v[1].integer & 63 : 63));
	return shift_count(r, &v[1]);
}

static bool shift_right_unsigned(
	struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	*to = value_int(
		v[1].integer < 64 ? (int64_t)((uint64_t)v[0].integer >> (v[1].integer & 63)) : 0);
	return shift_count(r, &v[1]);
}

const struct function number_functions[] = {
	{ "int", "c", result_int, to_int },
	{ "float", "c", result_float, to_float },
	{ "abs", "n", result_same, absolute },
	{ "ceil", "n", result_float, ceiling },
	{ "floor", "n", result_float, floor_of },
	{ "round", "n", result_float, rounded },
	{ "max", "v*", result_any, maximum },
	{ "min", "v*", result_any, minimum },
	{ "mean", "v*", result_float, mean },
	{ "median", "v*", result_float, median },
	{ "bitand", "ii", result_int, bit_and },
	{ "bitor", "ii", result_int, bit_or },
	{ "bitxor", "ii", result_int, bit_xor },
	{ "bitnand", "ii", result_int, bit_clear },
	{ "bitnot", "i", result_int, bit_not },
	{ "bitshl", "ii", result_int, shift_left },
	{ "bitshr", "ii", result_int, shift_right },
	{ "bitushr", "ii", result_int, shift_right_unsigned },
	{ 0 },
};
