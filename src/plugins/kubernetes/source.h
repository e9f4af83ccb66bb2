/*
 * Where a cluster's objects come from: the watches of one API server, on the control thread. Each kind of object has a task that
 * lists, watches, and does so again when that ends; what they read goes into one index, which they publish.
 */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_SOURCE_H
#define ISTHMUS_PLUGINS_KUBERNETES_SOURCE_H

#include "plugins/kubernetes/access.h"
#include "plugins/kubernetes/decode.h"
#include "plugins/kubernetes/index.h"
#include "plugins/kubernetes/limits.h"
#include "server/plugin.h"

struct kube_source;

struct kube_source_settings {
	struct plugin *self;       /* for log lines and tasks */
	struct kube_access access;
	struct kube_limits limits;
	unsigned watched;          /* bit by kind */
	const char *labels;        /* selectors in their canonical form; NULL: none */
	const char *namespace_labels;
	struct kube_keeping keeping;
	const char *persist;       /* where the last good state is kept on the disk; NULL: nowhere */
};

/* A source that asks nobody yet; ended by kube_source_free() (void * for arena_on_free()) after its tasks. */
struct kube_source *kube_source_new(const struct kube_source_settings *settings);
void kube_source_free(void *source);

/* Begins to watch. False with *why (in the arena) when there is no HTTP client to be had. */
bool kube_source_start(struct kube_source *s, struct arena *arena, const char **why);

/* Whether all that is watched was listed once. */
bool kube_source_synced(const struct kube_source *s);

/* Where its API server is: "10.0.0.1:443". */
const char *kube_source_host(const struct kube_source *s);

/* Whether the API server is in reach, or was a minute ago, and all that is watched was listed. Any thread. */
bool kube_source_healthy(const struct kube_source *s);

/* When what is served was written to the disk that it came from, Unix seconds; 0: the API server itself has told of it. */
uint64_t kube_source_stale_since(const struct kube_source *s);

const struct kube_cluster *kube_source_cluster(const struct kube_source *s);

/* For documentation; ended by NULL. */
extern const struct metric_family *const kube_metrics[];

#endif
