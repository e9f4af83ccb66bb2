/*
 * Keeping a source's state on the disk while it changes: written a while after a change, by a task of the plugin. That it cannot be is
 * said once, until it can be again. The control thread alone.
 */
#ifndef ISTHMUS_SYNC_STATE_KEEPER_H
#define ISTHMUS_SYNC_STATE_KEEPER_H

#include "server/plugin.h"
#include "sync/state_file.h"

/* Starts zeroed but for the first part. */
struct state_keeper {
	void *owner;
	/* Another number with each change. 0: there is nothing that the source itself has told, so what is on the disk stays. */
	uint64_t (*version)(const void *owner);
	/* Writes what there is now, waiting for the disk. False with *why. */
	bool (*write)(void *owner, struct state_problem *why);

	uint64_t saved;    /* the version that the disk has */
	uint64_t saved_at; /* since when, Unix seconds; 0: nothing was written yet */
	bool failed;       /* the last time, and it was said */
};

/* Begins to keep it, until the plugin's tasks are to end. */
void state_keeper_start(struct state_keeper *k, struct plugin *self);

#endif
