/*
 * From words to blocks.
 *
 * Braces are words like others, and only mean something where one of them is expected; a line's end
 * ends a directive unless a brace of it is open.
 */
#include "server/corefile/parse.h"

#include "base/memory.h"
#include "server/registry.h"
#include <stdlib.h>

struct word_list {
	struct word *words;
	size_t count, room;
};

struct parser {
	struct word_stream *stream;
	struct corefile *corefile;
	struct arena *arena;
	struct word_list words; /* of what is being read */
	bool ended;		/* nothing can be made of the rest */
};

static void list_add(struct word_list *l, struct word w)
{
	if (l->count == l->room)
		l->words = memory_resize(
			l->words, l->room = l->room ? l->room * 2 : 64, sizeof *l->words);
	l->words[l->count++] = w;
}

/* The words read so far, in the arena; the list is empty again. */
static struct word *list_keep(struct parser *p, size_t *count)
{
	struct word *kept = arena_array(p->arena, p->words.count, sizeof *kept);
	if (p->words.count)
		memcpy(kept, p->words.words, p->words.count * sizeof *kept);
	*count = p->words.count;
	p->words.count = 0;
	return kept;
}

/* A quoted brace is a word like any other. */
static bool is_brace(const struct word *w, const char *brace)
{
	return !w->quoted && view_is(w->text, brace);
}

static void syntax_error(struct parser *p, const char *expected, const char *hint)
{
	const struct word *last = &p->stream->last;
	complain(p->stream->complaints, false, last->file, last->line,
		"%s:%u - Syntax error: Unexpected token '%.*s', expecting '%s'%s", last->file,
		last->line, VIEW_ARGS(last->text), expected, hint);
}

/* The word that comes next begins a new line, or there is none. */
static bool line_ends(struct parser *p)
{
	const struct word *next = stream_peek(p->stream);
	return !next || next->first || p->stream->entered;
}

/* --- keys --- */

/* Adds a key, its final comma taken off; gives whether there was one. An empty key is none, and
 * leaves things as they were. */
static bool add_key(struct parser *p, struct word w, bool comma_before)
{
	if (!w.text.length)
		return comma_before;
	bool comma = w.text.at[w.text.length - 1] == ',';
	w.text.length -= comma;
	list_add(&p->words, w);
	return comma;
}

/* Reads keys up to "{" (not taken), a line's end or the file's end; false if there was nothing at
 * all. */
static bool read_keys(struct parser *p, struct server_block *block)
{
	bool comma = false, any = false;
	struct word w;
	while (stream_peek(p->stream)) {
		if (any && !comma && line_ends(p))
			break;
		w = *stream_peek(p->stream);
		if (word_is_import(&w) && (!any || line_ends(p))) {
			stream_take(p->stream, &w);
			stream_import(p->stream);
			continue;
		}
		w.text = stream_expand(p->stream, &w);
		if (is_brace(&w, "{"))
			break;
		stream_take(p->stream, &p->stream->last);
		if (!any) {
			block->file = p->stream->last.file;
			block->line = p->stream->last.line;
		}
		any = true;
		comma = add_key(p, w, comma);
	}
	const struct word *next = stream_peek(p->stream);
	if (comma && !next)
		stream_error(p->stream, "Unexpected EOF: another key was expected after ','");
	if (comma && next)
		stream_error(
			p->stream, "Expected another address but had '{' - check for extra comma");
	block->words = list_keep(p, &block->word_count);
	return any || next;
}

/* --- directives --- */

static bool directive_exists(struct parser *p, struct view name)
{
	if (registry_find(name, NULL))
		return true;
	p->corefile->misnamed++;
	const char *near = registry_nearest(name);
	if (near)
		stream_error(p->stream, "Unknown directive '%.*s' (did you mean '%s'?)",
			VIEW_ARGS(name), near);
	else
		stream_error(p->stream, "Unknown directive '%.*s' (expected a directive or '}')",
			VIEW_ARGS(name));
	return false;
}

/* The braces of a directive. */
struct nesting {
	unsigned open, line; /* how many, and where the outermost stands */
	bool just_opened;    /* the last word was '{' */
};

/* Counts a brace; false at a '}' too many. */
static bool follow_brace(struct parser *p, struct nesting *n, const struct word *w)
{
	if (is_brace(w, "{") && n->open++ == 0)
		n->line = w->line;
	if (!is_brace(w, "}") || n->open-- > 0)
		return true;
	stream_error(p->stream,
		"Unexpected '}' because no matching opening brace (the '}' of a server "
		"block stands on a line of its own)");
	return false;
}

static bool directive_goes_on(struct parser *p, const struct nesting *n)
{
	const struct word *next = stream_peek(p->stream);
	return next && (n->open || !line_ends(p) || is_brace(next, "{"));
}

/* Reads the words behind a directive's name: its line, and as far as braces are open. False at a
 * '}' too many. */
static bool read_arguments(struct parser *p, const struct word *name)
{
	struct nesting n = { 0 };
	struct word w;
	while (directive_goes_on(p, &n)) {
		bool leads = line_ends(p) || n.just_opened;
		stream_take(p->stream, &w);
		n.just_opened = is_brace(&w, "{");
		if (word_is_import(&w) && leads) {
			stream_import(p->stream);
			continue;
		}
		if (!follow_brace(p, &n, &w))
			return false;
		w.text = stream_expand(p->stream, &w);
		list_add(&p->words, w);
	}
	if (n.open) {
		stream_error(p->stream,
			"Unexpected EOF: the '{' of '%.*s' in line %u is not closed",
			VIEW_ARGS(name->text), n.line);
		p->ended = true;
	}
	return true;
}

