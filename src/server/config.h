/* From a parsed Corefile to a configuration that can go live, and back to nothing. */
#ifndef ISTHMUS_SERVER_CONFIG_H
#define ISTHMUS_SERVER_CONFIG_H

#include "server/listener.h"

/*
 * Sets every plugin of every block up and groups the blocks by listener. Opens no socket and starts nothing. NULL with
 * complaints when something is wrong; then `arena` may be freed. With `checking` plugins open no files beside the
 * Corefile's own. `workers` is how many threads will serve it.
 */
struct config *config_build(struct arena *arena, struct corefile *corefile, unsigned workers,
	bool checking, struct complaints *c);

/* Calls start() of every plugin, in the order of order.def, then of blocks. False when one failed: those before it have
 * been stopped again, config->start_error says why. `before` is the configuration that is being replaced, or NULL. */
bool config_start(struct config *config, struct config *before);

/* Tells tasks to end and calls stop() of every plugin. The configuration may still be seen by queries. */
void config_stop(struct config *config);

/* Calls worker_start (worker_stop) of every plugin that has one, for one worker, on its thread. */
void config_worker_start(struct config *config, unsigned worker);
void config_worker_stop(struct config *config, unsigned worker);

/* Calls started() of every plugin. */
void config_started(struct config *config);

/* Calls shutdown() of every plugin: lameduck. */
void config_shutdown(struct config *config);

/* Frees a configuration that never went live, or is seen no more, once its tasks have ended. Waits on a fiber. */
void config_discard(struct config *config);

#endif
