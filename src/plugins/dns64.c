/* IPv6 addresses for those who have no other way to IPv4 (RFC 6147): AAAA made from A. */
#include "base/clock.h"
#include "dns/rdata.h"
#include "net/prefix.h"
#include "server/series.h"

enum { TTL_WITHOUT_SOA = 600, RESERVED_OCTET = 8 /* bits 64 to 71 are zero (RFC 6052 2.2) */ };

struct dns64 {
	struct prefix prefix;
	bool translate_all, allow_ipv4;
};

struct dns64_worker {
	struct series_memory series;
};

static const struct metric_family translated = {
	.name = "coredns_dns64_requests_translated_total",
	.help = "Counter of DNS requests translated by dns64.",
	.kind = METRIC_COUNTER,
	.labels = { "server" },
};

static const struct metric_family *const metrics[] = { &translated, NULL };

/* --- set-up --- */

static void dns64_init(struct setup *s)
{
	struct dns64 *d = s->state;
	prefix_parse(VIEW("64:ff9b::/96"), &d->prefix);
}

/* Lengths that RFC 6052 2.2 knows, and those between them on octets' borders. */
static bool is_length(unsigned bits)
{
	return bits == 32 || (bits >= 40 && bits <= 96 && bits % 8 == 0);
}

static bool read_prefix_word(struct setup *s, struct view word)
{
	struct dns64 *d = s->state;
	if (!prefix_parse(word, &d->prefix))
		return setup_error_plain(s, "invalid CIDR address: %.*s", VIEW_ARGS(word));
	if (!d->prefix.v6)
		return setup_error(s, "invalid netmask %u IPv6 address: \"%.*s\"", d->prefix.bits + 8u, VIEW_ARGS(word));
	if (!is_length(d->prefix.bits))
		return setup_error(s, "invalid prefix length \"%.*s\"", VIEW_ARGS(word));
	return true;
}

static bool dns64_setup(struct setup *s)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	if (count > 1)
		return setup_argument_error(s);
	return !count || read_prefix_word(s, words[0]);
}

static bool read_prefix(struct setup *s)
{
	struct view *words;
	if (args_rest(s, &words) != 1)
		return setup_argument_error(s);
	return read_prefix_word(s, words[0]);
}

/* --- answers --- */

/* The IPv4 address behind the prefix (RFC 6052 2.2). */
static struct view embed(struct arena *a, const struct prefix *p, const uint8_t *v4)
{
	uint8_t address[16];
	memcpy(address, p->address, sizeof address);
	for (unsigned at = p->bits / 8u, i = 0; i < 4; at++) {
		if (at != RESERVED_OCTET)
			address[at] = v4[i++];
	}
	return rdata_aaaa(a, address);
}

/* How long nothing better may come: what the denial says (RFC 6147 5.1.7). */
static uint32_t ttl_limit(const struct message *denial)
{
	uint32_t limit = TTL_WITHOUT_SOA;
	const struct section *s = &denial->section[SECTION_AUTHORITY];
	for (size_t i = 0; i < s->count; i++) {
		if (s->records[i].type == TYPE_SOA)
			limit = s->records[i].ttl;
	}
	return limit;
}

static bool has_address(const struct message *m)
{
	const struct section *s = &m->section[SECTION_ANSWER];
	for (size_t i = 0; i < s->count; i++) {
		if (s->records[i].type == TYPE_AAAA)
			return true;
	}
	return false;
}

static bool takes_part(const struct dns64 *d, const struct query *q)
{
	return query_type(q) == TYPE_AAAA && query_class(q) == CLASS_IN &&
	       (d->allow_ipv4 || endpoint_is_v6(&q->client));
}

static bool is_to_be_translated(const struct dns64 *d, const struct message *m)
{
	if (response_classify(m, clock_wall_seconds()) == RESPONSE_NXDOMAIN)
		return false;
	return d->translate_all || !has_address(m);
}

static struct record translate_record(struct arena *a, const struct dns64 *d, struct record r, uint32_t limit)
{
	if (r.type != TYPE_A || r.rdata_length != 4)
		return r;
	struct view rdata = embed(a, &d->prefix, r.rdata);
	r.type = TYPE_AAAA;
	r.rdata = (const uint8_t *)rdata.at;
	r.rdata_length = (uint16_t)rdata.length;
	r.ttl = r.ttl < limit ? r.ttl : limit;
	return r;
}

static void translate(const struct dns64 *d, struct query *q, const struct message *found, uint32_t limit)
{
	struct message *m = reply_new(q, RCODE_NOERROR, 0);
	m->flags |= (uint16_t)(found->flags & FLAG_TC);
	for (int id = SECTION_ANSWER; id < SECTION_COUNT; id++) {
		const struct section *s = &found->section[id];
		for (size_t i = 0; i < s->count; i++) {
			struct record r = s->records[i];
			if (id == SECTION_ANSWER)
				r = translate_record(q->arena, d, r, limit);
			section_add(&m->section[id], q->arena, r);
		}
	}
}

static int dns64_serve(struct plugin *self, struct query *q)
{
	const struct dns64 *d = self->state;
	int rc = next(self, q);
	if (!takes_part(d, q) || !q->reply)
		return rc;
	struct message *denial = reply_open(q), *found;
	if (!is_to_be_translated(d, denial))
		return rc;
	query_lookup(q, q->request.question.name, TYPE_A, &found);
	if (!found) {
		q->reply = NULL;
		return query_fail(q, RCODE_SERVFAIL, "no answer for the A records to translate");
	}
	translate(d, q, found, ttl_limit(denial));
	struct dns64_worker *w = worker_state(self, q);
	metric_add(series_get(&w->series, &translated, q, VIEW("")), 1);
	return RCODE_NOERROR;
}

PLUGIN(dns64) = {
	.name = "dns64",
	.arguments = "[PREFIX]",
	.help = "makes AAAA records from A records, for clients that have IPv6 only",
	.about = "Where a name has no AAAA records its A records are answered, each address embedded in PREFIX as RFC 6052 says. "
		 "Only clients that ask over IPv6 are answered so.",
	.options =
		(const struct option[]){
			{ .name = "prefix",
				.arguments = "PREFIX",
				.fallback = "64:ff9b::/96",
				.help = "what IPv4 addresses are put behind: 32, or 40 to 96 bits on an octet's border",
				.read = read_prefix },
			{ .name = "translate_all",
				.help = "also names that have AAAA records of their own",
				.offset = offsetof(struct dns64, translate_all) },
			{ .name = "allow_ipv4",
				.help = "also for clients that ask over IPv4",
				.offset = offsetof(struct dns64, allow_ipv4) },
			{ 0 },
		},
	.metrics = metrics,
	.state_size = sizeof(struct dns64),
	.worker_size = sizeof(struct dns64_worker),
	.once = true,
	.init = dns64_init,
	.setup = dns64_setup,
	.serve = dns64_serve,
};
