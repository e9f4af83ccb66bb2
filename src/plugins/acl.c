/* Who may ask what: queries are let through, refused, answered emptily or dropped by client network
 * and type. */
#include "net/prefix.h"
#include "server/series.h"

enum {
	UDP_SIZE_OF_DENIAL = 4096,
	ERROR_BLOCKED = 15,  /* RFC 8914 4.16 */
	ERROR_FILTERED = 17, /* RFC 8914 4.18 */
};

enum acl_action {
	ACL_ALLOW,
	ACL_BLOCK,
	ACL_FILTER,
	ACL_DROP,
};

/* A line of a directive's block. */
struct acl_policy {
	struct acl_policy *next;
	enum acl_action action;
	bool any_type, any_network;
	const uint16_t *types;
	size_t type_count;
	struct prefix_set networks;
};

/* One directive: its policies hold for names under its zones. */
struct acl_rule {
	struct acl_rule *next;
	struct name *zones;
	struct view *zone_texts; /* for metrics */
	size_t zone_count;
	struct acl_policy *policies, **last;
};

struct acl {
	struct acl_rule *rules, **last;
	struct acl_rule *newest; /* whose block is being read */
};

struct acl_worker {
	struct series_memory series;
};

static const struct metric_family blocked = {
	.name = "coredns_acl_blocked_requests_total",
	.help = "Counter of DNS requests being blocked.",
	.labels = { "server", "zone", "view" },
};

static const struct metric_family filtered = {
	.name = "coredns_acl_filtered_requests_total",
	.help = "Counter of DNS requests being filtered.",
	.labels = { "server", "zone", "view" },
};

static const struct metric_family dropped = {
	.name = "coredns_acl_dropped_requests_total",
	.help = "Counter of DNS requests being dropped.",
	.labels = { "server", "zone", "view" },
};

static const struct metric_family allowed = {
	.name = "coredns_acl_allowed_requests_total",
	.help = "Counter of DNS requests being allowed.",
	.labels = { "server", "view" },
};

/* --- set-up --- */

static void acl_init(struct setup *s)
{
	struct acl *a = s->state;
	a->last = &a->rules;
}

static bool acl_setup(struct setup *s)
{
	struct acl *a = s->state;
	struct acl_rule *r = arena_new_object(s->arena, struct acl_rule);
	if (!args_zones(s, &r->zones, &r->zone_count))
		return false;
	r->zone_texts = arena_array(s->arena, r->zone_count, sizeof *r->zone_texts);
	for (size_t i = 0; i < r->zone_count; i++)
		r->zone_texts[i] = view_of(name_text(s->arena, r->zones[i]));
	r->last = &r->policies;
	*a->last = r;
	a->last = &r->next;
	a->newest = r;
	return true;
}

static bool is_section(struct view word)
{
	return view_equal_nocase(word, VIEW("type")) || view_equal_nocase(word, VIEW("net"));
}

/* The words of one section: up to the next one. */
static size_t section_length(const struct view *words, size_t count)
{
	size_t n = 0;
	while (n < count && !is_section(words[n]))
		n++;
	return n;
}

/* Whether "*" stands among the words: then nothing behind it is looked at. */
static size_t before_star(const struct view *words, size_t count, bool *star)
{
	for (size_t i = 0; i < count; i++) {
		if (view_is(words[i], "*")) {
			*star = true;
			return i;
		}
	}
	return count;
}

static bool read_types(
	struct setup *s, const struct view *words, size_t count, struct acl_policy *p)
{
	uint16_t *types = arena_array(s->arena, p->type_count + count, sizeof *types);
	char text[MNEMONIC_MAX];
	if (p->type_count)
		memcpy(types, p->types, p->type_count * sizeof *types);
	count = before_star(words, count, &p->any_type);
	for (size_t i = 0; i < count; i++) {
		uint16_t *type = &types[p->type_count];
		if (!type_parse(words[i], type) || !view_is(words[i], type_print(*type, text)))
			return setup_error(s, "unexpected token \"%.*s\"; expect legal QTYPE",
				VIEW_ARGS(words[i]));
		p->type_count++;
	}
	p->types = types;
	return true;
}

/* As CoreDNS completes an address before it complains about it. */
static const char *network_text(struct setup *s, struct view word)
{
	const char *length = "";
	if (view_find(word, '/') == word.length)
		length = view_find(word, ':') < word.length ? "/128" : "/32";
	return arena_printf(s->arena, "%.*s%s", VIEW_ARGS(word), length);
}

static bool read_networks(
	struct setup *s, const struct view *words, size_t count, struct acl_policy *p)
{
	size_t had = p->networks.count;
	struct prefix *networks = arena_array(s->arena, had + count, sizeof *networks);
	if (had)
		memcpy(networks, p->networks.prefixes, had * sizeof *networks);
	count = before_star(words, count, &p->any_network);
	for (size_t i = 0; i < count; i++) {
		if (!prefix_parse_or_address(words[i], &networks[had + i]))
			return setup_error(
				s, "illegal CIDR notation \"%s\"", network_text(s, words[i]));
	}
	p->networks = prefix_set_make(networks, had + count);
	return true;
}

static bool read_section(struct setup *s, struct view section, const struct view *words,
	size_t count, struct acl_policy *p)
{
	bool types = view_equal_nocase(section, VIEW("type"));
	if (count == 0)
		return setup_error(
			s, "no token specified in \"%s\" section", types ? "type" : "net");
	return types ? read_types(s, words, count, p) : read_networks(s, words, count, p);
}

