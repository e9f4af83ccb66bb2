/* Tokens of the expression language. */
#ifndef ISTHMUS_SERVER_EXPRESSION_LEXER_H
#define ISTHMUS_SERVER_EXPRESSION_LEXER_H

#include "base/arena.h"

enum token_kind {
	TOKEN_END,
	TOKEN_IDENTIFIER,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_OPERATOR, /* also the words in, not, and, or, matches, contains, startsWith, endsWith,
			   let, if, else */
	TOKEN_BRACKET,
};

struct token {
	enum token_kind kind;
	struct view text; /* of a string: without quotes, escapes resolved */
	size_t at;	  /* its offset in the source */
};

struct lexer {
	struct arena *arena;
	struct view source;
	size_t at;
	const char *error; /* what is wrong, at the offset error_at; NULL while nothing is */
	size_t error_at;
};

/* The next token; TOKEN_END at the end and after an error. White space and comments are skipped. */
struct token token_next(struct lexer *l);

/* Whether t is this operator or bracket (never a string of the same octets). */
static inline bool token_is(const struct token *t, const char *text)
{
	return (t->kind == TOKEN_OPERATOR || t->kind == TOKEN_BRACKET) && view_is(t->text, text);
}

/* Whether the text is one identifier. */
bool lexer_is_identifier(struct view text);

/* As messages show a token: Operator("="), EOF. */
const char *token_print(struct arena *arena, const struct token *t);

#endif
