/* Literals and names, and the fields, subscripts and slices behind them. */
#include "server/expression/grammar.h"

#include <errno.h>
#include <stdlib.h>

static bool is_base_prefixed(struct view digits)
{
	return digits.length > 1 && digits.at[0] == '0' && strchr("xXoObB", digits.at[1]);
}

static bool integer_parse(const char *digits, int64_t *n)
{
	struct view v = view_of(digits);
	int base = 10;
	if (is_base_prefixed(v)) {
		base = v.at[1] == 'x' || v.at[1] == 'X'	  ? 16
		       : v.at[1] == 'o' || v.at[1] == 'O' ? 8
							  : 2;
		digits += 2;
	}
	char *end;
	errno = 0;
	*n = strtoll(digits, &end, base);
	return errno == 0 && end != digits && *end == '\0';
}

/* The digits without the underscores between them. */
static char *plain_digits(struct compiler *c, struct view text)
{
	char *digits = arena_string(c->out.arena, text);
	size_t length = 0;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] != '_')
			digits[length++] = text.at[i];
	}
	digits[length] = '\0';
	return digits;
}

static struct type parse_number(struct compiler *c)
{
	size_t at = c->token.at;
	char *digits = plain_digits(c, c->token.text);
	grammar_advance(c);
	if (strpbrk(digits, ".eE") && !is_base_prefixed(view_of(digits))) {
		char *end;
		errno = 0;
		double n = strtod(digits, &end);
		if (errno == ERANGE || *end != '\0')
			return grammar_fail(c, at, "invalid float literal: \"%s\"", digits);
		emit_constant(&c->out, value_float(n));
		return type_of(VALUE_FLOAT);
	}
	int64_t n;
	if (!integer_parse(digits, &n))
		return grammar_fail(c, at, "invalid integer literal: \"%s\"", digits);
	emit_constant(&c->out, value_int(n));
	return type_of(VALUE_INT);
}

static struct type parse_array(struct compiler *c)
{
	size_t start = c->out.made->count, count = 0;
	struct type item = type_any();
	grammar_expect(c, "[");
	while (!token_is(&c->token, "]") && !grammar_failed(c)) {
		if (count == GRAMMAR_ITEMS_MAX)
			return grammar_fail(
				c, c->token.at, "more than %d items", GRAMMAR_ITEMS_MAX);
		struct type t = parse_expression(c, 0);
		item = count == 0 || t.kind == item.kind ? t : type_any();
		count++;
		if (!token_is(&c->token, "]"))
			grammar_expect(c, ",");
	}
	grammar_expect(c, "]");
	const struct value *constants = emit_take_constants(&c->out, start, count);
	if (constants)
		emit_constant(&c->out, value_array(constants, count));
	else
		emit(&c->out, CODE_ARRAY, (uint32_t)count, count, 1);
	return type_array(item.kind == VALUE_NIL ? TYPE_ANY_VALUE : item.kind);
}

static void parse_key(struct compiler *c)
{
	if (c->token.kind == TOKEN_STRING || c->token.kind == TOKEN_NUMBER ||
		c->token.kind == TOKEN_IDENTIFIER) {
		emit_constant(&c->out, value_text(c->token.text));
		grammar_advance(c);
	} else if (token_is(&c->token, "(")) {
		size_t at = c->token.at;
		struct type t = parse_expression(c, 0);
		if (!type_may_be(t, VALUE_STRING))
			grammar_fail(c, at, "a map key must be a string (got %s)", type_name(t));
	} else {
		grammar_fail(c, c->token.at,
			"a map key must be a quoted string, a number, a identifier, or an "
			"expression enclosed "
			"in parentheses (unexpected token %s)",
			token_print(c->out.arena, &c->token));
	}
}

