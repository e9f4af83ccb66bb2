/* The plugin `k8s_external`: a cluster's services by their external addresses, in zones of their own. */
#include "plugins/kubernetes/instance.h"
#include "plugins/kubernetes/seen.h"
#include "plugins/kubernetes/serve.h"

#include "base/hash.h"
#include "dns/reverse.h"
#include "server/block.h"

enum {
	TTL_DEFAULT = 5,
	TTL_MAX = 3600,
	WEIGHT_ALL = 100,
	SOA_REFRESH = 7200,
	SOA_RETRY = 1800,
	SOA_EXPIRE = 86400,
	LABELS_READ = 4, /* PORT.PROTOCOL.SERVICE.NAMESPACE */
};

struct external {
	struct name *zones;
	size_t zone_count;
	struct view apex; /* the label of name servers and hostmaster */
	uint32_t ttl;
	bool headless;
	struct fallthrough fallthrough;
	const struct kube_instance *cluster; /* of the block's `kubernetes` */
};

/* --- set-up --- */

static void external_init(struct setup *s)
{
	struct external *e = s->state;
	e->apex = VIEW("dns");
	e->ttl = TTL_DEFAULT;
}

static bool external_setup(struct setup *s)
{
	struct external *e = s->state;
	return args_zones(s, &e->zones, &e->zone_count);
}

static bool read_apex(struct setup *s)
{
	struct external *e = s->state;
	struct view *words;
	if (!args_rest(s, &words))
		return setup_argument_error(s);
	e->apex = words[0];
	return true;
}

static bool read_ttl(struct setup *s)
{
	struct view *rest;
	int64_t ttl;
	if (!arg_integer(s, &ttl))
		return false;
	args_rest(s, &rest);
	if (ttl < 0 || ttl > TTL_MAX)
		return setup_error(s, "ttl must be in range [0, %d]: %lld", TTL_MAX, (long long)ttl);
	((struct external *)s->state)->ttl = (uint32_t)ttl;
	return true;
}

static bool read_fallthrough(struct setup *s)
{
	return args_fallthrough(s, &((struct external *)s->state)->fallthrough);
}

static bool external_start(struct plugin *self, struct plugin *before)
{
	struct external *e = self->state;
	const struct plugin *kubernetes = block_plugin(self->block, "kubernetes");
	(void)before;
	if (!kubernetes)
		kubernetes = block_plugin(self->block, "kubernetai");
	if (!kubernetes)
		return start_error(self, "kubernetes plugin not loaded");
	e->cluster = ((const struct kube_instances *)kubernetes->state)->first;
	return true;
}

/* --- one question --- */

struct lookup {
	const struct external *e;
	const struct kube_rules *rules; /* the cluster's own */
	const struct kube_cluster *cluster;
	struct query *q;
	struct name zone;
	uint16_t type;
	struct view namespace, service, endpoint, port, protocol;
	bool of_port;
	struct kube_seen seen, seen_additional;
};

/* One address or host name with a port. */
struct item {
	struct kube_address address;
	struct view host; /* in place of the address */
	const struct kube_known_port *port;
	const char *text; /* of the port */
	const struct kube_slice *slice; /* NULL: the service's own address */
	const struct kube_known_endpoint *endpoint;
};

typedef void item_visitor(struct lookup *l, const struct item *i, size_t count);

static struct name name_server(const struct lookup *l)
{
	return kube_name(l->q->arena, (struct view[]){ VIEW("ns1"), l->e->apex }, 2, l->zone);
}

static void add_soa(struct lookup *l, enum section_id section)
{
	struct arena *a = l->q->arena;
	struct name rname = kube_name(a, (struct view[]){ VIEW("hostmaster"), l->e->apex }, 2, l->zone);
	struct name mname = name_server(l);
	reply_add(l->q, section, l->zone, TYPE_SOA, l->e->ttl,
		rdata_soa(a, mname.length ? mname : l->zone, rname.length ? rname : l->zone,
			l->cluster->external_serial, SOA_REFRESH, SOA_RETRY, SOA_EXPIRE, l->e->ttl));
}

