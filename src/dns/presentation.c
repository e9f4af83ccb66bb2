/* Escapes and quotes. */
#include "dns/presentation.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool escape_take(struct view *text, uint8_t *octet)
{
	if (text->length < 2)
		return false;
	if (!is_digit(text->at[1])) {
		*octet = (uint8_t)text->at[1];
		*text = view_skip(*text, 2);
		return true;
	}
	if (text->length < 4 || !is_digit(text->at[2]) || !is_digit(text->at[3]))
		return false;
	int value = (text->at[1] - '0') * 100 + (text->at[2] - '0') * 10 + (text->at[3] - '0');
	*octet = (uint8_t)value;
	*text = view_skip(*text, 4);
	return value <= UINT8_MAX;
}

char *escape_print(char *to, uint8_t octet)
{
	*to++ = '\\';
	*to++ = (char)('0' + octet / 100);
	*to++ = (char)('0' + octet / 10 % 10);
	*to++ = (char)('0' + octet % 10);
	return to;
}

void text_add_escaped(struct text *t, struct view octets, const char *specials)
{
	for (size_t i = 0; i < octets.length; i++) {
		uint8_t c = (uint8_t)octets.at[i];
		char escaped[4], *end = escaped;
		if (c < 0x20 || c > 0x7e) {
			end = escape_print(end, c);
		} else {
			if (strchr(specials, c))
				*end++ = '\\';
			*end++ = (char)c;
		}
		text_add(t, (struct view){ escaped, (size_t)(end - escaped) });
	}
}

void text_add_quoted(struct text *t, struct view octets)
{
	text_add_char(t, '"');
	text_add_escaped(t, octets, "\"\\");
	text_add_char(t, '"');
}
