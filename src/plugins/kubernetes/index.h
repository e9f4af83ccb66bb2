/*
 * The writer's side of a cluster's snapshot: takes objects in as the API server tells of them, and publishes what has come
 * of it. One thread writes (control); any thread may read what is published, under the rules of base/epoch.h.
 */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_INDEX_H
#define ISTHMUS_PLUGINS_KUBERNETES_INDEX_H

#include "plugins/kubernetes/pack.h"

struct kube_index;

/* Empty, and published as that. Belongs to the caller; ended by kube_index_free(), which takes it as void * for
 * arena_on_free(), when no reader is left. */
struct kube_index *kube_index_new(const struct kube_keeping *keeping);
void kube_index_free(void *index);

/* What is published. */
const struct kube_cluster *kube_index_cluster(const struct kube_index *x);

/* An object was added, or has changed, or is an item of a list. One whose resource version is known changes nothing, nor does one
 * whose name is longer than the API lets it be. */
void kube_index_put(struct kube_index *x, const struct kube_object *o);

/* An object is gone: kind, namespace and name say which. */
void kube_index_delete(struct kube_index *x, const struct kube_object *o);

/* A whole list of a kind begins to be put in, item by item; at its end, what was not in it is deleted. A list that breaks off is
 * simply begun anew: nothing is deleted then. */
void kube_index_list_begin(struct kube_index *x, enum kube_kind kind);
void kube_index_list_end(struct kube_index *x, enum kube_kind kind);

/* Publishes what has changed; `now`, in seconds, stamps what answers it changes (each SOA serial is greater than the one
 * before). False if there was nothing. */
bool kube_index_publish(struct kube_index *x, uint32_t now);

/* Objects of this kind. */
size_t kube_index_count(const struct kube_index *x, enum kube_kind kind);

#endif