/* The directive whose name was just taken; false at a '}' that ends the block on the directive's
 * line. */
static bool read_directive(struct parser *p, struct word name, struct directive ***last)
{
	name.text = stream_expand(p->stream, &name);
	bool exists = directive_exists(p, name.text);
	list_add(&p->words, name);
	bool more = read_arguments(p, &name);
	struct directive *d = arena_new_object(p->arena, struct directive);
	d->words = list_keep(p, &d->count);
	if (exists) {
		**last = d;
		*last = &d->next;
	}
	return more;
}

/* Directives up to the block's '}' (taken) or the file's end; gives whether the '}' was there. */
static bool read_directives(struct parser *p, struct server_block *block)
{
	struct directive **last = &block->directives;
	struct word w;
	while (!p->ended && stream_take(p->stream, &w)) {
		if (is_brace(&w, "}"))
			return true;
		if (word_is_import(&w))
			stream_import(p->stream);
		else if (!read_directive(p, w, &last))
			return true;
	}
	return false;
}

/* Takes the "{" if it is next. */
static bool take_brace(struct parser *p, struct word *brace)
{
	const struct word *next = stream_peek(p->stream);
	return next && is_brace(next, "{") && stream_take(p->stream, brace);
}

static void read_body(struct parser *p, struct server_block *block)
{
	struct word brace;
	bool braced = take_brace(p, &brace);
	bool closed = read_directives(p, block);
	if (braced && !closed && !p->ended) {
		syntax_error(p, "}",
			arena_printf(p->arena,
				": the '{' of the server block in line %u is not closed",
				brace.line));
		p->ended = true;
	}
}

/* --- snippets --- */

static bool is_snippet(const struct server_block *b, struct view *name)
{
	if (b->word_count != 1)
		return false;
	struct view text = b->words[0].text;
	if (text.length < 2 || text.at[0] != '(' || text.at[text.length - 1] != ')')
		return false;
	*name = (struct view){ text.at + 1, text.length - 2 };
	return true;
}

/* The words up to the '}' that closes the snippet, as they are. */
static bool read_snippet_words(struct parser *p)
{
	unsigned open = 1;
	struct word w;
	while (stream_take(p->stream, &w)) {
		if (is_brace(&w, "}") && --open == 0)
			return true;
		open += is_brace(&w, "{");
		list_add(&p->words, w);
	}
	return false;
}

/* Whether the body names itself in an `import`: found here even if nobody uses the snippet. */
static bool imports_itself(const struct word *words, size_t count, struct view name)
{
	for (size_t i = 0; i + 1 < count; i++) {
		bool leads = i == 0 || words[i].first || is_brace(&words[i - 1], "{");
		if (leads && word_is_import(&words[i]) && view_equal(words[i + 1].text, name))
			return true;
	}
	return false;
}

/* The body, its '{' taken; it is kept unless there was one of this name before. */
static void read_snippet_body(struct parser *p, struct view name, unsigned line)
{
	struct word_stream *s = p->stream;
	size_t count;
	bool again = stream_defined(s, name);
	if (again)
		stream_error(
			s, "redeclaration of previously declared snippet %.*s", VIEW_ARGS(name));
	if (!read_snippet_words(p)) {
		static const char format[] = ": the '{' of snippet '%.*s' in line %u is not closed";
		syntax_error(p, "}", arena_printf(p->arena, format, VIEW_ARGS(name), line));
		p->ended = true;
	}
	const struct word *words = list_keep(p, &count);
	if (imports_itself(words, count, name))
		stream_error_snippet_cycle(s, name);
	else if (!again)
		stream_define(s, name, words, count);
}

static void read_snippet(struct parser *p, struct view name)
{
	struct word brace;
	if (take_brace(p, &brace)) {
		read_snippet_body(p, name, brace.line);
		return;
	}
	stream_take(p->stream, &brace);
	syntax_error(
		p, "{", arena_printf(p->arena, ": the body of snippet '%.*s'", VIEW_ARGS(name)));
	p->ended = true;
}

/* --- the file --- */

/* Reads one block; NULL for a snippet, and for a block without keys, whose directives are checked
 * all the same. */
static struct server_block *read_block(struct parser *p)
{
	struct server_block *block = arena_new_object(p->arena, struct server_block);
	struct view snippet;
	if (!read_keys(p, block)) {
		p->ended = true;
		return NULL;
	}
	if (is_snippet(block, &snippet)) {
		read_snippet(p, snippet);
		return NULL;
	}
	if (stream_peek(p->stream))
		read_body(p, block);
	return block->word_count ? block : NULL;
}

void corefile_parse_blocks(struct word_stream *s, struct corefile *corefile)
{
	struct parser p = { .stream = s, .corefile = corefile, .arena = s->arena };
	struct server_block **last = &corefile->blocks;
	while (!p.ended) {
		struct server_block *block = read_block(&p);
		if (!block)
			continue;
		*last = block;
		last = &block->next;
		corefile->block_count++;
	}
	free(p.words.words);
}
