/* Answers of `k8s_external`: what a name stands for, and the records of it. */
#include "plugins/kubernetes/external.h"

#include "base/hash.h"
#include "dns/reverse.h"
#include "plugins/found.h"

enum {
	SOA_REFRESH = 7200,
	SOA_RETRY = 1800,
	SOA_EXPIRE = 86400,
	LABELS_READ = 4, /* PORT.PROTOCOL.SERVICE.NAMESPACE */
};

static struct name name_server(const struct external_lookup *l)
{
	return kube_name(l->q->arena, (struct view[]){ VIEW("ns1"), l->e->apex }, 2, l->zone);
}

void external_add_soa(struct external_lookup *l, enum section_id section)
{
	struct arena *a = l->q->arena;
	struct name rname = kube_name(a, (struct view[]){ VIEW("hostmaster"), l->e->apex }, 2, l->zone);
	struct name mname = name_server(l);
	reply_add(l->q, section, l->zone, TYPE_SOA, l->e->ttl,
		rdata_soa(a, mname.length ? mname : l->zone, rname.length ? rname : l->zone,
			l->cluster->external_serial, SOA_REFRESH, SOA_RETRY, SOA_EXPIRE, l->e->ttl));
}

void external_add_address(
	struct external_lookup *l, enum section_id section, struct name owner, struct view octets)
{
	reply_add(l->q, section, owner, kube_address_type(octets), l->e->ttl, octets);
}

static uint64_t hash_of(struct view octets)
{
	return hash_bytes(octets.at, octets.length);
}

static bool has_answers(const struct external_lookup *l)
{
	return l->q->reply->section[SECTION_ANSWER].count != 0;
}

/* --- what there is of a service --- */

static bool port_fits(const struct external_lookup *l, const struct external_item *i)
{
	if (!l->of_port)
		return true;
	return view_equal_nocase(kube_port_text(i->ports, i->port->name), l->port) &&
	       view_equal_nocase(kube_port_text(i->ports, i->port->protocol), l->protocol);
}

/* Calls visit (if there is one) for each port that fits; gives how many do. */
static size_t visit_ports(struct external_lookup *l, struct external_item *i,
	const struct kube_ports *ports, external_visitor *visit, size_t all)
{
	size_t fitting = 0;
	i->ports = ports;
	for (uint32_t p = 0; p < ports->count; p++) {
		i->port = &ports->at[p];
		if (!port_fits(l, i))
			continue;
		fitting++;
		if (visit)
			visit(l, i, all);
	}
	return fitting;
}

static size_t visit_external(
	struct external_lookup *l, const struct kube_service_data *s, external_visitor *visit, size_t all)
{
	size_t count = 0;
	for (uint32_t i = 0; i < s->external_count; i++) {
		struct external_item item = { .host = kube_service_external(s, i) };
		struct kube_address address;
		if (kube_address_parse(item.host, &address)) {
			item.octets = arena_copy(l->q->arena, kube_address_octets(&address));
			item.host = VIEW("");
		}
		count += visit_ports(l, &item, s->ports, visit, all);
	}
	return count;
}

static size_t visit_endpoints(struct external_lookup *l, const struct kube_service *s, external_visitor *visit, size_t all)
{
	char room[KUBE_ENDPOINT_LABEL_MAX];
	size_t count = 0;
	for (uint32_t i = 0; i < s->slice_count; i++) {
		const struct kube_slice *slice = s->slices[i];
		for (uint32_t j = 0; j < slice->endpoint_count; j++) {
			struct external_item item = { .octets = kube_endpoint_octets(slice, j),
				.slice = slice,
				.endpoint = j };
			if (l->endpoint.length &&
				!view_equal_nocase(kube_endpoint_label(slice, j, room), l->endpoint))
				continue;
			count += visit_ports(l, &item, slice->ports, visit, all);
		}
	}
	return count;
}

size_t external_each_item(struct external_lookup *l, const struct kube_service *s, external_visitor *visit, size_t all)
{
	if (s->data->external_count)
		return l->endpoint.length ? 0 : visit_external(l, s->data, visit, all);
	bool headless = s->data->type == KUBE_HEADLESS || l->endpoint.length;
	return l->e->headless && headless ? visit_endpoints(l, s, visit, all) : 0;
}

/* --- records --- */

void external_add_answer(struct external_lookup *l, const struct external_item *i, size_t all)
{
	(void)all;
	if (!i->host.length && kube_address_type(i->octets) == l->type &&
		seen_add(&l->seen, l->q->arena, hash_of(i->octets)))
		external_add_address(l, SECTION_ANSWER, l->q->request.question.name, i->octets);
}

