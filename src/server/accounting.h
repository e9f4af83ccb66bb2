/* What the server itself counts: replies that no chain had a part in. */
#ifndef ISTHMUS_SERVER_ACCOUNTING_H
#define ISTHMUS_SERVER_ACCOUNTING_H

#include "server/query.h"

/* Counts a query that the server answered itself with q->reply, under the zone label "dropped". */
void account_dropped(struct query *q);

#endif
