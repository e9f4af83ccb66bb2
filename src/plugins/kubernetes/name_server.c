/*
 * Who serves the zone: the services whose endpoints are the server's own addresses, which is what CoreDNS's own Service is in a
 * cluster; outside of one, the server's addresses themselves.
 */
#include "plugins/kubernetes/kubernetes.h"

/* What is done with each name server and address. */
typedef void name_server_visitor(
	struct kube_lookup *l, struct name owner, struct view octets);

static void visit_endpoints(
	struct kube_lookup *l, const struct kube_service *s, name_server_visitor *visit)
{
	for (uint32_t i = 0; i < s->slice_count; i++) {
		const struct kube_slice *slice = s->slices[i];
		for (uint32_t j = 0; j < slice->endpoint_count; j++) {
			struct name owner = kube_endpoint_name(l->q->arena, slice, j, false, l->zone);
			if (owner.length)
				visit(l, owner, kube_endpoint_octets(slice, j));
		}
	}
}

static void visit_service(
	struct kube_lookup *l, const struct kube_service *s, name_server_visitor *visit)
{
	struct name owner = kube_service_name(l->q->arena, s->key, l->zone);
	if (s->data->type == KUBE_HEADLESS) {
		visit_endpoints(l, s, visit);
		return;
	}
	for (uint32_t i = 0; owner.length && i < s->data->address_count; i++)
		visit(l, owner, kube_address_octets(&s->data->addresses[i]));
}

bool kube_each_local_service(const struct kube_rules *rules, const struct kube_directory *d,
	void (*visit)(const struct kube_service *s, void *data), void *data)
{
	bool in_cluster = false;
	for (size_t local = 0; local < rules->local_count; local++) {
		struct kube_holder h = kube_find_holder(&d->holders, &rules->local[local]);
		for (uint32_t i = 0; i < h.slice_count; i++) {
			const struct kube_slice *slice = kube_find_slice(d, h.keys[h.service_count + i]);
			const struct kube_service *s = slice ? kube_find_service_of(d, slice) : NULL;
			if (s && s->data)
				visit(s, data);
		}
		in_cluster |= h.slice_count != 0;
	}
	return in_cluster;
}

/* A name_server_visitor with its lookup, on its way through services. */
struct visiting {
	struct kube_lookup *l;
	name_server_visitor *visit;
};

static void visit_local_service(const struct kube_service *s, void *data)
{
	const struct visiting *v = data;
	visit_service(v->l, s, v->visit);
}

static void visit_name_servers(struct kube_lookup *l, name_server_visitor *visit)
{
	const struct kube_rules *rules = l->rules;
	struct visiting v = { l, visit };
	if (kube_each_local_service(rules, &l->cluster->own, visit_local_service, &v))
		return;
	struct name owner =
		kube_name(l->q->arena, (struct view[]){ VIEW("ns"), VIEW("dns") }, 2, l->zone);
	for (size_t i = 0; owner.length && i < rules->local_count; i++)
		visit(l, owner, kube_address_octets(&rules->local[i]));
}

/* Whether a section has a record of this owner, type and data. */
static bool has_record(const struct section *s, struct name owner, uint16_t type, struct view rdata)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct record *r = &s->records[i];
		if (r->type == type && view_equal(record_rdata(r), rdata) &&
			name_equal(r->owner, owner))
			return true;
	}
	return false;
}

static void add_distinct_address(
	struct kube_lookup *l, enum section_id section, struct name owner, struct view octets)
{
	if (!has_record(&l->q->reply->section[section], owner, kube_address_type(octets), octets))
		kube_add_address(l, section, owner, octets);
}

static void add_name_server(struct kube_lookup *l, struct name owner, struct view octets)
{
	struct view rdata = rdata_of_name(l->q->arena, owner);
	if (!has_record(&l->q->reply->section[SECTION_ANSWER], l->owner, TYPE_NS, rdata))
		reply_add(l->q, SECTION_ANSWER, l->owner, TYPE_NS, l->rules->ttl, rdata);
	add_distinct_address(l, SECTION_ADDITIONAL, owner, octets);
}

static void add_its_address(struct kube_lookup *l, struct name owner, struct view octets)
{
	(void)owner;
	if (l->type == kube_address_type(octets))
		add_distinct_address(l, SECTION_ANSWER, l->owner, octets);
}

static enum kube_outcome outcome(const struct kube_lookup *l)
{
	return l->q->reply->section[SECTION_ANSWER].count ? KUBE_FOUND : KUBE_NODATA;
}

enum kube_outcome kube_answer_name_servers(struct kube_lookup *l)
{
	visit_name_servers(l, add_name_server);
	return outcome(l);
}

enum kube_outcome kube_answer_name_server_addresses(struct kube_lookup *l)
{
	visit_name_servers(l, add_its_address);
	return outcome(l);
}
