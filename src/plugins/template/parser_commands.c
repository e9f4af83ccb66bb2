/* Inside of actions: operands, commands, pipelines. */
#include "plugins/template/functions.h"
#include "plugins/template/parser.h"

#include "base/utf8.h"
#include <errno.h>
#include <stdlib.h>

#define NO_FIELD UINT32_MAX

/* --- operands --- */

/* A number as C reads it: without the '_' between digits. Gives the base that its prefix says where C does not know it
 * (0b, 0o), else 0; the prefix is left out. */
static int plain_digits(struct view text, char *digits)
{
	size_t length = 0;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] != '_')
			digits[length++] = text.at[i];
	}
	digits[length] = '\0';
	size_t sign = digits[0] == '-' || digits[0] == '+';
	char prefix = digits[sign] == '0' ? digits[sign + 1] : '\0';
	int base = prefix == 'b' || prefix == 'B' ? 2 : prefix == 'o' || prefix == 'O' ? 8 : 0;
	if (base)
		memmove(digits + sign, digits + sign + 2, length - sign - 1);
	return base;
}

static void parse_number(struct parser *p)
{
	char digits[64], *end;
	struct view text = p->token.text;
	errno = 0;
	if (text.length < sizeof digits) {
		int base = plain_digits(text, digits);
		long long n = strtoll(digits, &end, base);
		if (*end == '\0' && end != digits && errno == 0) {
			goparser_emit_constant(p, value_int(n));
			goparser_advance(p);
			return;
		}
		errno = 0;
		double real = strtod(digits, &end);
		if (*end == '\0' && end != digits && errno == 0 && !base &&
			!strpbrk(digits, "nNpP")) {
			goparser_emit_constant(p, value_float(real));
			goparser_advance(p);
			return;
		}
	}
	goparser_fail(p, "bad number syntax: \"%.*s\"", VIEW_ARGS(text));
}

static void parse_quoted(struct parser *p)
{
	struct view text;
	uint32_t code;
	if (!gotoken_unquote(p->arena, &p->token, &text))
		goparser_fail(p, "invalid syntax");
	else if (p->token.kind != GOTOKEN_CHAR)
		goparser_emit_constant(p, value_text(text));
	else if (text.length && utf8_decode(text, &code) == text.length)
		goparser_emit_constant(p, value_int(code));
	else
		goparser_fail(p, "malformed character constant: %.*s", VIEW_ARGS(p->token.text));
	goparser_advance(p);
}

static void parse_variable(struct parser *p)
{
	uint8_t slot = 0;
	struct view name = p->token.text;
	if (!goparser_variable_find(p, name, &slot))
		goparser_fail(p, "undefined variable \"%.*s\"", VIEW_ARGS(name));
	size_t i = goparser_emit(p, GOCODE_VARIABLE, 0, 0, 1);
	if (!p->error)
		p->made->code[i].variable = slot;
	goparser_advance(p);
}

static void parse_parentheses(struct parser *p)
{
	if (!goparser_enter(p))
		return;
	goparser_advance(p);
	goparser_pipeline(p, "parenthesized pipeline");
	if (p->token.kind != GOTOKEN_CLOSE)
		goparser_unexpected(p, "parenthesized pipeline");
	goparser_advance(p);
	p->depth--;
}

/* A run of .A.B.C behind what is on the stack. The last one is left to the caller, which may make a
 * method of it; *at is where the first one behind another term stands: Go names that place. */
static uint32_t parse_fields(struct parser *p, struct extent *e, bool first)
{
	uint32_t last = NO_FIELD;
	bool moved = false;
	for (; p->token.kind == GOTOKEN_FIELD && !p->error; first = false) {
		if (last != NO_FIELD)
			goparser_show(p, goparser_emit(p, GOCODE_FIELD, last, 1, 1), *e);
		last = goparser_keep_text(p, view_skip(p->token.text, 1));
		if (!first && !moved) {
			e->at = p->token.at;
			moved = true;
		}
		goparser_advance(p);
	}
	return last;
}

/* A function without arguments, as an argument. */
static void parse_bare_function(struct parser *p)
{
	struct extent e = { p->token.at, p->token.at };
	uint32_t index;
	if (!gofunction_find(p->token.text, &index)) {
		goparser_fail(p, "function \"%.*s\" not defined", VIEW_ARGS(p->token.text));
		return;
	}
	goparser_advance(p);
	goparser_show(p, goparser_emit(p, GOCODE_CALL, index, 0, 1), e);
}

