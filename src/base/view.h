/* A run of bytes that belongs to someone else: never NUL-terminated, never freed through the view. */
#ifndef ISTHMUS_BASE_VIEW_H
#define ISTHMUS_BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const char *at;
	size_t length;
};

/* The view of a string literal. */
#define VIEW(literal) ((struct view){ (literal), sizeof(literal) - 1 })

/* For printf's "%.*s". */
#define VIEW_ARGS(v) (int)(v).length, (v).at

/* The view of a NUL-terminated string, without its NUL. */
static inline struct view view_of(const char *text)
{
	return (struct view){ text, strlen(text) };
}

static inline bool view_equal(struct view a, struct view b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

/* Whether v is exactly this NUL-terminated text. */
static inline bool view_is(struct view v, const char *text)
{
	return view_equal(v, view_of(text));
}

/* As view_equal, ASCII letters of either case being the same. */
bool view_equal_nocase(struct view a, struct view b);

static inline bool view_starts(struct view v, struct view prefix)
{
	return v.length >= prefix.length && memcmp(v.at, prefix.at, prefix.length) == 0;
}

static inline bool view_ends(struct view v, struct view suffix)
{
	return v.length >= suffix.length &&
	       memcmp(v.at + v.length - suffix.length, suffix.at, suffix.length) == 0;
}

/* v without its first n bytes (n at most v.length). */
static inline struct view view_skip(struct view v, size_t n)
{
	return (struct view){ v.at + n, v.length - n };
}

/* The first n bytes of v (n at most v.length). */
static inline struct view view_first(struct view v, size_t n)
{
	return (struct view){ v.at, n };
}

/* Where c first stands in v, or v.length when it does not. */
size_t view_find(struct view v, char c);

/* v without white space (blank, tab, CR, LF) at both ends. */
struct view view_trim(struct view v);

/* Takes the next word (run of bytes without white space) off the front of v; empty when there is none. */
struct view view_word(struct view *v);

/* Takes the next line off the front of v, without its LF or CRLF; false at the end. */
bool view_line(struct view *v, struct view *line);

/* The decimal number that v is, at most max; false if it is anything else (sign, blanks, empty). */
bool view_unsigned(struct view v, uint64_t max, uint64_t *out);

/* The same with an optional minus sign in front; at most 2^31 - 1 either way. */
bool view_integer(struct view v, int32_t *out);

#endif
