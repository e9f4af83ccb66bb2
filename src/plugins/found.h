/* Records that a plugin finds by asking the server itself. */
#ifndef ISTHMUS_PLUGINS_FOUND_H
#define ISTHMUS_PLUGINS_FOUND_H

#include "server/query.h"

/*
 * Looks a name up through the whole server and adds the answer's records to a section of the reply, which stays the query's own.
 * Gives the rcode; *found (may be NULL) is the message, NULL if there is none.
 */
int found_append(struct query *q, struct name name, uint16_t type, enum section_id section, const struct message **found);

/*
 * The rest of an answer whose alias leads elsewhere, where `reply` already has the alias: its records and its denial. What
 * nobody here serves is left to the client (RFC 1034 4.3.2 step 3a).
 */
void found_follow(struct query *q, struct name target, uint16_t type);

#endif
