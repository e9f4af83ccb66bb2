/* The plugin `nomad`: SERVICE.NAMESPACE out of Nomad's own service discovery. */
#include "plugins/nomad/nomad.h"

#include "base/address.h"
#include "base/hash.h"
#include "plugins/seen.h"
#include "server/block.h"

enum {
	SOA_REFRESH = 3600,
	SOA_RETRY = 600,
	SOA_EXPIRE = 86400,
	SOA_MINIMUM = 30,
	SRV_PRIORITY = 10,
	SRV_WEIGHT = 10,
	LABELS_OF_SERVICE = 2, /* SERVICE.NAMESPACE */
};

static const struct metric_family success_family = {
	.name = "coredns_nomad_success_requests_total",
	.help = "Counter of DNS requests handled successfully.",
	.kind = METRIC_COUNTER,
	.labels = { "server", "namespace" },
};

static const struct metric_family failed_family = {
	.name = "coredns_nomad_failed_requests_total",
	.help = "Counter of DNS requests failed.",
	.kind = METRIC_COUNTER,
	.labels = { "server", "namespace" },
};

static const struct metric_family *const nomad_metrics[] = { &success_family, &failed_family, NULL };

/* One question. */
struct asked {
	const struct nomad *n;
	struct query *q;
	struct view service, namespace;
	struct name owner;        /* of the service, in lower case */
	struct view address_label; /* of a name below it: "192-0-2-1"; empty: the service itself */
	const struct nomad_service *found;
	struct seen seen, seen_additional;
};

/* Namespaces that there are not have no series: anybody can ask for any. */
static void count(const struct asked *a, const struct metric_family *family)
{
	bool known = nomad_knows_namespace(a->n->source, a->namespace);
	struct view values[] = { query_server(a->q), known ? a->namespace : VIEW("") };
	metric_add(metric_get(family, values), 1);
}

static struct view octets_of(const struct nomad_registration *r)
{
	return (struct view){ (const char *)r->address, r->address_length };
}

static uint16_t type_of(const struct nomad_registration *r)
{
	return r->address_length == IPV4_OCTETS ? TYPE_A : TYPE_AAAA;
}

static bool same_address(const struct nomad_registration *a, const struct nomad_registration *b)
{
	return view_equal(octets_of(a), octets_of(b));
}

/* "192-0-2-1", "2001-db8--1": the label of an address below its service. */
static struct view address_label(struct arena *arena, const struct nomad_registration *r)
{
	char *text = arena_octets(arena, IPV6_TEXT_MAX + 1);
	size_t length = r->address_length == IPV4_OCTETS ? ipv4_print(r->address, text) : ipv6_print(r->address, text);
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '.' || text[i] == ':')
			text[i] = '-';
	}
	if (text[length - 1] == '-')
		text[length++] = '0';
	return (struct view){ text, length };
}

/* --- answers --- */

static struct name below_zone(const struct asked *a, const char *label)
{
	struct name_buffer *room = arena_new_object(a->q->arena, struct name_buffer);
	return name_prepend(view_of(label), a->n->zone, room) ? name_of(room) : a->n->zone;
}

static int deny(struct asked *a, uint16_t rcode)
{
	uint32_t ttl = a->n->ttl < SOA_MINIMUM ? a->n->ttl : SOA_MINIMUM;
	a->q->reply->rcode = rcode;
	reply_add(a->q, SECTION_AUTHORITY, a->n->zone, TYPE_SOA, ttl,
		rdata_soa(a->q->arena, below_zone(a, "ns1"), below_zone(a, "hostmaster"), 0, SOA_REFRESH, SOA_RETRY,
			SOA_EXPIRE, SOA_MINIMUM));
	return RCODE_NOERROR;
}

static bool is_asked_for(struct asked *a, const struct nomad_registration *r)
{
	return !a->address_label.length ||
	       view_equal_nocase(address_label(a->q->arena, r), a->address_label);
}

static void add_address(struct asked *a, enum section_id section, struct name owner, const struct nomad_registration *r)
{
	struct seen *seen = section == SECTION_ANSWER ? &a->seen : &a->seen_additional;
	struct view octets = octets_of(r);
	uint64_t hash = hash_mix(name_hash(owner), hash_bytes(octets.at, octets.length));
	if (seen_add(seen, a->q->arena, hash))
		reply_add(a->q, section, owner, type_of(r), a->n->ttl, octets);
}

/* Whether all of them are in one place: its name is the service's own then. */
static bool is_one_address(const struct nomad_service *s)
{
	for (uint32_t i = 1; i < s->count; i++) {
		if (!same_address(&s->registrations[0], &s->registrations[i]))
			return false;
	}
	return true;
}

