/* No escape is longer than what it stands for: the result fits where the text was. */
#include "base/escape.h"

#include "base/utf8.h"

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* The first `count` octets of v as digits of this base; false if they are none. */
static bool read_digits(struct view v, size_t count, int base, uint32_t *n)
{
	*n = 0;
	if (v.length < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		int digit = digit_value(v.at[i]);
		if (digit >= base)
			return false;
		*n = *n * (uint32_t)base + (uint32_t)digit;
	}
	return true;
}

static char single(char c)
{
	static const char from[] = "abfnrtv\\'\"`?", to[] = "\a\b\f\n\r\t\v\\'\"`?";
	const char *found = c ? strchr(from, c) : NULL;
	return found ? to[found - from] : '\0';
}

static size_t resolve_number(struct view v, char *to, size_t *taken)
{
	uint32_t n;
	bool octal = v.at[0] >= '0' && v.at[0] <= '3';
	size_t digits = octal		 ? 3
			: v.at[0] == 'x' ? 2
			: v.at[0] == 'u' ? 4
			: v.at[0] == 'U' ? 8
					 : 0;
	*taken = digits + !octal;
	if (digits == 0 || !read_digits(view_skip(v, !octal), digits, octal ? 8 : 16, &n))
		return 0;
	if (digits < 4) {
		*to = (char)n;
		return 1;
	}
	return utf8_encode(n, to);
}

/* Resolves the escape that v (behind its backslash) starts with; gives the octets written, 0 if it
 * is none. */
static size_t resolve(struct view v, char *to, size_t *taken)
{
	if (v.length == 0)
		return 0;
	char c = single(v.at[0]);
	if (!c)
		return resolve_number(v, to, taken);
	*to = c;
	*taken = 1;
	return 1;
}

bool escape_resolve(struct arena *a, struct view text, struct view *resolved, size_t *bad)
{
	char *to = arena_octets(a, text.length + 4);
	size_t length = 0;
	for (size_t i = 0; i < text.length;) {
		if (text.at[i] != '\\') {
			to[length++] = text.at[i++];
			continue;
		}
		size_t taken, made = resolve(view_skip(text, i + 1), to + length, &taken);
		if (made == 0) {
			*bad = i;
			return false;
		}
		length += made;
		i += 1 + taken;
	}
	*resolved = (struct view){ to, length };
	return true;
}
