/* The presentation form of names (RFC 1035 5.1), both ways. */
#include "dns/name.h"

#include "dns/presentation.h"

/* Takes the octets of one label off the front of text, up to a dot or the end; false if it is too
 * long or badly escaped. */
static bool take_label(
	struct view *text, uint8_t octets[static LABEL_OCTETS_MAX], size_t room, size_t *length)
{
	size_t n = 0;
	if (room > LABEL_OCTETS_MAX)
		room = LABEL_OCTETS_MAX;
	while (text->length && text->at[0] != '.') {
		if (n == room || !octet_take(text, octets + n))
			return false;
		n++;
	}
	*length = n;
	return n > 0;
}

bool name_parse(struct view text, struct name origin, struct name_buffer *to)
{
	uint8_t built[NAME_OCTETS_MAX + LABEL_OCTETS_MAX];
	size_t at = 0, length;
	bool absolute = view_equal(text, VIEW("."));
	if (text.length == 0)
		return false;
	if (absolute)
		text.length = 0;
	while (text.length) {
		if (at >= NAME_OCTETS_MAX ||
			!take_label(&text, built + at + 1, NAME_OCTETS_MAX - at - 1, &length))
			return false;
		built[at] = (uint8_t)length;
		at += 1 + length;
		absolute = text.length > 0;
		if (absolute)
			text = view_skip(text, 1);
	}
	struct name end = absolute ? name_root : origin;
	if (at + end.length > NAME_OCTETS_MAX)
		return false;
	memmove(to->octets + at, end.octets, end.length); /* `origin` may lie in `to` */
	memcpy(to->octets, built, at);
	to->length = at + end.length;
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
	if (!needs_backslash(c))
		return escape_print(to, c);
	*to++ = '\\';
	*to++ = (char)c;
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
