/*
 * What an expression is compiled to: instructions for a stack of values. One pass from the source,
 * no tree; so neither the compiler nor the machine recurses along a chain of operators.
 */
#ifndef ISTHMUS_SERVER_EXPRESSION_CODE_H
#define ISTHMUS_SERVER_EXPRESSION_CODE_H

#include "server/expression/expression.h"
#include "server/expression/functions.h"
#include "server/regex.h"

enum {
	CODE_INSTRUCTIONS_MAX = 10000,
	CODE_STACK_MAX = 256,
	CODE_LOOPS_MAX = 8, /* predicates inside each other */
};

enum code {
	CODE_CONSTANT, /* push constants[operand] */
	CODE_VARIABLE, /* push the input's variable */
	CODE_SLOT,     /* push the value at stack place `operand` (let) */
	CODE_POP,
	CODE_SLIDE, /* take off the value under the top */
	CODE_NEGATE,
	CODE_CHECK_NUMBER, /* unary plus */
	CODE_NOT,
	CODE_BINARY,	  /* operand: enum operation, none of and, or, ??, | */
	CODE_MATCHES,	  /* regexes[operand] on the top */
	CODE_CHAIN_BEGIN, /* a b -> (a op b) b; operand: operation */
	CODE_CHAIN_NEXT,  /* r b c -> (r and b op c) c */
	CODE_CHECK_BOOL,
	CODE_JUMP,
	CODE_JUMP_IF_FALSE, /* the top must be boolean and stays */
	CODE_JUMP_IF_TRUE,
	CODE_BRANCH,	  /* take the boolean off; jump if it is false */
	CODE_JUMP_IF_NIL, /* the top stays */
	CODE_JUMP_UNLESS_NIL,
	CODE_INDEX, /* a i -> a[i] */
	CODE_SLICE, /* a from to -> a[from:to]; nil for a bound that is not given */
	CODE_ARRAY, /* operand values made an array */
	CODE_MAP,   /* operand pairs made a map */
	CODE_CALL,  /* functions[operand] on `count` values */
	CODE_LOOP,  /* begin the loop of kind `count`, whose body is at `operand`: takes the array
		       and what else it has */
	CODE_LOOP_NEXT,	  /* the body's result is on the top */
	CODE_ITEM,	  /* # */
	CODE_ITEM_INDEX,  /* #index */
	CODE_ACCUMULATOR, /* #acc */
};

struct instruction {
	uint8_t code;
	uint8_t count; /* of a call's arguments; a loop's kind */
	uint32_t operand;
};

/* The functions that take a predicate. */
enum loop_kind {
	LOOP_ALL,
	LOOP_NONE,
	LOOP_ANY,
	LOOP_ONE,
	LOOP_FILTER,
	LOOP_MAP,
	LOOP_COUNT,
	LOOP_SUM,
	LOOP_FIND,
	LOOP_FIND_INDEX,
	LOOP_FIND_LAST,
	LOOP_FIND_LAST_INDEX,
	LOOP_GROUP_BY,
	LOOP_SORT_BY,	  /* a nil or the order's name is on the stack above the array */
	LOOP_REDUCE,	  /* the first accumulator is the first item */
	LOOP_REDUCE_FROM, /* the first accumulator is on the stack above the array */
};

struct expression {
	struct view text;
	struct type type;
	struct instruction *code;
	size_t count;
	struct value *constants;
	size_t constant_count;
	struct regex **regexes;
	size_t regex_count;
	const struct function **functions;
	size_t function_count;
	size_t stack_size;
};

#endif
