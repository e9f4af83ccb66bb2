/* The machine that runs an expression's code: a stack of values and a stack of loops. */
#ifndef ISTHMUS_SERVER_EXPRESSION_MACHINE_H
#define ISTHMUS_SERVER_EXPRESSION_MACHINE_H

#include "server/expression/code.h"

/* A predicate's loop over an array. */
struct loop {
	enum loop_kind kind;
	struct value_list array;
	size_t index;	    /* of the item that the body runs on, in the order of the loop */
	uint32_t body, end; /* where the body is, where to go on behind the loop */
	bool descending;    /* sortBy */
	struct value accumulator;
	size_t matched;	    /* how many bodies gave true */
	struct value *made; /* of what the loop builds up: items, or rows of key and item */
};

struct machine {
	struct run run;
	const struct expression *code;
	uint32_t place; /* of the next instruction */
	struct value *stack;
	size_t height;
	struct loop loops[CODE_LOOPS_MAX];
	size_t loop_count;
};

static inline void machine_push(struct machine *m, struct value v)
{
	m->stack[m->height++] = v;
}

static inline struct value machine_pop(struct machine *m)
{
	return m->stack[--m->height];
}

/* One operator on two values; false with the run's error set. */
bool machine_binary(struct run *r, enum operation op, const struct value *a, const struct value *b,
	struct value *to);

/* machine_loop.c: beginning a loop with what is on the stack, and what its body has given. False
 * with the run's error set. */
bool machine_loop(struct machine *m, const struct instruction *i);
bool machine_loop_next(struct machine *m);

/* The item that the innermost loop's body runs on. */
struct value machine_item(const struct machine *m);

#endif