static void parse_term(struct parser *p)
{
	switch (p->token.kind) {
	case GOTOKEN_DOT:
		goparser_emit(p, GOCODE_DOT, 0, 0, 1);
		goparser_advance(p);
		break;
	case GOTOKEN_FIELD:
		goparser_emit(p, GOCODE_DOT, 0, 0, 1);
		break;
	case GOTOKEN_VARIABLE:
		parse_variable(p);
		break;
	case GOTOKEN_BOOL:
		goparser_emit_constant(p, value_bool(view_is(p->token.text, "true")));
		goparser_advance(p);
		break;
	case GOTOKEN_NUMBER:
		parse_number(p);
		break;
	case GOTOKEN_CHAR:
	case GOTOKEN_STRING:
	case GOTOKEN_RAW_STRING:
		parse_quoted(p);
		break;
	case GOTOKEN_OPEN:
		parse_parentheses(p);
		break;
	case GOTOKEN_WORD:
		parse_bare_function(p);
		break;
	default:
		if (goparser_is_keyword(p, "nil")) {
			goparser_emit_constant(p, (struct value){ 0 });
			goparser_advance(p);
		} else {
			goparser_unexpected(p, "operand");
		}
	}
}

/* Whether fields may stand behind such a token. */
static bool takes_fields(enum gotoken_kind kind)
{
	return kind == GOTOKEN_FIELD || kind == GOTOKEN_VARIABLE || kind == GOTOKEN_OPEN ||
	       kind == GOTOKEN_WORD;
}

/* A term and its fields but the last, which is given for the caller to emit; NO_FIELD if there is
 * none. */
static uint32_t parse_term_fields(struct parser *p, struct extent *e)
{
	struct gotoken first = p->token;
	*e = (struct extent){ first.at, first.at };
	parse_term(p);
	if (p->token.kind != GOTOKEN_FIELD || p->error)
		return NO_FIELD;
	if (takes_fields(first.kind))
		return parse_fields(p, e, first.kind == GOTOKEN_FIELD);
	goparser_fail(p, "unexpected . after term \"%.*s\"", VIEW_ARGS(first.text));
	return NO_FIELD;
}

static void parse_operand(struct parser *p)
{
	struct extent e;
	uint32_t last = parse_term_fields(p, &e);
	if (last != NO_FIELD)
		goparser_show(p, goparser_emit(p, GOCODE_FIELD, last, 1, 1), e);
}

/* --- commands --- */

/* Whether another argument of the command follows. */
static bool argument_follows(struct parser *p)
{
	bool apart = p->token.kind == GOTOKEN_SPACE;
	goparser_skip_space(p);
	switch (p->token.kind) {
	case GOTOKEN_RIGHT:
	case GOTOKEN_CLOSE:
	case GOTOKEN_PIPE:
		return false;
	default:
		if (!apart)
			goparser_unexpected(p, "operand");
		return !p->error;
	}
}

static size_t parse_arguments(struct parser *p)
{
	size_t count = 0;
	while (argument_follows(p)) {
		if (++count > GOCODE_ARGUMENTS_MAX) {
			goparser_fail(p, "more than %d arguments", GOCODE_ARGUMENTS_MAX);
			break;
		}
		parse_operand(p);
	}
	return count;
}

/* and, or: arguments behind the one that settles it are not looked at. */
static size_t parse_logical(struct parser *p, enum gocode keep)
{
	size_t jumps[GOCODE_ARGUMENTS_MAX], count = 0;
	while (argument_follows(p)) {
		if (count == GOCODE_ARGUMENTS_MAX) {
			goparser_fail(p, "more than %d arguments", GOCODE_ARGUMENTS_MAX);
			break;
		}
		if (count)
			jumps[count - 1] = goparser_emit(p, keep, 0, 1, 0);
		parse_operand(p);
		count++;
	}
	for (size_t i = 1; i < count; i++)
		goparser_jump_here(p, jumps[i - 1]);
	return count;
}

static void emit_call(struct parser *p, enum gocode code, uint32_t operand, size_t count,
	bool piped, struct extent e)
{
	size_t taken = count + piped + (code == GOCODE_METHOD);
	size_t i = goparser_emit(p, code, operand, taken, 1);
	if (p->error)
		return;
	p->made->code[i].count = (uint8_t)(count + piped);
	p->made->code[i].piped = piped;
	goparser_show(p, i, e);
}

static void parse_function(struct parser *p, bool piped)
{
	struct extent e = { p->token.at, p->token.at };
	struct view name = p->token.text;
	uint32_t index;
	if (!gofunction_find(name, &index)) {
		goparser_fail(p, "function \"%.*s\" not defined", VIEW_ARGS(name));
		return;
	}
	goparser_advance(p);
	bool jumps = !piped && (view_is(name, "and") || view_is(name, "or"));
	size_t count = jumps ? parse_logical(p, view_is(name, "and") ? GOCODE_KEEP_IF_FALSE
								     : GOCODE_KEEP_IF_TRUE)
			     : parse_arguments(p);
	if (!jumps || count == 0)
		emit_call(p, GOCODE_CALL, index, count, piped, e);
}

