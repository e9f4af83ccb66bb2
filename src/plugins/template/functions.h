/* The functions of templates. */
#ifndef ISTHMUS_PLUGINS_TEMPLATE_FUNCTIONS_H
#define ISTHMUS_PLUGINS_TEMPLATE_FUNCTIONS_H

#include "plugins/template/gotemplate.h"

/* What a function works with: memory, and what is wrong. */
struct gocall {
	struct arena *arena;
	size_t room;	   /* octets of text that it may still make */
	const char *error; /* set when it gives false */
};

struct gofunction {
	const char *name;
	uint8_t least, most; /* arguments */
	bool (*call)(
		struct gocall *c, const struct value *arguments, size_t count, struct value *to);
};

enum { GOFUNCTION_ANY_NUMBER = 255 };

extern const struct gofunction gofunctions[];

/* The index of the function in gofunctions; false if there is none. */
bool gofunction_find(struct view name, uint32_t *index);

/* Whether a value counts as true: not the zero of its kind. */
bool govalue_is_true(const struct value *v);

/* As templates print a value: "<no value>" for nil. */
void govalue_print(struct arena_text *to, const struct value *v);

/* printf.c: the text of a format in Go's manner. */
void goformat(
	struct arena_text *to, struct view format, const struct value *arguments, size_t count);

#endif
