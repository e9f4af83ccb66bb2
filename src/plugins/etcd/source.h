/*
 * Where etcd's records come from, on the control thread. All keys below a prefix are listed once and watched from there on; they are
 * in a sorted map whose versions are published one after the other. An etcd that is away takes nothing away.
 */
#ifndef ISTHMUS_PLUGINS_ETCD_SOURCE_H
#define ISTHMUS_PLUGINS_ETCD_SOURCE_H

#include "base/sorted.h"
#include "plugins/errand.h"
#include "plugins/etcd/service.h"
#include "sync/etcd_client.h"

struct etcd_source;

struct etcd_source_settings {
	struct plugin *self;      /* for log lines and tasks */
	struct etcd_settings etcd;
	struct view prefix;       /* "/skydns/": all keys below it */
	const char *identity;     /* what the records are of: endpoints, user and prefix */
	const char *persist;      /* the file that keeps the last good state; NULL: none */
};

/* A source that asks nobody yet; ended by etcd_source_free() (void * for arena_on_free()) after its tasks. */
struct etcd_source *etcd_source_new(const struct etcd_source_settings *settings);
void etcd_source_free(void *source);

/* Begins to list and watch; with what the disk has, until that is done. What `before` (of the configuration that is replaced; NULL: none) knows is taken over if it is of the
 * same identity. False with *why (in the arena) when there is no client to be had. */
bool etcd_source_start(
	struct etcd_source *s, const struct etcd_source *before, struct arena *arena, const char **why);

/* Only the client, for questions to etcd itself. */
bool etcd_source_open(struct etcd_source *s, struct arena *arena, const char **why);

/* Whether etcd has told all once, and leases were asked for; whether that has failed at least once. */
bool etcd_source_synced(const struct etcd_source *s);
bool etcd_source_failed(const struct etcd_source *s);

/* What is known: by key, to be read by service_key_of(). Good for as long as the query; NULL: nothing was ever listed. */
const struct sorted *etcd_source_services(const struct etcd_source *s);

struct view service_key_of(const void *service);

/* One question to etcd itself, to be run by errand_run(). */
struct etcd_ask {
	struct errand errand;
	struct etcd_source *source;
	struct view path;        /* behind this */
	bool exact;              /* only the key, not what is below it */
	struct service **services;
	struct service_lease **leases; /* as many */
	size_t count, capacity;
	char error[320];         /* why there is no answer; empty: there is one */
};

/* A new question; the path is copied. */
struct etcd_ask *etcd_ask_new(struct etcd_source *s, struct view path, bool exact);

/* Asks: errand_run()'s task. */
void etcd_ask_run(struct plugin *self, void *ask);

#endif
