/* The compiler's output: instructions, constants and the height of the stack at each place. */
#ifndef ISTHMUS_SERVER_EXPRESSION_EMITTER_H
#define ISTHMUS_SERVER_EXPRESSION_EMITTER_H

#include "server/expression/code.h"

struct emitter {
	struct arena *arena;
	struct expression *made;
	size_t code_capacity, constant_capacity, regex_capacity, function_capacity;
	size_t height;	   /* values on the stack here */
	const char *error; /* NULL while all is well */
};

/* Adds an instruction that takes `taken` values and leaves `given`. Gives its place. */
size_t emit(struct emitter *e, enum code code, uint32_t operand, size_t taken, size_t given);

/* Adds a constant and the instruction that pushes it. */
void emit_constant(struct emitter *e, struct value v);

/* Adds a pattern; gives its index. */
uint32_t emit_regex(struct emitter *e, struct regex *r);

/* Adds a call on the `count` values on top. */
void emit_call(struct emitter *e, const struct function *f, size_t count);

/* Makes the jump at this place go to where the next instruction will be. */
void emit_target(struct emitter *e, size_t jump);

/* If all that was emitted from `start` on is `count` constants, takes them off and gives them; NULL
 * else. */
const struct value *emit_take_constants(struct emitter *e, size_t start, size_t count);

#endif
