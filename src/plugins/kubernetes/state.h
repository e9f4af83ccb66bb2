/* The last good state of a cluster on disk (`persist`): written from what is published, read into an index before its first list. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_STATE_H
#define ISTHMUS_PLUGINS_KUBERNETES_STATE_H

#include "plugins/kubernetes/index.h"
#include "sync/state_file.h"

/* Whose state it is: the API servers, what is watched there and what is kept of it. A file of another one is refused. */
struct kube_state_owner {
	const char *identity;
	unsigned watched; /* bit by kind */
};

/* Writes what is published. On a fiber of the control thread, which waits for the disk. */
bool kube_state_write(const char *path, const struct kube_state_owner *owner, const struct kube_index *x,
	struct state_problem *why);

/* Reads a file into an empty index, of which nothing is published yet, and lets all that is watched count as listed. Nothing is put
 * in unless all of the file is good. */
enum state_outcome kube_state_read(const char *path, const struct kube_state_owner *owner, struct kube_index *x,
	uint64_t *written, struct state_problem *why);

/* The same from a payload; for the reader of files, and for tests. False: it is not whole, or of another owner. */
bool kube_state_take(struct view payload, const struct kube_state_owner *owner, struct kube_index *x, const char **why);

#endif
