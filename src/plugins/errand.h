/*
 * Something that the control thread does for a query, which waits for it on its fiber: a source asked live. Both sides hold it; who
 * asks may give up, and is not missed.
 */
#ifndef ISTHMUS_PLUGINS_ERRAND_H
#define ISTHMUS_PLUGINS_ERRAND_H

#include "server/plugin.h"
#include <stdatomic.h>

/* The first member of what is asked for: a heap block. */
struct errand {
	_Atomic unsigned holders;
	_Atomic bool done;          /* what else is in the block can be read */
	void (*free)(void *errand); /* when nobody holds it any more */
};

/* Runs run(self, errand) as a task on the control thread, which ends by errand_done(), and waits: a worker's thread. The query holds the
 * errand until it ends. False when it was not done within `most` ns, or by the query's deadline. */
bool errand_run(struct plugin *self, struct query *q, struct errand *e,
	void (*run)(struct plugin *self, void *errand), uint64_t most);

/* Control thread: it is done. */
void errand_done(struct errand *e);

#endif