static struct type parse_map(struct compiler *c)
{
	size_t count = 0;
	grammar_expect(c, "{");
	while (!token_is(&c->token, "}") && !grammar_failed(c)) {
		if (count == GRAMMAR_ITEMS_MAX / 2)
			return grammar_fail(
				c, c->token.at, "more than %d pairs", GRAMMAR_ITEMS_MAX / 2);
		parse_key(c);
		grammar_expect(c, ":");
		parse_expression(c, 0);
		count++;
		if (!token_is(&c->token, "}"))
			grammar_expect(c, ",");
	}
	grammar_expect(c, "}");
	emit(&c->out, CODE_MAP, (uint32_t)count, 2 * count, 1);
	return type_of(VALUE_MAP);
}

static struct type parse_variable(struct compiler *c, struct token name)
{
	const struct local *local = grammar_local(c, name.text);
	if (local) {
		emit(&c->out, CODE_SLOT, (uint32_t)local->slot, 0, 1);
		return local->type;
	}
	size_t n = grammar_variable(c, name.text);
	if (n < c->scope->variable_count) {
		emit(&c->out, CODE_VARIABLE, (uint32_t)n, 0, 1);
		return c->scope->variables[n].type;
	}
	if (function_find(name.text, c->scope->groups) || is_predicate_function(name.text))
		return grammar_fail(c, name.at, "%.*s is a function: write %.*s()",
			VIEW_ARGS(name.text), VIEW_ARGS(name.text));
	return grammar_fail(c, name.at, "unknown name %.*s", VIEW_ARGS(name.text));
}

static struct type parse_name(struct compiler *c)
{
	struct token name = c->token;
	grammar_advance(c);
	if (view_is(name.text, "true") || view_is(name.text, "false")) {
		emit_constant(&c->out, value_bool(view_is(name.text, "true")));
		return type_of(VALUE_BOOL);
	}
	if (view_is(name.text, "nil")) {
		emit_constant(&c->out, (struct value){ 0 });
		return type_of(VALUE_NIL);
	}
	return token_is(&c->token, "(") ? parse_call(c, name, NULL) : parse_variable(c, name);
}

/* #, #index, #acc, and the bare dot that stands for "#." */
static struct type parse_pointer(struct compiler *c)
{
	const struct loop_scope *loop = &c->loops[c->loop_count - 1];
	if (token_is(&c->token, ".")) {
		emit(&c->out, CODE_ITEM, 0, 0, 1);
		return loop->item;
	}
	grammar_advance(c);
	if (c->token.kind != TOKEN_IDENTIFIER) {
		emit(&c->out, CODE_ITEM, 0, 0, 1);
		return loop->item;
	}
	struct token name = c->token;
	grammar_advance(c);
	if (loop->reduces && view_is(name.text, "acc")) {
		emit(&c->out, CODE_ACCUMULATOR, 0, 0, 1);
		return type_any();
	}
	if (loop->reduces && view_is(name.text, "index")) {
		emit(&c->out, CODE_ITEM_INDEX, 0, 0, 1);
		return type_of(VALUE_INT);
	}
	return grammar_fail(c, name.at, "unknown pointer #%.*s", VIEW_ARGS(name.text));
}

struct type parse_simple(struct compiler *c)
{
	struct token t = c->token;
	if (c->loop_count && (token_is(&t, "#") || token_is(&t, ".")))
		return parse_pointer(c);
	if (token_is(&t, "["))
		return parse_array(c);
	if (token_is(&t, "{"))
		return parse_map(c);
	switch (t.kind) {
	case TOKEN_NUMBER:
		return parse_number(c);
	case TOKEN_STRING:
		grammar_advance(c);
		emit_constant(&c->out, value_text(t.text));
		return type_of(VALUE_STRING);
	case TOKEN_IDENTIFIER:
		return parse_name(c);
	default:
		return grammar_unexpected(c);
	}
}

/* --- members --- */

