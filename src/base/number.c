/* Digits of any base. */
#include "base/number.h"

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a' + 10);
	return c >= 'A' && c <= 'Z' ? (unsigned)(c - 'A' + 10) : 99;
}

/* The digits behind the prefix, which says the base. */
static struct view behind_prefix(struct view v, unsigned *base)
{
	*base = 10;
	if (v.length < 2 || v.at[0] != '0')
		return v;
	char mark = (char)(v.at[1] | 0x20);
	*base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
	return view_skip(v, mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
}

enum number_error number_read(struct view v, unsigned base, uint64_t largest, uint64_t *n)
{
	bool over = false;
	if (base == 0)
		v = behind_prefix(v, &base);
	if (v.length == 0)
		return NUMBER_SYNTAX;
	*n = 0;
	for (size_t i = 0; i < v.length; i++) {
		unsigned digit = digit_of(v.at[i]);
		if (digit >= base)
			return NUMBER_SYNTAX;
		over = over || digit > largest || *n > (largest - digit) / base;
		if (!over)
			*n = *n * base + digit;
	}
	return over ? NUMBER_RANGE : NUMBER_GOOD;
}

const char *number_error_text(enum number_error e)
{
	return e == NUMBER_RANGE ? "value out of range" : "invalid syntax";
}
