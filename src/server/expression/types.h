/*
 * What is known of a value's kind when an expression is compiled, and what each operator makes of
 * it. Most mistakes are found so at the start; what is not known then is checked when it runs.
 */
#ifndef ISTHMUS_SERVER_EXPRESSION_TYPES_H
#define ISTHMUS_SERVER_EXPRESSION_TYPES_H

#include "server/expression/value.h"

enum { TYPE_ANY_VALUE = VALUE_KINDS };

/* A kind, or TYPE_ANY_VALUE where it is not known; of an array also that of its items. */
struct type {
	uint8_t kind, item;
};

enum operation {
	OP_ADD,
	OP_SUBTRACT,
	OP_MULTIPLY,
	OP_DIVIDE,
	OP_MODULO,
	OP_POWER,
	OP_EQUAL,
	OP_NOT_EQUAL,
	OP_LESS,
	OP_GREATER,
	OP_LESS_EQUAL,
	OP_GREATER_EQUAL,
	OP_AND,
	OP_OR,
	OP_IN,
	OP_CONTAINS,
	OP_STARTS,
	OP_ENDS,
	OP_MATCHES,
	OP_RANGE,
	OP_COALESCE,
	OP_PIPE,
};

static inline struct type type_of(unsigned kind)
{
	return (struct type){ (uint8_t)kind, TYPE_ANY_VALUE };
}

static inline struct type type_any(void)
{
	return type_of(TYPE_ANY_VALUE);
}

static inline struct type type_array(unsigned item)
{
	return (struct type){ VALUE_ARRAY, (uint8_t)item };
}

/* The type of a constant. */
struct type type_of_value(const struct value *v);

/* Whether a value of type t may turn out to be of this kind. */
static inline bool type_may_be(struct type t, unsigned kind)
{
	return t.kind == kind || t.kind == TYPE_ANY_VALUE;
}

/* Whether t may be a number. */
static inline bool type_may_be_number(struct type t)
{
	return t.kind == VALUE_INT || t.kind == VALUE_FLOAT || t.kind == TYPE_ANY_VALUE;
}

/* What `left op right` gives; false when it cannot be. */
bool type_binary(enum operation op, struct type left, struct type right, struct type *result);

/* What a value is that comes from either of two ways. */
struct type type_join(struct type a, struct type b);

/* "int", "[]string", "interface {}": as Go's messages call it. */
const char *type_name(struct type t);

#endif
