/* Names in reverse zones: whose address it is. */
#include "plugins/kubernetes/kubernetes.h"

#include "base/address.h"
#include "dns/reverse.h"

enum { IN_ADDR_LABELS = 6, IP6_LABELS = 34 }; /* of a whole address */

static bool is_number(struct view label)
{
	uint64_t octet;
	return view_unsigned(label, UINT8_MAX, &octet);
}

static bool is_nibble(struct view label)
{
	return label.length == 1 && ((label.at[0] >= '0' && label.at[0] <= '9') ||
					    (label.at[0] >= 'a' && label.at[0] <= 'f'));
}

/* Whether qname stands above names of addresses: part of one. */
static bool is_partial(struct name qname)
{
	unsigned labels = name_labels(qname);
	bool v6 = view_is(name_first_label(name_suffix(qname, 2)), "ip6");
	if (labels < 3 || labels >= (v6 ? IP6_LABELS : IN_ADDR_LABELS))
		return labels < 3;
	for (; labels > 2; labels--, qname = name_parent(qname)) {
		struct view label = name_first_label(qname);
		if (!(v6 ? is_nibble(label) : is_number(label)))
			return false;
	}
	return true;
}

/* The name of the first service that has the address. */
static bool add_service(struct kube_lookup *l, const struct kube_holder *h, bool adds)
{
	for (uint32_t i = 0; i < h->service_count; i++) {
		if (!kube_is_exposed(l->rules, l->cluster, kube_key_namespace(h->keys[i])))
			continue;
		struct name target =
			kube_service_name(l->q->arena, h->keys[i], l->rules->primary);
		if (target.length && adds)
			reply_add(l->q, SECTION_ANSWER, l->owner, TYPE_PTR, l->rules->ttl,
				rdata_of_name(l->q->arena, target));
		return true;
	}
	return false;
}

static bool has_pointer(const struct message *m, struct name target)
{
	const struct section *s = &m->section[SECTION_ANSWER];
	for (size_t i = 0; i < s->count; i++) {
		struct name there;
		if (rdata_name(TYPE_PTR, record_rdata(&s->records[i]), 0, &there) &&
			name_equal(there, target))
			return true;
	}
	return false;
}

static bool add_endpoints_of(struct kube_lookup *l, const struct kube_slice *s,
	const struct kube_address *a, bool adds)
{
	struct view octets = kube_address_octets(a);
	bool found = false;
	for (uint32_t i = 0; i < s->endpoint_count; i++) {
		if (!view_equal(kube_endpoint_octets(s, i), octets))
			continue;
		struct name target =
			kube_endpoint_name(l->q->arena, s, i, l->imported, l->rules->primary);
		found = true;
		if (adds && target.length && !has_pointer(l->q->reply, target))
			reply_add(l->q, SECTION_ANSWER, l->owner, TYPE_PTR, l->rules->ttl,
				rdata_of_name(l->q->arena, target));
	}
	return found;
}

/* The names of all endpoints that have the address. */
static bool add_endpoints(struct kube_lookup *l, const struct kube_holder *h,
	const struct kube_address *a, bool adds)
{
	bool found = false;
	for (uint32_t i = 0; i < h->slice_count; i++) {
		const struct kube_slice *s =
			kube_find_slice(l->directory, h->keys[h->service_count + i]);
		if (s && kube_is_exposed(l->rules, l->cluster, kube_key_namespace(s->key)))
			found |= add_endpoints_of(l, s, a, adds);
	}
	return found;
}

enum kube_outcome kube_answer_pointer(struct kube_lookup *l)
{
	uint8_t octets[IPV6_OCTETS];
	size_t count = reverse_address(l->q->name, octets);
	if (!count)
		return is_partial(l->q->name) ? KUBE_NODATA : KUBE_NO_NAME;
	struct kube_address a = kube_address_of(octets, count);
	struct kube_holder h = kube_find_holder(&l->directory->holders, &a);
	bool adds = l->type == TYPE_PTR;
	if (!add_service(l, &h, adds) && !add_endpoints(l, &h, &a, adds))
		return KUBE_NO_NAME;
	return adds ? KUBE_FOUND : KUBE_NODATA;
}
