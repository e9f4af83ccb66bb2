/* A whole zone: the records that queries for its services would find. */
#include "plugins/kubernetes/serve.h"

#include "dns/reverse.h"

enum { ARENA_SIZE = 8192 };

bool kube_pass_on(struct record_sink *to, const struct message *reply)
{
	for (int id = SECTION_ANSWER; id < SECTION_COUNT; id++) {
		for (size_t i = 0; i < reply->section[id].count; i++) {
			if (!to->add(to, &reply->section[id].records[i]))
				return false;
		}
	}
	return true;
}

struct passing {
	struct kube_lookup lookup; /* its query is a scratch one: the reply gathers records until they are passed on */
	struct record_sink *to;
	bool stopped;
};

/* Hands over what has gathered. */
static void pass_on(struct passing *p)
{
	p->stopped = p->stopped || !kube_pass_on(p->to, p->lookup.q->reply);
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

static void add_service(struct passing *p, const struct kube_service_data *s, struct name owner)
{
	for (uint32_t i = 0; i < s->address_count; i++)
		kube_add_address(&p->lookup, SECTION_ANSWER, owner, kube_address_octets(&s->addresses[i]));
	for (uint32_t i = 0; i < s->ports->count && s->address_count; i++) {
		const struct kube_known_port *port = &s->ports->at[i];
		if (port->number < 0)
			continue;
		struct name named = kube_port_name(p->lookup.q->arena, s->ports, i, owner);
		add_port(p, owner, kube_weight(1), port, owner);
		if (named.length)
			add_port(p, named, kube_weight(1), port, owner);
	}
}

static void add_endpoint(
	struct passing *p, const struct kube_slice *s, uint32_t index, struct name service)
{
	struct kube_lookup *l = &p->lookup;
	struct name owner = kube_endpoint_name(l->q->arena, s, index, l->imported, l->zone);
	uint16_t weight = kube_weight(s->endpoint_count);
	if (!owner.length)
		return;
	kube_add_address(l, SECTION_ANSWER, service, kube_endpoint_octets(s, index));
	kube_add_address(l, SECTION_ANSWER, owner, kube_endpoint_octets(s, index));
	for (uint32_t i = 0; i < s->ports->count; i++) {
		struct name named = kube_port_name(l->q->arena, s->ports, i, service);
		if (named.length && s->ports->at[i].number >= 0)
			add_port(p, named, weight, &s->ports->at[i], owner);
	}
}

/* Endpoints by slices: what a slice has is passed on before the next one. */
static void pass_headless(struct passing *p, const struct kube_service *s)
{
	for (uint32_t i = 0; i < s->slice_count && !p->stopped; i++) {
		begin_again(p);
		struct name owner = kube_service_name(p->lookup.q->arena, s->key, p->lookup.zone);
		for (uint32_t j = 0; owner.length && j < s->slices[i]->endpoint_count; j++)
			add_endpoint(p, s->slices[i], j, owner);
		pass_on(p);
	}
}

static void add_alias(struct passing *p, const struct kube_service_data *s, struct name owner)
{
	struct query *q = p->lookup.q;
	struct kube_address address;
	struct view text = kube_service_external_name(s);
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
