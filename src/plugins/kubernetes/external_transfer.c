/* A whole zone of `k8s_external`: the answers that queries for its services would get. */
#include "plugins/kubernetes/external.h"

#include "dns/reverse.h"
#include "plugins/kubernetes/serve.h"

enum { ARENA_SIZE = 8192 };

struct passing {
	struct external_lookup lookup;
	struct record_sink *to;
	bool stopped;
};

static void pass_on(struct passing *p)
{
	p->stopped = p->stopped || !kube_pass_on(p->to, p->lookup.q->reply);
}

/* The question that the scratch query asks next. */
static void ask_again(struct passing *p, struct name name, uint16_t type)
{
	struct external_lookup *l = &p->lookup;
	query_set_question(l->q, name, type, CLASS_IN);
	l->type = type;
	l->seen = l->seen_additional = (struct seen){ 0 };
	l->endpoint = l->port = l->protocol = VIEW("");
	l->of_port = false;
	reply_new(l->q, RCODE_NOERROR, REPLY_AA);
}

static void pass_answers(struct passing *p, const struct kube_service *s, struct name owner, uint16_t type,
	external_visitor *visit)
{
	ask_again(p, owner, type);
	size_t all = external_each_item(&p->lookup, s, NULL, 0);
	if (all)
		external_each_item(&p->lookup, s, visit, all);
	section_clear(&p->lookup.q->reply->section[SECTION_ADDITIONAL]);
	pass_on(p);
}

/* SRV at each named port. */
static void pass_ports(struct passing *p, const struct kube_service *s, struct name owner)
{
	struct external_lookup *l = &p->lookup;
	struct arena *a = l->q->arena;
	const struct kube_service_data *d = s->data;
	for (uint32_t i = 0; i < d->ports->count && !p->stopped; i++) {
		struct name named = kube_port_name(a, d->ports, i, owner);
		if (!named.length)
			continue;
		ask_again(p, named, TYPE_SRV);
		l->of_port = true;
		l->port = kube_port_text(d->ports, d->ports->at[i].name);
		l->protocol = kube_port_text(d->ports, d->ports->at[i].protocol);
		size_t all = external_each_item(l, s, NULL, 0);
		if (all)
			external_each_item(l, s, external_add_service_record, all);
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
			struct view label = kube_endpoint_label(s->slices[i], j, room);
			struct name name = kube_name(p->lookup.q->arena, &label, 1, owner);
			if (name.length)
				external_add_address(&p->lookup, SECTION_ANSWER, name, kube_endpoint_octets(s->slices[i], j));
		}
	}
	pass_on(p);
}

static void pass_service(void *value, void *data)
{
	struct passing *p = data;
	struct external_lookup *l = &p->lookup;
	const struct kube_service *s = value;
	if (p->stopped || !s->data || !kube_is_exposed(l->rules, l->cluster, kube_key_namespace(s->key)))
		return;
	arena_reset(l->q->arena);
	l->service = kube_key_name(s->key);
	l->namespace = kube_key_namespace(s->key);
	struct name owner = kube_name(l->q->arena, (struct view[]){ l->service, l->namespace }, 2, l->zone);
	if (!owner.length)
		return;
	pass_answers(p, s, owner, TYPE_A, external_add_answer);
	pass_answers(p, s, owner, TYPE_AAAA, external_add_answer);
	pass_answers(p, s, owner, TYPE_SRV, external_add_service_record);
	pass_ports(p, s, owner);
	pass_endpoints(p, s, owner);
}

enum transfer_outcome external_transfer(struct plugin *self, struct name zone, struct record_sink *to)
{
	const struct external *e = self->state;
	const struct name *found = NULL;
	for (size_t i = 0; i < e->zone_count && !found; i++) {
		if (name_equal(e->zones[i], zone) && !name_is_reverse(zone))
			found = &e->zones[i];
	}
	if (!found)
		return TRANSFER_NOT_SERVED;
	struct query scratch = { .arena = arena_new(ARENA_SIZE) };
	struct passing p = { .lookup = external_lookup_of(e, &scratch, *found, TYPE_NS), .to = to };
	bool known = external_is_known(&p.lookup);
	if (known) {
		ask_again(&p, *found, TYPE_NS);
		external_add_soa(&p.lookup, SECTION_ANSWER);
		external_add_name_servers(&p.lookup, SECTION_ANSWER);
		pass_on(&p);
		trie_each(&p.lookup.cluster->own.services, pass_service, &p);
	}
	arena_free(scratch.arena);
	return !known ? TRANSFER_NOT_LOADED : p.stopped ? TRANSFER_STOPPED : TRANSFER_DONE;
}
