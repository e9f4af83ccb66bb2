/* The canonical layout of a Corefile: what `isthmus fmt` prints. */
#ifndef ISTHMUS_CLI_FORMAT_H
#define ISTHMUS_CLI_FORMAT_H

#include "base/text.h"
#include "server/corefile.h"

/*
 * Writes the Corefile (or a part of one, as files for `import` are) in canonical layout: four
 * blanks for each open brace, one between words, one directive a line, an empty line between
 * blocks, never two. Comments and quotes are kept, the meaning is the same, and what is in
 * canonical layout stays as it is. False with a complaint when quotes or braces do not close.
 */
bool corefile_format(
	struct view source, const char *path, struct text *to, struct complaints *complaints);

#endif
