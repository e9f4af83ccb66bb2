/* Operators by precedence (Pratt), and what binds weaker than they: conditions, `let`, sequences.
 */
#include "server/expression/grammar.h"

enum {
	PRECEDENCE_UNARY_NOT = 50,
	PRECEDENCE_UNARY_SIGN = 90,
};

/* --- operators --- */

struct operator
{
	const char *text;
	uint8_t precedence;
	bool right; /* a op b op c is a op (b op c) */
	enum operation operation;
};

static const struct operator operators[] = {
	{ "|", 0, false, OP_PIPE },
	{ "or", 10, false, OP_OR },
	{ "||", 10, false, OP_OR },
	{ "and", 15, false, OP_AND },
	{ "&&", 15, false, OP_AND },
	{ "==", 20, false, OP_EQUAL },
	{ "!=", 20, false, OP_NOT_EQUAL },
	{ "<", 20, false, OP_LESS },
	{ ">", 20, false, OP_GREATER },
	{ "<=", 20, false, OP_LESS_EQUAL },
	{ ">=", 20, false, OP_GREATER_EQUAL },
	{ "in", 20, false, OP_IN },
	{ "matches", 20, false, OP_MATCHES },
	{ "contains", 20, false, OP_CONTAINS },
	{ "startsWith", 20, false, OP_STARTS },
	{ "endsWith", 20, false, OP_ENDS },
	{ "..", 25, false, OP_RANGE },
	{ "+", 30, false, OP_ADD },
	{ "-", 30, false, OP_SUBTRACT },
	{ "*", 60, false, OP_MULTIPLY },
	{ "/", 60, false, OP_DIVIDE },
	{ "%", 60, false, OP_MODULO },
	{ "**", 100, true, OP_POWER },
	{ "^", 100, true, OP_POWER },
	{ "??", 200, false, OP_COALESCE },
};

static const struct operator* operator_of(const struct token *t)
{
	if (t->kind != TOKEN_OPERATOR)
		return NULL;
	for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
		if (view_is(t->text, operators[i].text))
			return &operators[i];
	}
	return NULL;
}

static bool is_comparison(const struct operator* op)
{
	return op && op->operation >= OP_LESS && op->operation <= OP_GREATER_EQUAL;
}

static bool may_be_negated(const struct operator* op)
{
	return op && op->operation >= OP_IN && op->operation <= OP_MATCHES;
}

static struct type result_of(struct compiler *c, const struct operator* op, size_t at,
	struct type left, struct type right)
{
	struct type result;
	if (type_binary(op->operation, left, right, &result))
		return result;
	return grammar_fail(c, at, "invalid operation: %s (mismatched types %s and %s)", op->text,
		type_name(left), type_name(right));
}

static struct type operand(struct compiler *c, const struct operator* op)
{
	return parse_expression(c, op->precedence + (op->right ? 0 : 1));
}

/* and, or: the right side runs only if the left one does not say it all. */
static struct type parse_logical(
	struct compiler *c, const struct operator* op, size_t at, struct type left)
{
	size_t jump = emit(
		&c->out, op->operation == OP_AND ? CODE_JUMP_IF_FALSE : CODE_JUMP_IF_TRUE, 0, 1, 1);
	emit(&c->out, CODE_POP, 0, 1, 0);
	struct type result = result_of(c, op, at, left, operand(c, op));
	emit(&c->out, CODE_CHECK_BOOL, 0, 1, 1);
	emit_target(&c->out, jump);
	return result;
}

static struct type parse_coalesce(
	struct compiler *c, const struct operator* op, size_t at, struct type left)
{
	size_t jump = emit(&c->out, CODE_JUMP_UNLESS_NIL, 0, 1, 1);
	emit(&c->out, CODE_POP, 0, 1, 0);
	struct type result = result_of(c, op, at, left, operand(c, op));
	emit_target(&c->out, jump);
	const struct operator* next = operator_of(&c->token);
	if (next && next->operation != OP_COALESCE)
		return grammar_fail(c, c->token.at,
			"Operator (%s) and coalesce expressions (?"
			"?) cannot be mixed. Wrap either by parentheses.",
			next->text);
	return result;
}

/* A pattern is compiled once, at set-up: what a query brings never becomes one. */
static struct type parse_matches(
	struct compiler *c, const struct operator* op, size_t at, struct type left)
{
	size_t start = c->out.made->count, pattern_at = c->token.at;
	struct type result = result_of(c, op, at, left, operand(c, op));
	if (grammar_failed(c))
		return result;
	const struct value *pattern = emit_take_constants(&c->out, start, 1);
	if (!pattern)
		return grammar_fail(
			c, pattern_at, "the pattern of matches must be a constant string");
	const char *why = NULL;
	struct regex *r = regex_compile(c->out.arena, pattern->text, &why);
	if (!r)
		return grammar_fail(c, at, "%s", why);
	emit(&c->out, CODE_MATCHES, emit_regex(&c->out, r), 1, 1);
	return result;
}

