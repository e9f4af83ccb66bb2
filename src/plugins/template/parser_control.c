/* Text, actions, and the actions that control others: if, with, range. */
#include "plugins/template/parser.h"

/* How a list ends. */
enum list_end { LIST_END, LIST_ELSE, LIST_ELSE_IF };

/* Takes the {{end}} or {{else}} that ended a list; its "{{" has been taken. */
static enum list_end take_list_end(struct parser *p)
{
	bool is_else = goparser_is_keyword(p, "else");
	goparser_advance(p);
	goparser_skip_space(p);
	if (is_else && goparser_is_keyword(p, "if"))
		return LIST_ELSE_IF;
	goparser_expect_right(p, is_else ? "else" : "end");
	return is_else ? LIST_ELSE : LIST_END;
}

static enum list_end parse_body(struct parser *p)
{
	goparser_list(p);
	if (p->error)
		return LIST_END;
	if (p->token.kind == GOTOKEN_END) {
		goparser_fail(p, "unexpected EOF");
		return LIST_END;
	}
	return take_list_end(p);
}

/* The part behind {{else}}, if there is one, and its {{end}}. `skip` is the jump over it, emitted
 * before. */
static void parse_else(struct parser *p, enum list_end end)
{
	if (end == LIST_ELSE_IF) {
		goparser_fail(p, "unexpected <if> in else");
		return;
	}
	if (end == LIST_ELSE && parse_body(p) != LIST_END)
		goparser_fail(p, "expected end; found {{else}}");
}

static void parse_if(struct parser *p)
{
	size_t variables = p->variable_count, ends[GOPARSER_DEPTH_MAX * 4], end_count = 0;
	for (;;) {
		goparser_advance(p);
		goparser_pipeline(p, "if");
		goparser_expect_right(p, "if");
		size_t branch = goparser_emit(p, GOCODE_BRANCH, 0, 1, 0);
		enum list_end end = parse_body(p);
		if (end_count == sizeof ends / sizeof ends[0])
			goparser_fail(p, "too many else if");
		if (p->error)
			return;
		ends[end_count++] = goparser_emit(p, GOCODE_JUMP, 0, 0, 0);
		goparser_jump_here(p, branch);
		if (end == LIST_ELSE_IF)
			continue;
		parse_else(p, end);
		break;
	}
	for (size_t i = 0; i < end_count; i++)
		goparser_jump_here(p, ends[i]);
	p->variable_count = variables;
}

static bool enter_frame(struct parser *p)
{
	if (p->frames == GOCODE_FRAMES_MAX)
		goparser_fail(p, "too deeply nested");
	else
		p->frames++;
	return !p->error;
}

static void parse_with(struct parser *p)
{
	size_t variables = p->variable_count;
	goparser_advance(p);
	goparser_pipeline(p, "with");
	goparser_expect_right(p, "with");
	size_t with = goparser_emit(p, GOCODE_WITH, 0, 1, 0);
	if (!enter_frame(p))
		return;
	enum list_end end = parse_body(p);
	p->frames--;
	goparser_emit(p, GOCODE_LEAVE, 0, 0, 0);
	size_t over = goparser_emit(p, GOCODE_JUMP, 0, 0, 0);
	goparser_jump_here(p, with);
	parse_else(p, end);
	goparser_jump_here(p, over);
	p->variable_count = variables;
}

/* Up to two variables and := before what a range goes over; gives how many. */
static uint8_t parse_range_variables(struct parser *p, struct view names[static 2])
{
	enum gotoken_kind kind;
	uint8_t count = 0;
	goparser_skip_space(p);
	while (p->token.kind == GOTOKEN_VARIABLE && goparser_declaration_follows(p, &kind)) {
		if (count == 2) {
			goparser_fail(p, "too many declarations in range");
			return 0;
		}
		names[count++] = p->token.text;
		goparser_advance(p);
		goparser_skip_space(p);
		if (kind == GOTOKEN_ASSIGN)
			goparser_fail(p, "range cannot assign to variables: declare them with :=");
		goparser_advance(p);
		goparser_skip_space(p);
		if (kind == GOTOKEN_DECLARE)
			break;
		if (p->token.kind != GOTOKEN_VARIABLE)
			goparser_fail(p, "range can only initialize variables");
	}
	return count;
}

/* The variables' places, one behind the other; gives the first one's. */
static uint8_t declare_range_variables(struct parser *p, const struct view *names, uint8_t count)
{
	uint8_t first = (uint8_t)p->variable_count;
	for (uint8_t i = 0; i < count; i++)
		goparser_variable_new(p, names[i]);
	return first;
}

static void parse_range(struct parser *p)
{
	size_t variables = p->variable_count;
	struct view names[2];
	goparser_advance(p);
	uint8_t count = parse_range_variables(p, names);
	struct extent e = { p->token.at, p->token.at };
	goparser_commands(p, "range");
	uint8_t slot = declare_range_variables(p, names, count);
	size_t range = goparser_emit(p, GOCODE_RANGE, 0, 1, 0);
	goparser_show(p, range, e);
	goparser_expect_right(p, "range");
	if (!enter_frame(p))
		return;
	p->made->code[range].count = count;
	p->made->code[range].variable = slot;
	uint32_t body = (uint32_t)p->made->count;
	enum list_end end = parse_body(p);
	p->frames--;
	goparser_emit(p, GOCODE_RANGE_NEXT, body, 0, 0);
	size_t over = goparser_emit(p, GOCODE_JUMP, 0, 0, 0);
	goparser_jump_here(p, range);
	parse_else(p, end);
	goparser_jump_here(p, over);
	p->variable_count = variables;
}

static void parse_action(struct parser *p)
{
	bool declares = goparser_declaration(p, "command");
	if (!declares)
		goparser_commands(p, "command");
	goparser_expect_right(p, "command");
	goparser_emit(p, declares ? GOCODE_POP : GOCODE_PRINT, 0, 1, 0);
}

/* What follows a "{{" that begins neither {{end}} nor {{else}}. */
static void parse_control(struct parser *p)
{
	if (!goparser_enter(p))
		return;
	if (goparser_is_keyword(p, "if"))
		parse_if(p);
	else if (goparser_is_keyword(p, "with"))
		parse_with(p);
	else if (goparser_is_keyword(p, "range"))
		parse_range(p);
	else if (p->token.kind == GOTOKEN_KEYWORD && !goparser_is_keyword(p, "nil"))
		goparser_fail(p, "{{%.*s}} is not supported", VIEW_ARGS(p->token.text));
	else
		parse_action(p);
	p->depth--;
}

void goparser_list(struct parser *p)
{
	while (p->token.kind != GOTOKEN_END && !p->error) {
		if (p->token.kind == GOTOKEN_TEXT) {
			goparser_emit(p, GOCODE_TEXT, goparser_keep_text(p, p->token.text), 0, 0);
			goparser_advance(p);
			continue;
		}
		if (p->token.kind != GOTOKEN_LEFT) {
			goparser_unexpected(p, "input");
			return;
		}
		goparser_advance(p);
		goparser_skip_space(p);
		if (goparser_is_keyword(p, "end") || goparser_is_keyword(p, "else"))
			return;
		parse_control(p);
	}
}
