/*
 * The lexical level of the Corefile: words and comments, one after the other. The parser takes the
 * words; `isthmus fmt` takes both, as they were written.
 */
#ifndef ISTHMUS_SERVER_COREFILE_LEX_H
#define ISTHMUS_SERVER_COREFILE_LEX_H

#include "base/arena.h"

struct lexer {
	struct arena *arena;
	struct view text; /* valid UTF-8, byte-order marks off */
	size_t at;
	unsigned line;	/* of text.at[at], from 1 */
	bool line_used; /* a word has started in this line or ends in it */
};

struct lexeme {
	struct view text; /* what the word means: quotes, escapes and CRs taken off; a comment from
			     its '#' on */
	struct view raw;  /* as it stands in the file */
	unsigned line;	  /* where it starts */
	unsigned lines;	  /* line feeds inside it */
	bool comment;
	bool quoted;
	bool unclosed; /* its quote goes on to the end of the file */
	bool first;    /* nothing stands before it in its line */
};

/* Starts to read `text`, which stays in place while words of it are in use. Texts of words may be
 * views of it. */
void lexer_begin(struct lexer *l, struct arena *arena, struct view text);

/* Whether a text that began with this word would be read without the word's start (a byte-order mark). */
bool lexer_skips(struct view word);

/* The next word or comment; false at the end. A '"' that opens a quote at the very end is no word:
 * x->unclosed says so. */
bool lexer_next(struct lexer *l, struct lexeme *x);

#endif
