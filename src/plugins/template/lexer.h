/* Tokens of a template: text outside of {{ }}, and what actions are made of inside. */
#ifndef ISTHMUS_PLUGINS_TEMPLATE_LEXER_H
#define ISTHMUS_PLUGINS_TEMPLATE_LEXER_H

#include "base/arena_text.h"

enum gotoken_kind {
	GOTOKEN_END,
	GOTOKEN_ERROR, /* `text` says what is wrong */
	GOTOKEN_TEXT,
	GOTOKEN_LEFT,  /* {{ */
	GOTOKEN_RIGHT, /* }} */
	GOTOKEN_SPACE,
	GOTOKEN_FIELD, /* .Name */
	GOTOKEN_DOT,
	GOTOKEN_VARIABLE, /* $ or $name */
	GOTOKEN_WORD,	  /* a function */
	GOTOKEN_KEYWORD,  /* if, else, end, range, with, nil, ... */
	GOTOKEN_BOOL,
	GOTOKEN_NUMBER,
	GOTOKEN_CHAR,
	GOTOKEN_STRING, /* with its quotes, as it was written */
	GOTOKEN_RAW_STRING,
	GOTOKEN_PIPE,
	GOTOKEN_DECLARE, /* := */
	GOTOKEN_ASSIGN,	 /* = */
	GOTOKEN_OPEN,
	GOTOKEN_CLOSE,
	GOTOKEN_OTHER, /* a comma and what else may stand alone */
};

struct gotoken {
	enum gotoken_kind kind;
	struct view text;
	size_t at; /* its offset in the source */
};

struct golexer {
	struct arena *arena;
	struct view source;
	size_t at;
	bool in_action, trims; /* `trims`: the text that comes begins behind a " -}}" */
	unsigned parentheses;
};

/* The next token; comments are skipped, white space that trim markers take is left out. */
struct gotoken gotoken_next(struct golexer *l);

/* As Go's messages show a token. */
const char *gotoken_print(struct arena *arena, const struct gotoken *t);

/* What a quoted token means, its quotes and escapes resolved, in the arena; false if it is
 * malformed. */
bool gotoken_unquote(struct arena *arena, const struct gotoken *t, struct view *text);

#endif
