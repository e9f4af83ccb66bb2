/* From an expression's text to its code: tokens, errors with their place, and the whole. */
#include "server/expression/grammar.h"

/* --- errors and tokens --- */

struct type grammar_fail(struct compiler *c, size_t at, const char *format, ...)
{
	if (!c->error) {
		va_list args;
		va_start(args, format);
		c->error = arena_vprintf(c->out.arena, format, args);
		c->error_at = at;
		va_end(args);
	}
	c->token = (struct token){ .kind = TOKEN_END, .at = c->lexer.source.length };
	c->has_stash = false;
	c->lexer.at = c->lexer.source.length;
	return type_any();
}

void grammar_advance(struct compiler *c)
{
	if (c->has_stash) {
		c->has_stash = false;
		c->token = c->stashed;
		return;
	}
	c->token = token_next(&c->lexer);
	if (c->lexer.error)
		grammar_fail(c, c->lexer.error_at, "%s", c->lexer.error);
}

struct type grammar_unexpected(struct compiler *c)
{
	return grammar_fail(
		c, c->token.at, "unexpected token %s", token_print(c->out.arena, &c->token));
}

bool grammar_accept(struct compiler *c, const char *text)
{
	if (!token_is(&c->token, text))
		return false;
	grammar_advance(c);
	return true;
}

void grammar_expect(struct compiler *c, const char *text)
{
	if (!grammar_accept(c, text))
		grammar_unexpected(c);
}

struct view grammar_identifier(struct compiler *c)
{
	struct view name = c->token.text;
	if (c->token.kind != TOKEN_IDENTIFIER)
		grammar_unexpected(c);
	else
		grammar_advance(c);
	return name;
}

/* --- the whole --- */

/* Where an offset lies: the line's number and text, and how far in it. */
static unsigned line_at(struct view source, size_t at, struct view *line, size_t *column)
{
	unsigned number = 1;
	size_t start = 0;
	for (size_t i = 0; i < at && i < source.length; i++) {
		if (source.at[i] == '\n') {
			number++;
			start = i + 1;
		}
	}
	struct view rest = view_skip(source, start);
	*line = view_first(rest, view_find(rest, '\n'));
	*column = at - start;
	return number;
}

static const char *place_shown(struct arena *arena, struct view source, size_t at, const char *text)
{
	struct view line;
	size_t column;
	unsigned number = line_at(source, at, &line, &column);
	char *dots = arena_alloc(arena, column + 1);
	memset(dots, '.', column);
	return arena_printf(arena, "%s (%u:%zu)\n | %.*s\n | %s^", text, number, column + 1,
		VIEW_ARGS(line), dots);
}

static bool text_is_taken(struct arena *arena, struct view text, const char **why)
{
	if (text.length <= EXPRESSION_TEXT_MAX)
		return true;
	*why = arena_printf(
		arena, "expression too long: %zu > %d", text.length, EXPRESSION_TEXT_MAX);
	return false;
}

struct expression *expression_compile(struct arena *arena, const struct expression_scope *scope,
	struct view text, const char **why)
{
	static const struct expression_scope nothing = { 0 };
	if (!text_is_taken(arena, text, why))
		return NULL;
	struct expression *made = arena_new_object(arena, struct expression);
	made->text = arena_copy(arena, text);
	struct compiler *c = arena_new_object(arena, struct compiler);
	c->out.arena = c->lexer.arena = arena;
	c->out.made = made;
	c->lexer.source = made->text;
	c->scope = scope ? scope : &nothing;
	grammar_advance(c);
	made->type = parse_sequence(c);
	if (!grammar_failed(c) && c->token.kind != TOKEN_END)
		grammar_unexpected(c);
	if (!grammar_failed(c))
		return made;
	*why = c->error ? place_shown(arena, text, c->error_at, c->error)
			: arena_printf(arena, "%s", c->out.error);
	return NULL;
}

struct type expression_type(const struct expression *e)
{
	return e->type;
}

struct view expression_text(const struct expression *e)
{
	return e->text;
}

bool expression_name_is_free(struct view name)
{
	/* The language's literals, and functions of it that are not here. */
	static const char *const words[] = { "true", "false", "nil", "type", "now", "duration",
		"date", "timezone", "toJSON", "fromJSON" };
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (view_is(name, words[i]))
			return false;
	}
	return lexer_is_identifier(name) && !function_find(name, true) &&
	       !is_predicate_function(name);
}
