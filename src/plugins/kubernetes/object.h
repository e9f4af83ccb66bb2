/*
 * An object of the Kubernetes API, as far as DNS has use for it: what a decoder, of protobuf or of JSON, makes of what the API
 * server sends, one at a time. All views lie in the decoder's arena and are gone with the next object.
 */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_OBJECT_H
#define ISTHMUS_PLUGINS_KUBERNETES_OBJECT_H

#include "base/view.h"

/* What is watched. A slice or service of the multicluster API is a kind of its own. */
enum kube_kind {
	KUBE_SERVICE,
	KUBE_SLICE,
	KUBE_NAMESPACE,
	KUBE_POD,
	KUBE_IMPORT,       /* ServiceImport */
	KUBE_IMPORT_SLICE, /* EndpointSlice of an import */
	KUBE_KINDS,
};

struct kube_port {
	struct view name, protocol;
	int32_t number; /* -1: none given */
};

struct kube_endpoint {
	struct view hostname, pod, zone; /* pod: the target's name, whatever its kind */
	const struct view *addresses;
	size_t address_count;
	bool ready;
};

struct kube_label {
	struct view key, value;
};

/* Fields that an object's kind does not have are empty. */
struct kube_object {
	enum kube_kind kind;
	struct view namespace, name;
	struct view version; /* metadata.resourceVersion: opaque */
	bool deleting;       /* metadata.deletionTimestamp is set */
	bool list_ends;      /* a bookmark's annotation: the initial events are over */
	struct view service; /* slices: whose they are, by label */
	struct view cluster; /* slices of imports: where they come from, by label */
	struct view trigger; /* slices: when what changed them happened, RFC 3339 */
	struct view type;    /* services and imports: spec.type; slices: addressType; pods: phase */
	struct view external_name;
	const struct view *addresses; /* cluster IPs (or the one "None"), an import's IPs, a pod's IPs */
	size_t address_count;
	const struct view *external; /* external IPs, then those and the host names of load balancers */
	size_t external_count;
	const struct kube_port *ports;
	size_t port_count;
	const struct kube_endpoint *endpoints;
	size_t endpoint_count;
	const struct kube_label *labels; /* of pods */
	size_t label_count;
};

#endif