/* A host name in the place of addresses: an alias; the first one counts. */
static void visit_host(struct external_lookup *l, const struct external_item *i, size_t all)
{
	(void)all;
	if (!i->host.length || has_answers(l))
		return;
	struct name target = name_from_text(l->q->arena, i->host);
	if (target.length)
		reply_add(l->q, SECTION_ANSWER, l->q->request.question.name, TYPE_CNAME, l->rules->ttl,
			rdata_of_name(l->q->arena, target));
}

void external_add_service_record(struct external_lookup *l, const struct external_item *i, size_t all)
{
	struct arena *a = l->q->arena;
	struct view labels[] = { i->slice ? VIEW("") : l->service, l->namespace };
	char room[KUBE_ENDPOINT_LABEL_MAX];
	struct view endpoint[] = { VIEW(""), l->service, l->namespace };
	if (i->port->number < 0)
		return;
	if (i->slice)
		endpoint[0] = kube_endpoint_label(i->slice, i->endpoint, room);
	struct name target = i->host.length ? name_from_text(a, i->host)
			     : i->slice ? kube_name(a, endpoint, 3, l->zone)
					   : kube_name(a, labels, 2, l->zone);
	uint16_t weight = kube_weight(all);
	uint64_t hash = target.length ? name_hash(target) : 0;
	if (!target.length)
		return;
	if (seen_add(&l->seen, a, hash_mix(hash, (uint64_t)i->port->number)))
		reply_add(l->q, SECTION_ANSWER, l->q->request.question.name, TYPE_SRV, l->rules->ttl,
			rdata_srv(a, 0, weight, (uint16_t)i->port->number, target));
	if (i->host.length) {
		if (seen_add(&l->seen_additional, a, hash)) {
			found_append(l->q, target, TYPE_A, SECTION_ADDITIONAL, NULL);
			found_append(l->q, target, TYPE_AAAA, SECTION_ADDITIONAL, NULL);
		}
	} else if (seen_add(&l->seen_additional, a, hash_mix(hash, hash_of(i->octets)))) {
		external_add_address(l, SECTION_ADDITIONAL, target, i->octets);
	}
}

static void follow_alias(struct external_lookup *l)
{
	const struct section *s = &l->q->reply->section[SECTION_ANSWER];
	struct name target;
	if (s->count == 1 && s->records[0].type == TYPE_CNAME &&
		rdata_name(TYPE_CNAME, record_rdata(&s->records[0]), 0, &target))
		found_append(l->q, target, l->type, SECTION_ANSWER, NULL);
}

static enum kube_outcome answer_service(struct external_lookup *l)
{
	if (!kube_is_exposed(l->rules, l->cluster, l->namespace))
		return KUBE_NO_NAME;
	const struct kube_service *s = kube_find_service(&l->cluster->own, l->namespace, l->service);
	size_t all = s && s->data ? external_each_item(l, s, NULL, 0) : 0;
	if (!all)
		return KUBE_NO_NAME;
	if (l->type == TYPE_A || l->type == TYPE_AAAA) {
		external_each_item(l, s, external_add_answer, all);
		if (!has_answers(l)) {
			external_each_item(l, s, visit_host, all);
			follow_alias(l);
		}
	} else if (l->type == TYPE_CNAME) {
		external_each_item(l, s, visit_host, all);
	} else if (l->type == TYPE_SRV) {
		external_each_item(l, s, external_add_service_record, all);
	}
	return has_answers(l) ? KUBE_FOUND : KUBE_NODATA;
}

/* --- the zone itself --- */

typedef void address_visitor(struct external_lookup *l, struct view octets);

/* The external addresses of a service that the server is an endpoint of. */
static void visit_server_service(struct external_lookup *l, const struct kube_service *s, address_visitor *visit)
{
	struct kube_address a;
	for (uint32_t i = 0; i < s->data->external_count; i++) {
		if (kube_address_parse(kube_service_external(s->data, i), &a))
			visit(l, arena_copy(l->q->arena, kube_address_octets(&a)));
	}
	if (s->data->external_count || !l->e->headless || s->data->type != KUBE_HEADLESS)
		return;
	for (uint32_t i = 0; i < s->slice_count; i++) {
		for (uint32_t j = 0; j < s->slices[i]->endpoint_count; j++)
			visit(l, kube_endpoint_octets(s->slices[i], j));
	}
}

/* An address_visitor with its lookup, on its way through services. */
struct visiting {
	struct external_lookup *l;
	address_visitor *visit;
};

static void visit_local_service(const struct kube_service *s, void *data)
{
	const struct visiting *v = data;
	visit_server_service(v->l, s, v->visit);
}

