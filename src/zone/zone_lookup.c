/* Answering from a zone: the algorithm of RFC 1034 4.3.2, with what came to it later. */
#include "zone/zone_lookup.h"

void put_set(struct lookup *l, enum section_id section, struct name owner, const struct rrset *s)
{
	const uint8_t *at = s->records;
	for (unsigned i = 0; i < s->count; i++) {
		struct view rdata = rrset_record(&at);
		section_add(&l->reply->section[section], l->arena,
			(struct record){
				.owner = owner,
				.rdata = (const uint8_t *)rdata.at,
				.rdata_length = (uint16_t)rdata.length,
				.ttl = s->ttl,
				.type = s->type,
				.class = CLASS_IN,
			});
	}
}

void put_signed(struct lookup *l, enum section_id section, struct name owner, const struct node *n,
	const struct rrset *s)
{
	put_set(l, section, owner, s);
	if (!l->dnssec)
		return;
	const struct rrset *signatures = node_signatures(l->zone, n, s->type);
	if (signatures)
		put_set(l, section, owner, signatures);
}

bool has_record(const struct section *s, struct name owner, const struct rrset *set)
{
	const uint8_t *rdata = (const uint8_t *)rrset_first(set).at;
	for (size_t i = 0; i < s->count; i++) {
		if (s->records[i].rdata == rdata && name_equal(s->records[i].owner, owner))
			return true;
	}
	return false;
}

static void put_apex_ns(struct lookup *l)
{
	const struct zone *z = l->zone;
	if (z->ns)
		put_set(l, SECTION_AUTHORITY, z->origin, z->ns);
	if (l->dnssec && z->ns_signatures)
		put_set(l, SECTION_AUTHORITY, z->origin, z->ns_signatures);
}

/* The SOA of a negative answer, to be kept no longer than its MINIMUM says (RFC 2308 3). */
static void put_soa(struct lookup *l)
{
	const struct zone *z = l->zone;
	struct section *authority = &l->reply->section[SECTION_AUTHORITY];
	size_t from = authority->count;
	put_set(l, SECTION_AUTHORITY, z->origin, z->soa);
	if (l->dnssec && z->soa_signatures)
		put_set(l, SECTION_AUTHORITY, z->origin, z->soa_signatures);
	for (size_t i = from; i < authority->count; i++) {
		if (authority->records[i].ttl > z->negative_ttl)
			authority->records[i].ttl = z->negative_ttl;
	}
}

/* The name does not exist; nor does what an alias before it may have stood for. */
static bool answer_nxdomain(struct lookup *l, const struct match *m)
{
	l->result.outcome = ZONE_NXDOMAIN;
	l->result.nothing_there = true;
	l->reply->rcode = RCODE_NXDOMAIN;
	put_soa(l);
	deny_expanded_names(l);
	deny_name(l, m->encloser_name);
	return false;
}

static void answer_nodata(struct lookup *l)
{
	l->result.outcome = ZONE_NODATA;
	put_soa(l);
	deny_expanded_names(l);
}

/* RFC 4035 3.1.4: the cut's NS without AA, in a signed zone its DS or the proof that it has none,
 * glue. */
static bool answer_referral(struct lookup *l, const struct match *m)
{
	const struct zone *z = l->zone;
	const struct rrset *ns = node_set(z, m->boundary, TYPE_NS);
	l->result.outcome = ZONE_REFERRAL;
	if (!l->result.aliased)
		l->reply->flags &= (uint16_t)~FLAG_AA;
	put_set(l, SECTION_AUTHORITY, m->boundary_name, ns);
	deny_expanded_names(l);
	const struct rrset *ds =
		l->dnssec && z->soa_signatures ? node_set(z, m->boundary, TYPE_DS) : NULL;
	if (ds)
		put_signed(l, SECTION_AUTHORITY, m->boundary_name, m->boundary, ds);
	else
		deny_ds(l, m->boundary_name);
	put_glue(l, m->boundary_name, ns);
	return false;
}

/* The answer section is complete but for what lies outside: NS beside it, unless they are the
 * answer. */
