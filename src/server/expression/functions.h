/* The functions of expressions: those of the language and those of CoreDNS, one table each by
 * subject. */
#ifndef ISTHMUS_SERVER_EXPRESSION_FUNCTIONS_H
#define ISTHMUS_SERVER_EXPRESSION_FUNCTIONS_H

#include "server/expression/expression.h"

/* One run of an expression: where memory comes from and what is left of it. */
struct run {
	struct arena *arena;
	const struct expression_input *input;
	size_t steps, memory; /* spent */
	const char *error;    /* NULL while all is well */
};

/* Sets the run's error. Always gives false. */
bool run_fail(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Counts steps that a function makes; false when there are too many. */
bool run_spend(struct run *r, size_t steps);

/* Room for `count` zeroed values; NULL, with the error set, when the run has had too much. */
struct value *run_values(struct run *r, size_t count);

/* Room for octets, likewise. */
char *run_octets(struct run *r, size_t count);

/*
 * `arguments` says what is taken, a letter each: s string, i int, n number, a array, m map, l what
 * has a length, c what can be made a number, v anything; behind '?' they may be left out, and the
 * one before '*' may be repeated. A call's count and kinds are checked before `call` sees them.
 */
struct function {
	const char *name, *arguments;
	struct type (*result)(const struct type *arguments, size_t count);
	bool (*call)(struct run *r, const struct value *arguments, size_t count, struct value *to);
};

/*
 * Sorts `count` rows of `width` values by their first ones, which must all be numbers or all texts;
 * rows that are equal keep their order. False, with the error set, when they cannot be compared.
 */
bool run_sort(struct run *r, struct value *rows, size_t count, size_t width, bool descending);

/* What a sorting order's name says: "asc", "desc". */
bool run_order(struct run *r, const struct value *name, bool *descending);

/* A table, ended by one without a name. */
extern const struct function text_functions[], number_functions[], list_functions[],
	query_functions[], group_functions[];

/* The function of this name, NULL if there is none. group() only where there are groups. */
const struct function *function_find(struct view name, bool groups);

/* What the argument at `n` must be: a letter as above; 0 when there can be none. */
char function_argument(const struct function *f, size_t n);

/* The fewest arguments that will do. */
size_t function_arguments_min(const struct function *f);

/* Whether a value (as far as its kind is known) will do for an argument of this letter. */
bool argument_takes(char letter, struct type t);

/* "string", "int", ...: what messages call an argument of this letter. */
const char *argument_name(char letter);

/* Results for the tables. */
struct type result_bool(const struct type *arguments, size_t count);
struct type result_int(const struct type *arguments, size_t count);
struct type result_float(const struct type *arguments, size_t count);
struct type result_string(const struct type *arguments, size_t count);
struct type result_strings(const struct type *arguments, size_t count);
struct type result_array(const struct type *arguments, size_t count);
struct type result_map(const struct type *arguments, size_t count);
struct type result_any(const struct type *arguments, size_t count);
struct type result_same(const struct type *arguments, size_t count); /* as the first argument */
struct type result_item(const struct type *arguments, size_t count); /* an item of the first */

#endif
