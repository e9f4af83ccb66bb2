/* Hexadecimal, base64, base32hex: a digit is some bits, an octet is eight of them. */
#include "base/encoding.h"

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int base32hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'v')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'V' ? c - 'A' + 10 : -1;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Digits of base64url, each one more than it is worth; 0 for what is none. */
static const uint8_t base64url_digits[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
	['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

/* Takes one digit of so many bits in; false if it is none, or no room is left for the octet it
 * completes. */
static inline bool take_digit(struct decoding *d, int value, unsigned bits)
{
	if (value < 0)
		return false;
	d->bits = d->bits << bits | (uint32_t)value;
	d->held += bits;
	if (d->held < 8)
		return true;
	d->held -= 8;
	if (d->length == d->room)
		return false;
	d->to[d->length++] = (uint8_t)(d->bits >> d->held & 0xff);
	return true;
}

bool hex_decode(struct decoding *d, struct view text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (!take_digit(d, hex_digit(text.at[i]), 4))
			return false;
	}
	return true;
}

bool base32hex_decode(struct decoding *d, struct view text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (!take_digit(d, base32hex_digit(text.at[i]), 5))
			return false;
	}
	return true;
}

/* Four digits, three octets at a time, as far as the text is good. Gives how many digits that were. */
static size_t base64url_quads(struct decoding *d, struct view text)
{
	size_t i = 0;
	for (; d->held == 0 && text.length - i >= 4 && d->room - d->length >= 3; i += 4) {
		const uint8_t *at = (const uint8_t *)text.at + i;
		uint32_t a = base64url_digits[at[0]], b = base64url_digits[at[1]],
			 c = base64url_digits[at[2]], e = base64url_digits[at[3]];
		if (!a || !b || !c || !e)
			break;
		uint32_t octets = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (e - 1);
		d->to[d->length++] = (uint8_t)(octets >> 16);
		d->to[d->length++] = (uint8_t)(octets >> 8 & 0xff);
		d->to[d->length++] = (uint8_t)(octets & 0xff);
	}
	return i;
}

bool base64url_decode(struct decoding *d, struct view text)
{
	text = view_skip(text, base64url_quads(d, text));
	for (size_t i = 0; i < text.length; i++) {
		if (!take_digit(d, base64url_digits[(uint8_t)text.at[i]] - 1, 6))
			return false;
	}
	return true;
}

bool base64_decode(struct decoding *d, struct view text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '=') {
			if (++d->pads > 2)
				return false;
		} else if (d->pads || !take_digit(d, base64_value(text.at[i]), 6)) {
			return false;
		}
	}
	return true;
}

bool hex_decoded(const struct decoding *d)
{
	return d->held == 0;
}

/* What is left of the last digit, 2 or 4 bits, says how much padding belongs behind it. */
bool base64_decoded(const struct decoding *d)
{
	return d->held < 6 && d->held == 2 * d->pads;
}

/* A digit alone, 6 bits, makes no octet. */
bool base64url_decoded(const struct decoding *d)
{
	return d->held < 6;
}

bool base32hex_decoded(const struct decoding *d)
{
	return d->held < 5;
}

static void add_hex(struct text *t, struct view octets, const char *digits)
{
	for (size_t i = 0; i < octets.length; i++) {
		unsigned char c = (unsigned char)octets.at[i];
		text_add(t, (struct view){ (const char[]){ digits[c >> 4], digits[c & 15] }, 2 });
	}
}

void text_add_hex(struct text *t, struct view octets)
{
	add_hex(t, octets, "0123456789abcdef");
}

void text_add_hex_upper(struct text *t, struct view octets)
{
	add_hex(t, octets, "0123456789ABCDEF");
}

/* Writes a digit for every so many bits, the last ones filled up with zeros; gives the number of
 * digits. */
static size_t encode(struct view octets, unsigned bits, const char *digits, char *to)
{
	uint32_t value = 0, mask = (1u << bits) - 1;
	unsigned held = 0;
	size_t count = 0;
	for (size_t i = 0; i < octets.length; i++) {
		value = (value << 8 | (unsigned char)octets.at[i]) & 0xffff;
		for (held += 8; held >= bits; held -= bits)
			to[count++] = digits[value >> (held - bits) & mask];
	}
	if (held)
		to[count++] = digits[value << (bits - held) & mask];
	return count;
}

/* Adds the same, piece by piece; a piece is whole digits of either base. */
static size_t add_digits(struct text *t, struct view octets, unsigned bits, const char *digits)
{
	enum { PIECE_OCTETS = 60, PIECE_DIGITS = 96 };
	size_t count = 0;
	while (octets.length) {
		char piece[PIECE_DIGITS];
		size_t n = octets.length < PIECE_OCTETS ? octets.length : PIECE_OCTETS;
		size_t length = encode(view_first(octets, n), bits, digits, piece);
		text_add(t, (struct view){ piece, length });
		octets = view_skip(octets, n);
		count += length;
	}
	return count;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_add_base64(struct text *t, struct view octets)
{
	for (size_t count = add_digits(t, octets, 6, base64_digits); count % 4; count++)
		text_add_char(t, '=');
}

size_t base64_encode(struct view octets, char *to)
{
	size_t count = encode(octets, 6, base64_digits, to);
	while (count % 4)
		to[count++] = '=';
	return count;
}

void text_add_base64url(struct text *t, struct view octets)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	add_digits(t, octets, 6, digits);
}

void text_add_base32hex(struct text *t, struct view octets)
{
	add_digits(t, octets, 5, "0123456789ABCDEFGHIJKLMNOPQRSTUV");
}

size_t base32hex_encode(struct view octets, char *to)
{
	return encode(octets, 5, "0123456789abcdefghijklmnopqrstuv", to);
}

static bool is_unreserved(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("-_.~", c));
}

void text_add_percent(struct text *t, struct view octets)
{
	for (size_t i = 0; i < octets.length; i++) {
		if (is_unreserved(octets.at[i]))
			text_add_char(t, octets.at[i]);
		else
			text_printf(t, "%%%02X", (unsigned char)octets.at[i]);
	}
}
