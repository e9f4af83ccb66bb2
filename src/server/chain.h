/* Running a query through a chain of plugins. */
#ifndef ISTHMUS_SERVER_CHAIN_H
#define ISTHMUS_SERVER_CHAIN_H

#include "server/plugin.h"

/* Calls the first plugin of a chain, which calls the others by next(); gives what it gave. Records each step when
 * q->trace is set. */
int chain_serve(struct plugin *first, struct query *q);

/* Whether the block's filter takes the query. One that does not is a step of the trace that neither answers nor passes on. */
bool chain_filter(struct plugin *filter, struct query *q);

#endif
