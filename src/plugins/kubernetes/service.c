/* Services, their endpoints and ports: A, AAAA and SRV. */
#include "plugins/kubernetes/kubernetes.h"

#include "base/hash.h"
#include "plugins/seen.h"

enum {
	RECORDS_MAX = 4096, /* more do not fit into any message */
};

/* --- items: an address with a port --- */

struct item {
	struct view octets; /* of the address */
	const struct kube_known_port *port;
	const struct kube_slice *slice; /* NULL: the service's own address */
	uint32_t endpoint;              /* of the slice */
};

struct items {
	const struct kube_lookup *l;
	const struct kube_service *service;
	bool in_zone; /* only endpoints in `zone` */
	struct view zone;
	bool each_port; /* else once for each address, with its first port that fits */
	bool (*visit)(struct items *items, const struct item *i); /* false: no more */
	void *data;
	size_t count;
};

/* What is asked for by "_" alone is any port, or protocol, as in CoreDNS. */
static bool label_fits(struct view asked, struct view has)
{
	return !asked.length || view_equal_nocase(asked, has);
}

static bool port_fits(
	const struct items *items, const struct kube_ports *ports, const struct kube_known_port *p)
{
	const struct kube_request *r = &items->l->request;
	if (r->place != KUBE_PLACE_PORT && r->place != KUBE_PLACE_PROTOCOL)
		return true;
	if (!label_fits(r->protocol, kube_port_text(ports, p->protocol)))
		return false;
	return r->place == KUBE_PLACE_PROTOCOL || label_fits(r->port, kube_port_text(ports, p->name));
}

static bool visit_ports(struct items *items, struct item *i, const struct kube_ports *ports)
{
	for (uint32_t p = 0; p < ports->count; p++) {
		if (!port_fits(items, ports, &ports->at[p]))
			continue;
		i->port = &ports->at[p];
		items->count++;
		if (items->visit && !items->visit(items, i))
			return false;
		if (!items->each_port)
			break;
	}
	return true;
}

static bool visit_addresses(struct items *items)
{
	const struct kube_service_data *s = items->service->data;
	for (uint32_t i = 0; i < s->address_count; i++) {
		struct item item = { .octets = kube_address_octets(&s->addresses[i]) };
		if (!visit_ports(items, &item, s->ports))
			return false;
	}
	return true;
}

static bool endpoint_fits(const struct items *items, const struct kube_slice *s, uint32_t index)
{
	const struct kube_request *r = &items->l->request;
	char room[KUBE_ENDPOINT_LABEL_MAX];
	if (r->place == KUBE_PLACE_ZONE && items->in_zone)
		return view_equal(kube_endpoint_zone(s, index), items->zone);
	if (r->place != KUBE_PLACE_ENDPOINT)
		return true;
	if (items->l->imported && !view_equal_nocase(kube_slice_cluster(s), r->cluster))
		return false;
	return view_equal_nocase(kube_endpoint_label(s, index, room), r->endpoint);
}

static bool visit_endpoints(struct items *items)
{
	const struct kube_service *service = items->service;
	for (uint32_t i = 0; i < service->slice_count; i++) {
		const struct kube_slice *s = service->slices[i];
		for (uint32_t j = 0; j < s->endpoint_count; j++) {
			struct item item = { kube_endpoint_octets(s, j), NULL, s, j };
			if (endpoint_fits(items, s, j) && !visit_ports(items, &item, s->ports))
				return false;
		}
	}
	return true;
}

static bool has_clusters(const struct kube_lookup *l)
{
	return !l->imported || l->request.cluster.length;
}

/* Calls `visit` for what is asked for. An endpoint's name leads to endpoints whatever the service's type. */
static size_t each_item(struct items *items)
{
	const struct kube_lookup *l = items->l;
	items->count = 0;
	if (l->request.place == KUBE_PLACE_ENDPOINT && !has_clusters(l))
		return 0;
	if (items->service->data->type == KUBE_HEADLESS || l->request.place == KUBE_PLACE_ENDPOINT)
		visit_endpoints(items);
	else
		visit_addresses(items);
	return items->count;
}

/* --- A and AAAA --- */

struct answering {
	struct kube_lookup *l;
	struct seen seen, seen_additional;
	size_t added;
	uint16_t weight;
	struct name service; /* target of SRV records of the service's own addresses */
};

static uint64_t hash_of(struct view octets)
{
	return hash_bytes(octets.at, octets.length);
}

static bool add_address(struct items *items, const struct item *i)
{
	struct answering *answering = items->data;
	struct kube_lookup *l = answering->l;
	if (kube_address_type(i->octets) != l->type ||
		!seen_add(&answering->seen, l->q->arena, hash_of(i->octets)))
		return true;
	kube_add_address(l, SECTION_ANSWER, l->owner, i->octets);
	return ++answering->added < RECORDS_MAX;
}

