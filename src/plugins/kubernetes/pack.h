/* Objects as they are kept: each in one block of memory, with what DNS has use for and nothing else. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_PACK_H
#define ISTHMUS_PLUGINS_KUBERNETES_PACK_H

#include "plugins/kubernetes/cluster.h"

/* What is kept only when somebody asks for it. */
struct kube_keeping {
	bool pod_names; /* endpoint_pod_names: endpoints without host name are called as their pods */
	bool zones;     /* zonal */
	bool labels;    /* of pods, for metadata */
};

/* Whether namespace and name are as long as the API lets them be: others have no keys. */
bool kube_has_key(const struct kube_object *o);

/* Heap blocks of the caller's; `key` and `ports` are kept, not copied. A text that is longer than the API allows is left out. */
struct kube_key *kube_pack_key(struct view namespace, struct view name);
struct kube_ports *kube_pack_ports(const struct kube_object *o);
struct kube_service_data *kube_pack_service(const struct kube_object *o, struct kube_ports *ports);
struct kube_slice *kube_pack_slice(const struct kube_object *o, struct kube_key *key,
	struct kube_ports *ports, const struct kube_keeping *keeping);
struct kube_pod *kube_pack_pod(
	const struct kube_object *o, struct kube_key *key, const struct kube_keeping *keeping);

/* A resource version as it is kept: equal ones have equal hashes. */
uint64_t kube_version(struct view version);

#endif
