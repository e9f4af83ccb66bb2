/* The rules of each operator. */
#include "server/expression/types.h"

static bool is_number(struct type t)
{
	return t.kind == VALUE_INT || t.kind == VALUE_FLOAT;
}

static bool is_any(struct type t)
{
	return t.kind == TYPE_ANY_VALUE;
}

/* Both are of this kind, as far as is known. */
static bool both(struct type a, struct type b, unsigned kind)
{
	return type_may_be(a, kind) && type_may_be(b, kind);
}

static bool both_numbers(struct type a, struct type b)
{
	return type_may_be_number(a) && type_may_be_number(b);
}

static struct type wider(struct type a, struct type b)
{
	if (is_any(a) || is_any(b))
		return type_any();
	return type_of(a.kind == VALUE_FLOAT || b.kind == VALUE_FLOAT ? VALUE_FLOAT : VALUE_INT);
}

static bool comparable(struct type a, struct type b)
{
	if (is_any(a) || is_any(b) || a.kind == VALUE_NIL || b.kind == VALUE_NIL)
		return true;
	return a.kind == b.kind || (is_number(a) && is_number(b));
}

struct type type_of_value(const struct value *v)
{
	if (v->kind != VALUE_ARRAY || v->list.count == 0)
		return type_of(v->kind);
	struct type item = type_of_value(&v->list.items[0]);
	for (size_t i = 1; i < v->list.count; i++) {
		if (v->list.items[i].kind != v->list.items[0].kind)
			return type_of(VALUE_ARRAY);
	}
	return type_array(item.kind);
}

struct type type_join(struct type a, struct type b)
{
	if (a.kind == VALUE_NIL)
		return b;
	if (b.kind == VALUE_NIL)
		return a;
	if (a.kind != b.kind)
		return type_any();
	return a.item == b.item ? a : type_of(a.kind);
}

static bool type_of_addition(struct type l, struct type r, struct type *result)
{
	if (both(l, r, VALUE_STRING) && (l.kind == VALUE_STRING || r.kind == VALUE_STRING)) {
		*result = type_of(VALUE_STRING);
		return true;
	}
	*result = wider(l, r);
	return both_numbers(l, r);
}

static bool may_be_in(struct type l, struct type r)
{
	switch (r.kind) {
	case TYPE_ANY_VALUE:
	case VALUE_MAP:
		return true;
	case VALUE_ARRAY:
		return comparable(l, type_of(r.item));
	default:
		return false;
	}
}

bool type_binary(enum operation op, struct type l, struct type r, struct type *result)
{
	*result = type_of(VALUE_BOOL);
	switch (op) {
	case OP_EQUAL:
	case OP_NOT_EQUAL:
		return comparable(l, r);
	case OP_AND:
	case OP_OR:
		return both(l, r, VALUE_BOOL);
	case OP_LESS:
	case OP_GREATER:
	case OP_LESS_EQUAL:
	case OP_GREATER_EQUAL:
		return both_numbers(l, r) || both(l, r, VALUE_STRING);
	case OP_CONTAINS:
	case OP_STARTS:
	case OP_ENDS:
	case OP_MATCHES:
		return both(l, r, VALUE_STRING);
	case OP_IN:
		return may_be_in(l, r);
	case OP_ADD:
		return type_of_addition(l, r, result);
	case OP_SUBTRACT:
	case OP_MULTIPLY:
		*result = wider(l, r);
		return both_numbers(l, r);
	case OP_DIVIDE:
	case OP_POWER:
		*result = type_of(VALUE_FLOAT);
		return both_numbers(l, r);
	case OP_MODULO:
		*result = type_of(VALUE_INT);
		return both(l, r, VALUE_INT);
	case OP_RANGE:
		*result = type_array(VALUE_INT);
		return both(l, r, VALUE_INT);
	case OP_COALESCE:
		*result = type_join(l, r);
		return true;
	case OP_PIPE:
		break;
	}
	return false;
}

const char *type_name(struct type t)
{
	static const char *const arrays[] = {
		[VALUE_BOOL] = "[]bool",
		[VALUE_INT] = "[]int",
		[VALUE_FLOAT] = "[]float64",
		[VALUE_STRING] = "[]string",
		[VALUE_ARRAY] = "[][]interface {}",
		[VALUE_MAP] = "[]map[string]interface {}",
	};
	if (t.kind == TYPE_ANY_VALUE)
		return "unknown";
	if (t.kind == VALUE_NIL)
		return "nil";
	if (t.kind == VALUE_ARRAY && t.item < sizeof arrays / sizeof arrays[0] && arrays[t.item])
		return arrays[t.item];
	return value_kind_name(t.kind);
}
