/* Dates, times and offsets of RFC 3339. */
#include "base/rfc3339.h"

#include <string.h>
#include <time.h>

enum { TEXT_MAX = 40, FRACTION_DIGITS_MAX = 9 };

/* The part behind the dot, which stands at *at, if there is one. */
static bool read_fraction(const char **at, double *fraction)
{
	double unit = 0.1;
	if (**at != '.')
		return true;
	const char *digits = ++*at;
	for (; **at >= '0' && **at <= '9' && *at - digits < FRACTION_DIGITS_MAX; ++*at, unit /= 10)
		*fraction += (**at - '0') * unit;
	return *at > digits;
}

/* -1 if they are none. */
static int two_digits(const char *text)
{
	bool digits = text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9';
	return digits ? (text[0] - '0') * 10 + text[1] - '0' : -1;
}

/* "Z" or "+01:00": how many seconds that is before UTC. */
static bool read_offset(const char *text, long *seconds)
{
	if ((*text == 'Z' || *text == 'z') && !text[1])
		return true;
	if ((*text != '+' && *text != '-') || strlen(text) != 6 || text[3] != ':')
		return false;
	int hours = two_digits(text + 1), minutes = two_digits(text + 4);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*seconds = (long)(hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
	return true;
}

bool rfc3339_parse(struct view text, double *seconds)
{
	char copy[TEXT_MAX];
	struct tm tm = { 0 };
	double fraction = 0;
	long offset = 0;
	if (!text.length || text.length >= sizeof copy || memchr(text.at, 0, text.length))
		return false;
	memcpy(copy, text.at, text.length);
	copy[text.length] = 0;
	const char *rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest || !read_fraction(&rest, &fraction) || !read_offset(rest, &offset))
		return false;
	*seconds = (double)(timegm(&tm) - offset) + fraction;
	return true;
}
