/*
 * The grammar, as functions that read from the compiler's tokens: each emits the code for what it
 * reads and gives its type. The three files behind this header are one recursive descent, of
 * limited depth.
 */
#ifndef ISTHMUS_SERVER_EXPRESSION_GRAMMAR_H
#define ISTHMUS_SERVER_EXPRESSION_GRAMMAR_H

#include "server/expression/emitter.h"
#include "server/expression/lexer.h"

enum {
	GRAMMAR_DEPTH_MAX =
		48, /* of parentheses, arguments, unary operators and the like inside each other */
	GRAMMAR_LOCALS_MAX = 32,
	GRAMMAR_ITEMS_MAX = 250, /* of a literal */
	GRAMMAR_ARGUMENTS_MAX = 16,
};

/* A name that `let` gave to a value on the stack. */
struct local {
	struct view name;
	size_t slot;
	struct type type;
};

/* A predicate that is being read. */
struct loop_scope {
	struct type item;
	bool reduces;
};

struct compiler {
	struct emitter out;
	struct lexer lexer;
	struct token token, stashed; /* the next one, and one that was read too early */
	bool has_stash;
	const struct expression_scope *scope;
	struct local locals[GRAMMAR_LOCALS_MAX];
	size_t local_count, loop_count;
	struct loop_scope loops[CODE_LOOPS_MAX];
	unsigned depth;
	const char *error; /* the first one */
	size_t error_at;
};

/* --- compiler.c: tokens and errors --- */

/* Keeps the first error only; reading goes on with the end, so that every loop ends. */
struct type grammar_fail(struct compiler *c, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
struct type grammar_unexpected(struct compiler *c);

static inline bool grammar_failed(const struct compiler *c)
{
	return c->error || c->out.error;
}

void grammar_advance(struct compiler *c);
bool grammar_accept(struct compiler *c, const char *text);
void grammar_expect(struct compiler *c, const char *text);
struct view grammar_identifier(struct compiler *c);

/* --- grammar_operators.c --- */

/* An expression of operators that bind at least so strongly; with 0 also what stands outermost:
 * let, if, ternary. */
struct type parse_expression(struct compiler *c, unsigned precedence);

/* Expressions split by semicolons; the last one's value counts. */
struct type parse_sequence(struct compiler *c);

/* { SEQUENCE } */
struct type parse_block(struct compiler *c);

const struct local *grammar_local(const struct compiler *c, struct view name);

/* The index of a variable of the scope; their count if there is none of this name. */
size_t grammar_variable(const struct compiler *c, struct view name);

/* --- grammar_calls.c --- */

/* The arguments of a call. `piped` is the type of a first one that is on the stack already; NULL
 * without. */
struct type parse_call(struct compiler *c, struct token name, const struct type *piped);

/* Whether a function with a predicate has this name. */
bool is_predicate_function(struct view name);

/* --- grammar_operands.c --- */

/* A literal, name, call, array, map, or # of a predicate, without what may follow it. */
struct type parse_simple(struct compiler *c);

/* Fields, subscripts and slices that follow an operand of type t. */
struct type parse_postfix(struct compiler *c, struct type t);

#endif
