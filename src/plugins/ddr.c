/*
 * Discovery of Designated Resolvers (RFC 9462): tells clients that ask in the clear by which encrypted doors the same resolver can be
 * had. resolver.arpa is a zone of this server alone (section 8.2, RFC 6303).
 */
#include "server/block.h"

enum {
	DDR_TTL = 300,
	ZONE_TTL = 10800, /* RFC 6303 3 */
	HINTS_MAX = 8,    /* addresses of a door */
};

/* Keys of service parameters (RFC 9460 14.3.2, RFC 9461 5). */
enum svc_key {
	SVC_ALPN = 1,
	SVC_PORT = 3,
	SVC_IPV4HINT = 4,
	SVC_IPV6HINT = 6,
	SVC_DOHPATH = 7,
};

struct addresses {
	struct endpoint list[HINTS_MAX];
	size_t count;
};

/* What is one record: one port, and what is spoken there. */
struct door {
	struct door *next;
	bool http;
	uint16_t port;
	struct addresses addresses;
	struct text alpn; /* while it is being collected: each id behind its length */
	struct view rdata;
};

struct ddr {
	struct name target;
	struct addresses given; /* by `address` */
	struct door *doors;
	struct addresses all;
};

static const struct name zone = NAME_LITERAL("\10resolver\4arpa");
static const struct name discovery = NAME_LITERAL("\4_dns\10resolver\4arpa");
static const struct name nobody = NAME_LITERAL("\6nobody\7invalid");

static struct ddr *state(struct setup *s)
{
	return s->state;
}

/* --- set-up --- */

static void address_add(struct addresses *to, const struct endpoint *e)
{
	for (size_t i = 0; i < to->count; i++)
		if (endpoint_equal(&to->list[i], e))
			return;
	if (to->count < HINTS_MAX)
		to->list[to->count++] = *e;
}

static bool ddr_setup(struct setup *s)
{
	struct view word;
	struct name_buffer b;
	if (!arg_need(s, &word))
		return false;
	if (!name_parse(word, name_root, &b))
		return setup_error(s, "not a domain name: '%.*s'", VIEW_ARGS(word));
	state(s)->target = name_copy_lower(s->arena, name_of(&b));
	return arg_end(s);
}

static bool read_address(struct setup *s)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	for (size_t i = 0; i < count; i++) {
		struct endpoint e;
		if (!endpoint_parse_ip(words[i], 0, &e))
			return setup_error(s, "not an IP address: '%.*s'", VIEW_ARGS(words[i]));
		if (state(s)->given.count == HINTS_MAX)
			return setup_error(s, "more than %d addresses", HINTS_MAX);
		address_add(&state(s)->given, &e);
	}
	return count > 0 || setup_argument_error(s);
}

/* --- doors --- */

static bool is_http(enum scheme s)
{
	return s == SCHEME_HTTPS || s == SCHEME_HTTPS3;
}

/* The protocol's id (RFC 9461 4); NULL for doors that are not discovered so. */
static const char *alpn_of(enum scheme s)
{
	static const char *const ids[SCHEME_COUNT] = {
		[SCHEME_TLS] = "dot",
		[SCHEME_QUIC] = "doq",
		[SCHEME_HTTPS] = "h2",
		[SCHEME_HTTPS3] = "h3",
	};
	return ids[s];
}

/* The addresses of a block's doors, as far as they are known. */
static struct addresses addresses_of(const struct ddr *d, const struct block *b)
{
	struct addresses bound = { .count = 0 };
	if (d->given.count)
		return d->given;
	for (size_t i = 0; i < b->bind_count; i++) {
		struct endpoint e;
		if (endpoint_parse_ip(b->bind[i], 0, &e) && !endpoint_is_wildcard(&e))
			address_add(&bound, &e);
	}
	return bound;
}

static bool same_addresses(const struct addresses *a, const struct addresses *b)
{
	for (size_t i = 0; i < a->count && a->count == b->count; i++)
		if (!endpoint_equal(&a->list[i], &b->list[i]))
			return false;
	return a->count == b->count;
}

static struct door *door_at(struct setup *s, bool http, uint16_t port, const struct addresses *addresses)
{
	struct door **at = &state(s)->doors;
	while (*at && ((*at)->http != http || (*at)->port != port ||
			      !same_addresses(&(*at)->addresses, addresses)))
		at = &(*at)->next;
	if (!*at) {
		*at = arena_new_object(s->arena, struct door);
		**at = (struct door){ .http = http, .port = port, .addresses = *addresses };
	}
	return *at;
}

/* Doors of other zones are no doors of this resolver. */
static void collect_doors(struct setup *s, const struct block *b)
{
	struct ddr *d = state(s);
	const struct addresses addresses = addresses_of(d, b);
	for (size_t i = 0; b->tls && i < b->source->key_count; i++) {
		const struct key *key = &b->source->keys[i];
		const char *alpn = alpn_of(key->scheme);
		uint64_t port;
		if (!alpn || !name_equal(key->zone, name_root) ||
			!view_unsigned(view_of(key->port), UINT16_MAX, &port))
			continue;
		struct door *door = door_at(s, is_http(key->scheme), (uint16_t)port, &addresses);
		text_add_char(&door->alpn, (char)strlen(alpn));
		text_add_string(&door->alpn, alpn);
		for (size_t j = 0; j < addresses.count; j++)
			address_add(&d->all, &addresses.list[j]);
	}
}

