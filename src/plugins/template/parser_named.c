/* Templates with a name: define, template, block. Their code stands where they are defined, with a jump over it. */
#include "plugins/template/parser.h"

/* The name, its quotes off; false with the error set. */
static bool take_name(struct parser *p, const char *context, struct view *name)
{
	goparser_advance(p);
	goparser_skip_space(p);
	if (p->token.kind != GOTOKEN_STRING && p->token.kind != GOTOKEN_RAW_STRING)
		goparser_unexpected(p, context);
	else if (!gotoken_unquote(p->arena, &p->token, name))
		goparser_fail(p, "invalid syntax");
	if (p->error)
		return false;
	goparser_advance(p);
	goparser_skip_space(p);
	return true;
}

/* The body up to its {{end}}. It sees no variable but $, and no range around it. */
static void parse_definition(struct parser *p, uint32_t index, const char *context)
{
	size_t over = goparser_emit(p, GOCODE_JUMP, 0, 0, 0), frames = p->frames,
	       variables = p->variable_count;
	struct variable outer[GOCODE_VARIABLES_MAX];
	struct goloop *loop = p->loop;
	struct gonamed *named = &p->made->templates[index];
	if (named->defined)
		goparser_fail(p, "template: multiple definition of template \"%.*s\"",
			VIEW_ARGS(named->name));
	*named = (struct gonamed){ named->name, (uint32_t)p->made->count, true };
	memcpy(outer, p->variables, sizeof outer);
	p->variable_count = 1;
	p->loop = NULL;
	p->frames = 0;
	if (goparser_body(p) != GOLIST_END)
		goparser_fail(p, "unexpected {{else}} in %s", context);
	goparser_emit(p, GOCODE_RETURN, 0, 0, 0);
	goparser_jump_here(p, over);
	memcpy(p->variables, outer, sizeof outer);
	p->variable_count = variables;
	p->loop = loop;
	p->frames = frames;
}

void goparser_define(struct parser *p)
{
	struct view name = { 0 };
	if (p->depth > 1) {
		goparser_fail(p, "unexpected {{define}}");
		return;
	}
	if (!take_name(p, "define clause", &name))
		return;
	goparser_expect_right(p, "define clause");
	parse_definition(p, goparser_template(p, name), "define clause");
}

/* What becomes the dot of a template that is called; nil if nothing is said. */
static void parse_dot(struct parser *p, const char *context)
{
	if (p->token.kind == GOTOKEN_RIGHT)
		goparser_emit_constant(p, (struct value){ 0 });
	else
		goparser_pipeline(p, context);
	goparser_expect_right(p, context);
}

static void emit_call(struct parser *p, uint32_t index, struct extent e)
{
	goparser_show(p, goparser_emit(p, GOCODE_TEMPLATE, index, 1, 0), e);
}

void goparser_template_call(struct parser *p)
{
	struct extent e = { p->token.at, p->token.at };
	size_t variables = p->variable_count;
	struct view name = { 0 };
	if (!take_name(p, "template clause", &name))
		return;
	parse_dot(p, "template clause");
	emit_call(p, goparser_template(p, name), e);
	p->variable_count = variables;
}

void goparser_block(struct parser *p)
{
	struct extent e = { p->token.at, p->token.at };
	size_t variables = p->variable_count;
	struct view name = { 0 };
	if (!take_name(p, "block clause", &name))
		return;
	parse_dot(p, "block clause");
	uint32_t index = goparser_template(p, name);
	size_t height = p->height;
	p->height = 0;
	parse_definition(p, index, "block clause");
	p->height = height;
	emit_call(p, index, e);
	p->variable_count = variables;
}
