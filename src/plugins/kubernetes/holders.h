/*
 * Who has an address, services and slices, by address. Addresses of pods are given out in runs: sixteen that are next to each
 * other share a block, which is what the trie holds.
 */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_HOLDERS_H
#define ISTHMUS_PLUGINS_KUBERNETES_HOLDERS_H

#include "plugins/kubernetes/cluster.h"

/* Adds a holder, if it is not there yet; the keys must outlive it. */
void kube_holders_add(struct trie *holders, struct trie_edit *e, const struct kube_address *a,
	const struct kube_key *key, bool is_service);

/* Takes it out, if it is there. */
void kube_holders_remove(struct trie *holders, struct trie_edit *e, const struct kube_address *a,
	const struct kube_key *key);

#endif
