/*
 * The words of a Corefile in reading order, those of imported files and snippets in the place of
 * their `import`. Nothing is copied when something is imported: each file and snippet is kept once,
 * and the stream goes through them by a stack.
 */
#ifndef ISTHMUS_SERVER_COREFILE_IMPORT_H
#define ISTHMUS_SERVER_COREFILE_IMPORT_H

#include "base/map.h"
#include "server/corefile.h"

/* Words that can be imported: a file's or a snippet's. */
struct passage {
	const struct word *words;
	size_t count;
	bool active; /* is being read: to import it now would have no end */
};

struct passage_reading;

struct word_stream {
	struct arena *arena;
	struct complaints *complaints;
	const char *path;      /* of the main file, as shown */
	const char *directory; /* where it lies: what its imports are relative to */
	bool no_files;	       /* importing files is an error */
	struct passage_reading *top, *spare;
	bool entered; /* the next word is the first of what was imported */
	struct map files, snippets;
	unsigned file_imports, snippet_imports;
	unsigned taken;	  /* words so far */
	struct word last; /* the word read last, for messages */
};

/* Starts with the main file's text. `directory` is NULL where no files may be imported. */
void stream_begin(struct word_stream *s, struct arena *arena, struct view text, const char *path,
	const char *directory, struct complaints *c);

/* The next word without taking it; NULL at the end. Valid until the stream moves. */
const struct word *stream_peek(struct word_stream *s);

/* Takes the next word; false at the end. */
bool stream_take(struct word_stream *s, struct word *w);

/* An error at the word read last: "Corefile:3 - Error during parsing: ...". */
void stream_error(struct word_stream *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The word's text with environment references replaced; complains of one without end. */
struct view stream_expand(struct word_stream *s, const struct word *w);

/* Whether this word, taken or peeked, is the import statement. */
bool word_is_import(const struct word *w);

/* After the word `import` was taken: takes its argument, and makes what it names the next words.
 * Complains if it cannot. */
void stream_import(struct word_stream *s);

/* An error: the snippet of this name imports itself, in however many steps. */
void stream_error_snippet_cycle(struct word_stream *s, struct view name);

/* Whether there is a snippet of this name. */
bool stream_defined(const struct word_stream *s, struct view name);

/* Keeps a snippet's words under a name that is new. The words are kept, not copied. */
void stream_define(struct word_stream *s, struct view name, const struct word *words, size_t count);

#endif