static void add_address(struct lookup *l, enum section_id section, struct name owner, const struct kube_address *a)
{
	struct view octets = arena_copy(l->q->arena, kube_address_octets(a));
	reply_add(l->q, section, owner, kube_address_type(a), l->e->ttl, octets);
}

static uint64_t address_hash(const struct kube_address *a)
{
	return hash_bytes(a->octets, sizeof a->octets);
}

static bool has_answers(const struct lookup *l)
{
	return l->q->reply->section[SECTION_ANSWER].count != 0;
}

/* --- what there is of a service --- */

static bool port_fits(const struct lookup *l, const struct item *i)
{
	if (!l->of_port)
		return true;
	return view_equal_nocase(kube_text_view(i->text, i->port->name), l->port) &&
	       view_equal_nocase(kube_text_view(i->text, i->port->protocol), l->protocol);
}

/* Calls visit (if there is one) for each port that fits; gives how many do. */
static size_t visit_ports(struct lookup *l, struct item *i, const struct kube_known_port *ports, uint32_t count,
	const char *text, item_visitor *visit, size_t all)
{
	size_t fitting = 0;
	i->text = text;
	for (uint32_t p = 0; p < count; p++) {
		i->port = &ports[p];
		if (!port_fits(l, i))
			continue;
		fitting++;
		if (visit)
			visit(l, i, all);
	}
	return fitting;
}

static size_t visit_external(
	struct lookup *l, const struct kube_service_data *s, item_visitor *visit, size_t all)
{
	size_t count = 0;
	for (uint32_t i = 0; i < s->external_count; i++) {
		struct item item = { .host = kube_text_view(s->text, s->external[i]) };
		if (kube_address_parse(item.host, &item.address))
			item.host = VIEW("");
		count += visit_ports(l, &item, s->ports, s->port_count, s->text, visit, all);
	}
	return count;
}

static size_t visit_endpoints(struct lookup *l, const struct kube_service *s, item_visitor *visit, size_t all)
{
	char room[KUBE_ENDPOINT_LABEL_MAX];
	size_t count = 0;
	for (uint32_t i = 0; i < s->slice_count; i++) {
		const struct kube_slice *slice = s->slices[i];
		for (uint32_t j = 0; j < slice->endpoint_count; j++) {
			const struct kube_known_endpoint *e = &slice->endpoints[j];
			struct item item = { .address = e->address, .slice = slice, .endpoint = e };
			if (l->endpoint.length &&
				!view_equal_nocase(kube_endpoint_label(slice, e, room), l->endpoint))
				continue;
			count += visit_ports(
				l, &item, slice->ports, slice->port_count, slice->text, visit, all);
		}
	}
	return count;
}

static size_t each_item(struct lookup *l, const struct kube_service *s, item_visitor *visit, size_t all)
{
	if (s->data->external_count)
		return l->endpoint.length ? 0 : visit_external(l, s->data, visit, all);
	bool headless = s->data->type == KUBE_HEADLESS || l->endpoint.length;
	return l->e->headless && headless ? visit_endpoints(l, s, visit, all) : 0;
}

/* --- records --- */

static void visit_address(struct lookup *l, const struct item *i, size_t all)
{
	(void)all;
	if (!i->host.length && kube_address_type(&i->address) == l->type &&
		kube_seen_add(&l->seen, l->q->arena, address_hash(&i->address)))
		add_address(l, SECTION_ANSWER, l->q->request.question.name, &i->address);
}

/* A host name in the place of addresses: an alias; the first one counts. */
static void visit_host(struct lookup *l, const struct item *i, size_t all)
{
	(void)all;
	if (!i->host.length || has_answers(l))
		return;
	struct name target = name_from_text(l->q->arena, i->host);
	if (target.length)
		reply_add(l->q, SECTION_ANSWER, l->q->request.question.name, TYPE_CNAME, l->rules->ttl,
			rdata_of_name(l->q->arena, target));
}

