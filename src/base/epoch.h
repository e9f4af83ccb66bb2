/*
 * Epochs: when a replaced snapshot may be freed.
 *
 * A reader (a worker thread) never locks: what it can reach when a query starts stays valid until that query ends.
 * A writer publishes a new snapshot by one atomic pointer store and retires the old one; the old one is freed after
 * every query that was running at that moment has ended. A query that waits (on a fiber) holds its epoch for as
 * long as it lives; the loop itself passes through a quiet point between batches.
 *
 *     struct zone *old = atomic_exchange(&self->zone, fresh);      // control thread
 *     epoch_retire(old, zone_free);
 */
#ifndef ISTHMUS_BASE_EPOCH_H
#define ISTHMUS_BASE_EPOCH_H

#include <stddef.h>
#include <stdint.h>

/* Registers this thread as a reader. Called once by each worker before its first query; at most 1,024 of them. */
void epoch_register(void);
void epoch_unregister(void);

/* A query begins and ends; what begin gave must be given to end, on the same thread. Nests freely. */
uint64_t epoch_enter(void);
void epoch_leave(uint64_t entered);

/* Called by a worker's loop between batches, when none of its code holds a snapshot but through epoch_enter. */
void epoch_quiet(void);

/* The thread's loop is about to sleep without a bound: it needs no snapshot until epoch_quiet() is called again. */
void epoch_idle(void);

/* Frees `old` by free_it(old) once no reader can see it. Any thread; free_it runs in epoch_reclaim's caller. */
void epoch_retire(void *old, void (*free_it)(void *old));

/* Frees what may be freed; called now and then by the control thread. Gives the number that still waits. */
size_t epoch_reclaim(void);

/* Waits until everything retired so far is freed; only at shutdown, when no reader is left. */
void epoch_drain(void);

#endif
