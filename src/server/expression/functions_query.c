/* CoreDNS's functions: what a query is, where it came from, what plugins have left for it. */
#include "server/expression/functions.h"

#include "net/prefix.h"
#include "server/query.h"

static bool give_text(struct run *r, struct view text, struct value *to)
{
	*to = value_text(arena_copy(r->arena, text));
	return true;
}

/* --- the question and its message --- */

static bool name(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	*to = value_text(view_of(name_text(r->arena, r->input->query->name)));
	return true;
}

static bool type(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	char room[MNEMONIC_MAX];
	return give_text(r, view_of(type_print(query_type(r->input->query), room)), to);
}

static bool class(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	char room[MNEMONIC_MAX];
	return give_text(r, view_of(class_print(query_class(r->input->query), room)), to);
}

static bool id(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	*to = value_int(r->input->query->request.id);
	return true;
}

static bool opcode(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	*to = value_int(r->input->query->request.opcode);
	return true;
}

static bool size(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	*to = value_int((int64_t)message_size(&r->input->query->request));
	return true;
}

static bool wants_dnssec(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	*to = value_bool(query_wants_dnssec(r->input->query));
	return true;
}

static bool bufsize(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	*to = value_int((int64_t)query_reply_size(r->input->query));
	return true;
}

/* --- the way it came --- */

static bool proto(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	*to = value_text(view_of(query_proto(r->input->query)));
	return true;
}

static bool address_of(struct run *r, const struct endpoint *e, struct value *to)
{
	char room[ENDPOINT_TEXT_MAX];
	size_t length = endpoint_print_ip(e, room);
	return give_text(r, (struct view){ room, length }, to);
}

static bool port_of(struct run *r, const struct endpoint *e, struct value *to)
{
	*to = value_text(view_of(arena_printf(r->arena, "%u", endpoint_port(e))));
	return true;
}

static bool client_ip(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	return address_of(r, &r->input->query->client, to);
}

static bool client_port(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	return port_of(r, &r->input->query->client, to);
}

static bool server_ip(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	return address_of(r, &r->input->query->local, to);
}

static bool server_port(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)v, (void)count;
	return port_of(r, &r->input->query->local, to);
}

static bool incidr(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	struct endpoint address;
	struct prefix network;
	if (!endpoint_parse_ip(v[0].text, 0, &address))
		return run_fail(r, "first argument is not an IP address");
	if (!prefix_parse(v[1].text, &network))
		return run_fail(r, "invalid CIDR address: %.*s", VIEW_ARGS(v[1].text));
	*to = value_bool(prefix_contains(&network, &address));
	return true;
}

/* --- what plugins say of it --- */

static bool metadata(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	struct view value = VIEW("");
	metadata_get(r->input->query, v[0].text, &value);
	*to = value_text(value);
	return true;
}

/* A group of the pattern that `template` matched, by name or number; empty if there is none. */
static bool group(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	struct value key = v[0];
	if (key.kind == VALUE_INT)
		key = value_text(view_of(arena_printf(r->arena, "%lld", (long long)key.integer)));
	const struct value *groups = r->input->groups;
	const struct value *found = groups ? value_map_get(groups, &key) : NULL;
	*to = found ? *found : value_text(VIEW(""));
	return true;
}

const struct function query_functions[] = {
	{ "name", "", result_string, name },
	{ "type", "", result_string, type },
	{ "class", "", result_string, class },
	{ "id", "", result_int, id },
	{ "opcode", "", result_int, opcode },
	{ "size", "", result_int, size },
	{ "do", "", result_bool, wants_dnssec },
	{ "bufsize", "", result_int, bufsize },
	{ "proto", "", result_string, proto },
	{ "client_ip", "", result_string, client_ip },
	{ "port", "", result_string, client_port },
	{ "server_ip", "", result_string, server_ip },
	{ "server_port", "", result_string, server_port },
	{ "incidr", "ss", result_bool, incidr },
	{ "metadata", "s", result_string, metadata },
	{ 0 },
};

const struct function group_functions[] = {
	{ "group", "v", result_string, group },
	{ 0 },
};