static void append_found(struct lookup *l, struct name name, uint16_t type, enum section_id section)
{
	struct query *q = l->q;
	struct message *reply = q->reply, *found;
	query_lookup(q, name, type, &found);
	q->reply = reply;
	for (size_t i = 0; found && i < found->section[SECTION_ANSWER].count; i++)
		section_add(&reply->section[section], q->arena, found->section[SECTION_ANSWER].records[i]);
}

static void visit_service_record(struct lookup *l, const struct item *i, size_t all)
{
	struct arena *a = l->q->arena;
	struct view labels[] = { i->endpoint ? VIEW("") : l->service, l->namespace };
	char room[KUBE_ENDPOINT_LABEL_MAX];
	struct view endpoint[] = { VIEW(""), l->service, l->namespace };
	if (i->port->number < 0)
		return;
	if (i->endpoint)
		endpoint[0] = kube_endpoint_label(i->slice, i->endpoint, room);
	struct name target = i->host.length ? name_from_text(a, i->host)
			     : i->endpoint ? kube_name(a, endpoint, 3, l->zone)
					   : kube_name(a, labels, 2, l->zone);
	uint16_t weight = all < WEIGHT_ALL ? (uint16_t)(WEIGHT_ALL / all) : 1;
	uint64_t hash = target.length ? name_hash(target) : 0;
	if (!target.length)
		return;
	if (kube_seen_add(&l->seen, a, hash_mix(hash, (uint64_t)i->port->number)))
		reply_add(l->q, SECTION_ANSWER, l->q->request.question.name, TYPE_SRV, l->rules->ttl,
			rdata_srv(a, 0, weight, (uint16_t)i->port->number, target));
	if (i->host.length) {
		if (kube_seen_add(&l->seen_additional, a, hash)) {
			append_found(l, target, TYPE_A, SECTION_ADDITIONAL);
			append_found(l, target, TYPE_AAAA, SECTION_ADDITIONAL);
		}
	} else if (kube_seen_add(&l->seen_additional, a, hash_mix(hash, address_hash(&i->address)))) {
		add_address(l, SECTION_ADDITIONAL, target, &i->address);
	}
}

static void follow_alias(struct lookup *l)
{
	const struct section *s = &l->q->reply->section[SECTION_ANSWER];
	struct name target;
	if (s->count == 1 && s->records[0].type == TYPE_CNAME &&
		rdata_name(TYPE_CNAME, record_rdata(&s->records[0]), 0, &target))
		append_found(l, target, l->type, SECTION_ANSWER);
}

static enum kube_outcome answer_service(struct lookup *l)
{
	if (!kube_is_exposed(l->rules, l->cluster, l->namespace))
		return KUBE_NO_NAME;
	const struct kube_service *s = kube_find_service(&l->cluster->own, l->namespace, l->service);
	size_t all = s && s->data ? each_item(l, s, NULL, 0) : 0;
	if (!all)
		return KUBE_NO_NAME;
	if (l->type == TYPE_A || l->type == TYPE_AAAA) {
		each_item(l, s, visit_address, all);
		if (!has_answers(l)) {
			each_item(l, s, visit_host, all);
			follow_alias(l);
		}
	} else if (l->type == TYPE_CNAME) {
		each_item(l, s, visit_host, all);
	} else if (l->type == TYPE_SRV) {
		each_item(l, s, visit_service_record, all);
	}
	return has_answers(l) ? KUBE_FOUND : KUBE_NODATA;
}

/* --- the zone itself --- */

typedef void address_visitor(struct lookup *l, const struct kube_address *a);

/* The external addresses of a service that the server is an endpoint of. */
static void visit_server_service(struct lookup *l, const struct kube_service *s, address_visitor *visit)
{
	struct kube_address a;
	for (uint32_t i = 0; i < s->data->external_count; i++) {
		if (kube_address_parse(kube_text_view(s->data->text, s->data->external[i]), &a))
			visit(l, &a);
	}
	if (s->data->external_count || !l->e->headless || s->data->type != KUBE_HEADLESS)
		return;
	for (uint32_t i = 0; i < s->slice_count; i++) {
		for (uint32_t j = 0; j < s->slices[i]->endpoint_count; j++)
			visit(l, &s->slices[i]->endpoints[j].address);
	}
}

