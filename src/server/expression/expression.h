/*
 * The expressions of `view` and `template`: the language of expr-lang as CoreDNS offers it, with
 * its functions over a query. Read and checked once, at set-up; run for each query in bounded steps
 * and memory.
 *
 * Not here: dates and JSON of that language, and patterns for `matches` that are not constants.
 */
#ifndef ISTHMUS_SERVER_EXPRESSION_EXPRESSION_H
#define ISTHMUS_SERVER_EXPRESSION_EXPRESSION_H

#include "server/expression/types.h"

struct query;
struct expression;

enum {
	EXPRESSION_TEXT_MAX = 10000,	/* octets of source */
	EXPRESSION_STEPS_MAX = 100000,	/* of one run: instructions and items looked at */
	EXPRESSION_MEMORY_MAX = 262144, /* octets of one run */
};

/* A variable that a run finds at the same place in its values. */
struct expression_variable {
	struct view name;
	struct type type;
};

/* What an expression may name beside the language's own and CoreDNS's functions. */
struct expression_scope {
	const struct expression_variable *variables;
	size_t variable_count;
	bool groups; /* whether group() is there (template) */
};

/*
 * Compiles; the expression lives as long as the arena. `scope` may be NULL. NULL with *why (in the
 * arena), which shows the place: "unknown name x (1:3)" and the source with a mark under it.
 */
struct expression *expression_compile(struct arena *arena, const struct expression_scope *scope,
	struct view text, const char **why);

/* What is known of the result. */
struct type expression_type(const struct expression *e);

/* The source. */
struct view expression_text(const struct expression *e);

/* What a run works on. */
struct expression_input {
	struct query *query;
	const struct value *variables; /* as many as the scope named */
	const struct value *groups;    /* a map; NULL without */
};

/* Runs over a query; what the result points to is in the query's arena or the expression's. False
 * with *why (in the query's arena) on an error. */
bool expression_run(const struct expression *e, const struct expression_input *input,
	struct value *result, const char **why);

/* Whether an expression gives true; anything else, errors included, is false. */
bool expression_holds(const struct expression *e, const struct expression_input *input);

/* Whether the name is a word that a variable may have: an identifier that is no function, operator
 * or literal. */
bool expression_name_is_free(struct view name);

#endif
