/* The presentation form of names (RFC 1035 5.1), both ways. */
#include "dns/name.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes one octet with its escape off the front of text; false for a bad escape. */
static bool take_octet(struct view *text, uint8_t *octet)
{
	if (text->at[0] != '\\') {
		*octet = (uint8_t)text->at[0];
		*text = view_skip(*text, 1);
		return true;
	}
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

/* Takes one label off the front of text, up to a dot or the end, and adds it to `to`. */
static bool take_label(struct view *text, struct name_buffer *to)
{
	size_t start = to->length, length = 0;
	while (text->length && text->at[0] != '.') {
		uint8_t octet;
		if (length == LABEL_OCTETS_MAX || start + 1 + length >= NAME_OCTETS_MAX - 1 ||
			!take_octet(text, &octet))
			return false;
		to->octets[start + 1 + length++] = octet;
	}
	if (length == 0)
		return false;
	to->octets[start] = (uint8_t)length;
	to->length = start + 1 + length;
	return true;
}

bool name_parse(struct view text, struct name origin, struct name_buffer *to)
{
	struct name_buffer built;
	built.length = 0;
	bool absolute = view_equal(text, VIEW("."));
	if (text.length == 0)
		return false;
	if (absolute)
		text.length = 0;
	while (text.length) {
		if (!take_label(&text, &built))
			return false;
		absolute = text.length > 0;
		if (absolute)
			text = view_skip(text, 1);
	}
	struct name end = absolute ? name_root : origin;
	if (built.length + end.length > NAME_OCTETS_MAX)
		return false;
	memmove(to->octets + built.length, end.octets, end.length); /* `origin` may lie in `to` */
	memcpy(to->octets, built.octets, built.length);
	to->length = built.length + end.length;
	return true;
}

struct name name_from_text(struct arena *a, struct view text)
{
	struct name_buffer built;
	if (!name_parse(text, name_root, &built))
		return (struct name){ 0 };
	return name_copy(a, name_of(&built));
}

static bool needs_backslash(uint8_t c)
{
	switch (c) {
	case '.':
	case '(':
	case ')':
	case ';':
	case '@':
	case '"':
	case '\\':
	case '\'':
	case ' ':
		return true;
	default:
		return false;
	}
}

/* Writes one octet of a label, escaped where it must be; gives where the next one goes. */
static char *print_octet(char *to, uint8_t c)
{
	if (c > 0x20 && c < 0x7f && !needs_backslash(c)) {
		*to++ = (char)c;
		return to;
	}
	*to++ = '\\';
	if (needs_backslash(c)) {
		*to++ = (char)c;
		return to;
	}
	*to++ = (char)('0' + c / 100);
	*to++ = (char)('0' + c / 10 % 10);
	*to++ = (char)('0' + c % 10);
	return to;
}

size_t name_print(struct name n, char to[static NAME_TEXT_MAX])
{
	char *at = to;
	size_t i = 0;
	while (i + 1 < n.length) {
		size_t end = i + 1 + n.octets[i];
		for (i++; i < end; i++)
			at = print_octet(at, n.octets[i]);
		*at++ = '.';
	}
	if (at == to)
		*at++ = '.';
	*at = 0;
	return (size_t)(at - to);
}

const char *name_text(struct arena *a, struct name n)
{
	char text[NAME_TEXT_MAX];
	size_t length = name_print(n, text);
	return arena_string(a, (struct view){ text, length });
}
