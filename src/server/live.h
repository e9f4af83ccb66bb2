/* The configuration that is live: how one goes up, replaces another, and is taken down. Control thread only. */
#ifndef ISTHMUS_SERVER_LIVE_H
#define ISTHMUS_SERVER_LIVE_H

#include "server/config.h"
#include "server/worker.h"

struct departure;

/* What the control thread knows of the running server. */
struct live {
	struct config *config;
	struct listener *listeners;
	struct worker *workers;
	unsigned worker_count;
	struct departure *departures; /* configurations that have been replaced and are not freed yet */
};

/*
 * Starts the configuration's plugins, opens the listeners that it names and no other one does, and lets every listener serve
 * it; then takes the one before it down. False with *why (to be freed) when something failed: then nothing has changed.
 */
bool live_replace(struct live *live, struct config *config, char **why);

/* Starts the configuration's plugins and opens no listener: for questions that the process asks itself. Otherwise as
 * live_replace(). */
bool live_rehearse(struct live *live, struct config *config, char **why);

/* Ends all listeners and the workers' part of the plugins; queries in hand may finish until the deadline (monotonic). */
void live_end(struct live *live, uint64_t deadline);

/* Frees all of it, when no loop runs any more. */
void live_forget(struct live *live);

#endif
