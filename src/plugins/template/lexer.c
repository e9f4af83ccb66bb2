/* From a template's source to tokens, one at a time. */
#include "plugins/template/lexer.h"

#include "base/escape.h"
#include "base/utf8.h"

/* The octet `ahead` of the place; 0 at the end. */
static char peek(const struct golexer *l, size_t ahead)
{
	return ahead < l->source.length - l->at ? l->source.at[l->at + ahead] : '\0';
}

static struct view rest(const struct golexer *l)
{
	return view_skip(l->source, l->at);
}

static struct gotoken token(const struct golexer *l, enum gotoken_kind kind, size_t start)
{
	return (struct gotoken){ kind, { l->source.at + start, l->at - start }, start };
}

static struct gotoken fail(struct golexer *l, size_t start, const char *text)
{
	l->at = l->source.length;
	return (struct gotoken){ GOTOKEN_ERROR, view_of(text), start };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

/* --- text and delimiters --- */

/* Whether a trim marker stands behind a "{{": a minus and white space. */
static bool trims_left(const struct golexer *l)
{
	return peek(l, 0) == '-' && is_blank(peek(l, 1));
}

static bool trims_right(const struct golexer *l)
{
	return is_blank(peek(l, 0)) && peek(l, 1) == '-' && peek(l, 2) == '}' && peek(l, 3) == '}';
}

static bool at_right(const struct golexer *l)
{
	return peek(l, 0) == '}' && peek(l, 1) == '}';
}

static struct gotoken take_left(struct golexer *l)
{
	struct gotoken t = { GOTOKEN_LEFT, view_first(rest(l), 2), l->at };
	l->at += 2;
	if (trims_left(l))
		l->at += 2;
	l->in_action = true;
	l->parentheses = 0;
	return t;
}

static struct gotoken take_right(struct golexer *l)
{
	l->trims = trims_right(l);
	l->at += l->trims ? 2 : 0;
	l->at += 2;
	l->in_action = false;
	return token(l, GOTOKEN_RIGHT, l->at - 2);
}

/* Whether "{{" (with or without a trim marker) begins a comment, and where its text begins. */
static bool is_comment(const struct golexer *l, size_t *length)
{
	struct view after = view_skip(rest(l), 2);
	size_t marker = after.length > 1 && after.at[0] == '-' && is_blank(after.at[1]) ? 2 : 0;
	*length = 2 + marker + 2;
	return view_starts(view_skip(after, marker), VIEW("/*"));
}

/* Takes a comment; false (with *error) when it does not end as it must. */
static bool skip_comment(struct golexer *l, size_t length, const char **error)
{
	l->at += length;
	const char *end = memmem(rest(l).at, rest(l).length, "*/", 2);
	if (!end) {
		*error = "unclosed comment";
		return false;
	}
	l->at = (size_t)(end - l->source.at) + 2;
	if (!at_right(l) && !trims_right(l)) {
		*error = "comment ends before closing delimiter";
		return false;
	}
	take_right(l);
	return true;
}

static struct view trimmed_left(struct view v)
{
	while (v.length && is_blank(v.at[0]))
		v = view_skip(v, 1);
	return v;
}

static struct view trimmed_right(struct view v)
{
	while (v.length && is_blank(v.at[v.length - 1]))
		v.length--;
	return v;
}

/* Takes the text up to the next "{{" off, without the white space that markers at its ends take. */
static struct view take_text(struct golexer *l)
{
	struct view all = rest(l);
	const char *left = memmem(all.at, all.length, "{{", 2);
	struct view text = left ? view_first(all, (size_t)(left - all.at)) : all;
	l->at += text.length;
	if (l->trims)
		text = trimmed_left(text);
	l->trims = false;
	struct golexer behind = *l;
	behind.at += left ? 2 : 0;
	return left && trims_left(&behind) ? trimmed_right(text) : text;
}

static struct gotoken outside(struct golexer *l)
{
	for (;;) {
		size_t start = l->at, length;
		const char *error;
		struct view text = take_text(l);
		if (text.length)
			return (struct gotoken){ GOTOKEN_TEXT, text,
				(size_t)(text.at - l->source.at) };
		if (l->at == l->source.length)
			return (struct gotoken){ .kind = GOTOKEN_END, .at = l->at };
		if (!is_comment(l, &length))
			return take_left(l);
		if (!skip_comment(l, length, &error))
			return fail(l, start, error);
	}
}

/* --- inside of actions --- */

/* A name must be followed by something that ends it. */
static bool at_terminator(const struct golexer *l)
{
	char c = peek(l, 0);
	return l->at == l->source.length || is_blank(c) || at_right(l) ||
	       (c && strchr(".,|:=)(", c));
}

static struct gotoken bad_character(struct golexer *l, const char *what)
{
	uint32_t code = 0xfffd;
	utf8_decode(rest(l), &code);
	return fail(l, l->at, arena_printf(l->arena, "%s U+%04X", what, code));
}

static struct gotoken take_name(struct golexer *l, enum gotoken_kind kind, size_t start)
{
	while (is_word(peek(l, 0)))
		l->at++;
	return at_terminator(l) ? token(l, kind, start) : bad_character(l, "bad character");
}

static struct gotoken take_word(struct golexer *l)
{
	static const char *const keywords[] = { "if", "else", "end", "range", "with", "nil",
		"define", "template", "block", "break", "continue" };
	struct gotoken t = take_name(l, GOTOKEN_WORD, l->at);
	if (t.kind != GOTOKEN_WORD)
		return t;
	if (view_is(t.text, "true") || view_is(t.text, "false"))
		t.kind = GOTOKEN_BOOL;
	for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
		if (view_is(t.text, keywords[i]))
			t.kind = GOTOKEN_KEYWORD;
	}
	return t;
}

