/* Whole numbers as text, with what Go says of those that are none. */
#ifndef ISTHMUS_BASE_NUMBER_H
#define ISTHMUS_BASE_NUMBER_H

#include "base/view.h"

enum number_error {
	NUMBER_GOOD,
	NUMBER_SYNTAX,
	NUMBER_RANGE, /* well-formed, but over the largest */
};

/* Reads all of v as digits of a base (2 to 36; 0: 10, or as the prefix 0x, 0o, 0b or 0 says), at
 * most `largest`. */
enum number_error number_read(struct view v, unsigned base, uint64_t largest, uint64_t *n);

/* "invalid syntax", "value out of range". */
const char *number_error_text(enum number_error e);

#endif