static bool read_policy(struct setup *s, enum acl_action action)
{
	struct acl_rule *r = ((struct acl *)s->state)->newest;
	struct acl_policy *p = arena_new_object(s->arena, struct acl_policy);
	struct view *words;
	size_t count = args_rest(s, &words);
	p->action = action;
	for (size_t i = 0; i < count;) {
		if (!is_section(words[i]))
			return setup_error(s, "unexpected token \"%.*s\"; expect 'type | net'",
				VIEW_ARGS(words[i]));
		size_t length = section_length(words + i + 1, count - i - 1);
		if (!read_section(s, words[i], words + i + 1, length, p))
			return false;
		i += 1 + length;
	}
	p->any_type = p->any_type || p->type_count == 0;
	p->any_network = p->any_network || p->networks.count == 0;
	*r->last = p;
	r->last = &p->next;
	return true;
}

static bool read_allow(struct setup *s)
{
	return read_policy(s, ACL_ALLOW);
}

static bool read_block(struct setup *s)
{
	return read_policy(s, ACL_BLOCK);
}

static bool read_filter(struct setup *s)
{
	return read_policy(s, ACL_FILTER);
}

static bool read_drop(struct setup *s)
{
	return read_policy(s, ACL_DROP);
}

/* Actions are taken in any case; anything else is an error. */
static bool read_other(struct setup *s)
{
	static const char *const actions[] = { "allow", "block", "filter", "drop" };
	struct view word = s->directive->words[s->at].text;
	for (unsigned i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		if (view_equal_nocase(word, view_of(actions[i])))
			return read_policy(s, (enum acl_action)i);
	}
	return setup_error(s,
		"unexpected token \"%.*s\"; expect 'allow', 'block', 'filter' or 'drop'",
		VIEW_ARGS(word));
}

/* --- queries --- */

static bool policy_matches(const struct acl_policy *p, const struct query *q)
{
	bool type = p->any_type;
	for (size_t i = 0; i < p->type_count && !type; i++)
		type = p->types[i] == query_type(q);
	return type && (p->any_network || prefix_set_contains(&p->networks, &q->client));
}

static const struct acl_policy *rule_decides(const struct acl_rule *r, const struct query *q)
{
	for (const struct acl_policy *p = r->policies; p; p = p->next) {
		if (policy_matches(p, q))
			return p;
	}
	return NULL;
}

static struct view text_of_zone(const struct acl_rule *r, struct name zone)
{
	for (size_t i = 0; i < r->zone_count; i++) {
		if (r->zones[i].octets == zone.octets)
			return r->zone_texts[i];
	}
	return VIEW("");
}

/* The first policy that matches, in the first directive that has one; NULL if the query is let
 * through. */
static const struct acl_policy *decide(
	const struct acl *a, const struct query *q, struct view *zone_text)
{
	for (const struct acl_rule *r = a->rules; r; r = r->next) {
		struct name zone;
		if (!zones_match(r->zones, r->zone_count, q->name, &zone))
			continue;
		const struct acl_policy *p = rule_decides(r, q);
		if (!p)
			continue;
		*zone_text = text_of_zone(r, zone);
		return p->action == ACL_ALLOW ? NULL : p;
	}
	return NULL;
}

static int deny(struct query *q, uint16_t rcode, uint16_t extended_error)
{
	struct edns *e = &reply_new(q, rcode, 0)->edns;
	*e = (struct edns){ .present = true, .udp_size = UDP_SIZE_OF_DENIAL, .flags = EDNS_DO };
	edns_add_extended_error(e, q->arena, extended_error, VIEW(""));
	return rcode;
}

static int acl_serve(struct plugin *self, struct query *q)
{
	struct acl_worker *w = worker_state(self, q);
	struct view zone;
	const struct acl_policy *p = decide(self->state, q, &zone);
	if (!p) {
		metric_add(series_get(&w->series, &allowed, q, VIEW("")), 1);
		return next(self, q);
	}
	query_why(q, "the client's network or the type is denied");
	switch (p->action) {
	case ACL_BLOCK:
		metric_add(series_get(&w->series, &blocked, q, zone), 1);
		return deny(q, RCODE_REFUSED, ERROR_BLOCKED);
	case ACL_FILTER:
		metric_add(series_get(&w->series, &filtered, q, zone), 1);
		return deny(q, RCODE_NOERROR, ERROR_FILTERED);
	default:
		metric_add(series_get(&w->series, &dropped, q, zone), 1);
		return SERVE_DROP;
	}
}

#define ACL_ARGUMENTS "[type QTYPE...] [net SOURCE...]"

static const struct option acl_options[] = {
	{ "allow", ACL_ARGUMENTS, NULL, "lets the query through, whatever comes after",
		read_allow },
	{ "block", ACL_ARGUMENTS, NULL, "answers REFUSED", read_block },
	{ "filter", ACL_ARGUMENTS, NULL, "answers NOERROR without records", read_filter },
	{ "drop", ACL_ARGUMENTS, NULL, "does not answer", read_drop },
	{ "*", NULL, NULL, NULL, read_other },
	{ 0 },
};

static const struct metric_family *const acl_metrics[] = { &blocked, &filtered, &dropped, &allowed,
	NULL };

PLUGIN(acl) = {
	.name = "acl",
	.arguments = "[ZONES...]",
	.help = "allows, blocks, filters or drops queries by the client's network and the type",
	.about = "Directives are asked in their order, if the name is under one of their ZONES "
		 "(the block's zones by default); within "
		 "one, the first line that matches decides. SOURCE is an address or a network; no "
		 "type, no net and \"*\" mean "
		 "all. A query that nothing matches is let through. The denials carry an extended "
		 "error (RFC 8914).",
	.options = acl_options,
	.metrics = acl_metrics,
	.state_size = sizeof(struct acl),
	.worker_size = sizeof(struct acl_worker),
	.init = acl_init,
	.setup = acl_setup,
	.serve = acl_serve,
};
