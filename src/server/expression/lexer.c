/* From source text to tokens, one at a time. */
#include "server/expression/lexer.h"

#include "base/escape.h"
#include "base/utf8.h"

/* The octet `ahead` of the place; 0 at the end. */
static char peek(const struct lexer *l, size_t ahead)
{
	return ahead < l->source.length - l->at ? l->source.at[l->at + ahead] : '\0';
}

static struct view since(const struct lexer *l, size_t start)
{
	return (struct view){ l->source.at + start, l->at - start };
}

static struct token fail(struct lexer *l, size_t at, const char *error)
{
	if (!l->error) {
		l->error = error;
		l->error_at = at;
	}
	l->at = l->source.length;
	return (struct token){ .kind = TOKEN_END, .at = at };
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '$' || (unsigned char)c >= 0x80;
}

/* --- white space and comments --- */

static bool skip_comment(struct lexer *l)
{
	size_t start = l->at;
	if (peek(l, 1) == '/') {
		while (l->at < l->source.length && l->source.at[l->at] != '\n')
			l->at++;
		return true;
	}
	for (l->at += 2; l->at < l->source.length; l->at++) {
		if (peek(l, 0) == '*' && peek(l, 1) == '/') {
			l->at += 2;
			return true;
		}
	}
	fail(l, start, "unclosed comment");
	return false;
}

static bool skip_blank(struct lexer *l)
{
	for (;;) {
		if (is_space(peek(l, 0)))
			l->at++;
		else if (peek(l, 0) == '/' && (peek(l, 1) == '/' || peek(l, 1) == '*')) {
			if (!skip_comment(l))
				return false;
		} else
			return true;
	}
}

/* --- strings --- */

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* Where the quote that closes the string at the place stands; the source's length if none does on
 * its line. */
static size_t closing_quote(const struct lexer *l)
{
	char quote = peek(l, 0);
	for (size_t i = l->at + 1; i < l->source.length; i++) {
		if (l->source.at[i] == quote)
			return i;
		if (l->source.at[i] == '\n')
			break;
		if (l->source.at[i] == '\\')
			i++;
	}
	return l->source.length;
}

static struct token take_string(struct lexer *l)
{
	size_t start = l->at, end = closing_quote(l), bad;
	if (end == l->source.length)
		return fail(l, start, "literal not terminated");
	struct view text = { l->source.at + start + 1, end - start - 1 };
	if (!escape_resolve(l->arena, text, &text, &bad))
		return fail(l, start + 1 + bad, "invalid char escape");
	l->at = end + 1;
	return (struct token){ TOKEN_STRING, text, start };
}

static struct token take_raw_string(struct lexer *l)
{
	size_t start = l->at++;
	while (l->at < l->source.length) {
		if (l->source.at[l->at++] == '`') {
			struct view text = since(l, start + 1);
			text.length--;
			return (struct token){ TOKEN_STRING, text, start };
		}
	}
	return fail(l, start, "literal not terminated");
}

/* --- numbers, words, operators --- */

static void take_run(struct lexer *l, int base)
{
	while (digit_value(peek(l, 0)) < base || peek(l, 0) == '_')
		l->at++;
}

static int base_of(char letter)
{
	switch (letter) {
	case 'x':
	case 'X':
		return 16;
	case 'o':
	case 'O':
		return 8;
	case 'b':
	case 'B':
		return 2;
	default:
		return 10;
	}
}

static struct token take_number(struct lexer *l)
{
	size_t start = l->at;
	int base = peek(l, 0) == '0' ? base_of(peek(l, 1)) : 10;
	if (base != 10)
		l->at += 2;
	take_run(l, base);
	if (base == 10 && peek(l, 0) == '.' && peek(l, 1) != '.') {
		l->at++;
		take_run(l, base);
	}
	if (base == 10 && (peek(l, 0) == 'e' || peek(l, 0) == 'E')) {
		l->at++;
		if (peek(l, 0) == '+' || peek(l, 0) == '-')
			l->at++;
		take_run(l, base);
	}
	if (is_word(peek(l, 0))) {
		l->at++;
		return fail(l, start,
			arena_printf(l->arena, "bad number syntax: \"%.*s\"",
				VIEW_ARGS(since(l, start))));
	}
	return (struct token){ TOKEN_NUMBER, since(l, start), start };
}

static bool is_word_operator(struct view word)
{
	static const char *const operators[] = { "not", "in", "or", "and", "matches", "contains",
		"startsWith", "endsWith", "let", "if", "else" };
	for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
		if (view_is(word, operators[i]))
			return true;
	}
	return false;
}

static struct token take_word(struct lexer *l)
{
	size_t start = l->at;
	while (is_word(peek(l, 0)))
		l->at++;
	struct view word = since(l, start);
	return (struct token){ is_word_operator(word) ? TOKEN_OPERATOR : TOKEN_IDENTIFIER, word,
		start };
}

bool lexer_is_identifier(struct view text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (!is_word(text.at[i]))
			return false;
	}
	return text.length > 0 && !is_digit(text.at[0]) && !is_word_operator(text);
}

static struct token take_operator(struct lexer *l)
{
	static const char *const pairs[] = { "||", "&&", "==", "!=", "<=", ">=", "**", "..", "?.",
		"??", "::" };
	struct token t = { TOKEN_OPERATOR, { l->source.at + l->at, 1 }, l->at };
	char c = peek(l, 0);
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		if (c == pairs[i][0] && peek(l, 1) == pairs[i][1])
			t.text.length = 2;
	}
	if (strchr("()[]{}", c))
		t.kind = TOKEN_BRACKET;
	else if (t.text.length == 1 && !strchr(",;%+-^!=*<>/|:.?#&", c)) {
		uint32_t code = 0;
		size_t octets = utf8_decode(view_skip(l->source, l->at), &code);
		return fail(l, l->at,
			arena_printf(l->arena, "unrecognized character: U+%04X",
				octets ? code : 0xfffd));
	}
	l->at += t.text.length;
	return t;
}

struct token token_next(struct lexer *l)
{
	if (!skip_blank(l) || l->at >= l->source.length)
		return (struct token){ .kind = TOKEN_END, .at = l->at };
	char c = peek(l, 0);
	if (c == '\'' || c == '"')
		return take_string(l);
	if (c == '`')
		return take_raw_string(l);
	if (is_digit(c) || (c == '.' && is_digit(peek(l, 1))))
		return take_number(l);
	if (is_word(c))
		return take_word(l);
	if (c == '\0')
		return fail(l, l->at, "unrecognized character: U+0000");
	return take_operator(l);
}

const char *token_print(struct arena *arena, const struct token *t)
{
	static const char *const kinds[] = { "EOF", "Identifier", "Number", "String", "Operator",
		"Bracket" };
	if (t->kind == TOKEN_END)
		return kinds[TOKEN_END];
	return arena_printf(arena, "%s(\"%.*s\")", kinds[t->kind], VIEW_ARGS(t->text));
}
