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

/* Ports of a service or slice. Many have the same ones, and share them; the writer counts who does. Texts follow. */
struct kube_ports {
	uint32_t uses, count, text_length;
	struct kube_known_port at[];
};

/*
 * A slice's ready endpoints, one for each address. Behind the header: for each endpoint where its name begins in the text (if any
 * has one), where its zone does (if they are kept), its address; then the text. It begins with an empty name, the service and the
 * cluster; names and zones have their length in front.
 */
struct kube_slice {
	struct kube_key *key;
	uint64_t version; /* a hash of the resource version */
	struct kube_ports *ports;
	uint32_t round; /* of the list that had it last: the writer's own */
	uint32_t endpoint_count, text_length;
	uint8_t service_length, cluster_length;
	uint8_t address_octets; /* of each endpoint: 4, or 16 for either family */
	uint8_t has_names : 1, has_zones : 1;
	uint32_t places[];
};

enum kube_service_type {
	KUBE_CLUSTER_IP,
	KUBE_HEADLESS,
	KUBE_EXTERNAL_NAME,
};

/* A service itself, or an import. Behind the addresses: where external addresses and host names are in the text, and the text,
 * which begins with the external name. */
struct kube_service_data {
	uint64_t version;
	struct kube_ports *ports; /* at least one, which may have no number */
	uint32_t round, external_count, text_length;
	uint16_t address_count, external_name_length;
	uint32_t type; /* enum kube_service_type */
	struct kube_address addresses[];
};

/* A service with its slices. Either may be there before the other. */
struct kube_service {
	struct kube_key *key;
	struct kube_service_data *data; /* NULL: only slices are there */
	uint64_t generation : TRIE_GENERATION_BITS; /* of the edit that made it */
	uint64_t slice_count : 64 - TRIE_GENERATION_BITS;
	struct kube_slice *slices[];
};

/* Who has an address: services first, then slices. */
struct kube_holder {
	const struct kube_key *const *keys;
	uint32_t service_count, slice_count;
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
	struct trie services, slices;
	struct trie holders; /* by address: holders.h */
};

struct kube_cluster {
	struct kube_directory own, imported;
	struct trie namespaces, pods, pod_holders;
	struct trie external_holders; /* services by external address, as in holders.h */
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

static inline struct view kube_port_text(const struct kube_ports *p, struct kube_text t)
{
	return kube_text_view((const char *)(p->at + p->count), t);
}

/* --- inside services --- */

static inline struct kube_text *kube_service_externals(const struct kube_service_data *s)
{
	return (struct kube_text *)(uintptr_t)(s->addresses + s->address_count);
}

static inline char *kube_service_text(const struct kube_service_data *s)
{
	return (char *)(kube_service_externals(s) + s->external_count);
}

/* An external address or host name. */
static inline struct view kube_service_external(const struct kube_service_data *s, uint32_t i)
{
	return kube_text_view(kube_service_text(s), kube_service_externals(s)[i]);
}

static inline struct view kube_service_external_name(const struct kube_service_data *s)
{
	return (struct view){ kube_service_text(s), s->external_name_length };
}

/* --- inside slices --- */

static inline uint8_t *kube_slice_octets(const struct kube_slice *s)
{
	size_t places = (size_t)(s->has_names + s->has_zones) * s->endpoint_count;
	return (uint8_t *)(uintptr_t)(s->places + places);
}

static inline char *kube_slice_text(const struct kube_slice *s)
{
	return (char *)kube_slice_octets(s) + (size_t)s->endpoint_count * s->address_octets;
}

static inline struct view kube_slice_service(const struct kube_slice *s)
{
	return (struct view){ kube_slice_text(s) + 1, s->service_length };
}

static inline struct view kube_slice_cluster(const struct kube_slice *s)
{
	return (struct view){ kube_slice_text(s) + 1 + s->service_length, s->cluster_length };
}

/* Of an endpoint: its address as 4 or 16 octets; its name, empty if it is called by its address; its zone, if zones are kept. */
struct view kube_endpoint_octets(const struct kube_slice *s, uint32_t index);
struct kube_address kube_endpoint_address(const struct kube_slice *s, uint32_t index);
struct view kube_endpoint_hostname(const struct kube_slice *s, uint32_t index);
struct view kube_endpoint_zone(const struct kube_slice *s, uint32_t index);

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

/* --- finding; NULL, or a holder without keys, where there is none --- */
const struct kube_service *kube_find_service(
	const struct kube_directory *d, struct view namespace, struct view name);
const struct kube_service *kube_find_service_of(
	const struct kube_directory *d, const struct kube_slice *s);
const struct kube_slice *kube_find_slice(const struct kube_directory *d, const struct kube_key *key);
struct kube_holder kube_find_holder(const struct trie *holders, const struct kube_address *a);
const struct kube_namespace *kube_find_namespace(const struct kube_cluster *c, struct view name);
const struct kube_pod_holder *kube_find_pods(
	const struct kube_cluster *c, const struct kube_address *a);

#endif