/* A target is one address, so that a port is not tried at another's. */
static void add_srv(struct asked *a, const struct nomad_registration *r, bool one)
{
	struct arena *arena = a->q->arena;
	struct name target = a->owner;
	struct name_buffer *room = arena_new_object(arena, struct name_buffer);
	if (!one && name_prepend(address_label(arena, r), a->owner, room))
		target = name_of(room);
	if (seen_add(&a->seen, arena, hash_mix(name_hash(target), r->port)))
		reply_add(a->q, SECTION_ANSWER, a->q->request.question.name, TYPE_SRV, a->n->ttl,
			rdata_srv(arena, SRV_PRIORITY, SRV_WEIGHT, r->port, target));
	add_address(a, SECTION_ADDITIONAL, target, r);
}

static int answer(struct asked *a)
{
	const struct nomad_service *s = a->found;
	struct query *q = a->q;
	bool one = is_one_address(s), there = !a->address_label.length;
	for (uint32_t i = 0; i < s->count; i++) {
		const struct nomad_registration *r = &s->registrations[i];
		if (!is_asked_for(a, r))
			continue;
		there = true;
		if (query_type(q) == type_of(r))
			add_address(a, SECTION_ANSWER, q->request.question.name, r);
		else if (query_type(q) == TYPE_SRV && !a->address_label.length)
			add_srv(a, r, one);
	}
	if (!there)
		return deny(a, RCODE_NXDOMAIN);
	return q->reply->section[SECTION_ANSWER].count ? RCODE_NOERROR : deny(a, RCODE_NOERROR);
}

/* --- questions --- */

static struct view label_of(struct name n, unsigned labels)
{
	return name_first_label(name_suffix(n, labels));
}

/* The parts of the name: [ADDRESS.]SERVICE.NAMESPACE. False if it has more. */
static bool read_name(struct asked *a, unsigned zone_labels)
{
	unsigned labels = name_labels(a->q->name) - zone_labels;
	a->namespace = label_of(a->q->name, zone_labels + 1);
	a->service = label_of(a->q->name, zone_labels + LABELS_OF_SERVICE);
	a->owner = name_suffix(a->q->name, zone_labels + LABELS_OF_SERVICE);
	if (labels > LABELS_OF_SERVICE)
		a->address_label = label_of(a->q->name, zone_labels + LABELS_OF_SERVICE + 1);
	return labels <= LABELS_OF_SERVICE + 1;
}

static int nomad_serve(struct plugin *self, struct query *q)
{
	const struct nomad *n = self->state;
	struct asked a = { .n = n, .q = q };
	const char *error;
	unsigned zone_labels = name_labels(n->zone);
	if (!name_is_under(q->name, n->zone) || name_labels(q->name) < zone_labels + LABELS_OF_SERVICE)
		return next(self, q);
	bool readable = read_name(&a, zone_labels);
	enum nomad_outcome outcome =
		readable ? nomad_find(self, n->source, q, a.namespace, a.service, &a.found, &error) : NOMAD_NO_SERVICE;
	count(&a, outcome == NOMAD_FOUND ? &success_family : &failed_family);
	if (outcome == NOMAD_AWAY) {
		query_why(q, "%s", error);
		return query_fail(q, RCODE_SERVFAIL, "%s", error);
	}
	reply_new(q, RCODE_NOERROR, REPLY_AA);
	return outcome == NOMAD_FOUND ? answer(&a) : deny(&a, RCODE_NXDOMAIN);
}

static bool nomad_start(struct plugin *self, struct plugin *before)
{
	const struct nomad *n = self->state;
	const char *why;
	(void)before;
	return nomad_source_start(n->source, self->block->config->arena, &why) || start_error(self, "%s", why);
}

static const char *nomad_source_of(const struct plugin *self, struct query *q)
{
	const struct nomad *n = self->state;
	return name_is_under(q->name, n->zone) ? nomad_source_text(n->source, q->arena) : NULL;
}

PLUGIN(nomad) = {
	.name = "nomad",
	.arguments = "[ZONE]",
	.help = "answers with the services that Nomad knows of",
	.about = "SERVICE.NAMESPACE.ZONE has the addresses of the service's registrations, and SRV records with their ports. ZONE is "
		 "`service.nomad` where none is named. The variables of Nomad's own tools are honoured: NOMAD_ADDR, NOMAD_TOKEN, NOMAD_REGION, "
		 "NOMAD_HTTP_AUTH, NOMAD_CACERT, NOMAD_CAPATH, NOMAD_CLIENT_CERT, NOMAD_CLIENT_KEY, NOMAD_TLS_SERVER_NAME, NOMAD_SKIP_VERIFY.\n\n"
		 "One blocking query tells when services change. A service is fetched when it is asked for, and again when something has changed; "
		 "while Nomad is away, what was known is answered.",
	.options = nomad_options,
	.metrics = nomad_metrics,
	.state_size = sizeof(struct nomad),
	.once = true,
	.init = nomad_init,
	.setup = nomad_setup,
	.finish = nomad_finish,
	.start = nomad_start,
	.serve = nomad_serve,
	.source = nomad_source_of,
};
