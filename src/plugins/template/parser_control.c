/* Text, actions, and the actions that control others. */
#include "plugins/template/parser.h"

/* Takes the {{end}} or {{else}} that ended a list; its "{{" has been taken. */
static enum golist_end take_list_end(struct parser *p)
{
	bool is_else = goparser_is_keyword(p, "else");
	goparser_advance(p);
	goparser_skip_space(p);
	if (is_else && goparser_is_keyword(p, "if"))
		return GOLIST_ELSE_IF;
	if (is_else && goparser_is_keyword(p, "with"))
		return GOLIST_ELSE_WITH;
	goparser_expect_right(p, is_else ? "else" : "end");
	return is_else ? GOLIST_ELSE : GOLIST_END;
}

enum golist_end goparser_body(struct parser *p)
{
	goparser_list(p);
	if (p->error)
		return GOLIST_END;
	if (p->token.kind == GOTOKEN_END) {
		goparser_fail(p, "unexpected EOF");
		return GOLIST_END;
	}
	return take_list_end(p);
}

void goparser_else(struct parser *p, enum golist_end end)
{
	if (end == GOLIST_ELSE_IF || end == GOLIST_ELSE_WITH) {
		goparser_unexpected(p, "else");
		return;
	}
	if (end == GOLIST_ELSE && goparser_body(p) != GOLIST_END)
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
		enum golist_end end = goparser_body(p);
		if (end_count == sizeof ends / sizeof ends[0])
			goparser_fail(p, "too many else if");
		if (p->error)
			return;
		ends[end_count++] = goparser_emit(p, GOCODE_JUMP, 0, 0, 0);
		goparser_jump_here(p, branch);
		if (end == GOLIST_ELSE_IF)
			continue;
		goparser_else(p, end);
		break;
	}
	for (size_t i = 0; i < end_count; i++)
		goparser_jump_here(p, ends[i]);
	p->variable_count = variables;
}

bool goparser_enter_frame(struct parser *p)
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
	if (!goparser_enter_frame(p))
		return;
	enum golist_end end = goparser_body(p);
	p->frames--;
	goparser_emit(p, GOCODE_LEAVE, 0, 0, 0);
	size_t over = goparser_emit(p, GOCODE_JUMP, 0, 0, 0);
	goparser_jump_here(p, with);
	if (end == GOLIST_ELSE_WITH && goparser_enter(p)) {
		parse_with(p); /* to the {{end}} that they share */
		p->depth--;
	} else {
		goparser_else(p, end);
	}
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
		goparser_range(p);
	else if (goparser_is_keyword(p, "break") || goparser_is_keyword(p, "continue"))
		goparser_leave_loop(p);
	else if (goparser_is_keyword(p, "define"))
		goparser_define(p);
	else if (goparser_is_keyword(p, "template"))
		goparser_template_call(p);
	else if (goparser_is_keyword(p, "block"))
		goparser_block(p);
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
