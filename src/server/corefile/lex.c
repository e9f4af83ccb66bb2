/*
 * Words of a Corefile. White space of Unicode parts them, a '"' in front of a word quotes it, a '#'
 * outside quotes hides the rest of the line, also in the middle of a word. CR means nothing outside
 * quotes.
 */
#include "server/corefile/lex.h"

#include "base/utf8.h"

static const struct view byte_order_mark = { "\xef\xbb\xbf", 3 };

bool lexer_skips(struct view word)
{
	return view_starts(word, byte_order_mark);
}

void lexer_begin(struct lexer *l, struct arena *arena, struct view text)
{
	while (view_starts(text, byte_order_mark))
		text = view_skip(text, byte_order_mark.length);
	*l = (struct lexer){ .arena = arena, .text = utf8_valid_copy(arena, text), .line = 1 };
}

static bool at_end(const struct lexer *l)
{
	return l->at == l->text.length;
}

static char here(const struct lexer *l)
{
	return l->text.at[l->at];
}

/* The octets of the white space that stands here, 0 if none does. */
static size_t space_here(const struct lexer *l)
{
	return utf8_space(view_skip(l->text, l->at));
}

static void pass(struct lexer *l, size_t octets)
{
	if (here(l) == '\n') {
		l->line++;
		l->line_used = false;
	}
	l->at += octets;
}

static void pass_blanks(struct lexer *l)
{
	while (!at_end(l)) {
		size_t n = space_here(l);
		if (!n)
			return;
		pass(l, n);
	}
}

static struct view raw_from(const struct lexer *l, size_t start)
{
	return (struct view){ l->text.at + start, l->at - start };
}

/* `v` without the CRs in it. */
static struct view without_returns(struct arena *arena, struct view v)
{
	if (view_find(v, '\r') == v.length)
		return v;
	char *to = arena_octets(arena, v.length);
	size_t n = 0;
	for (size_t i = 0; i < v.length; i++) {
		if (v.at[i] != '\r')
			to[n++] = v.at[i];
	}
	return (struct view){ to, n };
}

static void read_comment(struct lexer *l, struct lexeme *x)
{
	size_t start = l->at;
	struct view rest = view_skip(l->text, l->at);
	l->at += view_find(rest, '\n');
	x->comment = true;
	x->raw = raw_from(l, start);
	x->text = view_trim(x->raw);
}

static void read_plain(struct lexer *l, struct lexeme *x)
{
	size_t start = l->at;
	while (!at_end(l) && here(l) != '#' && (here(l) == '\r' || !space_here(l)))
		l->at++;
	x->raw = raw_from(l, start);
	x->text = without_returns(l->arena, x->raw);
}

/* The quote's end, or the text's; only \" is an escape, but a backslash protects the next octet. */
static void pass_quoted(struct lexer *l, struct lexeme *x)
{
	while (!at_end(l) && here(l) != '"') {
		if (here(l) == '\\' && l->at + 1 < l->text.length)
			l->at++;
		x->lines += here(l) == '\n';
		l->at++;
	}
	x->unclosed = at_end(l);
}

static struct view unescaped(struct arena *arena, struct view v)
{
	if (view_find(v, '\\') == v.length)
		return v;
	char *to = arena_octets(arena, v.length);
	size_t n = 0;
	for (size_t i = 0; i < v.length; i++) {
		bool escape = v.at[i] == '\\' && i + 1 < v.length;
		if (escape && v.at[i + 1] != '"')
			to[n++] = v.at[i];
		i += escape;
		to[n++] = v.at[i];
	}
	return (struct view){ to, n };
}

static void read_quoted(struct lexer *l, struct lexeme *x)
{
	size_t start = l->at++;
	pass_quoted(l, x);
	struct view inside = raw_from(l, start + 1);
	l->at += !x->unclosed;
	x->quoted = true;
	x->raw = raw_from(l, start);
	x->text = unescaped(l->arena, inside);
	l->line += x->lines;
}

/* CRs are passed with the blanks, but a CR in the middle of a word does not end it: read_plain()
 * goes over it. */
bool lexer_next(struct lexer *l, struct lexeme *x)
{
	pass_blanks(l);
	if (at_end(l))
		return false;
	*x = (struct lexeme){ .line = l->line, .first = !l->line_used };
	if (here(l) == '#') {
		read_comment(l, x);
		return true;
	}
	if (here(l) == '"')
		read_quoted(l, x);
	else
		read_plain(l, x);
	l->line_used = true;
	return !x->unclosed || x->text.length > 0;
}
