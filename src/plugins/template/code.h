/* What a template is compiled to: instructions for a stack of values and a stack of dots. */
#ifndef ISTHMUS_PLUGINS_TEMPLATE_CODE_H
#define ISTHMUS_PLUGINS_TEMPLATE_CODE_H

#include "plugins/template/gotemplate.h"

enum {
	GOCODE_MAX = 20000,
	GOCODE_STACK_MAX = 128,
	GOCODE_VARIABLES_MAX = 64,
	GOCODE_FRAMES_MAX = 16, /* range and with inside each other */
	GOCODE_CALLS_MAX = 16,	/* templates inside each other */
	GOCODE_ARGUMENTS_MAX = 32,
};

enum gocode {
	GOCODE_TEXT,	 /* write texts[operand] */
	GOCODE_PRINT,	 /* take off and write */
	GOCODE_CONSTANT, /* push constants[operand] */
	GOCODE_DOT,
	GOCODE_VARIABLE, /* push the variable */
	GOCODE_SET,	 /* the top becomes the variable's value, and stays */
	GOCODE_FIELD,	 /* a -> a.texts[operand] */
	GOCODE_METHOD,	 /* a ... -> a.texts[operand](...), `count` arguments */
	GOCODE_CALL,	 /* functions[operand] on `count` values; with `piped` the lowest one is the
			    last argument */
	GOCODE_FAIL,	 /* end with the message texts[operand] */
	GOCODE_POP,
	GOCODE_JUMP,
	GOCODE_BRANCH,	      /* take off; jump if it is not true */
	GOCODE_KEEP_IF_FALSE, /* jump with the top if it is not true, else take it off (and) */
	GOCODE_KEEP_IF_TRUE,  /* the same if it is true (or) */
	GOCODE_WITH,	      /* take off; if true it is the dot from here on, else jump */
	GOCODE_LEAVE,	      /* the dot that was before the innermost with */
	GOCODE_RANGE, /* take off; go over its items, or jump if it has none. `count` variables from
			 `variable` on are set */
	GOCODE_RANGE_NEXT, /* jump if there is another item, else the dot that was before */
	GOCODE_TEMPLATE,   /* take off the dot and $ of templates[operand], and run that */
	GOCODE_RETURN,	   /* to where the template was called */
};

struct goinstruction {
	uint8_t code, count, variable;
	bool piped;
	uint32_t operand;
	uint32_t at;	       /* of the source: the place that messages name */
	uint32_t from, length; /* the piece of source that messages show */
};

struct gofunction;

/* A template with a name of its own, by define or block. */
struct gonamed {
	struct view name;
	uint32_t place; /* of its first instruction */
	bool defined;	/* else it has only been called so far */
};

struct gotemplate {
	const char *name;
	struct view text, source; /* as written; as Go prints it */
	struct goinstruction *code;
	size_t count;
	struct value *constants;
	size_t constant_count;
	struct view *texts;
	size_t text_count;
	struct gonamed *templates;
	size_t template_count;
	size_t stack_size, variables;
};

#endif
