/* From a name in a zone to what is answered: what belongs to no service is answered here. */
#include "plugins/kubernetes/kubernetes.h"

#include "base/address.h"
#include "dns/reverse.h"

enum {
	VERSION_TTL = 28800,
	SOA_TTL_MAX = 300,
	SOA_REFRESH = 7200,
	SOA_RETRY = 1800,
	SOA_EXPIRE = 86400,
};

/* The version of the schema that all of this follows. */
static const struct view schema_version = { "1.1.0", 5 };

bool kube_is_exposed(
	const struct kube_rules *rules, const struct kube_cluster *c, struct view namespace)
{
	bool listed = rules->namespace_count == 0;
	for (size_t i = 0; !listed && i < rules->namespace_count; i++)
		listed = view_equal(rules->namespaces[i], namespace);
	return listed && kube_find_namespace(c, namespace);
}

static uint32_t serial_of(const struct kube_lookup *l)
{
	return l->imported ? l->cluster->imported_serial : l->cluster->serial;
}

void kube_add_soa(struct kube_lookup *l, enum section_id section)
{
	struct arena *a = l->q->arena;
	uint32_t ttl = l->rules->ttl;
	struct name mname = kube_name(a, (struct view[]){ VIEW("ns"), VIEW("dns") }, 2, l->zone);
	struct name rname = kube_name(a, (struct view[]){ VIEW("hostmaster") }, 1, l->zone);
	reply_add(l->q, section, l->zone, TYPE_SOA, ttl < SOA_TTL_MAX ? ttl : SOA_TTL_MAX,
		rdata_soa(a, mname.length ? mname : l->zone, rname.length ? rname : l->zone,
			serial_of(l), SOA_REFRESH, SOA_RETRY, SOA_EXPIRE, ttl));
}

uint16_t kube_address_type(struct view octets)
{
	return octets.length == IPV4_OCTETS ? TYPE_A : TYPE_AAAA;
}

void kube_add_address(
	struct kube_lookup *l, enum section_id section, struct name owner, struct view octets)
{
	reply_add(l->q, section, owner, kube_address_type(octets), l->rules->ttl, octets);
}

static enum kube_outcome answer_apex(struct kube_lookup *l)
{
	if (l->type == TYPE_SOA) {
		kube_add_soa(l, SECTION_ANSWER);
		return KUBE_FOUND;
	}
	return l->type == TYPE_NS ? kube_answer_name_servers(l) : KUBE_NODATA;
}

static enum kube_outcome answer_version(struct kube_lookup *l)
{
	if (l->type != TYPE_TXT)
		return KUBE_NODATA;
	reply_add(l->q, SECTION_ANSWER, l->owner, TYPE_TXT, VERSION_TTL,
		rdata_txt(l->q->arena, schema_version));
	return KUBE_FOUND;
}

/* --- pods --- */

static bool pod_is_there(const struct kube_lookup *l, const struct kube_address *a)
{
	const struct kube_pod_holder *h = kube_find_pods(l->cluster, a);
	for (uint32_t i = 0; h && i < h->count; i++) {
		if (view_equal(kube_key_namespace(h->pods[i]->key), l->request.namespace))
			return true;
	}
	return false;
}

static enum kube_outcome answer_pod(struct kube_lookup *l)
{
	const struct kube_rules *rules = l->rules;
	uint8_t octets[IPV6_OCTETS];
	size_t count;
	if (rules->pods == KUBE_PODS_DISABLED || l->imported ||
		!kube_is_exposed(rules, l->cluster, l->request.namespace) ||
		!kube_pod_address(l->request.pod, octets, &count))
		return KUBE_NO_NAME;
	struct kube_address *a = arena_new_object(l->q->arena, struct kube_address);
	*a = kube_address_of(octets, count);
	if (rules->pods == KUBE_PODS_VERIFIED && !pod_is_there(l, a))
		return KUBE_NO_NAME;
	if (l->type != kube_address_type(kube_address_octets(a)))
		return KUBE_NODATA;
	kube_add_address(l, SECTION_ANSWER, l->owner, kube_address_octets(a));
	return KUBE_FOUND;
}

static enum kube_outcome answer_namespace(const struct kube_lookup *l)
{
	bool exposed = kube_is_exposed(l->rules, l->cluster, l->request.namespace);
	bool hidden = l->request.place == KUBE_PLACE_POD_NAMESPACE &&
		      (l->rules->pods == KUBE_PODS_DISABLED || l->imported);
	return exposed && !hidden ? KUBE_NODATA : KUBE_NO_NAME;
}

/* --- any name --- */

/* A reverse zone has of the grammar only what is about the zone itself. */
static bool is_about_zone(enum kube_place place)
{
	return place == KUBE_PLACE_APEX || place == KUBE_PLACE_NAME_SERVER ||
	       place == KUBE_PLACE_VERSION;
}

enum kube_outcome kube_resolve(struct kube_lookup *l)
{
	struct kube_grammar grammar = { .imported = l->imported, .zonal = l->rules->zonal };
	l->request = kube_request_parse(l->q->name, l->zone, &grammar);
	if (name_is_reverse(l->zone) && !is_about_zone(l->request.place))
		return kube_answer_pointer(l);
	switch (l->request.place) {
	case KUBE_PLACE_NONE:
		return KUBE_NO_NAME;
	case KUBE_PLACE_APEX:
		return answer_apex(l);
	case KUBE_PLACE_EMPTY:
		return KUBE_NODATA;
	case KUBE_PLACE_NAME_SERVER:
		return kube_answer_name_server_addresses(l);
	case KUBE_PLACE_VERSION:
		return answer_version(l);
	case KUBE_PLACE_NAMESPACE:
	case KUBE_PLACE_POD_NAMESPACE:
		return answer_namespace(l);
	case KUBE_PLACE_POD:
		return answer_pod(l);
	case KUBE_PLACE_SERVICE:
	case KUBE_PLACE_ENDPOINT:
	case KUBE_PLACE_PROTOCOL:
	case KUBE_PLACE_PORT:
	case KUBE_PLACE_ZONE:
		return kube_answer_service(l);
	}
	return KUBE_NO_NAME;
}
