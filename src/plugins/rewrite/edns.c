/* Rules for EDNS options of requests. */
#include "plugins/rewrite/rewrite.h"

#include "base/arena_text.h"

enum { UDP_SIZE_OF_REQUEST = 4096, FAMILY_V4 = 1, FAMILY_V6 = 2 };

/* Options that have a form of their own: as such they are not recognized by `local`, which takes
 * octets only. */
static bool has_own_form(uint16_t code)
{
	return (code >= 1 && code <= 12) || code == 15 || code == 18 || code == 19;
}

/* --- values --- */

static struct view u16_data(struct arena *arena, uint16_t n)
{
	return arena_copy(arena, (struct view){ (char[]){ (char)(n >> 8), (char)n }, 2 });
}

/* The address in the octets of the client's family; false if it has no such form. */
static bool address_data(const struct query *q, const struct endpoint *e, struct view *data)
{
	static const char mapped[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff";
	bool v6 = endpoint_is_v6(e), wanted_v6 = endpoint_is_v6(&q->client);
	struct view address = endpoint_address(e);
	if (v6 && !wanted_v6)
		return false;
	if (v6 == wanted_v6) {
		*data = arena_copy(q->arena, address);
		return true;
	}
	struct arena_text made = { .arena = q->arena, .limit = 16 };
	arena_text_add(&made, (struct view){ mapped, 12 });
	arena_text_add(&made, address);
	*data = arena_text_view(&made);
	return true;
}

static bool variable_data(const struct query *q, struct view variable, struct view *data)
{
	if (view_is(variable, "qname"))
		*data = view_of(name_text(q->arena, q->request.question.name));
	else if (view_is(variable, "qtype"))
		*data = u16_data(q->arena, query_type(q));
	else if (view_is(variable, "client_ip"))
		return address_data(q, &q->client, data);
	else if (view_is(variable, "server_ip"))
		return address_data(q, &q->local, data);
	else if (view_is(variable, "client_port"))
		*data = u16_data(q->arena, endpoint_port(&q->client));
	else if (view_is(variable, "server_port"))
		*data = u16_data(q->arena, endpoint_port(&q->local));
	else if (view_is(variable, "protocol"))
		*data = view_of(query_proto(q));
	else
		return metadata_get(q, variable, data) && data->length > 0;
	return true;
}

/* RFC 7871 6: family, source prefix, scope 0, and as much of the address as the prefix covers, the
 * rest of its last octet zero. */
static struct view subnet_data(const struct edns_rule *e, const struct query *q)
{
	bool v6 = endpoint_is_v6(&q->client);
	unsigned bits = v6 ? e->v6_bits : e->v4_bits;
	size_t octets = (bits + 7) / 8;
	struct view address = endpoint_address(&q->client);
	char *data = arena_alloc(q->arena, 4 + 16);
	data[1] = v6 ? FAMILY_V6 : FAMILY_V4;
	data[2] = (char)bits;
	memcpy(data + 4, address.at, octets);
	if (bits % 8)
		data[4 + octets - 1] = (char)(data[4 + octets - 1] & (0xff00 >> bits % 8));
	return (struct view){ data, 4 + octets };
}

static bool rule_data(const struct edns_rule *e, const struct query *q, struct view *data)
{
	switch (e->kind) {
	case EDNS_LOCAL:
		*data = e->data;
		return true;
	case EDNS_VARIABLE:
		return variable_data(q, e->variable, data);
	case EDNS_NSID:
		*data = VIEW("");
		return true;
	case EDNS_SUBNET:
		*data = subnet_data(e, q);
		return true;
	}
	return false;
}

/* --- actions --- */

/* Asks that the option be in the reply as it was before the rule: with this data, or (at NULL) not
 * at all. */
static void add_revert(struct rewriting *r, uint16_t code, struct view before)
{
	struct change *c = arena_new_object(r->query->arena, struct change);
	*c = (struct change){ .kind = CHANGE_OPTION, .code = code, .data = before };
	rewriting_add(r, c);
}

/* Whether a rule that appends adds a second option where there is one. */
static bool appends_again(const struct edns_rule *e)
{
	return e->kind == EDNS_LOCAL || e->kind == EDNS_NSID;
}

static bool change_option(const struct edns_rule *e, struct rewriting *r, struct view data)
{
	struct query *q = r->query;
	struct edns *edns = &q->request.edns;
	struct view before = { 0 };
	bool local = e->kind == EDNS_LOCAL || e->kind == EDNS_VARIABLE;
	bool present =
		edns_option_find(edns, e->code, &before) && !(local && has_own_form(e->code));
	if (!present)
		before = (struct view){ 0 };
	bool overwrites = present && e->action != EDNS_APPEND;
	if (present ? !overwrites && !appends_again(e) : e->action == EDNS_REPLACE)
		return false;
	if (overwrites)
		edns_option_set(edns, q->arena, e->code, data);
	else
		edns_option_add(edns, q->arena, e->code, data);
	if (e->reverts)
		add_revert(r, e->code, before);
	query_why(q, "the EDNS option %u is set", e->code);
	return true;
}

static void add_opt(struct edns *edns)
{
	if (!edns->present)
		*edns = (struct edns){ .present = true, .udp_size = UDP_SIZE_OF_REQUEST };
}

bool edns_rule_apply(const struct rule *rule, struct rewriting *r)
{
	const struct edns_rule *e = &rule->edns;
	struct query *q = r->query;
	struct view data = { 0 };
	if (e->action != EDNS_UNSET && !rule_data(e, q, &data))
		return false;
	add_opt(&q->request.edns);
	if (e->action != EDNS_UNSET)
		return change_option(e, r, data);
	edns_option_remove(&q->request.edns, q->arena, e->code);
	query_why(q, "the EDNS option %u is taken out", e->code);
	return true;
}
