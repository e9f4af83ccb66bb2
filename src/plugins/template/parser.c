/* What the grammar stands on: tokens, errors, code; and the whole. */
#include "plugins/template/parser.h"

/* --- errors and tokens --- */

static unsigned line_at(const struct parser *p, size_t at)
{
	unsigned line = 1;
	for (size_t i = 0; i < at && i < p->made->text.length; i++)
		line += p->made->text.at[i] == '\n';
	return line;
}

void goparser_fail(struct parser *p, const char *format, ...)
{
	if (!p->error) {
		va_list args;
		va_start(args, format);
		const char *text = arena_vprintf(p->arena, format, args);
		va_end(args);
		p->error = arena_printf(p->arena, "template: %s:%u: %s", p->made->name,
			line_at(p, p->token.at), text);
	}
	p->token = (struct gotoken){ .kind = GOTOKEN_END, .at = p->made->text.length };
	p->lexer.at = p->made->text.length;
	p->lexer.in_action = false;
}

void goparser_unexpected(struct parser *p, const char *context)
{
	if (p->token.kind == GOTOKEN_ERROR)
		goparser_fail(p, "%.*s", VIEW_ARGS(p->token.text));
	else
		goparser_fail(
			p, "unexpected %s in %s", gotoken_print(p->arena, &p->token), context);
}

/* Adds a token to the source as Go prints it: single blanks between, none at the ends of actions
 * and parentheses. */
static void note_token(struct parser *p, const struct gotoken *t)
{
	bool closes = t->kind == GOTOKEN_RIGHT || t->kind == GOTOKEN_CLOSE;
	char last = p->source.length ? p->source.at[p->source.length - 1] : '{';
	if (t->kind == GOTOKEN_SPACE) {
		p->apart = true;
		return;
	}
	bool around =
		t->kind == GOTOKEN_PIPE || t->kind == GOTOKEN_DECLARE || t->kind == GOTOKEN_ASSIGN;
	bool comma = t->kind == GOTOKEN_OTHER && view_is(t->text, ",");
	if ((p->apart || around) && !closes && !comma && last != '{' && last != '(' && last != ' ')
		arena_text_add_char(&p->source, ' ');
	arena_text_add(&p->source, t->text);
	p->apart = around || comma;
}

void goparser_advance(struct parser *p)
{
	p->end = p->token.at + p->token.text.length;
	note_token(p, &p->token);
	p->token = gotoken_next(&p->lexer);
}

void goparser_skip_space(struct parser *p)
{
	while (p->token.kind == GOTOKEN_SPACE) {
		size_t end = p->end;
		goparser_advance(p);
		p->end = end;
	}
}

bool goparser_is_keyword(const struct parser *p, const char *word)
{
	return p->token.kind == GOTOKEN_KEYWORD && view_is(p->token.text, word);
}

void goparser_expect_right(struct parser *p, const char *context)
{
	goparser_skip_space(p);
	if (p->token.kind != GOTOKEN_RIGHT)
		goparser_unexpected(p, context);
	else
		goparser_advance(p);
}

bool goparser_enter(struct parser *p)
{
	if (p->depth == GOPARSER_DEPTH_MAX)
		goparser_fail(p, "too deeply nested");
	else
		p->depth++;
	return !p->error;
}

/* --- code --- */

uint32_t goparser_keep_text(struct parser *p, struct view text)
{
	struct gotemplate *t = p->made;
	t->texts =
		arena_grow(p->arena, t->texts, t->text_count, &p->text_capacity, sizeof *t->texts);
	t->texts[t->text_count] = text;
	return (uint32_t)t->text_count++;
}

uint32_t goparser_template(struct parser *p, struct view name)
{
	struct gotemplate *t = p->made;
	for (size_t i = 0; i < t->template_count; i++) {
		if (view_equal(t->templates[i].name, name))
			return (uint32_t)i;
	}
	t->templates = arena_grow(p->arena, t->templates, t->template_count, &p->template_capacity,
		sizeof *t->templates);
	t->templates[t->template_count] = (struct gonamed){ .name = name };
	return (uint32_t)t->template_count++;
}

size_t goparser_emit(
	struct parser *p, enum gocode code, uint32_t operand, size_t taken, size_t given)
{
	struct gotemplate *t = p->made;
	p->height = p->height - taken + given;
	if (t->count == GOCODE_MAX || p->height > GOCODE_STACK_MAX)
		goparser_fail(p, "the template is too large");
	if (p->error)
		return 0;
	if (p->height > t->stack_size)
		t->stack_size = p->height;
	t->code = arena_grow(p->arena, t->code, t->count, &p->code_capacity, sizeof *t->code);
	t->code[t->count] = (struct goinstruction){ .code = (uint8_t)code, .operand = operand };
	return t->count++;
}

void goparser_emit_constant(struct parser *p, struct value v)
{
	struct gotemplate *t = p->made;
	t->constants = arena_grow(p->arena, t->constants, t->constant_count, &p->constant_capacity,
		sizeof *t->constants);
	t->constants[t->constant_count] = v;
	goparser_emit(p, GOCODE_CONSTANT, (uint32_t)t->constant_count++, 0, 1);
}

void goparser_jump_here(struct parser *p, size_t jump)
{
	if (!p->error)
		p->made->code[jump].operand = (uint32_t)p->made->count;
}

void goparser_show(struct parser *p, size_t instruction, struct extent e)
{
	if (p->error)
		return;
	struct goinstruction *i = &p->made->code[instruction];
	i->at = (uint32_t)e.at;
	i->from = (uint32_t)e.from;
	i->length = (uint32_t)(p->end - e.from);
}

/* --- variables --- */

bool goparser_variable_find(const struct parser *p, struct view name, uint8_t *slot)
{
	for (size_t i = p->variable_count; i-- > 0;) {
		if (view_equal(p->variables[i].name, name)) {
			*slot = p->variables[i].slot;
			return true;
		}
	}
	return false;
}

uint8_t goparser_variable_new(struct parser *p, struct view name)
{
	if (p->variable_count == GOCODE_VARIABLES_MAX) {
		goparser_fail(p, "more than %d variables", GOCODE_VARIABLES_MAX);
		return 0;
	}
	uint8_t slot = (uint8_t)p->variable_count;
	p->variables[p->variable_count++] = (struct variable){ name, slot };
	if (p->variable_count > p->made->variables)
		p->made->variables = p->variable_count;
	return slot;
}

/* --- the whole --- */

struct gotemplate *gotemplate_compile(
	struct arena *arena, const char *name, struct view text, const char **why)
{
	if (text.length > GOTEMPLATE_TEXT_MAX) {
		*why = arena_printf(
			arena, "template: %s:1: longer than %d octets", name, GOTEMPLATE_TEXT_MAX);
		return NULL;
	}
	struct parser *p = arena_new_object(arena, struct parser);
	p->arena = p->lexer.arena = p->source.arena = arena;
	p->source.limit = SIZE_MAX;
	p->made = arena_new_object(arena, struct gotemplate);
	p->made->name = name;
	p->made->text = p->lexer.source = arena_copy(arena, text);
	goparser_variable_new(p, VIEW("$"));
	p->token = gotoken_next(&p->lexer);
	goparser_list(p);
	if (!p->error && p->token.kind != GOTOKEN_END)
		goparser_fail(p, "unexpected {{%.*s}}", VIEW_ARGS(p->token.text));
	p->made->source = arena_text_view(&p->source);
	*why = p->error;
	return p->error ? NULL : p->made;
}

struct view gotemplate_source(const struct gotemplate *t)
{
	return t->source;
}
