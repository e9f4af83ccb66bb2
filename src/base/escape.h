/* The escapes of quoted texts in Go's manner: \n, \", \x41, \101, \u00e9, \U0001f600. */
#ifndef ISTHMUS_BASE_ESCAPE_H
#define ISTHMUS_BASE_ESCAPE_H

#include "base/arena.h"

/* The text between quotes with its escapes resolved, in the arena. False, with the offset of the
 * backslash in *bad, when one of them is none. \x and \ooo give an octet, \u and \U a character in
 * UTF-8. */
bool escape_resolve(struct arena *a, struct view text, struct view *resolved, size_t *bad);

#endif