static struct gotoken take_dot(struct golexer *l)
{
	size_t start = l->at++;
	if (at_terminator(l))
		return token(l, GOTOKEN_DOT, start);
	return take_name(l, GOTOKEN_FIELD, start);
}

static struct gotoken take_number(struct golexer *l)
{
	size_t start = l->at;
	while (is_word(peek(l, 0)) || strchr("+-.", peek(l, 0) ? peek(l, 0) : ' ')) {
		bool sign = peek(l, 0) == '+' || peek(l, 0) == '-';
		if (sign && l->at > start && !strchr("eE", l->source.at[l->at - 1]))
			break;
		l->at++;
	}
	return token(l, GOTOKEN_NUMBER, start);
}

static struct gotoken take_quoted(
	struct golexer *l, char quote, enum gotoken_kind kind, const char *unterminated)
{
	size_t start = l->at++;
	for (; l->at < l->source.length; l->at++) {
		char c = peek(l, 0);
		if (c == quote) {
			l->at++;
			return token(l, kind, start);
		}
		if (quote == '`')
			continue;
		if (c == '\\')
			l->at++;
		if (peek(l, 0) == '\n')
			break;
	}
	return fail(l, start, unterminated);
}

static struct gotoken take_space(struct golexer *l)
{
	size_t start = l->at;
	while (is_blank(peek(l, 0)) && !trims_right(l))
		l->at++;
	return token(l, GOTOKEN_SPACE, start);
}

static struct gotoken take_close(struct golexer *l)
{
	if (l->parentheses == 0)
		return fail(l, l->at, "unexpected right paren U+0029 ')'");
	l->parentheses--;
	l->at++;
	return token(l, GOTOKEN_CLOSE, l->at - 1);
}

static struct gotoken take_single(struct golexer *l, enum gotoken_kind kind)
{
	l->at++;
	return token(l, kind, l->at - 1);
}

static struct gotoken take_colon(struct golexer *l)
{
	if (peek(l, 1) != '=')
		return fail(l, l->at, "expected :=");
	l->at += 2;
	return token(l, GOTOKEN_DECLARE, l->at - 2);
}

static struct gotoken inside(struct golexer *l)
{
	char c = peek(l, 0);
	if (at_right(l) || trims_right(l))
		return l->parentheses ? fail(l, l->at, "unclosed left paren") : take_right(l);
	if (is_blank(c))
		return take_space(l);
	if (is_digit(c) || c == '+' || c == '-' || (c == '.' && is_digit(peek(l, 1))))
		return take_number(l);
	if (is_word(c))
		return take_word(l);
	switch (c) {
	case '\0':
		return fail(l, l->at, "unclosed action");
	case '.':
		return take_dot(l);
	case '$':
		l->at++;
		return take_name(l, GOTOKEN_VARIABLE, l->at - 1);
	case '"':
		return take_quoted(l, c, GOTOKEN_STRING, "unterminated quoted string");
	case '`':
		return take_quoted(l, c, GOTOKEN_RAW_STRING, "unterminated raw quoted string");
	case '\'':
		return take_quoted(l, c, GOTOKEN_CHAR, "unterminated character constant");
	case '|':
		return take_single(l, GOTOKEN_PIPE);
	case '=':
		return take_single(l, GOTOKEN_ASSIGN);
	case ':':
		return take_colon(l);
	case '(':
		l->parentheses++;
		return take_single(l, GOTOKEN_OPEN);
	case ')':
		return take_close(l);
	default:
		if (c > ' ' && c < 0x7f)
			return take_single(l, GOTOKEN_OTHER);
		return bad_character(l, "unrecognized character in action:");
	}
}

struct gotoken gotoken_next(struct golexer *l)
{
	return l->in_action ? inside(l) : outside(l);
}

/* --- tokens as text --- */

const char *gotoken_print(struct arena *arena, const struct gotoken *t)
{
	switch (t->kind) {
	case GOTOKEN_END:
		return "EOF";
	case GOTOKEN_ERROR:
		return arena_string(arena, t->text);
	case GOTOKEN_KEYWORD:
	case GOTOKEN_DOT:
		return arena_printf(arena, "<%.*s>", VIEW_ARGS(t->text));
	default:
		if (t->text.length > 10)
			return arena_printf(arena, "\"%.10s\"...", t->text.at);
		return arena_printf(arena, "\"%.*s\"", VIEW_ARGS(t->text));
	}
}

bool gotoken_unquote(struct arena *arena, const struct gotoken *t, struct view *text)
{
	struct view inner = { t->text.at + 1, t->text.length - 2 };
	size_t bad;
	if (t->kind == GOTOKEN_RAW_STRING) {
		*text = inner;
		return true;
	}
	return escape_resolve(arena, inner, text, &bad);
}
