/* Names and reverse zones of this host alone (RFC 6303, RFC 6761 6.3): answered here, whatever else
 * is configured. */
#include "server/plugin.h"

enum { LOCAL_TTL = 604800 };

static const struct metric_family local_requests = {
	.name = "coredns_local_localhost_requests_total",
	.help = "Counter of special localhost subdomain requests.",
	.kind = METRIC_COUNTER,
};

struct local {
	bool no_prefix;
	struct metric *requests;
};

static const struct name localhost = NAME_LITERAL("\11localhost");
static const struct name root_localhost = NAME_LITERAL("\4root\11localhost");
static const struct name loopback_owner =
	NAME_LITERAL("\1\61\1\60\1\60\3\61\62\67\7in-addr\4arpa"); /* 1.0.0.127.in-addr.arpa. */
/* localhost., then 0, 127 and 255 of in-addr.arpa. */
static const struct name zones[] = {
	NAME_LITERAL("\11localhost"),
	NAME_LITERAL("\1\60\7in-addr\4arpa"),
	NAME_LITERAL("\3\61\62\67\7in-addr\4arpa"),
	NAME_LITERAL("\3\62\65\65\7in-addr\4arpa"),
};

static const uint8_t loopback_v4[4] = { 127, 0, 0, 1 }, loopback_v6[16] = { [15] = 1 };

static void local_init(struct setup *s)
{
	struct local *l = s->state;
	l->requests = metric_get(&local_requests, NULL);
}

static bool read_prefix(struct setup *s)
{
	struct local *l = s->state;
	struct view word;
	if (!arg_need(s, &word))
		return false;
	l->no_prefix = view_is(word, "off");
	if (!l->no_prefix && !view_is(word, "on"))
		return setup_error(
			s, "localhost_prefix expects 'on' or 'off', got \"%.*s\"", VIEW_ARGS(word));
	return arg_end(s);
}

static void add_soa(struct query *q, enum section_id s, struct name owner)
{
	reply_add(q, s, owner, TYPE_SOA, LOCAL_TTL,
		rdata_soa(q->arena, localhost, root_localhost, 1, 0, 0, 0, LOCAL_TTL));
}

static void add_answer(struct query *q, uint16_t type, struct view rdata)
{
	reply_add(q, SECTION_ANSWER, q->request.question.name, type, LOCAL_TTL, rdata);
}

/* The loopback address of the type that is asked for; false for other types. */
static bool add_loopback(struct query *q)
{
	if (query_type(q) == TYPE_A)
		add_answer(q, TYPE_A, rdata_a(q->arena, loopback_v4));
	else if (query_type(q) == TYPE_AAAA)
		add_answer(q, TYPE_AAAA, rdata_aaaa(q->arena, loopback_v6));
	else
		return false;
	return true;
}

/* x.localhost, and localhost.x as resolvers with a search list make it of a plain "localhost". */
static bool is_localhost_variant(const struct local *l, struct name qname)
{
	if (name_labels(qname) < 2)
		return false;
	if (name_is_under(qname, localhost))
		return true;
	return !l->no_prefix && view_is(name_first_label(qname), "localhost");
}

static int serve_variant(const struct local *l, struct query *q)
{
	metric_add(l->requests, 1);
	reply_new(q, RCODE_NOERROR, 0);
	if (!add_loopback(q))
		add_soa(q, SECTION_AUTHORITY, q->request.question.name);
	return RCODE_NOERROR;
}

static bool serve_apex(struct query *q, struct name zone)
{
	if (query_type(q) == TYPE_SOA)
		add_soa(q, SECTION_ANSWER, q->request.question.name);
	else if (query_type(q) == TYPE_NS)
		add_answer(q, TYPE_NS, rdata_of_name(q->arena, localhost));
	else
		return name_equal(zone, localhost) && add_loopback(q);
	return true;
}

static int serve_zone(struct query *q, struct name zone)
{
	struct name qname = q->request.question.name;
	bool apex = name_equal(qname, zone), loopback = name_equal(qname, loopback_owner),
	     answered = false;
	reply_new(q, apex || loopback ? RCODE_NOERROR : RCODE_NXDOMAIN, 0);
	if (apex)
		answered = serve_apex(q, zone);
	if (loopback && query_type(q) == TYPE_PTR) {
		add_answer(q, TYPE_PTR, rdata_of_name(q->arena, localhost));
		answered = true;
	}
	if (!answered)
		add_soa(q, SECTION_AUTHORITY, name_suffix(qname, name_labels(zone)));
	return (int)q->reply->rcode;
}

static int local_serve(struct plugin *self, struct query *q)
{
	const struct local *l = self->state;
	struct name zone;
	if (is_localhost_variant(l, q->name)) {
		if (log_debug_on()) {
			char from[ENDPOINT_TEXT_MAX], type[MNEMONIC_MAX];
			endpoint_print_ip(&q->client, from);
			log_line(LOG_DEBUG, self->type->name,
				"Intercepting localhost query for \"%s\" %s, from %s",
				name_text(q->arena, q->name), type_print(query_type(q), type),
				from);
		}
		return serve_variant(l, q);
	}
	if (!zones_match(zones, sizeof zones / sizeof zones[0], q->name, &zone))
		return next(self, q);
	return serve_zone(q, zone);
}

static const struct option local_options[] = {
	{ "localhost_prefix", "on|off", "on",
		"also answers names that start with the label localhost, as search lists make them",
		read_prefix },
	{ 0 },
};

static const struct metric_family *const local_metrics[] = { &local_requests, NULL };

PLUGIN(local) = {
	.name = "local",
	.help = "answers for localhost and the reverse zones 0, 127 and 255 of in-addr.arpa",
	.options = local_options,
	.metrics = local_metrics,
	.state_size = sizeof(struct local),
	.init = local_init,
	.serve = local_serve,
};
