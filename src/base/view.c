/* Views: comparing, splitting, numbers. */
#include "base/view.h"

static unsigned char lower(char c)
{
	unsigned char u = (unsigned char)c;
	return u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool view_equal_nocase(struct view a, struct view b)
{
	if (a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++) {
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	}
	return true;
}

size_t view_find(struct view v, char c)
{
	const char *found = v.length ? memchr(v.at, c, v.length) : NULL;
	return found ? (size_t)(found - v.at) : v.length;
}

struct view view_trim(struct view v)
{
	while (v.length && is_blank(v.at[0]))
		v = view_skip(v, 1);
	while (v.length && is_blank(v.at[v.length - 1]))
		v.length--;
	return v;
}

struct view view_word(struct view *v)
{
	while (v->length && is_blank(v->at[0]))
		*v = view_skip(*v, 1);
	size_t n = 0;
	while (n < v->length && !is_blank(v->at[n]))
		n++;
	struct view word = view_first(*v, n);
	*v = view_skip(*v, n);
	return word;
}

bool view_line(struct view *v, struct view *line)
{
	if (v->length == 0)
		return false;
	size_t n = view_find(*v, '\n');
	*line = view_first(*v, n);
	*v = view_skip(*v, n < v->length ? n + 1 : n);
	if (line->length && line->at[line->length - 1] == '\r')
		line->length--;
	return true;
}

bool view_unsigned(struct view v, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;
	if (v.length == 0)
		return false;
	for (size_t i = 0; i < v.length; i++) {
		if (v.at[i] < '0' || v.at[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(v.at[i] - '0');
		if (n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return n <= max;
}

bool view_integer(struct view v, int32_t *out)
{
	bool negative = view_starts(v, VIEW("-"));
	uint64_t n;
	if (!view_unsigned(negative ? view_skip(v, 1) : v, INT32_MAX, &n))
		return false;
	*out = negative ? -(int32_t)n : (int32_t)n;
	return true;
}
