/* $GENERATE. */
#include "dns/generate.h"

/* Values of modified numbers, and their width: as BIND and CoreDNS bound them. */
enum { WIDTH_MAX = 255, NUMBER_MAX = INT32_MAX };

const char *generator_range(struct view text, struct generator *g)
{
	size_t slash = view_find(text, '/');
	g->step = 1;
	if (slash < text.length) {
		if (!view_unsigned(view_skip(text, slash + 1), INT64_MAX, &g->step) || g->step == 0)
			return "bad step in $GENERATE range";
		text = view_first(text, slash);
	}
	size_t dash = view_find(text, '-');
	if (dash == text.length)
		return "bad start-stop in $GENERATE range";
	if (!view_unsigned(view_first(text, dash), INT64_MAX, &g->start))
		return "bad start in $GENERATE range";
	if (!view_unsigned(view_skip(text, dash + 1), INT64_MAX, &g->stop))
		return "bad stop in $GENERATE range";
	if (g->stop < g->start || (g->stop - g->start) / g->step > GENERATED_MAX - 1)
		return "bad range in $GENERATE range";
	g->current = g->start;
	return NULL;
}

/* A line that grows up to GENERATED_LINE_MAX. */
struct line {
	char *at;
	size_t length;
	bool full;
};

static void add(struct line *l, char c)
{
	if (l->length == GENERATED_LINE_MAX)
		l->full = true;
	else
		l->at[l->length++] = c;
}

/* How a number is written. */
struct modifier {
	int64_t offset;
	uint64_t width;
	char base;
};

static void add_number(struct line *l, uint64_t number, const struct modifier *m)
{
	unsigned base = m->base == 'o' ? 8 : m->base == 'd' ? 10 : 16;
	const char *digits = m->base == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char reversed[WIDTH_MAX];
	size_t count = 0;
	do {
		reversed[count++] = digits[number % base];
		number /= base;
	} while (number || count < m->width);
	while (count)
		add(l, reversed[--count]);
}

static bool signed_parse(struct view text, int64_t *number)
{
	bool negative = text.length && text.at[0] == '-';
	uint64_t value;
	if (text.length && (negative || text.at[0] == '+'))
		text = view_skip(text, 1);
	if (!view_unsigned(text, INT64_MAX, &value))
		return false;
	*number = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

/* Takes what is before the next comma off the front of text; false if nothing is left. */
static bool part_next(struct view *text, struct view *part)
{
	if (!text->at)
		return false;
	size_t comma = view_find(*text, ',');
	*part = view_first(*text, comma);
	*text = comma < text->length ? view_skip(*text, comma + 1) : (struct view){ 0 };
	return true;
}

/* offset[,width[,base]] */
static const char *modifier_parse(struct view text, const struct generator *g, struct modifier *m)
{
	struct view offset, width = VIEW("0"), base = VIEW("d");
	part_next(&text, &offset);
	part_next(&text, &width);
	part_next(&text, &base);
	if (text.at)
		return "bad modifier in $GENERATE";
	if (base.length != 1 || view_find(VIEW("doxX"), base.at[0]) == 4)
		return "bad base in $GENERATE";
	m->base = base.at[0];
	int64_t first, last;
	if (!signed_parse(offset, &m->offset) ||
		__builtin_add_overflow((int64_t)g->start, m->offset, &first) ||
		__builtin_add_overflow((int64_t)g->stop, m->offset, &last) || first < 0 ||
		last > NUMBER_MAX)
		return "bad offset in $GENERATE";
	if (!view_unsigned(width, WIDTH_MAX, &m->width))
		return "bad width in $GENERATE";
	return NULL;
}

/* Adds what a dollar sign stands for, and takes it off the front of `rest`, where the sign has been
 * taken already. */
static const char *add_dollar(
	struct line *l, const struct generator *g, struct view *rest, struct view *bad)
{
	struct modifier m = { .base = 'd' };
	if (rest->length && rest->at[0] == '$') {
		*rest = view_skip(*rest, 1);
		add(l, '\\'); /* it must not make a directive of the line */
		add(l, '$');
		return NULL;
	}
	if (rest->length && rest->at[0] == '{') {
		size_t close = view_find(*rest, '}');
		*bad = *rest;
		if (close == rest->length)
			return "bad modifier in $GENERATE";
		*bad = view_first(*rest, close + 1);
		const char *why = modifier_parse((struct view){ rest->at + 1, close - 1 }, g, &m);
		if (why)
			return why;
		*rest = view_skip(*rest, close + 1);
	}
	add_number(l, g->current + (uint64_t)m.offset, &m);
	return NULL;
}

const char *generator_line(struct generator *g, char *room, struct view *line, struct view *bad)
{
	struct line l = { .at = room };
	struct view rest = g->pattern;
	while (rest.length) {
		char c = rest.at[0];
		rest = view_skip(rest, 1);
		if (c == '$') {
			const char *why = add_dollar(&l, g, &rest, bad);
			if (why)
				return why;
			continue;
		}
		add(&l, c);
		if (c == '\\' && rest.length) {
			add(&l, rest.at[0]);
			rest = view_skip(rest, 1);
		}
	}
	*bad = g->pattern;
	if (l.full)
		return "too long a line in $GENERATE";
	*line = (struct view){ l.at, l.length };
	g->current += g->step;
	return NULL;
}
