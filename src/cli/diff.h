/* The differences between two texts, line by line. */
#ifndef ISTHMUS_CLI_DIFF_H
#define ISTHMUS_CLI_DIFF_H

#include "base/text.h"

/* Writes what changed from `old` to `new` as a unified diff with three lines around; nothing if
 * they are equal. */
void diff_write(struct text *to, const char *path, struct view old, struct view new);

#endif