static void put_positive_authority(struct lookup *l)
{
	if (!(l->type == TYPE_NS && l->name.length == l->zone->origin.length))
		put_apex_ns(l);
	deny_expanded_names(l);
}

static bool is_answered_alias(const struct section *answer, struct name owner)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (answer->records[i].type == TYPE_CNAME &&
			name_equal(answer->records[i].owner, owner))
			return true;
	}
	return false;
}

/* Whether the zone has something of this name, be it a wildcard or a cut above it. */
static bool has_something_of(const struct zone *z, struct name qname)
{
	struct match m = zone_match(z, qname);
	struct name_buffer wildcard;
	if (m.boundary)
		return true;
	return m.node ? m.node->sets != 0 : zone_wildcard(z, &m, &wildcard) != NULL;
}

/* Whether this is not the nearest zone of those that are served, or has nothing of the name, so that others may. */
static bool leaves(const struct lookup *l, struct name target)
{
	if (!name_is_under(target, l->zone->origin))
		return true;
	return l->neighbours && (l->neighbours->serve(l->neighbours, target) ||
					!has_something_of(l->zone, target));
}

/* Goes on at the target of an alias that is in the answer. False where that ends: out of the zone,
 * in a loop, or after too many. */
static bool follow(struct lookup *l, struct name target)
{
	struct name_buffer lower;
	l->result.aliased = true;
	target = name_lower(target, &lower);
	if (leaves(l, target)) {
		l->result.outcome = ZONE_LEAVES;
		l->result.target = name_copy(l->arena, target);
		put_apex_ns(l);
		deny_expanded_names(l);
		return false;
	}
	if (is_answered_alias(&l->reply->section[SECTION_ANSWER], target) ||
		++l->alias_count == ALIASES_MAX) {
		l->result.outcome = ZONE_ANSWER;
		put_positive_authority(l);
		return false;
	}
	l->name = name_copy(l->arena, target);
	return true;
}

static bool answer_cname(struct lookup *l, const struct node *n)
{
	const struct rrset *cname = node_set(l->zone, n, TYPE_CNAME);
	put_signed(l, SECTION_ANSWER, l->name, n, cname);
	struct view target = rrset_first(cname);
	return follow(l, (struct name){ (const uint8_t *)target.at, target.length });
}

/* RFC 6672 3.2: the DNAME, the CNAME that it makes of the name, and what is there. */
static bool answer_dname(struct lookup *l, const struct match *m)
{
	const struct rrset *dname = node_set(l->zone, m->boundary, TYPE_DNAME);
	struct view rdata = rrset_first(dname);
	struct name to = { (const uint8_t *)rdata.at, rdata.length };
	put_signed(l, SECTION_ANSWER, m->boundary_name, m->boundary, dname);

	struct name_buffer made;
	if (!name_replace_suffix(l->name, m->boundary_name, to, &made)) {
		l->result.outcome = ZONE_YXDOMAIN;
		l->reply->rcode = RCODE_YXDOMAIN;
		return false;
	}
	struct name target = name_copy(l->arena, name_of(&made));
	section_add(&l->reply->section[SECTION_ANSWER], l->arena,
		(struct record){
			.owner = l->name,
			.rdata = target.octets,
			.rdata_length = (uint16_t)target.length,
			.ttl = dname->ttl,
			.type = TYPE_CNAME,
			.class = CLASS_IN,
		});
	if (l->type != TYPE_CNAME)
		return follow(l, target);
	l->result.outcome = ZONE_ANSWER;
	put_positive_authority(l);
	return false;
}

/* Whether a CNAME stands in for records of this type (RFC 1034 3.6.2); what DNSSEC puts beside a
 * CNAME is itself. */
static bool alias_applies(const struct lookup *l, const struct node *n)
{
	if (!(n->flags & NODE_CNAME))
		return false;
	switch (l->type) {
	case TYPE_CNAME:
	case TYPE_ANY:
	case TYPE_RRSIG:
	case TYPE_NSEC:
		return false;
	case TYPE_SOA:
	case TYPE_NS:
		return n != l->zone->apex;
	default:
		return true;
	}
}

