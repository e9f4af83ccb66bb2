/* One cluster's answer to a query: what `kubernetes` and each stanza of `kubernetai` do. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_SERVE_H
#define ISTHMUS_PLUGINS_KUBERNETES_SERVE_H

#include "plugins/kubernetes/kubernetes.h"

enum kube_served {
	KUBE_ANSWERED,  /* q->reply is complete */
	KUBE_PASSED_ON, /* not this cluster's: no zone of its, or a name that falls through */
	KUBE_REFUSED,   /* a question that is no lookup */
	KUBE_UNKNOWN,   /* as KUBE_PASSED_ON, but the cluster is not known yet: q->reply says SERVFAIL */
};

/* Until what the answer depends on was listed once, nobody can say that a name is not there: SERVFAIL. */
enum kube_served kube_serve(
	const struct kube_rules *rules, const struct kube_cluster *cluster, struct query *q);

/* A whole zone of the cluster, as plugin_type.transfer() gives it. Reverse zones are none: they have no list of names. */
enum transfer_outcome kube_transfer(const struct kube_rules *rules, const struct kube_cluster *cluster,
	struct name zone, struct record_sink *to);

/* Gives all records of a reply to `to`; false when it wants no more. */
bool kube_pass_on(struct record_sink *to, const struct message *reply);

/* Whether the zone is one of imports. */
bool kube_is_imported_zone(const struct kube_rules *rules, struct name zone);

/*
 * The search path of the client's pod in a zone: NAMESPACE.svc.ZONE, svc.ZONE, ZONE. Gives 3, or 0 if no pod has the client's
 * address.
 */
size_t kube_search_path(const struct kube_rules *rules, const struct kube_cluster *cluster, struct query *q,
	struct name zone, struct name to[static 3]);

/* Leaves what the name says for other plugins: kubernetes/namespace, /service and so on. */
void kube_set_metadata(const struct kube_rules *rules, const struct kube_cluster *cluster, struct query *q);

#endif
