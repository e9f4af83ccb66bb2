/* Route 53's escapes: \ooo, the octet's number in three octal digits (RFC 1035 5.1 has decimal ones). */
#include "plugins/route53/route53.h"

enum { DIGITS = 3 };

/* The octet that the text begins with as an escape; -1 if it does not. */
static int octet_at(struct view text)
{
	int octet = 0;
	if (text.length < 1 + DIGITS || text.at[0] != '\\')
		return -1;
	for (size_t i = 1; i <= DIGITS; i++) {
		if (text.at[i] < '0' || text.at[i] > '7')
			return -1;
		octet = octet * 8 + (text.at[i] - '0');
	}
	return octet <= UINT8_MAX ? octet : -1;
}

void route53_text(struct view text, struct text *to)
{
	while (text.length) {
		int octet = octet_at(text);
		/* What else is escaped is one character, maybe a backslash. */
		size_t length = octet >= 0 ? 1 + DIGITS : text.at[0] == '\\' && text.length > 1 ? 2 : 1;
		if (octet >= 0)
			text_printf(to, "\\%03d", octet);
		else
			text_add(to, view_first(text, length));
		text = view_skip(text, length);
	}
}

/* The first backslash that begins no octet; the text's length if there is none. */
static size_t bad_escape(struct view text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] != '\\')
			continue;
		if (octet_at(view_skip(text, i)) < 0)
			return i;
		i += DIGITS;
	}
	return text.length;
}

bool route53_name(struct arena *arena, struct view text, struct name_buffer *to, const char **why)
{
	struct text plain = { 0 };
	size_t bad = bad_escape(text);
	if (bad < text.length) {
		struct view rest = view_skip(text, bad);
		size_t shown = rest.length < 1 + DIGITS ? rest.length : 1 + DIGITS;
		*why = arena_printf(arena, "invalid escape sequence: '%.*s'", (int)shown, rest.at);
		return false;
	}
	route53_text(text, &plain);
	bool good = name_parse(text_view(&plain), name_root, to);
	text_free(&plain);
	if (!good)
		*why = "invalid name";
	return good;
}
