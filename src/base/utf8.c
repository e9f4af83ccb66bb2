/* UTF-8: decoding, white space, repair. */
#include "base/utf8.h"

static const struct view replacement = { "\xef\xbf\xbd", 3 };

/* Octets of a character by its first one, 0 for one that starts none. */
static size_t length_by_lead(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2)
		return 0;
	if (lead < 0xe0)
		return 2;
	if (lead < 0xf0)
		return 3;
	return lead < 0xf5 ? 4 : 0;
}

size_t utf8_decode(struct view v, uint32_t *code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = v.length ? length_by_lead((unsigned char)v.at[0]) : 0;
	if (n == 0 || n > v.length)
		return 0;
	uint32_t c = (unsigned char)v.at[0];
	if (n > 1)
		c &= 0xffu >> (n + 1);
	for (size_t i = 1; i < n; i++) {
		unsigned char next = (unsigned char)v.at[i];
		if ((next & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (next & 0x3f);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return n;
}

static bool is_space(uint32_t c)
{
	return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

size_t utf8_encode(uint32_t code, char to[static 4])
{
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	size_t more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	to[0] = (char)(lead[more] | code >> (6 * more));
	for (size_t i = 1; i <= more; i++)
		to[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
	return more + 1;
}

size_t utf8_space(struct view v)
{
	uint32_t c;
	size_t n = utf8_decode(v, &c);
	return n && is_space(c) ? n : 0;
}

static bool is_valid(struct view v)
{
	uint32_t c;
	while (v.length) {
		size_t n = utf8_decode(v, &c);
		if (!n)
			return false;
		v = view_skip(v, n);
	}
	return true;
}

struct view utf8_valid_copy(struct arena *a, struct view v)
{
	if (is_valid(v))
		return v;
	char *to = arena_octets(a, v.length * replacement.length);
	size_t length = 0;
	while (v.length) {
		uint32_t c;
		size_t n = utf8_decode(v, &c);
		struct view piece = n ? view_first(v, n) : replacement;
		memcpy(to + length, piece.at, piece.length);
		length += piece.length;
		v = view_skip(v, n ? n : 1);
	}
	return (struct view){ to, length };
}

/* Adds one character, escaped if it is not printable ASCII. */
static void add_escaped(struct text *t, uint32_t code)
{
	static const char letters[] = "abtnvfr"; /* for 7..13 */
	if (code == '"' || code == '\\')
		text_printf(t, "\\%c", (int)code);
	else if (code >= 0x20 && code < 0x7f)
		text_add_char(t, (char)code);
	else if (code >= 7 && code <= 13)
		text_printf(t, "\\%c", letters[code - 7]);
	else if (code < 0x80)
		text_printf(t, "\\x%02x", code);
	else
		text_printf(t, code > 0xffff ? "\\U%08x" : "\\u%04x", code);
}

void text_add_quoted_ascii(struct text *t, struct view v)
{
	text_add_char(t, '"');
	while (v.length) {
		uint32_t code;
		size_t octets = utf8_decode(v, &code);
		if (octets)
			add_escaped(t, code);
		else
			text_printf(t, "\\x%02x", (unsigned char)v.at[0]);
		v = view_skip(v, octets ? octets : 1);
	}
	text_add_char(t, '"');
}
