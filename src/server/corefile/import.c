/*
 * Imports: snippets, files and globs.
 *
 * What imports itself is found where it does so, by `active`. The totals stop what multiplies
 * without a cycle (a imports b twice, b imports c twice, ...).
 */
#include "server/corefile/import.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "server/corefile/environment.h"
#include "server/corefile/glob.h"
#include "server/corefile/lex.h"
#include "server/nearest.h"
#include <errno.h>
#include <stdlib.h>

enum {
	FILE_OCTETS_MAX = 64 * 1024 * 1024,
	SNIPPET_IMPORTS_MAX = 1000000, /* in one Corefile, in all */
	FILE_IMPORTS_MAX = 1000000,
	WORDS_MAX = 5000000, /* with those of imports, each time that they are imported */
};

/* How far a passage on the stack has been read. */
struct passage_reading {
	struct passage_reading *below;
	struct passage *passage;
	size_t at;
};

/* --- words of a text --- */

static const struct word *words_of(
	struct word_stream *s, struct view text, const char *file, size_t *count)
{
	struct lexer lexer;
	struct lexeme x;
	struct word *words = NULL;
	size_t n = 0, room = 0;
	lexer_begin(&lexer, s->arena, text);
	while (lexer_next(&lexer, &x)) {
		if (x.comment)
			continue;
		if (x.unclosed)
			complain(s->complaints, true, file, x.line,
				"the quote is not closed: the rest of the file is one word");
		if (n == room)
			words = memory_resize(words, room = room ? room * 2 : 64, sizeof *words);
		words[n++] = (struct word){ x.text, file, x.line, x.lines, x.quoted, x.first };
	}
	struct word *kept = arena_array(s->arena, n, sizeof *kept);
	if (n)
		memcpy(kept, words, n * sizeof *kept);
	free(words);
	*count = n;
	return kept;
}

static struct passage *passage_new(struct word_stream *s, const struct word *words, size_t count)
{
	struct passage *p = arena_new_object(s->arena, struct passage);
	*p = (struct passage){ .words = words, .count = count };
	return p;
}

static struct passage *passage_of_text(struct word_stream *s, struct view text, const char *file)
{
	size_t count;
	const struct word *words = words_of(s, text, file, &count);
	return passage_new(s, words, count);
}

/* --- the stack --- */

static void push(struct word_stream *s, struct passage *p)
{
	struct passage_reading *r = s->spare;
	if (r)
		s->spare = r->below;
	else
		r = arena_new_object(s->arena, struct passage_reading);
	*r = (struct passage_reading){ .below = s->top, .passage = p };
	s->top = r;
	s->entered = true;
}

static void pop(struct word_stream *s)
{
	struct passage_reading *r = s->top;
	r->passage->active = false;
	s->top = r->below;
	r->below = s->spare;
	s->spare = r;
	s->entered = true;
}

void stream_begin(struct word_stream *s, struct arena *arena, struct view text, const char *path,
	const char *directory, struct complaints *c)
{
	*s = (struct word_stream){ .arena = arena,
		.complaints = c,
		.path = path,
		.directory = directory,
		.no_files = !directory,
		.last = { .file = path } };
	push(s, passage_of_text(s, text, path));
}

const struct word *stream_peek(struct word_stream *s)
{
	while (s->top && s->top->at == s->top->passage->count)
		pop(s);
	if (!s->top)
		return NULL;
	s->top->passage->active = true;
	return &s->top->passage->words[s->top->at];
}

bool stream_take(struct word_stream *s, struct word *w)
{
	const struct word *next = stream_peek(s);
	if (!next)
		return false;
	*w = *next;
	w->first = w->first || s->entered;
	s->entered = false;
	s->top->at++;
	s->last = *w;
	if (++s->taken > WORDS_MAX) {
		stream_error(s, "the Corefile with its imports has more than %d words", WORDS_MAX);
		s->top = NULL;
	}
	return true;
}

/* Takes the next word if it stands in the same line of the same passage, and is no '}' that closes
 * a block there. */
static bool take_in_line(struct word_stream *s, struct word *w)
{
	const struct passage_reading *r = s->top;
	if (!r || r->at == r->passage->count)
		return false;
	const struct word *next = &r->passage->words[r->at];
	if (next->first || (!next->quoted && view_is(next->text, "}")))
		return false;
	return stream_take(s, w);
}

/* --- messages and environment --- */

void stream_error(struct word_stream *s, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *text = arena_vprintf(s->complaints->arena, format, args);
	va_end(args);
	complain(s->complaints, false, s->last.file, s->last.line,
		"%s:%u - Error during parsing: %s", s->last.file, s->last.line, text);
}

struct view stream_expand(struct word_stream *s, const struct word *w)
{
	struct view expanded;
	if (!environment_expand(s->arena, w->text, &expanded))
		stream_error(s,
			"environment reference without end in '%.*s': a value refers to itself",
			VIEW_ARGS(w->text));
	return expanded;
}