/* One RRset stands for all (RFC 8482 4.1). */
static const struct rrset *any_set(const struct zone *z, const struct node *n)
{
	for (const struct rrset *s = zone_sets(z, n); s; s = rrset_next(z, s)) {
		if (s->type != TYPE_RRSIG && s->type != TYPE_NSEC)
			return s;
	}
	return node_set(z, n, TYPE_NSEC);
}

static bool put_all_signatures(struct lookup *l, const struct node *n)
{
	bool found = false;
	for (const struct rrset *s = zone_sets(l->zone, n); s; s = rrset_next(l->zone, s)) {
		if (s->type != TYPE_RRSIG)
			continue;
		put_set(l, SECTION_ANSWER, l->name, s);
		found = true;
	}
	return found;
}

/* Puts what was asked for under l->name; false if the node has nothing of it. */
static bool put_answer(struct lookup *l, const struct node *n)
{
	if (l->type == TYPE_RRSIG)
		return put_all_signatures(l, n);
	const struct rrset *s =
		l->type == TYPE_ANY ? any_set(l->zone, n) : node_set(l->zone, n, l->type);
	if (!s)
		return false;
	put_signed(l, SECTION_ANSWER, l->name, n, s);
	put_additional(l, l->name, s);
	return true;
}

static bool answer_positive(struct lookup *l)
{
	l->result.outcome = ZONE_ANSWER;
	put_positive_authority(l);
	return false;
}

/* The name is there. True to go on at l->name, an alias' target. */
static bool answer_from_node(struct lookup *l, const struct node *n)
{
	if (alias_applies(l, n))
		return answer_cname(l, n);
	if (put_answer(l, n))
		return answer_positive(l);
	answer_nodata(l);
	deny_type(l);
	l->result.nothing_there = !n->sets;
	return false;
}

/* The name is made from the wildcard (RFC 4592 3.3). */
static bool answer_from_wildcard(
	struct lookup *l, const struct match *m, struct name wildcard, const struct node *n)
{
	l->result.wildcard = name_copy(l->arena, wildcard);
	struct expansion *e = &l->expansions[l->expansion_count++];
	*e = (struct expansion){ l->name, m->encloser_name };
	if (alias_applies(l, n))
		return answer_cname(l, n);
	if (put_answer(l, n))
		return answer_positive(l);
	l->expansion_count--;
	answer_nodata(l);
	deny_wildcard_type(l, m->encloser_name, l->result.wildcard);
	return false;
}

/* One turn of RFC 1034 4.3.2 step 3. True to go on at l->name, an alias' target. */
static bool look(struct lookup *l)
{
	struct match m = zone_match(l->zone, l->name);
	bool at_cut = m.node && m.node == m.boundary;
	if (m.boundary && m.boundary->flags & NODE_CUT && !(at_cut && l->type == TYPE_DS))
		return answer_referral(l, &m);
	if (m.boundary && !at_cut)
		return answer_dname(l, &m);
	if (m.node)
		return answer_from_node(l, m.node);
	struct name_buffer wildcard;
	const struct node *n = zone_wildcard(l->zone, &m, &wildcard);
	if (n)
		return answer_from_wildcard(l, &m, name_of(&wildcard), n);
	return answer_nxdomain(l, &m);
}

struct zone_result zone_lookup(const struct zone *z, struct name qname, uint16_t type, bool dnssec,
	struct message *reply, struct arena *arena)
{
	return zone_lookup_among(NULL, z, qname, type, dnssec, reply, arena);
}

struct zone_result zone_lookup_among(const struct zone_neighbours *neighbours, const struct zone *z,
	struct name qname, uint16_t type, bool dnssec, struct message *reply, struct arena *arena)
{
	struct lookup l;
	l.neighbours = neighbours;
	l.zone = z;
	l.reply = reply;
	l.arena = arena;
	l.name = qname;
	l.type = type;
	l.dnssec = dnssec;
	l.result = (struct zone_result){ 0 };
	l.expansion_count = l.alias_count = 0;
	reply->rcode = RCODE_NOERROR;
	reply->flags |= FLAG_AA;
	while (look(&l)) {
	}
	return l.result;
}
