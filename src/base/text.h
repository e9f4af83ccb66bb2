/* Text that grows as it is written: log lines, pages, zone text. NUL-terminated after every call. */
#ifndef ISTHMUS_BASE_TEXT_H
#define ISTHMUS_BASE_TEXT_H

#include "base/view.h"
#include <stdarg.h>

/* Starts as { 0 }; `at` is heap memory of the text's own (NULL while empty), given back by text_free. */
struct text {
	char *at;
	size_t length, capacity;
};

void text_free(struct text *t);
void text_clear(struct text *t);

/* Takes back what was added since the text had this length. */
void text_shorten(struct text *t, size_t length);
void text_add(struct text *t, struct view v);
void text_add_char(struct text *t, char c);
void text_add_string(struct text *t, const char *string);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *t, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static inline struct view text_view(const struct text *t)
{
	return (struct view){ t->at ? t->at : "", t->length };
}

#endif
