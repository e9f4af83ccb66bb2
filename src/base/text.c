/* Growing text. */
#include "base/text.h"

#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>

static void reserve(struct text *t, size_t more)
{
	if (more > SIZE_MAX / 4 || t->length > SIZE_MAX / 4)
		memory_exhausted(more);
	size_t need = t->length + more + 1;
	if (need <= t->capacity)
		return;
	size_t capacity = t->capacity ? t->capacity : 128;
	while (capacity < need)
		capacity *= 2;
	t->at = memory_resize(t->at, capacity, 1);
	t->capacity = capacity;
}

void text_free(struct text *t)
{
	free(t->at);
	*t = (struct text){ 0 };
}

void text_clear(struct text *t)
{
	t->length = 0;
	if (t->at)
		t->at[0] = 0;
}

void text_shorten(struct text *t, size_t length)
{
	if (length < t->length) {
		t->length = length;
		t->at[length] = 0;
	}
}

void text_add(struct text *t, struct view v)
{
	reserve(t, v.length);
	if (v.length)
		memcpy(t->at + t->length, v.at, v.length);
	t->length += v.length;
	t->at[t->length] = 0;
}

void text_add_char(struct text *t, char c)
{
	text_add(t, (struct view){ &c, 1 });
}

void text_add_string(struct text *t, const char *string)
{
	text_add(t, view_of(string));
}

void text_vprintf(struct text *t, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n <= 0)
		return;
	reserve(t, (size_t)n);
	vsnprintf(t->at + t->length, (size_t)n + 1, format, args);
	t->length += (size_t)n;
}

void text_printf(struct text *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	text_vprintf(t, format, args);
	va_end(args);
}
