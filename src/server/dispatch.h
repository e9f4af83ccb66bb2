/* Which block answers a query, and what the server answers itself. */
#ifndef ISTHMUS_SERVER_DISPATCH_H
#define ISTHMUS_SERVER_DISPATCH_H

#include "net/incoming.h"
#include "server/listener.h"

/*
 * Answers a parsed query from the zones of its listener: q->reply is the answer, or NULL when nothing is to be sent.
 * Internal lookups come in here too.
 */
void dispatch(struct query *q, const struct endpoint_group *group);

#endif
