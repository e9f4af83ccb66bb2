/* Keys of what is in a cluster's tries, as finding and changing them have it in common. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_ENTRY_H
#define ISTHMUS_PLUGINS_KUBERNETES_ENTRY_H

#include "plugins/kubernetes/cluster.h"

/* What services, slices, pods and namespaces are looked for by. */
struct kube_wanted {
	struct view namespace, name;
};

uint64_t kube_hash(struct view namespace, struct view name);
uint64_t kube_address_hash(const struct kube_address *a);

extern const struct trie_type kube_by_key;      /* a value that begins with a struct kube_key * */
extern const struct trie_type kube_pods_by_address; /* struct kube_pod_holder */

#endif
