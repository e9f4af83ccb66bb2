/* The paths that an import's argument stands for. */
#ifndef ISTHMUS_SERVER_COREFILE_GLOB_H
#define ISTHMUS_SERVER_COREFILE_GLOB_H

#include "base/arena.h"

struct glob {
	const char **paths; /* absolute if the directory is, in sorted order */
	size_t count;
	const char *pattern; /* the joined path, for messages */
	bool wild;	     /* has * ? [ or ] */
	bool too_wild;	     /* more than one * or ?, or a [ ] class: not looked for */
	bool malformed;	     /* a [ without its ] */
};

/* Finds the files that `argument`, relative to `directory`, names. Wildcards in `directory` have no
 * meaning. */
void glob_find(struct arena *a, struct view directory, struct view argument, struct glob *g);

#endif
