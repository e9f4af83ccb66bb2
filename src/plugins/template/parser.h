/*
 * Reading a template in one pass: each part emits its code as it is met. Parts inside each other
 * are followed to a limited depth. This is what the files of the grammar share.
 */
#ifndef ISTHMUS_PLUGINS_TEMPLATE_PARSER_H
#define ISTHMUS_PLUGINS_TEMPLATE_PARSER_H

#include "plugins/template/code.h"
#include "plugins/template/lexer.h"

enum { GOPARSER_DEPTH_MAX = 32 };

struct variable {
	struct view name; /* "$", "$x" */
	uint8_t slot;
};

enum { GOPARSER_LOOP_JUMPS_MAX = 32 };

/* A range whose body is being read: the jumps of {{break}} and {{continue}} in it. */
struct goloop {
	struct goloop *outer;
	size_t frames; /* its own included */
	size_t breaks[GOPARSER_LOOP_JUMPS_MAX], break_count;
	size_t continues[GOPARSER_LOOP_JUMPS_MAX], continue_count;
};

struct parser {
	struct arena *arena;
	struct gotemplate *made;
	size_t code_capacity, constant_capacity, text_capacity, template_capacity;
	size_t height; /* values on the stack here */
	struct golexer lexer;
	struct gotoken token;	  /* the next one */
	size_t end;		  /* where the last token taken ends */
	struct arena_text source; /* what has been read, as Go prints it */
	bool apart;		  /* white space has been read since */
	struct variable variables[GOCODE_VARIABLES_MAX];
	size_t variable_count, frames;
	struct goloop *loop; /* the innermost range */
	unsigned depth;
	const char *error;
};

/* What the messages of an instruction show: the place, and the piece of source from `from` to where
 * reading is. */
struct extent {
	size_t at, from;
};

/* --- parser.c: tokens, errors, code --- */

/* Keeps the first error; the end is all that is read after it. */
void goparser_fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void goparser_unexpected(struct parser *p, const char *context);

void goparser_advance(struct parser *p);
void goparser_skip_space(struct parser *p);
bool goparser_is_keyword(const struct parser *p, const char *word);
void goparser_expect_right(struct parser *p, const char *context);

/* One level deeper; false, with the error set, when it is too deep. p->depth-- leaves it. */
bool goparser_enter(struct parser *p);

/* The index of a text that instructions refer to. */
uint32_t goparser_keep_text(struct parser *p, struct view text);

/* Adds an instruction that takes `taken` values and leaves `given`. Gives its place. */
size_t goparser_emit(
	struct parser *p, enum gocode code, uint32_t operand, size_t taken, size_t given);
void goparser_emit_constant(struct parser *p, struct value v);

/* Makes the jump at this place go to where the next instruction will be. */
void goparser_jump_here(struct parser *p, size_t jump);

/* The index of the template of this name, which may yet have to be defined. */
uint32_t goparser_template(struct parser *p, struct view name);

/* Says what the messages of an instruction show. */
void goparser_show(struct parser *p, size_t instruction, struct extent e);

bool goparser_variable_find(const struct parser *p, struct view name, uint8_t *slot);
uint8_t goparser_variable_new(struct parser *p, struct view name);

/* --- parser_commands.c --- */

/* $x := PIPELINE or $x = PIPELINE: gives whether it was one. Its value stays on the stack. */
bool goparser_declaration(struct parser *p, const char *context);

/* Whether := or = or a comma follows the variable that is the next token; its kind in *kind. */
bool goparser_declaration_follows(const struct parser *p, enum gotoken_kind *kind);

/* COMMAND | COMMAND ... */
void goparser_commands(struct parser *p, const char *context);

/* Either of the two. */
void goparser_pipeline(struct parser *p, const char *context);

/* --- parser_loop.c --- */

void goparser_range(struct parser *p);

/* {{break}} or {{continue}}. */
void goparser_leave_loop(struct parser *p);

/* --- parser_named.c --- */

void goparser_define(struct parser *p);
void goparser_template_call(struct parser *p);
void goparser_block(struct parser *p);

/* --- parser_control.c --- */

/* How a list ends. */
enum golist_end { GOLIST_END, GOLIST_ELSE, GOLIST_ELSE_IF, GOLIST_ELSE_WITH };

/* A list and the {{end}} or {{else}} behind it. */
enum golist_end goparser_body(struct parser *p);

/* The part behind {{else}}, if a body ended so, and its {{end}}. */
void goparser_else(struct parser *p, enum golist_end end);

/* A with or range more inside each other; p->frames-- leaves it. */
bool goparser_enter_frame(struct parser *p);

/* Text and actions, up to the template's end or to an {{end}} or {{else}}, whose "{{" is taken. */
void goparser_list(struct parser *p);

#endif
