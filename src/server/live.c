/*
 * Going live. The order is that of CoreDNS: the new plugins start before the old ones stop, the sockets stay open, and for a
 * moment both configurations answer: each query sees one of them whole.
 */
#include "server/live.h"

#include "base/clock.h"
#include "base/epoch.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>

enum {
	DEPARTURE_NAP_MS = 20,
	DEPARTURE_GRACE_MS = 500, /* at the end, for a configuration that no query sees any more */
};

/* --- workers' parts --- */

static void serve_listener(unsigned worker, struct loop *loop, void *data)
{
	listener_serve(data, worker, loop, worker_handle);
}

/* Listeners that stay take over what the new configuration says of them. */
static void renew_listeners(unsigned worker, struct loop *loop, void *data)
{
	const struct live *live = data;
	(void)loop;
	for (struct listener *l = live->listeners; l; l = l->next)
		listener_renew(l, worker);
}

static void end_listener(unsigned worker, struct loop *loop, void *data)
{
	(void)loop;
	listener_end(data, worker);
}

static void cut_listener(unsigned worker, struct loop *loop, void *data)
{
	(void)loop;
	listener_cut(data, worker);
}

static void start_worker_states(unsigned worker, struct loop *loop, void *data)
{
	(void)loop;
	config_worker_start(data, worker);
}

static void stop_worker_states(unsigned worker, struct loop *loop, void *data)
{
	(void)loop;
	config_worker_stop(data, worker);
}

/* --- taking a configuration down --- */

/* A replaced configuration on its way out: freed when no query can see it and its tasks have ended. */
struct departure {
	struct departure *next; /* in live->departures */
	struct live *live;
	struct config *config;
	struct listener *listeners; /* that it alone named, already ended */
	bool unseen;
};

static void departure_unseen(void *data)
{
	struct departure *d = data;
	d->unseen = true;
}

static void listeners_free(struct listener *listeners)
{
	for (struct listener *l = listeners, *next; l; l = next) {
		next = l->next;
		listener_free(l);
	}
}

static void departure_free(struct departure *d)
{
	struct departure **link = &d->live->departures;
	while (*link != d)
		link = &(*link)->next;
	*link = d->next;
	listeners_free(d->listeners);
	arena_free(d->config->arena);
	free(d);
}

/* False when the process ends meanwhile: then live_forget() has the rest to do. */
static bool departure_wait(struct departure *d)
{
	while (!d->unseen || atomic_load(&d->config->tasks) > 0) {
		epoch_reclaim();
		if (fiber_sleep(DEPARTURE_NAP_MS * NS_PER_MS) == WAIT_STOPPED)
			return false;
	}
	return true;
}

static void departure_run(void *data)
{
	struct departure *d = data;
	epoch_retire(d, departure_unseen);
	if (!departure_wait(d))
		return;
	workers_each(d->live->workers, d->live->worker_count, stop_worker_states, d->config);
	departure_free(d);
}

static void take_down(struct live *live, struct config *config, struct listener *listeners)
{
	struct departure *d = memory_array(1, sizeof *d);
	*d = (struct departure){ .next = live->departures,
		.live = live,
		.config = config,
		.listeners = listeners };
	live->departures = d;
	config_stop(config);
	fiber_spawn(loop_current(), departure_run, d);
}

/* --- going up --- */

/* Opens what the configuration names and nobody has open; the others are found again. */
static bool open_listeners(
	struct live *live, struct config *config, struct listener **opened, char **why)
{
	*opened = NULL;
	for (struct endpoint_group *g = config->groups; g; g = g->next) {
		g->listener = listener_find(live->listeners, g);
		if (g->listener)
			continue;
		g->listener = listener_open(g, live->worker_count, why);
		if (!g->listener) {
			listeners_free(*opened);
			return false;
		}
		g->listener->next = *opened;
		*opened = g->listener;
	}
	return true;
}

static bool is_named(const struct listener *l, const struct config *config)
{
	for (const struct endpoint_group *g = config->groups; g; g = g->next) {
		if (g->listener == l)
			return true;
	}
	return false;
}

/* Ends the listeners that the new configuration has no use for, and gives their list. */
static struct listener *end_unnamed(struct live *live, const struct config *config)
{
	struct listener *ended = NULL, **link = &live->listeners;
	while (*link) {
		struct listener *l = *link;
		if (is_named(l, config)) {
			link = &l->next;
			continue;
		}
		*link = l->next;
		workers_each(live->workers, live->worker_count, end_listener, l);
		l->next = ended;
		ended = l;
	}
	return ended;
}

static void serve_opened(struct live *live, struct listener *opened)
{
	for (struct listener *l = opened, *next; l; l = next) {
		next = l->next;
		workers_each(live->workers, live->worker_count, serve_listener, l);
		l->next = live->listeners;
		live->listeners = l;
	}
}

static bool start_plugins(struct config *config, struct config *before, char **why)
{
	if (config_start(config, before))
		return true;
	if (asprintf(why, "%s", config->start_error) < 0)
		memory_exhausted(0);
	return false;
}

bool live_rehearse(struct live *live, struct config *config, char **why)
{
	if (!start_plugins(config, NULL, why))
		return false;
	workers_each(live->workers, live->worker_count, start_worker_states, config);
	live->config = config;
	return true;
}

bool live_replace(struct live *live, struct config *config, char **why)
{
	struct config *before = live->config;
	struct listener *opened;
	if (!start_plugins(config, before, why))
		return false;
	if (!open_listeners(live, config, &opened, why)) {
		config_stop(config);
		return false;
	}
	workers_each(live->workers, live->worker_count, start_worker_states, config);
	for (struct endpoint_group *g = config->groups; g; g = g->next)
		atomic_store(&g->listener->group, g);
	workers_each(live->workers, live->worker_count, renew_listeners, live);
	serve_opened(live, opened);
	live->config = config;
	if (before)
		take_down(live, before, end_unnamed(live, config));
	return true;
}

void live_end(struct live *live, uint64_t deadline)
{
	for (struct listener *l = live->listeners; l; l = l->next)
		workers_each(live->workers, live->worker_count, end_listener, l);
	while (workers_waiting(live->workers, live->worker_count) > 0 && clock_now() < deadline)
		fiber_sleep(NS_PER_MS);
	while (live->departures && clock_now() < deadline + DEPARTURE_GRACE_MS * NS_PER_MS)
		fiber_sleep(NS_PER_MS);
	for (struct listener *l = live->listeners; l; l = l->next)
		workers_each(live->workers, live->worker_count, cut_listener, l);
	workers_each(live->workers, live->worker_count, stop_worker_states, live->config);
}

void live_forget(struct live *live)
{
	for (struct departure *d = live->departures, *next; d; d = next) {
		next = d->next;
		departure_free(d);
	}
	listeners_free(live->listeners);
	if (live->config)
		arena_free(live->config->arena);
}