static struct type member_type(
	struct compiler *c, size_t at, struct type base, struct type key, bool named)
{
	if (base.kind == TYPE_ANY_VALUE)
		return base;
	if (base.kind == VALUE_MAP && type_may_be(key, VALUE_STRING))
		return type_any();
	if (base.kind == VALUE_MAP)
		return grammar_fail(c, at, "cannot use %s to get an element from %s",
			type_name(key), type_name(base));
	if (base.kind == VALUE_ARRAY && type_may_be(key, VALUE_INT))
		return type_of(base.item);
	if (base.kind == VALUE_ARRAY)
		return grammar_fail(c, at,
			"array elements can only be selected using an integer (got %s)",
			type_name(key));
	if (named)
		return grammar_fail(c, at, "type %s has no fields", type_name(base));
	return grammar_fail(c, at, "type %s[%s] is undefined", type_name(base), type_name(key));
}

static struct type parse_field(struct compiler *c, struct type base)
{
	struct token name = c->token;
	if (name.kind != TOKEN_IDENTIFIER &&
		(name.kind != TOKEN_OPERATOR || name.text.at[0] < 'a' || name.text.at[0] > 'z'))
		return grammar_fail(c, name.at, "expected name");
	grammar_advance(c);
	struct type t = member_type(c, name.at, base, type_of(VALUE_STRING), true);
	emit_constant(&c->out, value_text(name.text));
	emit(&c->out, CODE_INDEX, 0, 2, 1);
	return t;
}

/* One bound of a slice; nil where it is left out. */
static void parse_bound(struct compiler *c, const char *end)
{
	if (token_is(&c->token, end)) {
		emit_constant(&c->out, (struct value){ 0 });
		return;
	}
	size_t at = c->token.at;
	struct type t = parse_expression(c, 0);
	if (!type_may_be(t, VALUE_INT))
		grammar_fail(c, at, "non-integer slice index %s", type_name(t));
}

static struct type parse_slice(struct compiler *c, size_t at, struct type base)
{
	grammar_expect(c, ":");
	parse_bound(c, "]");
	grammar_expect(c, "]");
	if (!type_may_be(base, VALUE_ARRAY) && !type_may_be(base, VALUE_STRING))
		return grammar_fail(c, at, "cannot slice %s", type_name(base));
	emit(&c->out, CODE_SLICE, 0, 3, 1);
	return base;
}

static struct type parse_subscript(struct compiler *c, struct type base)
{
	size_t at = c->token.at;
	grammar_expect(c, "[");
	if (token_is(&c->token, ":")) {
		emit_constant(&c->out, (struct value){ 0 });
		return parse_slice(c, at, base);
	}
	size_t key_at = c->token.at;
	struct type key = parse_expression(c, 0);
	if (token_is(&c->token, ":")) {
		if (!type_may_be(key, VALUE_INT))
			return grammar_fail(
				c, key_at, "non-integer slice index %s", type_name(key));
		return parse_slice(c, at, base);
	}
	grammar_expect(c, "]");
	struct type t = member_type(c, key_at, base, key, false);
	emit(&c->out, CODE_INDEX, 0, 2, 1);
	return t;
}

/* Whatever follows a ?. is left out when what stands before it is nil. */
static struct type parse_optional(struct compiler *c, struct type base);

struct type parse_postfix(struct compiler *c, struct type t)
{
	while (!grammar_failed(c)) {
		if (token_is(&c->token, "["))
			t = parse_subscript(c, t);
		else if (grammar_accept(c, "."))
			t = parse_field(c, t);
		else if (grammar_accept(c, "?."))
			return parse_optional(c, t);
		else
			break;
	}
	return t;
}

static struct type parse_optional(struct compiler *c, struct type base)
{
	struct type any = base.kind == VALUE_NIL ? type_any() : base;
	size_t jump = emit(&c->out, CODE_JUMP_IF_NIL, 0, 1, 1);
	c->depth++;
	if (c->depth > GRAMMAR_DEPTH_MAX)
		return grammar_fail(c, c->token.at, "expression nests too deeply");
	struct type t = token_is(&c->token, "[") ? parse_subscript(c, any) : parse_field(c, any);
	parse_postfix(c, t);
	c->depth--;
	emit_target(&c->out, jump);
	return type_any();
}
