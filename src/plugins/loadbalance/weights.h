/* The weight file of `loadbalance weighted`: how much each address of a name counts. */
#ifndef ISTHMUS_PLUGINS_LOADBALANCE_WEIGHTS_H
#define ISTHMUS_PLUGINS_LOADBALANCE_WEIGHTS_H

#include "base/map.h"
#include "dns/message.h"

/* Immutable once read; owns its arena, which it lives in. */
struct weights {
	struct arena *arena;
	struct map by_address; /* owner in lower case and address, as octets: see weights_of */
};

/* Reads a file's text; `path` is for messages. NULL with *why (in `arena`) if it is malformed. */
struct weights *weights_read(
	struct view text, const char *path, struct arena *arena, const char **why);

void weights_free(void *weights);

/* The weight of an A or AAAA record's address under its owner: 1 to 255, 1 if the file does not
 * have it. */
unsigned weights_of(const struct weights *w, const struct record *r);

#endif
