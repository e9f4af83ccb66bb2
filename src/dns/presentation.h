/* Escapes and quotes of the presentation form (RFC 1035 5.1). */
#ifndef ISTHMUS_DNS_PRESENTATION_H
#define ISTHMUS_DNS_PRESENTATION_H

#include "base/text.h"

/* Takes an escape (\X, \DDD) off the front of text, which starts with its backslash; false if it is
 * none. */
bool escape_take(struct view *text, uint8_t *octet);

/* Takes one octet, escaped or not, off the front of text, which is not empty; false for a bad
 * escape. */
static inline bool octet_take(struct view *text, uint8_t *octet)
{
	if (text->at[0] == '\\')
		return escape_take(text, octet);
	*octet = (uint8_t)text->at[0];
	*text = view_skip(*text, 1);
	return true;
}

/* Writes \DDD at `to`, gives where the next character goes. */
char *escape_print(char *to, uint8_t octet);

/* Adds octets: a backslash before those of `specials`, \DDD for what is outside 0x20..0x7e. */
void text_add_escaped(struct text *t, struct view octets, const char *specials);

/* The same in quotes, the specials being " and \. */
void text_add_quoted(struct text *t, struct view octets);

#endif
