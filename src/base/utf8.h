/* UTF-8 (RFC 3629), as far as text files need it. */
#ifndef ISTHMUS_BASE_UTF8_H
#define ISTHMUS_BASE_UTF8_H

#include "base/arena.h"
#include "base/text.h"

/* The octets of the valid character that v starts with, its code in *code; 0 when v is empty or
 * starts with none. */
size_t utf8_decode(struct view v, uint32_t *code);

/* Puts the character's octets into `to` and gives how many; 0 for a code that is no character. */
size_t utf8_encode(uint32_t code, char to[static 4]);

/* The octets of the white space (any of Unicode's) that v starts with, 0 if it starts with none. */
size_t utf8_space(struct view v);

/* v itself if it is valid, else a copy in the arena with each octet that is in no valid character
 * replaced by U+FFFD. */
struct view utf8_valid_copy(struct arena *a, struct view v);

/* Adds v in double quotes, everything that is not printable ASCII escaped as Go's %+q does: \n,
 * \x00, \u00e4. */
void text_add_quoted_ascii(struct text *t, struct view v);

#endif
