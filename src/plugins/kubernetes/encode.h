/*
 * Objects of a cluster as the API server would send them, cut down to what is kept of them: protobuf that decode.h reads. An
 * import, which comes as JSON from an API server, is written as a service.
 */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_ENCODE_H
#define ISTHMUS_PLUGINS_KUBERNETES_ENCODE_H

#include "plugins/kubernetes/cluster.h"
#include "base/text.h"

/* Where encoded objects go, one item of a list after the other. */
struct kube_encoder {
	void (*write)(void *owner, struct view octets);
	void *owner;
	uint64_t written;
	struct text item, part, inner; /* its own */
};

/* Writes all objects of a kind as items of a list (field 2, as in ServiceList); its head is the reader's to put in front. */
void kube_encode_items(struct kube_encoder *e, const struct kube_cluster *c, enum kube_kind kind);

/* What stands in front of such items, of so many octets, for a decoder of lists. */
enum { KUBE_LIST_HEAD_MAX = 24 };
struct view kube_list_head(char room[static KUBE_LIST_HEAD_MAX], uint64_t length);

/* Frees what it holds. */
void kube_encoder_end(struct kube_encoder *e);

#endif