static bool visit_services_of(struct lookup *l, const struct kube_address *local, address_visitor *visit)
{
	const struct kube_directory *d = &l->cluster->own;
	const struct kube_holder *h = kube_find_holder(&d->holders, local);
	for (uint32_t i = 0; h && i < h->slice_count; i++) {
		const struct kube_slice *slice = kube_find_slice(d, h->keys[h->service_count + i]);
		const struct kube_service *s = slice ? kube_find_service_of(d, slice) : NULL;
		if (s && s->data)
			visit_server_service(l, s, visit);
	}
	return h && h->slice_count;
}

static void visit_server_addresses(struct lookup *l, address_visitor *visit)
{
	bool in_cluster = false;
	for (size_t i = 0; i < l->rules->local_count; i++)
		in_cluster |= visit_services_of(l, &l->rules->local[i], visit);
	for (size_t i = 0; !in_cluster && i < l->rules->local_count; i++)
		visit(l, &l->rules->local[i]);
}

static void add_server_address(struct lookup *l, const struct kube_address *a)
{
	if (kube_address_type(a) == l->type && kube_seen_add(&l->seen, l->q->arena, address_hash(a)))
		add_address(l, SECTION_ANSWER, l->q->request.question.name, a);
}

static void add_glue(struct lookup *l, const struct kube_address *a)
{
	struct name owner = name_server(l);
	if (owner.length && kube_seen_add(&l->seen, l->q->arena, address_hash(a)))
		add_address(l, SECTION_ADDITIONAL, owner, a);
}

static void add_name_servers(struct lookup *l, enum section_id section)
{
	struct name ns = name_server(l);
	if (!ns.length)
		return;
	reply_add(l->q, section, l->zone, TYPE_NS, l->e->ttl, rdata_of_name(l->q->arena, ns));
	visit_server_addresses(l, add_glue);
}

static enum kube_outcome answer_apex(struct lookup *l)
{
	if (l->type == TYPE_SOA)
		add_soa(l, SECTION_ANSWER);
	else if (l->type == TYPE_NS)
		add_name_servers(l, SECTION_ANSWER);
	return has_answers(l) ? KUBE_FOUND : KUBE_NODATA;
}

static enum kube_outcome answer_server(struct lookup *l, struct view label, unsigned labels)
{
	if (labels == 1)
		return KUBE_NODATA;
	if (labels > 2 || !view_is(label, "ns1"))
		return KUBE_NO_NAME;
	visit_server_addresses(l, add_server_address);
	return has_answers(l) ? KUBE_FOUND : KUBE_NODATA;
}

