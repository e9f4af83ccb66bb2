/* range, and what leaves it: break and continue. */
#include "plugins/template/parser.h"

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

/* The places of the jumps are known now. */
static void jumps_go(struct parser *p, const size_t *jumps, size_t count, size_t place)
{
	for (size_t i = 0; i < count && !p->error; i++)
		p->made->code[jumps[i]].operand = (uint32_t)place;
}

void goparser_range(struct parser *p)
{
	struct goloop loop = { .outer = p->loop };
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
	if (!goparser_enter_frame(p))
		return;
	p->made->code[range].count = count;
	p->made->code[range].variable = slot;
	uint32_t body = (uint32_t)p->made->count;
	loop.frames = p->frames;
	p->loop = &loop;
	enum golist_end end = goparser_body(p);
	p->loop = loop.outer;
	p->frames--;
	jumps_go(p, loop.continues, loop.continue_count, p->made->count);
	goparser_emit(p, GOCODE_RANGE_NEXT, body, 0, 0);
	size_t over = goparser_emit(p, GOCODE_JUMP, 0, 0, 0);
	goparser_jump_here(p, range);
	goparser_else(p, end);
	goparser_jump_here(p, over);
	jumps_go(p, loop.breaks, loop.break_count, p->made->count);
	p->variable_count = variables;
}

/* Out of what is open inside the range; a break leaves the range itself, too. */
void goparser_leave_loop(struct parser *p)
{
	bool is_break = goparser_is_keyword(p, "break");
	struct goloop *loop = p->loop;
	struct view word = p->token.text;
	if (!loop) {
		goparser_fail(p, "{{%.*s}} outside {{range}}", VIEW_ARGS(word));
		return;
	}
	size_t *count = is_break ? &loop->break_count : &loop->continue_count;
	goparser_advance(p);
	goparser_expect_right(p, is_break ? "{{break}}" : "{{continue}}");
	if (*count == GOPARSER_LOOP_JUMPS_MAX) {
		goparser_fail(p, "too many {{%.*s}} in a range", VIEW_ARGS(word));
		return;
	}
	for (size_t i = loop->frames; i < p->frames + is_break; i++)
		goparser_emit(p, GOCODE_LEAVE, 0, 0, 0);
	(is_break ? loop->breaks : loop->continues)[(*count)++] =
		goparser_emit(p, GOCODE_JUMP, 0, 0, 0);
}