/* a < b < c is a < b and b < c. */
static struct type parse_comparison(
	struct compiler *c, const struct operator* op, size_t at, struct type left)
{
	struct type right = operand(c, op), result = result_of(c, op, at, left, right);
	const struct operator* next = operator_of(&c->token);
	if (!is_comparison(next)) {
		emit(&c->out, CODE_BINARY, op->operation, 2, 1);
		return result;
	}
	emit(&c->out, CODE_CHAIN_BEGIN, op->operation, 2, 2);
	while (is_comparison(next)) {
		at = c->token.at;
		grammar_advance(c);
		struct type further = operand(c, next);
		result = result_of(c, next, at, right, further);
		emit(&c->out, CODE_CHAIN_NEXT, next->operation, 3, 2);
		right = further;
		next = operator_of(&c->token);
	}
	emit(&c->out, CODE_POP, 0, 1, 0);
	return result;
}

static struct type parse_binary(
	struct compiler *c, const struct operator* op, size_t at, struct type left)
{
	if (op->operation == OP_PIPE) {
		struct token name = c->token;
		grammar_identifier(c);
		return parse_call(c, name, &left);
	}
	if (op->operation == OP_AND || op->operation == OP_OR)
		return parse_logical(c, op, at, left);
	if (op->operation == OP_COALESCE)
		return parse_coalesce(c, op, at, left);
	if (op->operation == OP_MATCHES)
		return parse_matches(c, op, at, left);
	if (is_comparison(op))
		return parse_comparison(c, op, at, left);
	struct type result = result_of(c, op, at, left, operand(c, op));
	emit(&c->out, CODE_BINARY, op->operation, 2, 1);
	return result;
}

/* Takes `not` before in, contains and their like; false when what follows is none of them. */
static bool take_negation(struct compiler *c, unsigned precedence, bool *negated)
{
	*negated = token_is(&c->token, "not");
	if (!*negated)
		return true;
	struct token word = c->token;
	grammar_advance(c);
	const struct operator* op = operator_of(&c->token);
	if (!may_be_negated(op)) {
		grammar_unexpected(c);
		return false;
	}
	if (op->precedence >= precedence)
		return true;
	c->stashed = c->token;
	c->has_stash = true;
	c->token = word;
	return false;
}

static struct type parse_operators(struct compiler *c, unsigned precedence, struct type left)
{
	for (;;) {
		bool negated;
		if (!take_negation(c, precedence, &negated))
			return left;
		const struct operator* op = operator_of(&c->token);
		if (!op || op->precedence < precedence || grammar_failed(c))
			return left;
		size_t at = c->token.at;
		grammar_advance(c);
		left = parse_binary(c, op, at, left);
		if (negated)
			emit(&c->out, CODE_NOT, 0, 1, 1);
	}
}

/* --- conditions and variables --- */

static void check_condition(struct compiler *c, size_t at, struct type t)
{
	if (!type_may_be(t, VALUE_BOOL))
		grammar_fail(
			c, at, "non-bool expression (type %s) used as condition", type_name(t));
}

/* Emits the two ways of a condition that is on the stack; each way is read by `read`. */
static struct type parse_ways(struct compiler *c, struct type (*first)(struct compiler *c),
	struct type (*second)(struct compiler *c))
{
	size_t branch = emit(&c->out, CODE_BRANCH, 0, 1, 0), height = c->out.height;
	struct type a = first(c);
	size_t end = emit(&c->out, CODE_JUMP, 0, 0, 0);
	emit_target(&c->out, branch);
	c->out.height = height;
	struct type b = second(c);
	emit_target(&c->out, end);
	return type_join(a, b);
}

static struct type parse_ternary_first(struct compiler *c)
{
	struct type t = parse_expression(c, 0);
	grammar_expect(c, ":");
	return t;
}

static struct type parse_ternary_second(struct compiler *c)
{
	return parse_expression(c, 0);
}

/* a ?: b is a ? a : b. */
static struct type parse_elvis(struct compiler *c, struct type condition)
{
	size_t jump = emit(&c->out, CODE_JUMP_IF_TRUE, 0, 1, 1);
	emit(&c->out, CODE_POP, 0, 1, 0);
	struct type other = parse_expression(c, 0);
	emit_target(&c->out, jump);
	return type_join(condition, other);
}

static struct type parse_ternary(struct compiler *c, struct type condition)
{
	while (token_is(&c->token, "?") && !grammar_failed(c)) {
		check_condition(c, c->token.at, condition);
		grammar_advance(c);
		condition = grammar_accept(c, ":")
				    ? parse_elvis(c, condition)
				    : parse_ways(c, parse_ternary_first, parse_ternary_second);
	}
	return condition;
}

