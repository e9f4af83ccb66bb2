/*
 * What is known of a cluster: services, the slices of their endpoints, namespaces, pods, and who has an address. An
 * immutable snapshot (base/trie.h); a query finds one when it begins and sees no other. Names are as the API has
 * them, which is lower case.
 */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_CLUSTER_H
#define ISTHMUS_PLUGINS_KUBERNETES_CLUSTER_H

#include "base/trie.h"
#include "plugins/kubernetes/object.h"

enum { KUBE_ADDRESS_OCTETS = 16 };

/* An address of either family; IPv4 in its mapped form (RFC 4291 2.5.5.2). */
struct kube_address {
	uint8_t octets[KUBE_ADDRESS_OCTETS];
};

/* Namespace and name of an object: one block that lives as long as the object is there, whatever changes in it. */
struct kube_key {
	uint64_t hash;
	uint8_t namespace_length, name_length;
	char text[];
};

/* A text inside a block, by its distance from the block's `text`. */
struct kube_text {
	uint32_t at;
	uint16_t length;
};

struct kube_known_port {
	int32_t number; /* -1: a service or slice without ports, or a port without number */
	struct kube_text name, protocol;
};

struct kube_known_endpoint {
	struct kube_address address;
	struct kube_text name; /* without one, its address with dashes */
	struct kube_text zone; /* lower case; kept for `zonal` only */
};

/* A slice's ready endpoints, one for each address. */
struct kube_slice {
	struct kube_key *key;
	uint64_t version, service_hash; /* hashes of the resource version, and of the service's key */
	uint32_t round;                 /* of the list that had it last: the writer's own */
	uint32_t endpoint_count, port_count, text_length;
	struct kube_text service, cluster;
	const struct kube_known_port *ports;
	const char *text;
	struct kube_known_endpoint endpoints[];
};

enum kube_service_type {
	KUBE_CLUSTER_IP,
	KUBE_HEADLESS,
	KUBE_EXTERNAL_NAME,
};

/* A service itself, or an import. */
struct kube_service_data {
	uint64_t version;
	uint32_t round;
	enum kube_service_type type;
	uint32_t address_count, port_count, external_count, text_length;
	const struct kube_known_port *ports; /* at least one, which may have no number */
	const struct kube_text *external;    /* texts: addresses and host names */
	struct kube_text external_name;
	const char *text;
	struct kube_address addresses[];
};

/* A service with its slices. Either may be there before the other. */
struct kube_service {
	struct kube_key *key;
	struct kube_service_data *data; /* NULL: only slices are there */
	uint32_t slice_count;
	struct kube_slice *slices[];
};

/* Who has an address: services first, then slices. */
struct kube_holder {
	struct kube_address address;
	uint64_t hash;
	uint32_t service_count, slice_count;
	const struct kube_key *keys[];
};

struct kube_pod {
	struct kube_key *key;
	uint64_t version;
	uint32_t round, address_count, label_count;
	const struct kube_text *labels; /* key and value in turn */
	const char *text;
	struct kube_address addresses[];
};

struct kube_pod_holder {
	struct kube_address address;
	uint64_t hash;
	uint32_t count;
	const struct kube_pod *pods[];
};

struct kube_namespace {
	struct kube_key *key;
	uint32_t round;
};

/* Services with what belongs to them: those of the cluster itself, or the imported ones. */
struct kube_directory {
	struct trie services, slices, holders;
};

struct kube_cluster {
	struct kube_directory own, imported;
	struct trie namespaces, pods, pod_holders;
	struct trie external_holders; /* services by external address */
	/* When an answer last changed, as SOA serials; 0: never. */
	uint32_t serial, external_serial, imported_serial;
	unsigned listed; /* bit by kind: a whole list of it was taken over */
};

static inline struct view kube_key_namespace(const struct kube_key *k)
{
	return (struct view){ k->text, k->namespace_length };
}

static inline struct view kube_key_name(const struct kube_key *k)
{
	return (struct view){ k->text + k->namespace_length, k->name_length };
}

static inline struct view kube_text_view(const char *text, struct kube_text t)
{
	return (struct view){ text + t.at, t.length };
}

/* An address from its text; false if it is none. */
bool kube_address_parse(struct view text, struct kube_address *to);

/* From 4 or 16 octets. */
struct kube_address kube_address_of(const uint8_t *octets, size_t count);

static inline bool kube_address_equal(const struct kube_address *a, const struct kube_address *b)
{
	return memcmp(a->octets, b->octets, KUBE_ADDRESS_OCTETS) == 0;
}

/* Its octets without the mapping: 4 or 16. */
struct view kube_address_octets(const struct kube_address *a);

/* --- finding; NULL where there is none --- */
const struct kube_service *kube_find_service(
	const struct kube_directory *d, struct view namespace, struct view name);
const struct kube_service *kube_find_service_of(
	const struct kube_directory *d, const struct kube_slice *s);
const struct kube_slice *kube_find_slice(const struct kube_directory *d, const struct kube_key *key);
const struct kube_holder *kube_find_holder(
	const struct trie *holders, const struct kube_address *a);
const struct kube_namespace *kube_find_namespace(const struct kube_cluster *c, struct view name);
const struct kube_pod_holder *kube_find_pods(
	const struct kube_cluster *c, const struct kube_address *a);

#endif