static void answer_addresses(struct items *items, struct answering *answering)
{
	items->visit = add_address;
	items->data = answering;
	each_item(items);
}

/* --- SRV --- */

static struct name srv_target(const struct answering *answering, const struct item *i)
{
	const struct kube_lookup *l = answering->l;
	if (!i->slice)
		return answering->service;
	return kube_endpoint_name(l->q->arena, i->slice, i->endpoint, l->imported, l->zone);
}

static bool add_service_record(struct items *items, const struct item *i)
{
	struct answering *answering = items->data;
	struct kube_lookup *l = answering->l;
	struct arena *a = l->q->arena;
	if (i->port->number < 0)
		return true;
	struct name target = srv_target(answering, i);
	if (!target.length)
		return true;
	uint64_t hash = name_hash(target);
	uint16_t port = (uint16_t)i->port->number;
	if (seen_add(&answering->seen, a, hash_mix(hash, port))) {
		reply_add(l->q, SECTION_ANSWER, l->owner, TYPE_SRV, l->rules->ttl,
			rdata_srv(a, 0, answering->weight, port, target));
		answering->added++;
	}
	if (seen_add(&answering->seen_additional, a, hash_mix(hash, hash_of(i->octets))))
		kube_add_address(l, SECTION_ADDITIONAL, target, i->octets);
	return answering->added < RECORDS_MAX;
}

static void answer_service_records(struct items *items, struct answering *answering)
{
	items->each_port = true;
	size_t count = each_item(items);
	if (!count) /* no ports */
		return;
	answering->weight = kube_weight(count);
	items->visit = add_service_record;
	items->data = answering;
	each_item(items);
}

/* --- the service --- */

static bool is_empty(const struct kube_service *s)
{
	for (uint32_t i = 0; i < s->slice_count; i++) {
		if (s->slices[i]->endpoint_count)
			return false;
	}
	return true;
}

static const struct kube_service *find_service(const struct kube_lookup *l)
{
	const struct kube_request *r = &l->request;
	if (!kube_is_exposed(l->rules, l->cluster, r->namespace))
		return NULL;
	const struct kube_service *s =
		kube_find_service(l->directory, r->namespace, r->service);
	if (!s || !s->data)
		return NULL;
	if (l->rules->ignore_empty && s->data->type == KUBE_CLUSTER_IP && is_empty(s))
		return NULL;
	return s;
}

const struct kube_service_data *kube_alias_at(const struct kube_lookup *l)
{
	if (l->request.place != KUBE_PLACE_SERVICE)
		return NULL;
	const struct kube_service *s = find_service(l);
	return s && s->data->type == KUBE_EXTERNAL_NAME ? s->data : NULL;
}

/* What there is of the service at the name: counted without looking further than the first. */
static bool stop_at_first(struct items *items, const struct item *i)
{
	(void)items;
	(void)i;
	return false;
}

static bool has_items(struct items *items)
{
	items->visit = stop_at_first;
	bool has = each_item(items) > 0;
	items->visit = NULL;
	return has;
}

/* Whether the name is there, and which endpoints `zonal` names lead to. */
static bool is_there(struct items *items)
{
	if (items->l->request.place != KUBE_PLACE_ZONE)
		return has_items(items);
	if (items->service->data->type != KUBE_HEADLESS || !has_items(items))
		return false;
	items->in_zone = true;
	if (items->l->request.prefers)
		items->in_zone = has_items(items);
	return true;
}

enum kube_outcome kube_answer_service(struct kube_lookup *l)
{
	const struct kube_service *s = find_service(l);
	struct items items = { .l = l,
		.service = s,
		.zone = kube_labels_text(l->q->arena, l->request.zone) };
	if (!s)
		return KUBE_NO_NAME;
	if (s->data->type == KUBE_EXTERNAL_NAME)
		return l->request.place == KUBE_PLACE_SERVICE ? kube_answer_alias(l, s->data)
							      : KUBE_NO_NAME;
	/* An address that is not given out yet: the service is there, and has none. */
	bool waits = l->request.place == KUBE_PLACE_SERVICE &&
		     s->data->type == KUBE_CLUSTER_IP && !s->data->address_count;
	if (!is_there(&items))
		return waits ? KUBE_NODATA : KUBE_NO_NAME;
	enum kube_place place = l->request.place;
	struct answering answering = { .l = l,
		.service = kube_service_name(l->q->arena, s->key, l->zone) };
	bool is_port = place == KUBE_PLACE_PORT || place == KUBE_PLACE_PROTOCOL;
	if ((l->type == TYPE_A || l->type == TYPE_AAAA) && !is_port)
		answer_addresses(&items, &answering);
	else if (l->type == TYPE_SRV && place != KUBE_PLACE_PROTOCOL)
		answer_service_records(&items, &answering);
	return answering.added ? KUBE_FOUND : KUBE_NODATA;
}