bool word_is_import(const struct word *w)
{
	return view_is(w->text, "import");
}

/* --- snippets --- */

bool stream_defined(const struct word_stream *s, struct view name)
{
	return map_find(&s->snippets, name) != NULL;
}

void stream_define(struct word_stream *s, struct view name, const struct word *words, size_t count)
{
	*map_put(&s->snippets, s->arena, name) = passage_new(s, words, count);
}

void stream_error_snippet_cycle(struct word_stream *s, struct view name)
{
	stream_error(s, "maximum snippet import depth (%d) exceeded: snippet '%.*s' imports itself",
		SNIPPET_IMPORTS_MAX, VIEW_ARGS(name));
}

static void import_snippet(struct word_stream *s, struct view name, struct passage *p)
{
	if (p->active)
		stream_error_snippet_cycle(s, name);
	else if (++s->snippet_imports > SNIPPET_IMPORTS_MAX)
		stream_error(s, "maximum snippet import depth (%d) exceeded", SNIPPET_IMPORTS_MAX);
	else
		push(s, p);
}

static const char *nearest_snippet(const struct word_stream *s, struct view name)
{
	struct nearest n = nearest_begin(name);
	for (size_t i = 0; i < s->snippets.capacity; i++) {
		const struct map_entry *e = &s->snippets.entries[i];
		if (e->value)
			nearest_try(&n, arena_string(s->arena, e->key));
	}
	return n.best;
}

/* --- files --- */

static void complain_unreadable(struct word_stream *s, const char *path, int error)
{
	if (error == EISDIR)
		stream_error(s, "Could not import %s: is a directory", path);
	else
		stream_error(s, "Could not import %s: open %s: %s", path, path, error_text(error));
}

/* The words of the file, read when it is imported first; NULL after a complaint. */
static struct passage *file_passage(struct word_stream *s, const char *path)
{
	void **place = map_put(&s->files, s->arena, view_of(path));
	if (!*place) {
		struct view text;
		int error = file_read(s->arena, path, FILE_OCTETS_MAX, &text);
		if (error) {
			complain_unreadable(s, path, error);
			return NULL;
		}
		*place = passage_of_text(s, text, path);
	}
	return *place;
}

static void import_file(struct word_stream *s, const char *path)
{
	struct passage *p = file_passage(s, path);
	if (!p)
		return;
	if (p->active)
		stream_error(s, "maximum file import depth (%d) exceeded: %s imports itself",
			FILE_IMPORTS_MAX, path);
	else if (++s->file_imports > FILE_IMPORTS_MAX)
		stream_error(s, "maximum file import depth (%d) exceeded", FILE_IMPORTS_MAX);
	else
		push(s, p);
}

/* Where paths in this word's file are relative to. */
static struct view directory_of(const struct word_stream *s, const struct word *w)
{
	if (w->file == s->path)
		return view_of(s->directory);
	const char *slash = strrchr(w->file, '/');
	return (struct view){ w->file, slash == w->file ? 1 : (size_t)(slash - w->file) };
}

static void complain_no_match(struct word_stream *s, struct view argument, bool wild)
{
	if (wild) {
		complain(s->complaints, true, s->last.file, s->last.line,
			"No files matching import glob pattern: %.*s", VIEW_ARGS(argument));
		return;
	}
	const char *near = nearest_snippet(s, argument);
	stream_error(s, "File to import not found: %.*s%s%s%s", VIEW_ARGS(argument),
		near ? " (did you mean the snippet '" : "", near ? near : "", near ? "'?)" : "");
}

static void import_files(struct word_stream *s, struct view argument)
{
	if (s->no_files) {
		complain_no_match(s, argument, false);
		return;
	}
	struct glob g;
	glob_find(s->arena, directory_of(s, &s->last), argument, &g);
	if (g.too_wild)
		stream_error(s,
			"Glob pattern may only contain one wildcard (*), but has others: %s",
			g.pattern);
	else if (g.malformed)
		stream_error(s, "Failed to use import pattern %.*s: syntax error in pattern",
			VIEW_ARGS(argument));
	else if (!g.count)
		complain_no_match(s, argument, g.wild);
	/* Backwards, so that the first of them is read first. */
	for (size_t i = g.count; i-- > 0;)
		import_file(s, g.paths[i]);
}

/* --- the statement --- */

void stream_import(struct word_stream *s)
{
	struct word argument, surplus;
	if (!take_in_line(s, &argument)) {
		stream_error(s, "Wrong argument count or unexpected line ending after 'import'");
		return;
	}
	struct view name = stream_expand(s, &argument);
	if (!name.length) {
		stream_error(s, "Import requires a non-empty filepath");
		return;
	}
	if (take_in_line(s, &surplus)) {
		stream_error(s, "Import takes only one argument (glob pattern or file)");
		while (take_in_line(s, &surplus))
			;
		return;
	}
	void **snippet = map_find(&s->snippets, name);
	if (snippet)
		import_snippet(s, name, *snippet);
	else
		import_files(s, name);
}
