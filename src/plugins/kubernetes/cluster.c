/* Finding what is known of a cluster. */
#include "plugins/kubernetes/entry.h"

#include "base/address.h"
#include "base/hash.h"

static const uint8_t mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct kube_address kube_address_of(const uint8_t *octets, size_t count)
{
	struct kube_address a;
	if (count == IPV6_OCTETS) {
		memcpy(a.octets, octets, IPV6_OCTETS);
	} else {
		memcpy(a.octets, mapped, sizeof mapped);
		memcpy(a.octets + sizeof mapped, octets, IPV4_OCTETS);
	}
	return a;
}

bool kube_address_parse(struct view text, struct kube_address *to)
{
	uint8_t octets[IPV6_OCTETS];
	size_t count = ipv4_parse(text, octets) ? IPV4_OCTETS : 0;
	if (!count && ipv6_parse(text, octets))
		count = IPV6_OCTETS;
	if (count)
		*to = kube_address_of(octets, count);
	return count != 0;
}

struct view kube_address_octets(const struct kube_address *a)
{
	const char *octets = (const char *)a->octets;
	if (ipv6_is_mapped(a->octets))
		return (struct view){ octets + sizeof mapped, IPV4_OCTETS };
	return (struct view){ octets, IPV6_OCTETS };
}

/* --- inside slices --- */

struct view kube_endpoint_octets(const struct kube_slice *s, uint32_t index)
{
	const uint8_t *at = kube_slice_octets(s) + (size_t)index * s->address_octets;
	if (s->address_octets == KUBE_ADDRESS_OCTETS)
		return kube_address_octets((const struct kube_address *)at);
	return (struct view){ (const char *)at, IPV4_OCTETS };
}

struct kube_address kube_endpoint_address(const struct kube_slice *s, uint32_t index)
{
	struct view octets = kube_endpoint_octets(s, index);
	return kube_address_of((const uint8_t *)octets.at, octets.length);
}

static struct view text_at(const struct kube_slice *s, uint32_t place)
{
	const char *text = kube_slice_text(s) + place;
	return (struct view){ text + 1, (uint8_t)text[0] };
}

struct view kube_endpoint_hostname(const struct kube_slice *s, uint32_t index)
{
	return s->has_names ? text_at(s, s->places[index]) : VIEW("");
}

struct view kube_endpoint_zone(const struct kube_slice *s, uint32_t index)
{
	return s->has_zones ? text_at(s, s->places[s->has_names * s->endpoint_count + index]) : VIEW("");
}

/* --- keys --- */

uint64_t kube_hash(struct view namespace, struct view name)
{
	return hash_mix(
		hash_bytes(namespace.at, namespace.length), hash_bytes(name.at, name.length));
}

uint64_t kube_address_hash(const struct kube_address *a)
{
	return hash_bytes(a->octets, sizeof a->octets);
}

static uint64_t hash_of_key(const void *value)
{
	return (*(struct kube_key *const *)value)->hash;
}

static bool key_matches(const void *value, const void *key)
{
	const struct kube_key *k = *(struct kube_key *const *)value;
	const struct kube_wanted *wanted = key;
	return view_equal(kube_key_name(k), wanted->name) &&
	       view_equal(kube_key_namespace(k), wanted->namespace);
}

static uint64_t hash_of_pod_holder(const void *value)
{
	return ((const struct kube_pod_holder *)value)->hash;
}

static bool pod_holder_matches(const void *value, const void *key)
{
	return kube_address_equal(&((const struct kube_pod_holder *)value)->address, key);
}

const struct trie_type kube_by_key = { hash_of_key, key_matches };
const struct trie_type kube_pods_by_address = { hash_of_pod_holder, pod_holder_matches };

const struct kube_service *kube_find_service(
	const struct kube_directory *d, struct view namespace, struct view name)
{
	struct kube_wanted wanted = { namespace, name };
	return trie_find(&d->services, &kube_by_key, kube_hash(namespace, name), &wanted);
}

const struct kube_service *kube_find_service_of(
	const struct kube_directory *d, const struct kube_slice *s)
{
	return kube_find_service(d, kube_key_namespace(s->key), kube_slice_service(s));
}

const struct kube_slice *kube_find_slice(const struct kube_directory *d, const struct kube_key *key)
{
	struct kube_wanted wanted = { kube_key_namespace(key), kube_key_name(key) };
	return trie_find(&d->slices, &kube_by_key, key->hash, &wanted);
}

const struct kube_namespace *kube_find_namespace(const struct kube_cluster *c, struct view name)
{
	struct kube_wanted wanted = { VIEW(""), name };
	return trie_find(
		&c->namespaces, &kube_by_key, kube_hash(wanted.namespace, name), &wanted);
}

const struct kube_pod_holder *kube_find_pods(
	const struct kube_cluster *c, const struct kube_address *a)
{
	return trie_find(&c->pod_holders, &kube_pods_by_address, kube_address_hash(a), a);
}
