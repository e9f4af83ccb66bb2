/* Calls: of functions, and of those that take a predicate, which become loops. */
#include "server/expression/grammar.h"

struct predicate_function {
	const char *name;
	uint8_t kind;
	bool optional; /* the predicate may be left out: then it is the item itself */
	char extra;    /* a further argument that may follow, by its letter; 0: none */
};

static const struct predicate_function predicate_functions[] = {
	{ "all", LOOP_ALL, false, 0 },
	{ "none", LOOP_NONE, false, 0 },
	{ "any", LOOP_ANY, false, 0 },
	{ "one", LOOP_ONE, false, 0 },
	{ "filter", LOOP_FILTER, false, 0 },
	{ "map", LOOP_MAP, false, 0 },
	{ "count", LOOP_COUNT, true, 0 },
	{ "sum", LOOP_SUM, true, 0 },
	{ "find", LOOP_FIND, false, 0 },
	{ "findIndex", LOOP_FIND_INDEX, false, 0 },
	{ "findLast", LOOP_FIND_LAST, false, 0 },
	{ "findLastIndex", LOOP_FIND_LAST_INDEX, false, 0 },
	{ "groupBy", LOOP_GROUP_BY, false, 0 },
	{ "sortBy", LOOP_SORT_BY, false, 's' },
	{ "reduce", LOOP_REDUCE, false, 'v' },
};

static const struct predicate_function *predicate_function_find(struct view name)
{
	for (size_t i = 0; i < sizeof predicate_functions / sizeof predicate_functions[0]; i++) {
		if (view_is(name, predicate_functions[i].name))
			return &predicate_functions[i];
	}
	return NULL;
}

static struct type predicate_result(uint8_t kind, struct type array, struct type body)
{
	switch (kind) {
	case LOOP_ALL:
	case LOOP_NONE:
	case LOOP_ANY:
	case LOOP_ONE:
		return type_of(VALUE_BOOL);
	case LOOP_COUNT:
	case LOOP_FIND_INDEX:
	case LOOP_FIND_LAST_INDEX:
		return type_of(VALUE_INT);
	case LOOP_FILTER:
	case LOOP_SORT_BY:
		return array.kind == VALUE_ARRAY ? array : type_of(VALUE_ARRAY);
	case LOOP_MAP:
		return type_array(body.kind == VALUE_NIL ? TYPE_ANY_VALUE : body.kind);
	case LOOP_GROUP_BY:
		return type_of(VALUE_MAP);
	case LOOP_SUM:
		return body;
	default:
		return type_any();
	}
}

static bool needs_bool(uint8_t kind)
{
	return kind <= LOOP_FILTER || kind == LOOP_COUNT ||
	       (kind >= LOOP_FIND && kind <= LOOP_FIND_LAST_INDEX);
}

static void check_body(struct compiler *c, size_t at, uint8_t kind, struct type body)
{
	if (needs_bool(kind) && !type_may_be(body, VALUE_BOOL))
		grammar_fail(c, at, "predicate should return boolean (got %s)", type_name(body));
	if (kind == LOOP_SUM && !type_may_be_number(body))
		grammar_fail(c, at, "predicate should return a number (got %s)", type_name(body));
}

/* The body of a predicate, with or without braces, or the item itself where none is given. */
static struct type parse_body(
	struct compiler *c, const struct predicate_function *f, struct type array)
{
	struct loop_scope scope = { type_of(array.item), f->kind == LOOP_REDUCE };
	if (c->loop_count == CODE_LOOPS_MAX)
		return grammar_fail(c, c->token.at, "more than %d predicates inside each other",
			CODE_LOOPS_MAX);
	if (f->optional && token_is(&c->token, ")")) {
		emit(&c->out, CODE_ITEM, 0, 0, 1);
		return scope.item;
	}
	c->loops[c->loop_count++] = scope;
	size_t at = c->token.at;
	struct type t = token_is(&c->token, "{") ? parse_block(c) : parse_expression(c, 0);
	c->loop_count--;
	check_body(c, at, f->kind, t);
	return t;
}

/* The argument behind a predicate: the order of sortBy, the first accumulator of reduce. Gives the
 * loop's kind. */