static void visit_server_addresses(struct external_lookup *l, address_visitor *visit)
{
	struct visiting v = { l, visit };
	if (kube_each_local_service(l->rules, &l->cluster->own, visit_local_service, &v))
		return;
	for (size_t i = 0; i < l->rules->local_count; i++)
		visit(l, kube_address_octets(&l->rules->local[i]));
}

static void add_server_address(struct external_lookup *l, struct view octets)
{
	if (kube_address_type(octets) == l->type && seen_add(&l->seen, l->q->arena, hash_of(octets)))
		external_add_address(l, SECTION_ANSWER, l->q->request.question.name, octets);
}

static void add_glue(struct external_lookup *l, struct view octets)
{
	struct name owner = name_server(l);
	if (owner.length && seen_add(&l->seen, l->q->arena, hash_of(octets)))
		external_add_address(l, SECTION_ADDITIONAL, owner, octets);
}

void external_add_name_servers(struct external_lookup *l, enum section_id section)
{
	struct name ns = name_server(l);
	if (!ns.length)
		return;
	reply_add(l->q, section, l->zone, TYPE_NS, l->e->ttl, rdata_of_name(l->q->arena, ns));
	visit_server_addresses(l, add_glue);
}

static enum kube_outcome answer_apex(struct external_lookup *l)
{
	if (l->type == TYPE_SOA)
		external_add_soa(l, SECTION_ANSWER);
	else if (l->type == TYPE_NS)
		external_add_name_servers(l, SECTION_ANSWER);
	return has_answers(l) ? KUBE_FOUND : KUBE_NODATA;
}

static enum kube_outcome answer_server(struct external_lookup *l, struct view label, unsigned labels)
{
	if (labels == 1)
		return KUBE_NODATA;
	if (labels > 2 || !view_is(label, "ns1"))
		return KUBE_NO_NAME;
	visit_server_addresses(l, add_server_address);
	return has_answers(l) ? KUBE_FOUND : KUBE_NODATA;
}

static enum kube_outcome answer_pointer(struct external_lookup *l)
{
	uint8_t octets[16];
	size_t count = reverse_address(l->q->name, octets);
	if (!count)
		return KUBE_NODATA;
	struct kube_address a = kube_address_of(octets, count);
	struct kube_holder h = kube_find_holder(&l->cluster->external_holders, &a);
	bool found = false;
	for (uint32_t i = 0; i < h.service_count; i++) {
		struct view labels[] = { kube_key_name(h.keys[i]), kube_key_namespace(h.keys[i]) };
		struct name target = kube_name(l->q->arena, labels, 2, l->e->zones[0]);
		if (!kube_is_exposed(l->rules, l->cluster, labels[1]) || !target.length)
			continue;
		found = true;
		if (l->type == TYPE_PTR)
			reply_add(l->q, SECTION_ANSWER, l->q->request.question.name, TYPE_PTR, l->e->ttl,
				rdata_of_name(l->q->arena, target));
	}
	return has_answers(l) ? KUBE_FOUND : found ? KUBE_NODATA : KUBE_NO_NAME;
}

/* --- names --- */

enum kube_outcome external_resolve(struct external_lookup *l, bool *never_falls)
{
	struct view labels[LABELS_READ] = { 0 };
	unsigned count = kube_labels(l->q->name, l->zone, labels, LABELS_READ);
	*never_falls = count && view_equal_nocase(labels[0], l->e->apex);
	if (count == 0)
		return answer_apex(l);
	if (*never_falls)
		return answer_server(l, labels[1], count);
	if (name_is_reverse(l->zone))
		return answer_pointer(l);
	if (count > LABELS_READ)
		return KUBE_NO_NAME;
	l->namespace = labels[0];
	l->service = labels[1];
	if (count == 1)
		return kube_is_exposed(l->rules, l->cluster, l->namespace) ? KUBE_NODATA : KUBE_NO_NAME;
	if (count == 3)
		l->endpoint = labels[2];
	l->of_port = count == 4;
	l->protocol = kube_without_underscore(labels[2]);
	l->port = kube_without_underscore(labels[3]);
	return answer_service(l);
}

bool external_is_known(const struct external_lookup *l)
{
	unsigned needed = (1u << KUBE_SERVICE | 1u << KUBE_NAMESPACE) & l->rules->watched;
	return (l->cluster->listed & needed) == needed;
}

struct external_lookup external_lookup_of(const struct external *e, struct query *q, struct name zone, uint16_t type)
{
	return (struct external_lookup){ .e = e,
		.rules = &e->cluster->rules,
		.cluster = kube_source_cluster(e->cluster->source),
		.q = q,
		.zone = zone,
		.type = type };
}

