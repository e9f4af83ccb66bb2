/* Operators on two values. */
#include "server/expression/machine.h"

#include <math.h>

static bool mismatch(struct run *r, const char *op, const struct value *a, const struct value *b)
{
	return run_fail(r, "invalid operation: %s %s %s", value_kind_name(a->kind), op,
		value_kind_name(b->kind));
}

static bool both_numbers(const struct value *a, const struct value *b)
{
	return value_is_number(a) && value_is_number(b);
}

static bool both_ints(const struct value *a, const struct value *b)
{
	return a->kind == VALUE_INT && b->kind == VALUE_INT;
}

static bool both_texts(const struct value *a, const struct value *b)
{
	return a->kind == VALUE_STRING && b->kind == VALUE_STRING;
}

static bool joined(struct run *r, struct view a, struct view b, struct value *to)
{
	char *made = run_octets(r, a.length + b.length);
	if (!made)
		return false;
	if (a.length)
		memcpy(made, a.at, a.length);
	if (b.length)
		memcpy(made + a.length, b.at, b.length);
	*to = value_text((struct view){ made, a.length + b.length });
	return true;
}

static bool add(struct run *r, const struct value *a, const struct value *b, struct value *to)
{
	if (both_ints(a, b))
		*to = value_int((int64_t)((uint64_t)a->integer + (uint64_t)b->integer));
	else if (both_numbers(a, b))
		*to = value_float(value_real(a) + value_real(b));
	else if (both_texts(a, b))
		return joined(r, a->text, b->text, to);
	else
		return mismatch(r, "+", a, b);
	return true;
}

static bool subtract(struct run *r, const struct value *a, const struct value *b, struct value *to)
{
	if (both_ints(a, b))
		*to = value_int((int64_t)((uint64_t)a->integer - (uint64_t)b->integer));
	else if (both_numbers(a, b))
		*to = value_float(value_real(a) - value_real(b));
	else
		return mismatch(r, "-", a, b);
	return true;
}

static bool multiply(struct run *r, const struct value *a, const struct value *b, struct value *to)
{
	if (both_ints(a, b))
		*to = value_int((int64_t)((uint64_t)a->integer * (uint64_t)b->integer));
	else if (both_numbers(a, b))
		*to = value_float(value_real(a) * value_real(b));
	else
		return mismatch(r, "*", a, b);
	return true;
}

static bool divide(struct run *r, const struct value *a, const struct value *b, struct value *to)
{
	if (!both_numbers(a, b))
		return mismatch(r, "/", a, b);
	*to = value_float(value_real(a) / value_real(b));
	return true;
}

static bool modulo(struct run *r, const struct value *a, const struct value *b, struct value *to)
{
	if (!both_ints(a, b))
		return mismatch(r, "%", a, b);
	if (b->integer == 0)
		return run_fail(r, "integer divide by zero");
	*to = value_int(b->integer == -1 ? 0 : a->integer % b->integer);
	return true;
}

static bool power(struct run *r, const struct value *a, const struct value *b, struct value *to)
{
	if (!both_numbers(a, b))
		return mismatch(r, "**", a, b);
	*to = value_float(pow(value_real(a), value_real(b)));
	return true;
}

static bool order(struct run *r, enum operation op, const struct value *a, const struct value *b,
	struct value *to)
{
	int o;
	if (!value_compare(a, b, &o))
		return mismatch(r, "<", a, b);
	*to = value_bool((op == OP_LESS && o < 0) || (op == OP_GREATER && o > 0) ||
			 (op == OP_LESS_EQUAL && o <= 0) || (op == OP_GREATER_EQUAL && o >= 0));
	return true;
}

static bool in_array(struct run *r, const struct value *a, const struct value *b, struct value *to)
{
	*to = value_bool(false);
	for (size_t i = 0; i < b->list.count && !to->boolean; i++) {
		if (!run_spend(r, 1))
			return false;
		to->boolean = value_equal(a, &b->list.items[i]);
	}
	return true;
}

static bool in(struct run *r, const struct value *a, const struct value *b, struct value *to)
{
	if (b->kind == VALUE_ARRAY)
		return in_array(r, a, b, to);
	if (b->kind != VALUE_MAP && b->kind != VALUE_NIL)
		return run_fail(r, "operator \"in\" not defined on %s", value_kind_name(b->kind));
	*to = value_bool(b->kind == VALUE_MAP && value_map_get(b, a));
	return b->kind == VALUE_NIL || run_spend(r, b->list.count);
}

static bool texts(struct run *r, enum operation op, const struct value *a, const struct value *b,
	struct value *to)
{
	if (!both_texts(a, b))
		return mismatch(r, "contains", a, b);
	struct view text = a->text, part = b->text;
	*to = value_bool(op == OP_STARTS ? view_starts(text, part)
			 : op == OP_ENDS ? view_ends(text, part)
					 : part.length == 0 || memmem(text.at, text.length, part.at,
								       part.length));
	return true;
}

static bool range(struct run *r, const struct value *a, const struct value *b, struct value *to)
{
	if (!both_ints(a, b))
		return mismatch(r, "..", a, b);
	*to = value_array(NULL, 0);
	if (a->integer > b->integer)
		return true;
	uint64_t span = (uint64_t)b->integer - (uint64_t)a->integer;
	if (span >= EXPRESSION_STEPS_MAX)
		return run_fail(r, "memory budget exceeded");
	size_t count = (size_t)span + 1;
	struct value *items = run_values(r, count);
	if (!items || !run_spend(r, count))
		return false;
	for (size_t i = 0; i < count; i++)
		items[i] = value_int(a->integer + (int64_t)i);
	*to = value_array(items, count);
	return true;
}

bool machine_binary(struct run *r, enum operation op, const struct value *a, const struct value *b,
	struct value *to)
{
	switch (op) {
	case OP_ADD:
		return add(r, a, b, to);
	case OP_SUBTRACT:
		return subtract(r, a, b, to);
	case OP_MULTIPLY:
		return multiply(r, a, b, to);
	case OP_DIVIDE:
		return divide(r, a, b, to);
	case OP_MODULO:
		return modulo(r, a, b, to);
	case OP_POWER:
		return power(r, a, b, to);
	case OP_EQUAL:
		*to = value_bool(value_equal(a, b));
		return true;
	case OP_NOT_EQUAL:
		*to = value_bool(!value_equal(a, b));
		return true;
	case OP_LESS:
	case OP_GREATER:
	case OP_LESS_EQUAL:
	case OP_GREATER_EQUAL:
		return order(r, op, a, b, to);
	case OP_IN:
		return in(r, a, b, to);
	case OP_CONTAINS:
	case OP_STARTS:
	case OP_ENDS:
		return texts(r, op, a, b, to);
	case OP_RANGE:
		return range(r, a, b, to);
	default:
		return run_fail(r, "unknown operator");
	}
}
