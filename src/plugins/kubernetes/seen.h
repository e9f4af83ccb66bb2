/* What an answer has already, so that nothing stands in it twice. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_SEEN_H
#define ISTHMUS_PLUGINS_KUBERNETES_SEEN_H

#include "base/arena.h"

/* Hashes under the process's key: two that are equal are taken for the same thing. Zeroed is empty. */
struct kube_seen {
	uint64_t *slots; /* 0: free */
	size_t count, capacity;
};

/* True if it is new; memory from the arena. */
bool kube_seen_add(struct kube_seen *s, struct arena *a, uint64_t hash);

#endif