static uint8_t parse_extra(struct compiler *c, const struct predicate_function *f)
{
	if (f->extra && grammar_accept(c, ",") && !token_is(&c->token, ")")) {
		size_t at = c->token.at;
		struct type t = parse_expression(c, 0);
		if (!argument_takes(f->extra, t))
			grammar_fail(c, at, "%s order argument must be a string (got %s)", f->name,
				type_name(t));
		return f->kind == LOOP_REDUCE ? LOOP_REDUCE_FROM : f->kind;
	}
	if (f->kind == LOOP_SORT_BY)
		emit_constant(&c->out, (struct value){ 0 });
	return f->kind;
}

/*
 *     <array>  JUMP begin
 *     body:    <predicate>  LOOP_NEXT
 *     begin:   <further argument>  LOOP body
 *
 * While the body runs the array is off the stack, in the machine's loop.
 */
static struct type parse_loop(
	struct compiler *c, const struct predicate_function *f, struct type array)
{
	size_t jump = emit(&c->out, CODE_JUMP, 0, 1, 0), height = c->out.height;
	uint32_t body = (uint32_t)c->out.made->count;
	struct type t = parse_body(c, f, array);
	emit(&c->out, CODE_LOOP_NEXT, 0, 1, 0);
	emit_target(&c->out, jump);
	c->out.height = height + 1;
	uint8_t kind = parse_extra(c, f);
	size_t loop = emit(&c->out, CODE_LOOP, body, c->out.height - height, 1);
	if (grammar_failed(c))
		return type_any();
	c->out.made->code[loop].count = kind;
	return predicate_result(f->kind, array, t);
}

static struct type parse_predicate_call(
	struct compiler *c, const struct predicate_function *f, const struct type *piped)
{
	size_t at = c->token.at;
	grammar_expect(c, "(");
	struct type array = piped ? *piped : parse_expression(c, 0);
	if (!grammar_failed(c) && !type_may_be(array, VALUE_ARRAY))
		return grammar_fail(
			c, at, "builtin %s takes only array (got %s)", f->name, type_name(array));
	if (!piped && !(f->optional && token_is(&c->token, ")")))
		grammar_expect(c, ",");
	struct type t = parse_loop(c, f, array);
	grammar_accept(c, ",");
	grammar_expect(c, ")");
	return t;
}

static void check_argument(
	struct compiler *c, const struct function *f, size_t n, size_t at, struct type t)
{
	char letter = function_argument(f, n);
	if (!letter)
		grammar_fail(c, at, "too many arguments to call %s", f->name);
	else if (!argument_takes(letter, t))
		grammar_fail(c, at, "cannot use %s as argument (type %s) to call %s", type_name(t),
			argument_name(letter), f->name);
}

static struct type parse_function_call(
	struct compiler *c, const struct function *f, size_t at, const struct type *piped)
{
	struct type types[GRAMMAR_ARGUMENTS_MAX];
	size_t count = 0;
	if (piped) {
		check_argument(c, f, 0, at, *piped);
		types[count++] = *piped;
	}
	grammar_expect(c, "(");
	while (!token_is(&c->token, ")") && !grammar_failed(c)) {
		size_t argument_at = c->token.at;
		if (count == GRAMMAR_ARGUMENTS_MAX)
			return grammar_fail(
				c, argument_at, "too many arguments to call %s", f->name);
		types[count] = parse_expression(c, 0);
		check_argument(c, f, count, argument_at, types[count]);
		count++;
		if (!token_is(&c->token, ")"))
			grammar_expect(c, ",");
	}
	grammar_expect(c, ")");
	if (!grammar_failed(c) && count < function_arguments_min(f))
		return grammar_fail(c, at, "not enough arguments to call %s", f->name);
	if (grammar_failed(c))
		return type_any();
	emit_call(&c->out, f, count);
	return f->result(types, count);
}

/* `piped` is the type of a first argument that is on the stack already; NULL without. */
struct type parse_call(struct compiler *c, struct token name, const struct type *piped)
{
	if (grammar_failed(c))
		return type_any();
	const struct predicate_function *p = predicate_function_find(name.text);
	if (p)
		return parse_predicate_call(c, p, piped);
	const struct function *f = function_find(name.text, c->scope->groups);
	if (!f)
		return grammar_fail(c, name.at, "unknown name %.*s", VIEW_ARGS(name.text));
	return parse_function_call(c, f, name.at, piped);
}

bool is_predicate_function(struct view name)
{
	return predicate_function_find(name) != NULL;
}