/* --- records --- */

static void add_u16(struct text *to, size_t number)
{
	text_add_char(to, (char)(number >> 8));
	text_add_char(to, (char)number);
}

static void add_parameter(struct text *to, enum svc_key key, struct view value)
{
	add_u16(to, key);
	add_u16(to, value.length);
	text_add(to, value);
}

static void add_hints(struct text *to, enum svc_key key, const struct addresses *a, bool v6)
{
	struct text all = { 0 };
	for (size_t i = 0; i < a->count; i++)
		if (endpoint_is_v6(&a->list[i]) == v6)
			text_add(&all, endpoint_address(&a->list[i]));
	if (all.length)
		add_parameter(to, key, text_view(&all));
	text_free(&all);
}

/* RFC 9460 2.2: parameters in ascending order of their keys. */
static struct view record_of(struct arena *arena, const struct ddr *d, const struct door *door, size_t priority)
{
	struct text t = { 0 };
	const char port[] = { (char)(door->port >> 8), (char)door->port };
	add_u16(&t, priority);
	text_add(&t, (struct view){ (const char *)d->target.octets, d->target.length });
	add_parameter(&t, SVC_ALPN, text_view(&door->alpn));
	add_parameter(&t, SVC_PORT, (struct view){ port, sizeof port });
	add_hints(&t, SVC_IPV4HINT, &door->addresses, false);
	add_hints(&t, SVC_IPV6HINT, &door->addresses, true);
	if (door->http)
		add_parameter(&t, SVC_DOHPATH, VIEW("/dns-query{?dns}"));
	struct view rdata = arena_copy(arena, text_view(&t));
	text_free(&t);
	return rdata;
}

/* `tls` has been read in all blocks by now: it stands before `ddr` in order.def. */
static bool ddr_finish(struct setup *s)
{
	struct ddr *d = state(s);
	size_t priority = 0;
	for (const struct block *b = s->block->config->blocks; b; b = b->next)
		collect_doors(s, b);
	for (struct door *door = d->doors; door; door = door->next) {
		door->rdata = record_of(s->arena, d, door, ++priority);
		text_free(&door->alpn);
	}
	if (!d->doors)
		setup_warning(s, "there is nothing to discover: no encrypted listener serves the zone '.'");
	return true;
}

/* --- queries --- */

static void add_soa(struct query *q, enum section_id section, struct name owner)
{
	reply_add(q, section, owner, TYPE_SOA, ZONE_TTL,
		rdata_soa(q->arena, zone, nobody, 1, 3600, 1200, 604800, ZONE_TTL));
}

static void add_addresses(struct query *q, const struct ddr *d)
{
	for (size_t i = 0; i < d->all.count; i++) {
		const struct endpoint *e = &d->all.list[i];
		bool v6 = endpoint_is_v6(e);
		reply_add(q, SECTION_ADDITIONAL, d->target, v6 ? TYPE_AAAA : TYPE_A, DDR_TTL,
			endpoint_address(e));
	}
}

static bool answer_discovery(struct query *q, const struct ddr *d)
{
	if (query_type(q) != TYPE_SVCB || !d->doors)
		return false;
	for (const struct door *door = d->doors; door; door = door->next)
		reply_add(q, SECTION_ANSWER, q->request.question.name, TYPE_SVCB, DDR_TTL, door->rdata);
	add_addresses(q, d);
	return true;
}

static bool answer_apex(struct query *q)
{
	struct name owner = q->request.question.name;
	if (query_type(q) == TYPE_SOA)
		add_soa(q, SECTION_ANSWER, owner);
	else if (query_type(q) == TYPE_NS)
		reply_add(q, SECTION_ANSWER, owner, TYPE_NS, ZONE_TTL, rdata_of_name(q->arena, zone));
	else
		return false;
	return true;
}

static int ddr_serve(struct plugin *self, struct query *q)
{
	const struct ddr *d = self->state;
	struct name qname = q->request.question.name;
	if (!name_is_under(q->name, zone))
		return next(self, q);
	bool apex = name_equal(q->name, zone), discovers = name_equal(q->name, discovery);
	reply_new(q, apex || discovers ? RCODE_NOERROR : RCODE_NXDOMAIN, REPLY_AA);
	if (!(apex ? answer_apex(q) : discovers && answer_discovery(q, d)))
		add_soa(q, SECTION_AUTHORITY, name_suffix(qname, name_labels(zone)));
	return (int)q->reply->rcode;
}

static const struct option options[] = {
	{ "address", "IP...", NULL,
		"the addresses at which clients reach the encrypted listeners, where it is not what they are bound to", read_address },
	{ 0 },
};

PLUGIN(ddr) = {
	.name = "ddr",
	.arguments = "NAME",
	.help = "tells clients by which encrypted listeners they can ask (RFC 9462)",
	.about = "Answers for _dns.resolver.arpa, type SVCB, with the listeners of tls://, quic://, https:// and https3:// in this "
		 "Corefile that serve the zone `.` and have `tls`, in the order of the file, the first being preferred. NAME is the "
		 "name of them all. Clients go there on their own only if the certificate is also for the address that they asked "
		 "in the clear, or if that is a private one.\n\n"
		 "The rest of resolver.arpa does not exist, wherever else it might come from.",
	.options = options,
	.state_size = sizeof(struct ddr),
	.once = true,
	.setup = ddr_setup,
	.finish = ddr_finish,
	.serve = ddr_serve,
};
