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

static uint64_t hash_of_holder(const void *value)
{
	return ((const struct kube_holder *)value)->hash;
}

static bool holder_matches(const void *value, const void *key)
{
	return kube_address_equal(&((const struct kube_holder *)value)->address, key);
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
const struct trie_type kube_by_address = { hash_of_holder, holder_matches };
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
	struct kube_wanted wanted = { kube_key_namespace(s->key),
		kube_text_view(s->text, s->service) };
	return trie_find(&d->services, &kube_by_key, s->service_hash, &wanted);
}

const struct kube_slice *kube_find_slice(const struct kube_directory *d, const struct kube_key *key)
{
	struct kube_wanted wanted = { kube_key_namespace(key), kube_key_name(key) };
	return trie_find(&d->slices, &kube_by_key, key->hash, &wanted);
}

const struct kube_holder *kube_find_holder(
	const struct trie *holders, const struct kube_address *a)
{
	return trie_find(holders, &kube_by_address, kube_address_hash(a), a);
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
