/*
 * Layout by one walk over words and comments. Only line breaks that mean nothing are moved: behind
 * '{', before '}', and between the keys of a block and its '{'.
 */
#include "cli/format.h"

#include "server/corefile/lex.h"

enum { INDENT = 4 };

struct layout {
	struct text *to;
	const char *path;
	struct complaints *complaints;
	struct lexeme last;	/* written last */
	bool any;		/* something was written */
	bool after_open;	/* nothing since '{' */
	bool after_block;	/* the last was the '}' of a server block or snippet */
	bool bare;		/* in the body of a block without braces */
	bool importing;		/* the line began with `import` */
	bool in_keys;		/* the last word was a block's key */
	bool comma;		/* the last word ended with one */
	unsigned depth, opened; /* open braces; the line of the outermost */
};

static bool is_brace(const struct lexeme *x, const char *brace)
{
	return !x->comment && !x->quoted && view_is(x->text, brace);
}

static bool ends_with_comma(struct view v)
{
	return v.length && v.at[v.length - 1] == ',';
}

/* Whether this word begins the directives of a block without braces: a new line behind keys that is
 * no '{'. */
static bool begins_bare_body(const struct layout *l, const struct lexeme *x)
{
	return l->in_keys && !l->comma && x->first && !x->comment && !is_brace(x, "{");
}

/* A '{' that opens a block may stand in the line of its keys, wherever it stood. */
static bool joins_keys(const struct layout *l, const struct lexeme *x)
{
	return is_brace(x, "{") && l->in_keys && !l->last.comment;
}

static bool begins_line(const struct layout *l, const struct lexeme *x)
{
	if (!l->any || joins_keys(l, x))
		return false;
	if (x->comment)
		return x->first;
	return x->first || l->after_open || l->after_block || (is_brace(x, "}") && l->depth > 0);
}

static bool blank_before(const struct layout *l, const struct lexeme *x)
{
	if (l->after_open || is_brace(x, "}"))
		return false;
	return (l->after_block && !l->bare) || x->line > l->last.line + l->last.lines + 1;
}

static void write_lexeme(struct layout *l, const struct lexeme *x, bool new_line)
{
	if (new_line) {
		unsigned depth = l->depth - (l->depth && is_brace(x, "}"));
		text_add_string(l->to, blank_before(l, x) ? "\n\n" : "\n");
		text_printf(l->to, "%*s", (int)(depth * INDENT), "");
	} else if (l->any) {
		text_add_char(l->to, ' ');
	} else if (lexer_skips(x->text)) {
		text_add_char(l->to, '\n');
	}
	text_add(l->to, x->quoted ? x->raw : x->text);
}

/* What stands behind a word in its line does not change where things are. */
static void follow_comment(struct layout *l, const struct lexeme *x)
{
	if (x->first)
		l->after_open = l->after_block = false;
}

static void follow_word(struct layout *l, const struct lexeme *x, bool new_line)
{
	bool open = is_brace(x, "{"), close = is_brace(x, "}");
	bool ends_bare = close && new_line && l->bare && l->depth == 0;
	l->after_open = open;
	l->after_block = ends_bare || (close && l->depth == 1 && !l->bare);
	l->bare = l->bare && !ends_bare;
	if (open && l->depth++ == 0)
		l->opened = x->line;
	if (close && l->depth)
		l->depth--;
	if (new_line || !l->any)
		l->importing = view_is(x->text, "import");
	l->in_keys = l->depth == 0 && !l->bare && !l->after_block && !l->importing;
	l->comma = ends_with_comma(x->text);
}

static void add(struct layout *l, const struct lexeme *x)
{
	l->bare = l->bare || begins_bare_body(l, x);
	bool new_line = begins_line(l, x);
	write_lexeme(l, x, new_line);
	if (x->comment)
		follow_comment(l, x);
	else
		follow_word(l, x, new_line);
	l->last = *x;
	l->any = true;
}

static bool not_closed(struct layout *l, const char *what, unsigned line)
{
	complain(l->complaints, false, l->path, line,
		"%s:%u - Syntax error: the %s in this line is not closed", l->path, line, what);
	return false;
}

bool corefile_format(
	struct view source, const char *path, struct text *to, struct complaints *complaints)
{
	struct layout l = { .to = to, .path = path, .complaints = complaints };
	struct lexer lexer;
	struct lexeme x = { .line = 0 };
	lexer_begin(&lexer, complaints->arena, source);
	while (lexer_next(&lexer, &x) && !x.unclosed)
		add(&l, &x);
	if (l.any)
		text_add_char(to, '\n');
	if (x.unclosed)
		return not_closed(&l, "quote", x.line);
	return l.depth == 0 || not_closed(&l, "'{'", l.opened);
}
