/* A whole zone: the records that queries for its services would find. */
#include "plugins/kubernetes/serve.h"

#include "dns/reverse.h"

enum { WEIGHT_ALL = 100, ARENA_SIZE = 8192 };

struct passing {
	struct kube_lookup lookup; /* its query is a scratch one: the reply gathers records until they are passed on */
	struct record_sink *to;
	bool stopped;
};

/* Hands over what has gathered. */
static void pass_on(struct passing *p)
{
	struct message *m = p->lookup.q->reply;
	for (int id = SECTION_ANSWER; id < SECTION_COUNT; id++) {
		for (size_t i = 0; i < m->section[id].count && !p->stopped; i++)
			p->stopped = !p->to->add(p->to, &m->section[id].records[i]);
	}
}

static void begin_again(struct passing *p)
{
	struct query *q = p->lookup.q;
	arena_reset(q->arena);
	reply_new(q, RCODE_NOERROR, REPLY_AA);
}

static void add_port(struct passing *p, struct name owner, uint16_t weight, const struct kube_known_port *port,
	struct name target)
{
	struct query *q = p->lookup.q;
	reply_add(q, SECTION_ANSWER, owner, TYPE_SRV, p->lookup.rules->ttl,
		rdata_srv(q->arena, 0, weight, (uint16_t)port->number, target));
}

/* "_port._protocol.service", in lower case; of length 0 if the port has no name. */
static struct name port_name(struct passing *p, const struct kube_known_port *port, const char *text, struct name service)
{
	struct arena *a = p->lookup.q->arena;
	struct view name = kube_text_view(text, port->name), protocol = kube_text_view(text, port->protocol);
	if (!name.length || !protocol.length)
		return (struct name){ NULL, 0 };
	struct view labels[] = { view_of(arena_printf(a, "_%.*s", VIEW_ARGS(name))),
		view_of(arena_printf(a, "_%.*s", VIEW_ARGS(protocol))) };
	struct name n = kube_name(a, labels, 2, service);
	return n.length ? name_copy_lower(a, n) : n;
}

static void add_service(struct passing *p, const struct kube_service_data *s, struct name owner)
{
	for (uint32_t i = 0; i < s->address_count; i++)
		kube_add_address(&p->lookup, SECTION_ANSWER, owner, &s->addresses[i]);
	for (uint32_t i = 0; i < s->port_count && s->address_count; i++) {
		if (s->ports[i].number < 0)
			continue;
		struct name named = port_name(p, &s->ports[i], s->text, owner);
		add_port(p, owner, WEIGHT_ALL, &s->ports[i], owner);
		if (named.length)
			add_port(p, named, WEIGHT_ALL, &s->ports[i], owner);
	}
}

static void add_endpoint(struct passing *p, const struct kube_slice *s, const struct kube_known_endpoint *e,
	struct name service)
{
	struct kube_lookup *l = &p->lookup;
	struct name owner = kube_endpoint_name(l->q->arena, s, e, l->imported, l->zone);
	uint16_t weight = s->endpoint_count < WEIGHT_ALL ? (uint16_t)(WEIGHT_ALL / s->endpoint_count) : 1;
	if (!owner.length)
		return;
	kube_add_address(l, SECTION_ANSWER, service, &e->address);
	kube_add_address(l, SECTION_ANSWER, owner, &e->address);
	for (uint32_t i = 0; i < s->port_count; i++) {
		struct name named = port_name(p, &s->ports[i], s->text, service);
		if (named.length && s->ports[i].number >= 0)
			add_port(p, named, weight, &s->ports[i], owner);
	}
}

/* Endpoints by slices: what a slice has is passed on before the next one. */
static void pass_headless(struct passing *p, const struct kube_service *s)
{
	for (uint32_t i = 0; i < s->slice_count && !p->stopped; i++) {
		begin_again(p);
		struct name owner = kube_service_name(p->lookup.q->arena, s->key, p->lookup.zone);
		for (uint32_t j = 0; owner.length && j < s->slices[i]->endpoint_count; j++)
			add_endpoint(p, s->slices[i], &s->slices[i]->endpoints[j], owner);
		pass_on(p);
	}
}

static void add_alias(struct passing *p, const struct kube_service_data *s, struct name owner)
{
	struct query *q = p->lookup.q;
	struct kube_address address;
	struct view text = kube_text_view(s->text, s->external_name);
	struct name target = name_from_text(q->arena, text);
	if (target.length && !kube_address_parse(text, &address))
		reply_add(q, SECTION_ANSWER, owner, TYPE_CNAME, p->lookup.rules->ttl,
			rdata_of_name(q->arena, target));
}

static void pass_service(void *value, void *data)
{
	struct passing *p = data;
	const struct kube_service *s = value;
	const struct kube_lookup *l = &p->lookup;
	if (p->stopped || !s->data || !kube_is_exposed(l->rules, l->cluster, kube_key_namespace(s->key)))
		return;
	if (s->data->type == KUBE_HEADLESS) {
		pass_headless(p, s);
		return;
	}
	begin_again(p);
	struct name owner = kube_service_name(l->q->arena, s->key, l->zone);
	if (!owner.length)
		return;
	if (s->data->type == KUBE_EXTERNAL_NAME)
		add_alias(p, s->data, owner);
	else
		add_service(p, s->data, owner);
	pass_on(p);
}

static void pass_apex(struct passing *p)
{
	begin_again(p);
	kube_add_soa(&p->lookup, SECTION_ANSWER);
	kube_answer_name_servers(&p->lookup);
	pass_on(p);
}

static bool has_zone(const struct kube_rules *rules, struct name zone)
{
	for (size_t i = 0; i < rules->zone_count; i++) {
		if (name_equal(rules->zones[i], zone))
			return !name_is_reverse(zone);
	}
	return false;
}

enum transfer_outcome kube_transfer(const struct kube_rules *rules, const struct kube_cluster *cluster,
	struct name zone, struct record_sink *to)
{
	if (!has_zone(rules, zone))
		return TRANSFER_NOT_SERVED;
	bool imported = kube_is_imported_zone(rules, zone);
	if (!(cluster->listed & 1u << (imported ? KUBE_IMPORT : KUBE_SERVICE)))
		return TRANSFER_NOT_LOADED;
	struct query scratch = { .arena = arena_new(ARENA_SIZE) };
	struct passing p = { .lookup = { .rules = rules,
				     .cluster = cluster,
				     .directory = imported ? &cluster->imported : &cluster->own,
				     .q = &scratch,
				     .owner = zone,
				     .zone = zone,
				     .imported = imported,
				     .type = TYPE_NS },
		.to = to };
	pass_apex(&p);
	trie_each(&p.lookup.directory->services, pass_service, &p);
	arena_free(scratch.arena);
	return p.stopped ? TRANSFER_STOPPED : TRANSFER_DONE;
}