/* A value that is no function can take no arguments; as with Go, this fails when it runs. */
static void refuse_arguments(
	struct parser *p, size_t count, bool piped, struct extent e, struct view operand)
{
	if (count == 0 && !piped)
		return;
	const char *text = arena_printf(
		p->arena, "can't give argument to non-function %.*s", VIEW_ARGS(operand));
	goparser_show(p,
		goparser_emit(
			p, GOCODE_FAIL, goparser_keep_text(p, view_of(text)), count + piped, 0),
		e);
}

/* What the last field of a command is: a method, when arguments are there, else a field. */
static void parse_value(struct parser *p, bool piped)
{
	struct extent e;
	bool literal = p->token.kind == GOTOKEN_DOT || p->token.kind == GOTOKEN_BOOL ||
		       p->token.kind == GOTOKEN_NUMBER || p->token.kind == GOTOKEN_CHAR ||
		       p->token.kind == GOTOKEN_STRING || p->token.kind == GOTOKEN_RAW_STRING ||
		       goparser_is_keyword(p, "nil");
	if (piped && literal)
		goparser_fail(p, "non executable command in pipeline stage 2");
	uint32_t last = parse_term_fields(p, &e);
	struct view operand = { p->made->text.at + e.from, p->end > e.from ? p->end - e.from : 0 };
	size_t count = parse_arguments(p);
	if (last == NO_FIELD)
		refuse_arguments(p, count, piped, e, operand);
	else if (count || piped)
		emit_call(p, GOCODE_METHOD, last, count, piped, e);
	else
		goparser_show(p, goparser_emit(p, GOCODE_FIELD, last, 1, 1), e);
}

static void parse_command(struct parser *p, bool piped)
{
	if (p->token.kind == GOTOKEN_WORD)
		parse_function(p, piped);
	else
		parse_value(p, piped);
}

/* --- pipelines --- */

void goparser_commands(struct parser *p, const char *context)
{
	bool piped = false;
	for (;;) {
		goparser_skip_space(p);
		if (p->token.kind == GOTOKEN_RIGHT || p->token.kind == GOTOKEN_CLOSE) {
			goparser_fail(p, "missing value for %s", context);
			return;
		}
		parse_command(p, piped);
		goparser_skip_space(p);
		if (p->token.kind != GOTOKEN_PIPE || p->error)
			return;
		goparser_advance(p);
		piped = true;
	}
}

static void emit_set(struct parser *p, uint8_t slot)
{
	size_t i = goparser_emit(p, GOCODE_SET, 0, 1, 1);
	if (!p->error)
		p->made->code[i].variable = slot;
}

/* What follows a variable at the begin of a pipeline: := or = (then *declares or *assigns), or
 * something else. */
bool goparser_declaration_follows(const struct parser *p, enum gotoken_kind *kind)
{
	struct golexer ahead = p->lexer;
	struct gotoken t = gotoken_next(&ahead);
	if (t.kind == GOTOKEN_SPACE)
		t = gotoken_next(&ahead);
	*kind = t.kind;
	return t.kind == GOTOKEN_DECLARE || t.kind == GOTOKEN_ASSIGN ||
	       (t.kind == GOTOKEN_OTHER && view_is(t.text, ","));
}

/* $x := PIPELINE or $x = PIPELINE: gives whether it was one. */
bool goparser_declaration(struct parser *p, const char *context)
{
	enum gotoken_kind kind;
	goparser_skip_space(p);
	if (p->token.kind != GOTOKEN_VARIABLE || !goparser_declaration_follows(p, &kind))
		return false;
	struct view name = p->token.text;
	uint8_t slot = 0;
	goparser_advance(p);
	goparser_skip_space(p);
	if (kind == GOTOKEN_OTHER) {
		goparser_fail(p, "too many declarations in %s", context);
		return true;
	}
	if (kind == GOTOKEN_ASSIGN && !goparser_variable_find(p, name, &slot))
		goparser_fail(p, "undefined variable \"%.*s\"", VIEW_ARGS(name));
	goparser_advance(p);
	goparser_commands(p, context);
	if (kind == GOTOKEN_DECLARE)
		slot = goparser_variable_new(p, name);
	emit_set(p, slot);
	return true;
}

void goparser_pipeline(struct parser *p, const char *context)
{
	if (!goparser_declaration(p, context))
		goparser_commands(p, context);
}
