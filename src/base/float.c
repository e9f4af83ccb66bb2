/* Floating-point numbers as text. */
#include "base/float.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 17 }; /* no double needs more */

/* value = 0.d1d2d3... * 10^point, digits without zeros at the end (but for 0 itself, which is "0").
 */
struct decimal {
	char digits[DIGITS_MAX + 1];
	int count, point;
	bool negative;
};

/* The fewest digits that strtod() makes the same number of. */
static struct decimal shortest(double value)
{
	struct decimal d = { .negative = signbit(value) != 0 };
	double size = fabs(value);
	char text[FLOAT_TEXT_MAX];
	for (int precision = 0; precision < DIGITS_MAX; precision++) {
		snprintf(text, sizeof text, "%.*e", precision, size);
		if (strtod(text, NULL) == size)
			break;
	}
	const char *e = strchr(text, 'e');
	for (const char *c = text; c < e; c++) {
		if (*c != '.')
			d.digits[d.count++] = *c;
	}
	while (d.count > 1 && d.digits[d.count - 1] == '0')
		d.count--;
	d.point = (size == 0 ? 0 : (int)strtol(e + 1, NULL, 10)) + 1;
	return d;
}

static size_t print_special(double value, char *to)
{
	const char *text = isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
	memcpy(to, text, strlen(text) + 1);
	return strlen(text);
}

/* d1.d2d3...e+XX */
static size_t print_exponent(const struct decimal *d, char to[static FLOAT_TEXT_MAX])
{
	return (size_t)snprintf(to, FLOAT_TEXT_MAX, "%s%c%s%.*se%+03d", d->negative ? "-" : "",
		d->digits[0], d->count > 1 ? "." : "", d->count - 1, d->digits + 1, d->point - 1);
}

static char digit_at(const struct decimal *d, int i)
{
	return i >= 0 && i < d->count ? d->digits[i] : '0';
}

/* All digits before the point (at least a zero), the point only when digits follow. */
static size_t print_plain(const struct decimal *d, char *to)
{
	size_t n = 0;
	if (d->negative)
		to[n++] = '-';
	if (d->point <= 0)
		to[n++] = '0';
	for (int i = 0; i < d->point; i++)
		to[n++] = digit_at(d, i);
	if (d->count > d->point)
		to[n++] = '.';
	for (int i = d->point; i < d->count; i++)
		to[n++] = digit_at(d, i);
	to[n] = 0;
	return n;
}

size_t float_print(double value, char to[static FLOAT_TEXT_MAX])
{
	if (!isfinite(value))
		return print_special(value, to);
	struct decimal d = shortest(value);
	int exponent = d.point - 1;
	if (exponent < -4 || exponent > 5)
		return print_exponent(&d, to);
	return print_plain(&d, to);
}

size_t float_print_decimal(double value, char to[static FLOAT_DECIMAL_MAX])
{
	struct decimal d = shortest(value);
	return print_plain(&d, to);
}
