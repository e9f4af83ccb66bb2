/* Durations as text, in the form that Corefiles and log lines have them: "1h20m", "0.5s", "100ms".
 */
#include "server/plugin.h"

enum { NS_DIGITS = 9 };

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\xc2\xb5s", 1000 }, /* the micro sign */
	{ "\xce\xbcs", 1000 }, /* the Greek letter */
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", 60000000000 },
	{ "h", 3600000000000 },
};

enum { UNITS = sizeof units / sizeof units[0] };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The text in double quotes, as in CoreDNS's messages. */
static const char *quoted(struct arena *a, struct view v)
{
	return arena_printf(a, "\"%.*s\"", VIEW_ARGS(v));
}

static bool invalid(struct arena *a, struct view text, const char **why)
{
	*why = arena_printf(a, "time: invalid duration %s", quoted(a, text));
	return false;
}

/* Digits off the front of v, as a number; false if it is over 2^63. */
static bool take_whole(struct view *v, uint64_t *n)
{
	for (*n = 0; v->length && is_digit(v->at[0]); *v = view_skip(*v, 1)) {
		if (*n > (1ull << 63) / 10)
			return false;
		*n = *n * 10 + (uint64_t)(v->at[0] - '0');
		if (*n > 1ull << 63)
			return false;
	}
	return true;
}

/* Digits behind a point: n / scale; those that no longer matter are passed over. */
static void take_fraction(struct view *v, uint64_t *n, uint64_t *scale)
{
	bool full = false;
	*n = 0;
	*scale = 1;
	for (; v->length && is_digit(v->at[0]); *v = view_skip(*v, 1)) {
		full = full || *n > (INT64_MAX - 9) / 10 || *scale > UINT64_MAX / 10;
		if (full)
			continue;
		*n = *n * 10 + (uint64_t)(v->at[0] - '0');
		*scale *= 10;
	}
}

static struct view take_unit_name(struct view *v)
{
	size_t n = 0;
	while (n < v->length && v->at[n] != '.' && !is_digit(v->at[n]))
		n++;
	struct view unit = view_first(*v, n);
	*v = view_skip(*v, n);
	return unit;
}

static uint64_t unit_ns(struct view name)
{
	for (size_t i = 0; i < UNITS; i++) {
		if (view_is(name, units[i].name))
			return units[i].ns;
	}
	return 0;
}

/* Takes one "<decimal><unit>" and adds it to *total. */
static bool take_part(
	struct arena *a, struct view *v, struct view text, uint64_t *total, const char **why)
{
	uint64_t whole, fraction = 0, scale = 1;
	size_t before = v->length;
	if (!take_whole(v, &whole))
		return invalid(a, text, why);
	size_t digits = before - v->length;
	if (v->length && v->at[0] == '.') {
		*v = view_skip(*v, 1);
		before = v->length;
		take_fraction(v, &fraction, &scale);
		digits += before - v->length;
	}
	if (!digits)
		return invalid(a, text, why);
	struct view name = take_unit_name(v);
	uint64_t ns = unit_ns(name);
	if (!name.length)
		*why = arena_printf(a, "time: missing unit in duration %s", quoted(a, text));
	else if (!ns)
		*why = arena_printf(a, "time: unknown unit %s in duration %s", quoted(a, name),
			quoted(a, text));
	if (!ns)
		return false;
	if (whole > (1ull << 63) / ns)
		return invalid(a, text, why);
	*total += whole * ns + (uint64_t)((double)fraction * ((double)ns / (double)scale));
	return *total <= 1ull << 63 || invalid(a, text, why);
}

bool duration_parse(struct arena *a, struct view text, int64_t *ns, const char **why)
{
	struct view v = text;
	bool negative = v.length && v.at[0] == '-';
	if (v.length && (v.at[0] == '-' || v.at[0] == '+'))
		v = view_skip(v, 1);
	*ns = 0;
	if (view_is(v, "0"))
		return true;
	if (!v.length)
		return invalid(a, text, why);
	uint64_t total = 0;
	while (v.length) {
		if (!take_part(a, &v, text, &total, why))
			return false;
	}
	if (!negative && total > INT64_MAX)
		return invalid(a, text, why);
	*ns = negative ? (int64_t)(0 - total) : (int64_t)total;
	return true;
}

/* "1.5" for 1500 at 3 digits: a number of 10^-digits, without zeros at its end. */
static const char *decimal(struct arena *a, uint64_t n, int digits)
{
	uint64_t scale = 1;
	for (int i = 0; i < digits; i++)
		scale *= 10;
	uint64_t fraction = n % scale;
	while (fraction && fraction % 10 == 0) {
		fraction /= 10;
		digits--;
	}
	if (!fraction)
		return arena_printf(a, "%llu", (unsigned long long)(n / scale));
	return arena_printf(a, "%llu.%0*llu", (unsigned long long)(n / scale), digits,
		(unsigned long long)fraction);
}

const char *duration_print(struct arena *a, int64_t ns)
{
	const char *sign = ns < 0 ? "-" : "";
	uint64_t n = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	if (!n)
		return "0s";
	if (n < 1000)
		return arena_printf(a, "%s%lluns", sign, (unsigned long long)n);
	if (n < 1000000)
		return arena_printf(a, "%s%s\xc2\xb5s", sign, decimal(a, n, 3));
	if (n < 1000000000)
		return arena_printf(a, "%s%sms", sign, decimal(a, n, 6));
	uint64_t minute = units[UNITS - 2].ns, minutes = n / minute;
	const char *seconds = decimal(a, n % minute, NS_DIGITS);
	if (!minutes)
		return arena_printf(a, "%s%ss", sign, seconds);
	if (minutes < 60)
		return arena_printf(a, "%s%llum%ss", sign, (unsigned long long)minutes, seconds);
	return arena_printf(a, "%s%lluh%llum%ss", sign, (unsigned long long)minutes / 60,
		(unsigned long long)minutes % 60, seconds);
}
