/* The file format of resolv.conf(5), as far as servers and search lists go. */
#ifndef ISTHMUS_NET_RESOLVCONF_H
#define ISTHMUS_NET_RESOLVCONF_H

#include "dns/name.h"

/* Views into the text. */
struct resolvconf {
	struct view *nameservers; /* as written, without "%scope" */
	size_t nameserver_count;
	struct view *search;      /* of the last `search` or `domain` line */
	size_t search_count;
};

/* Reads the text line by line; what it does not know it passes over. Memory from the arena. */
struct resolvconf resolvconf_parse(struct arena *arena, struct view text);

/* The search list as names in lower case, what is no name left out; the array, in the arena, has room for one more. */
size_t resolvconf_search_names(struct arena *arena, const struct resolvconf *r, struct name **names);

#endif
