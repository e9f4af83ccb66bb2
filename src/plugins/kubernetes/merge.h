/* One answer out of those that several clusters give to a question (`merge`). */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_MERGE_H
#define ISTHMUS_PLUGINS_KUBERNETES_MERGE_H

#include "plugins/kubernetes/serve.h"
#include "plugins/seen.h"

/* Zeroed is empty. In the query's arena. */
struct kube_merge {
	struct message *found;   /* the records of all clusters so far */
	struct message *nodata, *denied, *unknown;
	bool has_alias;          /* `found` is one: records beside an alias would be wrong (RFC 1034 3.6.2) */
	struct seen seen;
};

/* Whether the question is one that answers are put together for: addresses and SRV of names that are no reverse ones. */
bool kube_merge_applies(const struct query *q);

/* Takes in what a cluster has given: kube_serve()'s outcome and q->reply. */
void kube_merge_add(struct kube_merge *m, struct query *q, enum kube_served served);

/* The whole in q->reply, and as kube_serve() would say it. Records first; without any a cluster that is not known yet makes
 * every denial doubtful. */
enum kube_served kube_merge_end(struct kube_merge *m, struct query *q);

#endif