struct type parse_block(struct compiler *c)
{
	grammar_expect(c, "{");
	struct type t = parse_sequence(c);
	grammar_expect(c, "}");
	return t;
}

static struct type parse_if(struct compiler *c);

static struct type parse_else(struct compiler *c)
{
	grammar_expect(c, "else");
	return token_is(&c->token, "if") ? parse_expression(c, 0) : parse_block(c);
}

static struct type parse_if(struct compiler *c)
{
	grammar_expect(c, "if");
	size_t at = c->token.at;
	check_condition(c, at, parse_expression(c, 0));
	return parse_ways(c, parse_block, parse_else);
}

const struct local *grammar_local(const struct compiler *c, struct view name)
{
	for (size_t i = c->local_count; i-- > 0;) {
		if (view_equal(c->locals[i].name, name))
			return &c->locals[i];
	}
	return NULL;
}

size_t grammar_variable(const struct compiler *c, struct view name)
{
	size_t i = 0;
	while (i < c->scope->variable_count && !view_equal(c->scope->variables[i].name, name))
		i++;
	return i;
}

static bool name_is_taken(const struct compiler *c, struct view name)
{
	return grammar_local(c, name) || grammar_variable(c, name) < c->scope->variable_count ||
	       !expression_name_is_free(name);
}

/* let NAME = VALUE; REST */
static struct type parse_let(struct compiler *c)
{
	grammar_expect(c, "let");
	size_t at = c->token.at;
	struct view name = grammar_identifier(c);
	if (!grammar_failed(c) && name_is_taken(c, name))
		return grammar_fail(c, at, "cannot redeclare %.*s", VIEW_ARGS(name));
	if (c->local_count == GRAMMAR_LOCALS_MAX)
		return grammar_fail(c, at, "more than %d variables", GRAMMAR_LOCALS_MAX);
	grammar_expect(c, "=");
	struct local *local = &c->locals[c->local_count];
	*local = (struct local){ .name = name, .slot = c->out.height };
	local->type = parse_expression(c, 0);
	grammar_expect(c, ";");
	c->local_count++;
	struct type t = parse_sequence(c);
	c->local_count--;
	emit(&c->out, CODE_SLIDE, 0, 2, 1);
	return t;
}

struct type parse_sequence(struct compiler *c)
{
	struct type t = parse_expression(c, 0);
	while (grammar_accept(c, ";") && !grammar_failed(c)) {
		if (c->token.kind == TOKEN_END)
			break;
		emit(&c->out, CODE_POP, 0, 1, 0);
		t = parse_expression(c, 0);
	}
	return t;
}

/* --- operands --- */

static struct type parse_unary(struct compiler *c, const struct token *op)
{
	bool negates = token_is(op, "not") || token_is(op, "!");
	grammar_advance(c);
	struct type t = parse_expression(c, negates ? PRECEDENCE_UNARY_NOT : PRECEDENCE_UNARY_SIGN);
	if (negates ? !type_may_be(t, VALUE_BOOL) : !type_may_be_number(t))
		return grammar_fail(c, op->at, "invalid operation: %.*s (mismatched type %s)",
			VIEW_ARGS(op->text), type_name(t));
	emit(&c->out,
		negates		    ? CODE_NOT
		: token_is(op, "-") ? CODE_NEGATE
				    : CODE_CHECK_NUMBER,
		0, 1, 1);
	return negates ? type_of(VALUE_BOOL) : t;
}

static bool is_unary(const struct token *t)
{
	return token_is(t, "not") || token_is(t, "!") || token_is(t, "-") || token_is(t, "+");
}

static struct type parse_operand(struct compiler *c)
{
	struct token t = c->token;
	if (is_unary(&t))
		return parse_unary(c, &t);
	if (grammar_accept(c, "(")) {
		struct type inner = parse_sequence(c);
		grammar_expect(c, ")");
		return inner;
	}
	return parse_simple(c);
}

struct type parse_expression(struct compiler *c, unsigned precedence)
{
	if (grammar_failed(c))
		return type_any();
	if (++c->depth > GRAMMAR_DEPTH_MAX)
		return grammar_fail(c, c->token.at, "expression nests too deeply");
	struct type t;
	if (precedence == 0 && token_is(&c->token, "let"))
		t = parse_let(c);
	else if (precedence == 0 && token_is(&c->token, "if"))
		t = parse_if(c);
	else {
		t = parse_postfix(c, parse_operand(c));
		t = parse_operators(c, precedence, t);
		if (precedence == 0)
			t = parse_ternary(c, t);
	}
	c->depth--;
	return t;
}
