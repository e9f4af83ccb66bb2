/* The words of a master file (RFC 1035 5.1): views into its text, quotes and escapes still in them.
 */
#ifndef ISTHMUS_DNS_MASTER_LEXER_H
#define ISTHMUS_DNS_MASTER_LEXER_H

#include "base/view.h"

/* Starts as master_lexer_of(). Between lines, `rest` is where the next one starts. */
struct master_lexer {
	struct view rest;
	const char *line_start, *stop; /* stop: behind the last token */
	unsigned line;		       /* of the last token, from 1 */
	unsigned parentheses;	       /* open ones */
	bool line_ended;	       /* the last token was the end of its line */
};

enum token_kind {
	TOKEN_END,     /* of the text */
	TOKEN_NEWLINE, /* outside parentheses */
	TOKEN_WORD,
	TOKEN_QUOTED, /* what is between the quotes */
	TOKEN_BROKEN, /* `text` says what is wrong */
};

struct token {
	enum token_kind kind;
	struct view text;
};

struct master_lexer master_lexer_of(struct view text);

/* The next token: white space and comments skipped, and ends of lines within parentheses. */
void master_lexer_next(struct master_lexer *l, struct token *t);

/* Column of the character behind the last token, from 1; at an end of line that of the last
 * character before it. */
unsigned master_lexer_column(const struct master_lexer *l);

/* Whether white space is what comes next: at the start of a line, it has no owner. */
static inline bool master_lexer_at_blank(const struct master_lexer *l)
{
	return l->rest.length && (l->rest.at[0] == ' ' || l->rest.at[0] == '\t');
}

#endif