static enum kube_outcome answer_pointer(struct lookup *l)
{
	uint8_t octets[16];
	size_t count = reverse_address(l->q->name, octets);
	if (!count)
		return KUBE_NODATA;
	struct kube_address a = kube_address_of(octets, count);
	const struct kube_holder *h = kube_find_holder(&l->cluster->external_holders, &a);
	bool found = false;
	for (uint32_t i = 0; h && i < h->service_count; i++) {
		struct view labels[] = { kube_key_name(h->keys[i]), kube_key_namespace(h->keys[i]) };
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

static struct view without_underscore(struct view label)
{
	return label.length && label.at[0] == '_' ? view_skip(label, 1) : label;
}

/* The labels left of the zone, the one beside it first; at most so many. */
static unsigned labels_of(struct name qname, struct name zone, struct view to[static LABELS_READ])
{
	unsigned count = name_labels(qname) - name_labels(zone);
	for (unsigned i = count; i-- > 0; qname = name_parent(qname)) {
		if (i < LABELS_READ)
			to[i] = name_first_label(qname);
	}
	return count;
}

static enum kube_outcome resolve(struct lookup *l, bool *never_falls)
{
	struct view labels[LABELS_READ] = { 0 };
	unsigned count = labels_of(l->q->name, l->zone, labels);
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
	l->protocol = without_underscore(labels[2]);
	l->port = without_underscore(labels[3]);
	return answer_service(l);
}

static bool is_known(const struct lookup *l)
{
	unsigned needed = (1u << KUBE_SERVICE | 1u << KUBE_NAMESPACE) & l->rules->watched;
	return (l->cluster->listed & needed) == needed;
}

static struct lookup lookup_of(const struct external *e, struct query *q, struct name zone, uint16_t type)
{
	return (struct lookup){ .e = e,
		.rules = &e->cluster->rules,
		.cluster = kube_source_cluster(e->cluster->source),
		.q = q,
		.zone = zone,
		.type = type };
}

static int external_serve(struct plugin *self, struct query *q)
{
	const struct external *e = self->state;
	struct name zone;
	bool never_falls;
	if (!zones_match(e->zones, e->zone_count, q->name, &zone) || query_type(q) == TYPE_AXFR ||
		query_type(q) == TYPE_IXFR)
		return next(self, q);
	struct lookup l = lookup_of(e, q, zone, query_type(q));
	reply_new(q, RCODE_NOERROR, REPLY_AA);
	enum kube_outcome outcome = resolve(&l, &never_falls);
	if (outcome == KUBE_FOUND)
		return RCODE_NOERROR;
	bool known = is_known(&l);
	if (outcome == KUBE_NO_NAME && known && !never_falls && fallthrough_applies(&e->fallthrough, q->name)) {
		q->reply = NULL;
		return next(self, q);
	}
	if (outcome == KUBE_NO_NAME)
		q->reply->rcode = known ? RCODE_NXDOMAIN : RCODE_SERVFAIL;
	add_soa(&l, SECTION_AUTHORITY);
	return RCODE_NOERROR;
}

/* --- transfers --- */

struct passing {
	struct lookup lookup;
	struct record_sink *to;
	bool stopped;
};

static void pass_on(struct passing *p)
{
	const struct message *m = p->lookup.q->reply;
	for (int id = SECTION_ANSWER; id < SECTION_COUNT; id++) {
		for (size_t i = 0; i < m->section[id].count && !p->stopped; i++)
			p->stopped = !p->to->add(p->to, &m->section[id].records[i]);
	}
}

/* The question that the scratch query asks next. */
static void ask_again(struct passing *p, struct name name, uint16_t type)
{
	struct lookup *l = &p->lookup;
	query_set_question(l->q, name, type, CLASS_IN);
	l->type = type;
	l->seen = l->seen_additional = (struct kube_seen){ 0 };
	l->endpoint = l->port = l->protocol = VIEW("");
	l->of_port = false;
	reply_new(l->q, RCODE_NOERROR, REPLY_AA);
}

static void pass_answers(struct passing *p, const struct kube_service *s, struct name owner, uint16_t type,
	item_visitor *visit)
{
	ask_again(p, owner, type);
	size_t all = each_item(&p->lookup, s, NULL, 0);
	if (all)
		each_item(&p->lookup, s, visit, all);
	section_clear(&p->lookup.q->reply->section[SECTION_ADDITIONAL]);
	pass_on(p);
}

/* SRV at each named port. */
static void pass_ports(struct passing *p, const struct kube_service *s, struct name owner)
{
	struct lookup *l = &p->lookup;
	struct arena *a = l->q->arena;
	const struct kube_service_data *d = s->data;
	for (uint32_t i = 0; i < d->port_count && !p->stopped; i++) {
		struct view port = kube_text_view(d->text, d->ports[i].name);
		struct view protocol = kube_text_view(d->text, d->ports[i].protocol);
		if (!port.length || !protocol.length)
			continue;
		struct view labels[] = { view_of(arena_printf(a, "_%.*s", VIEW_ARGS(port))),
			view_of(arena_printf(a, "_%.*s", VIEW_ARGS(protocol))) };
		struct name named = kube_name(a, labels, 2, owner);
		if (!named.length)
			continue;
		ask_again(p, name_copy_lower(a, named), TYPE_SRV);
		l->of_port = true;
		l->port = port;
		l->protocol = protocol;
		size_t all = each_item(l, s, NULL, 0);
		if (all)
			each_item(l, s, visit_service_record, all);
		section_clear(&l->q->reply->section[SECTION_ADDITIONAL]);
		pass_on(p);
	}
}

/* Addresses at the endpoints' own names. */
static void pass_endpoints(struct passing *p, const struct kube_service *s, struct name owner)
{
	char room[KUBE_ENDPOINT_LABEL_MAX];
	if (s->data->external_count || !p->lookup.e->headless || s->data->type != KUBE_HEADLESS)
		return;
	ask_again(p, owner, TYPE_A);
	for (uint32_t i = 0; i < s->slice_count; i++) {
		for (uint32_t j = 0; j < s->slices[i]->endpoint_count; j++) {
			const struct kube_known_endpoint *e = &s->slices[i]->endpoints[j];
			struct view label = kube_endpoint_label(s->slices[i], e, room);
			struct name name = kube_name(p->lookup.q->arena, &label, 1, owner);
			if (name.length)
				add_address(&p->lookup, SECTION_ANSWER, name, &e->address);
		}
	}
	pass_on(p);
}

static void pass_service(void *value, void *data)
{
	struct passing *p = data;
	struct lookup *l = &p->lookup;
	const struct kube_service *s = value;
	if (p->stopped || !s->data || !kube_is_exposed(l->rules, l->cluster, kube_key_namespace(s->key)))
		return;
	arena_reset(l->q->arena);
	l->service = kube_key_name(s->key);
	l->namespace = kube_key_namespace(s->key);
	struct name owner = kube_name(l->q->arena, (struct view[]){ l->service, l->namespace }, 2, l->zone);
	if (!owner.length)
		return;
	pass_answers(p, s, owner, TYPE_A, visit_address);
	pass_answers(p, s, owner, TYPE_AAAA, visit_address);
	pass_answers(p, s, owner, TYPE_SRV, visit_service_record);
	pass_ports(p, s, owner);
	pass_endpoints(p, s, owner);
}

static enum transfer_outcome external_transfer(struct plugin *self, struct name zone, struct record_sink *to)
{
	const struct external *e = self->state;
	const struct name *found = NULL;
	for (size_t i = 0; i < e->zone_count && !found; i++) {
		if (name_equal(e->zones[i], zone) && !name_is_reverse(zone))
			found = &e->zones[i];
	}
	if (!found)
		return TRANSFER_NOT_SERVED;
	struct query scratch = { .arena = arena_new(8192) };
	struct passing p = { .lookup = lookup_of(e, &scratch, *found, TYPE_NS), .to = to };
	bool known = is_known(&p.lookup);
	if (known) {
		ask_again(&p, *found, TYPE_NS);
		add_soa(&p.lookup, SECTION_ANSWER);
		add_name_servers(&p.lookup, SECTION_ANSWER);
		pass_on(&p);
		trie_each(&p.lookup.cluster->own.services, pass_service, &p);
	}
	arena_free(scratch.arena);
	return !known ? TRANSFER_NOT_LOADED : p.stopped ? TRANSFER_STOPPED : TRANSFER_DONE;
}

PLUGIN(k8s_external) = {
	.name = "k8s_external",
	.arguments = "[ZONES...]",
	.help = "answers with the external addresses of a cluster's services",
	.about = "SERVICE.NAMESPACE in one of ZONES has the external addresses of that service, and those of its load balancer. The cluster "
		 "is that of the block's `kubernetes` (the first one of `kubernetai`).",
	.options =
		(const struct option[]){
			{ .name = "apex",
				.arguments = "LABEL",
				.fallback = "dns",
				.help = "the label below which the zone's name server stands",
				.read = read_apex },
			{ .name = "ttl",
				.arguments = "SECONDS",
				.fallback = "5",
				.help = "of addresses and of denials, 0 to 3600",
				.read = read_ttl },
			{ .name = "headless",
				.help = "answers with the endpoints of headless services that have no external addresses",
				.offset = offsetof(struct external, headless) },
			{ .name = "fallthrough",
				.arguments = "[ZONES...]",
				.help = "passes names that no service has to the next plugin",
				.read = read_fallthrough },
			{ 0 },
		},
	.state_size = sizeof(struct external),
	.init = external_init,
	.setup = external_setup,
	.start = external_start,
	.serve = external_serve,
	.transfer = external_transfer,
};
