/* Words, one character class looked up for each octet. */
#include "dns/master_lexer.h"

enum class {
	PLAIN,
	BLANK,
	END_OF_LINE,
	COMMENT,
	OPEN,
	CLOSE,
	QUOTE,
	BACKSLASH,
};

static const uint8_t classes[256] = {
	[' '] = BLANK,
	['\t'] = BLANK,
	['\r'] = BLANK,
	['\n'] = END_OF_LINE,
	[';'] = COMMENT,
	['('] = OPEN,
	[')'] = CLOSE,
	['"'] = QUOTE,
	['\\'] = BACKSLASH,
};

static inline enum class class_of(char c) { return (enum class)classes[(unsigned char)c]; }

struct master_lexer master_lexer_of(struct view text)
{
	return (struct master_lexer){
		.rest = text, .line_start = text.at, .stop = text.at, .line = 1
	};
}

/* The next line starts at `at`. */
static void start_line(struct master_lexer *l, const char *at)
{
	l->line++;
	l->line_start = at;
}

/* Sets where the token ends and what is left behind it. */
static inline void finish(struct master_lexer *l, const char *stop, const char *rest)
{
	l->stop = stop;
	l->rest.length -= (size_t)(rest - l->rest.at);
	l->rest.at = rest;
}

static void broken(struct token *t, const char *why)
{
	*t = (struct token){ TOKEN_BROKEN, view_of(why) };
}

/* A word goes on to what ends it; an escaped character never does. */
static void lex_word(struct master_lexer *l, struct token *t, const char *at)
{
	const char *from = at, *end = l->rest.at + l->rest.length;
	for (; at < end; at++) {
		enum class c = class_of(*at);
		if (c == PLAIN)
			continue;
		if (c != BACKSLASH)
			break;
		if (end - at > 1 && at[1] != '\n')
			at++;
	}
	*t = (struct token){ TOKEN_WORD, { from, (size_t)(at - from) } };
	finish(l, at, at);
}

/* What is between quotes may have ends of lines in it. */
static void lex_quoted(struct master_lexer *l, struct token *t, const char *at)
{
	const char *from = ++at, *end = l->rest.at + l->rest.length;
	for (; at < end && *at != '"'; at++) {
		if (*at == '\\' && end - at > 1)
			at++;
		if (*at == '\n')
			start_line(l, at + 1);
	}
	if (at == end) {
		broken(t, "unbalanced quote");
		finish(l, at, at);
		return;
	}
	*t = (struct token){ TOKEN_QUOTED, { from, (size_t)(at - from) } };
	finish(l, at, at + 1);
}

static const char *skip_comment(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	return newline ? newline : end;
}

static void lex_end(struct master_lexer *l, struct token *t, const char *at)
{
	*t = (struct token){ TOKEN_END, { "", 0 } };
	if (l->parentheses)
		broken(t, "unbalanced brace");
	finish(l, at, at);
}

static void lex_newline(struct master_lexer *l, struct token *t, const char *at)
{
	*t = (struct token){ TOKEN_NEWLINE, { at, 1 } };
	l->line_ended = true;
	finish(l, at, at + 1);
}

void master_lexer_next(struct master_lexer *l, struct token *t)
{
	const char *at = l->rest.at, *end = at + l->rest.length;
	if (l->line_ended) {
		l->line_ended = false;
		start_line(l, at);
	}
	for (; at < end; at++) {
		switch (class_of(*at)) {
		case BLANK:
			break;
		case COMMENT:
			at = skip_comment(at, end) - 1;
			break;
		case END_OF_LINE:
			if (l->parentheses == 0) {
				lex_newline(l, t, at);
				return;
			}
			start_line(l, at + 1);
			break;
		case OPEN:
			l->parentheses++;
			break;
		case CLOSE:
			if (l->parentheses == 0) {
				broken(t, "extra closing brace");
				finish(l, at, at + 1);
				return;
			}
			l->parentheses--;
			break;
		case QUOTE:
			lex_quoted(l, t, at);
			return;
		case PLAIN:
		case BACKSLASH:
			lex_word(l, t, at);
			return;
		}
	}
	lex_end(l, t, at);
}

unsigned master_lexer_column(const struct master_lexer *l)
{
	const char *end = l->rest.at + l->rest.length;
	unsigned column = (unsigned)(l->stop - l->line_start);
	return l->stop < end && *l->stop != '\n' ? column + 1 : column;
}
