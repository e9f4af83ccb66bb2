/*
 * Templates in the language of Go's text/template, as far as records need it: actions with fields,
 * variables, pipelines and functions; if, range, with, break, continue; define, template, block; trim markers and
 * comments. Not here: the function call.
 *
 * Read once, at set-up, into instructions for a stack of values; run for each query in bounded
 * steps, memory and output.
 */
#ifndef ISTHMUS_PLUGINS_TEMPLATE_GOTEMPLATE_H
#define ISTHMUS_PLUGINS_TEMPLATE_GOTEMPLATE_H

#include "server/expression/value.h"

struct gotemplate;

enum {
	GOTEMPLATE_TEXT_MAX = 65535,   /* octets of source, and of what a run may write */
	GOTEMPLATE_STEPS_MAX = 100000, /* instructions of one run */
};

/*
 * Compiles; the template lives as long as the arena. `name` is for messages and kept. NULL with
 * *why (in the arena) in Go's words: "template: answer:1: unclosed action".
 */
struct gotemplate *gotemplate_compile(
	struct arena *arena, const char *name, struct view text, const char **why);

/* The source as Go prints a parsed template: "{{.Name}} 60 IN A {{index .Match 1}}". */
struct view gotemplate_source(const struct gotemplate *t);

/*
 * Runs with `data` as the dot and as $; what it writes is added to `to`. False with *why (in the
 * arena) in Go's words: "template: answer:1:26: executing "answer" at <index .Match 2>: error
 * calling index: index out of range: 2".
 */
bool gotemplate_run(const struct gotemplate *t, struct arena *arena, struct value data,
	struct arena_text *to, const char **why);

#endif
