/* Answers: the records that services make for each type. */
#include "plugins/etcd/etcd.h"

#include "base/address.h"
#include "base/hash.h"
#include "plugins/found.h"

enum {
	SOA_TTL = 30,
	SOA_REFRESH = 7200,
	SOA_RETRY = 1800,
	SOA_EXPIRE = 86400,
	ALIASES_MAX = 10,
	WEIGHTS = 100, /* what the weights of one priority come to */
};

static struct name asked_name(const struct etcd_lookup *l)
{
	return l->q->request.question.name;
}

/* "first.second.ZONE"; the zone itself if that is too long for a name. */
static struct name zone_name(const struct etcd_lookup *l, const char *first, const char *second)
{
	struct name_buffer *whole = arena_new_object(l->q->arena, struct name_buffer), half;
	struct name below = l->zone;
	if (second) {
		if (!name_prepend(view_of(second), l->zone, &half))
			return l->zone;
		below = name_of(&half);
	}
	return name_prepend(view_of(first), below, whole) ? name_of(whole) : l->zone;
}

void etcd_add_soa(struct etcd_lookup *l, enum section_id section)
{
	uint32_t now = (uint32_t)clock_wall_seconds();
	reply_add(l->q, section, l->zone, TYPE_SOA, SOA_TTL,
		rdata_soa(l->q->arena, zone_name(l, "ns", "dns"), zone_name(l, "hostmaster", NULL), now, SOA_REFRESH,
			SOA_RETRY, SOA_EXPIRE, SOA_TTL));
}

static bool has_answers(const struct etcd_lookup *l)
{
	return l->q->reply->section[SECTION_ANSWER].count != 0;
}

static enum etcd_outcome outcome_of_answers(const struct etcd_lookup *l)
{
	return has_answers(l) ? ETCD_FOUND : ETCD_NODATA;
}

static uint16_t address_type(const struct service *s)
{
	return s->kind == SERVICE_IPV4 ? TYPE_A : TYPE_AAAA;
}

static struct view address_octets(const struct service *s)
{
	return (struct view){ (const char *)s->address, s->kind == SERVICE_IPV4 ? IPV4_OCTETS : IPV6_OCTETS };
}

static uint64_t hash_of(struct view octets)
{
	return hash_bytes(octets.at, octets.length);
}

static struct name host_name(const struct etcd_lookup *l, const struct service *s)
{
	return name_from_text(l->q->arena, service_host(s));
}

static struct name lower(const struct etcd_lookup *l, struct name n)
{
	return name_copy_lower(l->q->arena, n);
}

/* --- addresses, texts and aliases --- */

/* The zone's own addresses stand at dns/apex; where that is not, all that is in the zone counts. */
static enum etcd_outcome find_addresses(
	struct etcd_lookup *l, struct name name, uint16_t type, struct etcd_found *found)
{
	if (type != TYPE_TXT && name_equal(name, l->zone) &&
		etcd_find(l, zone_name(l, "apex", "dns"), type, false, found) == ETCD_FOUND)
		return ETCD_FOUND;
	return etcd_find(l, name, type, false, found);
}

static void add_direct(struct etcd_lookup *l, const struct etcd_found *found, uint16_t type,
	enum section_id section, struct name owner)
{
	struct seen *seen = section == SECTION_ANSWER ? &l->seen : &l->seen_additional;
	for (size_t i = 0; i < found->count; i++) {
		const struct service *s = found->services[i];
		struct view data = type == TYPE_TXT ? service_text(s) : address_octets(s);
		bool fits = type == TYPE_TXT ? s->kind == SERVICE_TEXT : service_is_address(s) && address_type(s) == type;
		if (!fits || !seen_add(seen, l->q->arena, hash_mix(name_hash(owner), hash_of(data))))
			continue;
		reply_add(l->q, section, owner, type, etcd_ttl(l, s),
			type == TYPE_TXT ? rdata_txt(l->q->arena, data) : data);
	}
}

/* The record that makes an alias of the name: there is one if it has no addresses. What leads to the name itself or below
 * does not count. */
static const struct service *alias_of(const struct etcd_lookup *l, const struct etcd_found *found, struct name name,
	struct name *target)
{
	const struct service *alias = NULL;
	for (size_t i = 0; i < found->count; i++) {
		const struct service *s = found->services[i];
		if (service_is_address(s))
			return NULL;
		if (alias || s->kind != SERVICE_ALIAS)
			continue;
		*target = host_name(l, s);
		if (target->length && !name_is_under(*target, name))
			alias = s;
	}
	return alias;
}

static bool leads_back(const struct etcd_lookup *l, enum section_id section, struct name target)
{
	const struct section *s = &l->q->reply->section[section];
	for (size_t i = 0; i < s->count; i++) {
		if (s->records[i].type == TYPE_CNAME && name_equal(s->records[i].owner, target))
			return true;
	}
	return false;
}

/* One alias after the other, as far as they lead in the zone. `owner`: as it is to be written. */
static enum etcd_outcome follow(struct etcd_lookup *l, struct name owner, uint16_t type, enum section_id section)
{
	struct name name = lower(l, owner), target;
	for (unsigned followed = 0;; followed++) {
		struct etcd_found found;
		enum etcd_outcome outcome = find_addresses(l, name, type, &found);
		if (outcome != ETCD_FOUND)
			return outcome;
		size_t before = l->q->reply->section[section].count;
		add_direct(l, &found, type, section, owner);
		if (l->q->reply->section[section].count > before)
			return ETCD_FOUND;
		const struct service *alias = alias_of(l, &found, name, &target);
		if (!alias || followed == ALIASES_MAX)
			return ETCD_NODATA;
		reply_add(l->q, section, owner, TYPE_CNAME, etcd_ttl(l, alias), rdata_of_name(l->q->arena, target));
		if (leads_back(l, section, target))
			return ETCD_FOUND;
		if (!name_is_under(target, l->zone)) {
			if (section == SECTION_ANSWER)
				found_follow(l->q, target, type);
			else
				found_append(l->q, target, type, section, NULL);
			return ETCD_FOUND;
		}
		owner = target;
		name = lower(l, target);
	}
}

/* Addresses or texts; where an alias leads to nothing, its record and the denial of what it leads to (RFC 2308 2). */
static enum etcd_outcome answer_followed(struct etcd_lookup *l)
{
	enum etcd_outcome outcome = follow(l, asked_name(l), l->type, SECTION_ANSWER);
	if (outcome == ETCD_UNKNOWN)
		section_clear(&l->q->reply->section[SECTION_ANSWER]);
	if (outcome == ETCD_FOUND || !has_answers(l))
		return outcome;
	if (outcome == ETCD_NO_NAME)
		l->q->reply->rcode = RCODE_NXDOMAIN;
	etcd_add_soa(l, SECTION_AUTHORITY);
	return ETCD_FOUND;
}

/* --- types that stand at one key --- */

/* What the name has beside what was asked for: a name with others below it is there (RFC 8020). */
static enum etcd_outcome exists(struct etcd_lookup *l, struct etcd_found *found)
{
	enum etcd_outcome outcome = find_addresses(l, l->q->name, TYPE_A, found);
	return outcome == ETCD_FOUND ? ETCD_NODATA : outcome;
}

static void add_names(struct etcd_lookup *l, const struct etcd_found *found, uint16_t type, size_t most)
{
	for (size_t i = 0; i < found->count && i < most; i++) {
		const struct service *s = found->services[i];
		struct name host = service_is_address(s) ? (struct name){ NULL, 0 } : host_name(l, s);
		if (host.length && seen_add(&l->seen, l->q->arena, name_hash(host)))
			reply_add(l->q, SECTION_ANSWER, asked_name(l), type, etcd_ttl(l, s),
				rdata_of_name(l->q->arena, host));
	}
}

static enum etcd_outcome answer_cname(struct etcd_lookup *l)
{
	struct etcd_found found;
	struct name target;
	if (etcd_find(l, l->q->name, l->type, true, &found) == ETCD_FOUND)
		add_names(l, &found, TYPE_CNAME, 1);
	if (has_answers(l))
		return ETCD_FOUND;
	enum etcd_outcome outcome = exists(l, &found);
	const struct service *alias = outcome == ETCD_NODATA ? alias_of(l, &found, l->q->name, &target) : NULL;
	if (alias)
		reply_add(l->q, SECTION_ANSWER, asked_name(l), TYPE_CNAME, etcd_ttl(l, alias),
			rdata_of_name(l->q->arena, target));
	return alias ? ETCD_FOUND : outcome;
}

static enum etcd_outcome answer_ptr(struct etcd_lookup *l)
{
	struct etcd_found found;
	enum etcd_outcome outcome = etcd_find(l, l->q->name, l->type, true, &found);
	if (outcome == ETCD_FOUND)
		add_names(l, &found, TYPE_PTR, found.count);
	return has_answers(l) ? ETCD_FOUND : exists(l, &found);
}

/* --- SRV and MX --- */

/* The target without its first labels; all of it if there are not more than that. */
static struct name stripped(const struct service *s, struct name target)
{
	unsigned labels = name_labels(target);
	return s->strip > 0 && (unsigned)s->strip < labels ? name_suffix(target, labels - (unsigned)s->strip) : target;
}

/* Records but aliases, which were added before, at the section's end from `from` on. */
static void drop_aliases(struct section *s, size_t from)
{
	size_t kept = from;
	for (size_t i = from; i < s->count; i++) {
		if (s->records[i].type != TYPE_CNAME)
			s->records[kept++] = s->records[i];
	}
	s->count = kept;
}

/* The addresses of a target, once. */
static void add_target_addresses(struct etcd_lookup *l, struct name target)
{
	struct section *additional = &l->q->reply->section[SECTION_ADDITIONAL];
	bool inside = name_is_under(target, l->zone);
	if (!seen_add(&l->seen_additional, l->q->arena, name_hash(target)))
		return;
	for (unsigned family = 0; family < 2; family++) {
		uint16_t type = family ? TYPE_AAAA : TYPE_A;
		size_t before = additional->count;
		if (inside)
			follow(l, target, type, SECTION_ADDITIONAL);
		else
			found_append(l->q, target, type, SECTION_ADDITIONAL, NULL);
		if (family)
			drop_aliases(additional, before);
	}
}

static void add_own_address(struct etcd_lookup *l, const struct service *s, struct name owner)
{
	struct view octets = address_octets(s);
	if (seen_add(&l->seen_additional, l->q->arena, hash_mix(name_hash(owner), hash_of(octets))))
		reply_add(l->q, SECTION_ADDITIONAL, owner, address_type(s), etcd_ttl(l, s), octets);
}

/* The sums of the weights of each priority: open addressing, at most half full. */
struct weights {
	struct weight_sum {
		double sum; /* 0: free */
		uint16_t priority;
	} *sums;
	size_t capacity;
};

static struct weight_sum *sum_of(const struct weights *w, uint16_t priority)
{
	size_t at = priority & (w->capacity - 1);
	while (w->sums[at].sum != 0 && w->sums[at].priority != priority)
		at = (at + 1) & (w->capacity - 1);
	return &w->sums[at];
}

static double weight_of(const struct service *s)
{
	return s->weight > 0 ? (double)s->weight : WEIGHTS;
}

static struct weights add_up(struct etcd_lookup *l, const struct etcd_found *found)
{
	struct weights w = { .capacity = 8 };
	while (w.capacity < 2 * found->count)
		w.capacity *= 2;
	w.sums = arena_array(l->q->arena, w.capacity, sizeof *w.sums);
	for (size_t i = 0; i < found->count; i++) {
		struct weight_sum *sum = sum_of(&w, found->services[i]->priority);
		sum->priority = found->services[i]->priority;
		sum->sum += weight_of(found->services[i]);
	}
	return w;
}

/* Weights of one priority are shares of a hundred. */
static uint16_t share_of(const struct weights *w, const struct service *s)
{
	double share = WEIGHTS / sum_of(w, s->priority)->sum * weight_of(s);
	return share < 1 ? 1 : (uint16_t)share;
}

/* A record that leads to a host: by the host's name, or, for an address, by the name of its key. */
static void add_leading(struct etcd_lookup *l, const struct weights *w, const struct service *s)
{
	struct arena *a = l->q->arena;
	bool address = service_is_address(s);
	struct name target = address ? etcd_key_name(l, s) : host_name(l, s);
	if (!target.length)
		return;
	target = stripped(s, target);
	uint64_t hash = hash_mix(name_hash(target), l->type == TYPE_SRV ? (uint64_t)s->port : s->priority);
	if (!address || seen_add(&l->seen, a, hash))
		reply_add(l->q, SECTION_ANSWER, asked_name(l), l->type, etcd_ttl(l, s),
			l->type == TYPE_SRV ? rdata_srv(a, s->priority, share_of(w, s), (uint16_t)s->port, target)
					    : rdata_mx(a, s->priority, target));
	if (address)
		add_own_address(l, s, target);
	else
		add_target_addresses(l, target);
}

static enum etcd_outcome answer_leading(struct etcd_lookup *l)
{
	struct etcd_found found;
	enum etcd_outcome outcome = etcd_find(l, l->q->name, l->type, false, &found);
	if (outcome != ETCD_FOUND)
		return outcome;
	struct weights w = add_up(l, &found);
	for (size_t i = 0; i < found.count; i++) {
		const struct service *s = found.services[i];
		bool fits = l->type == TYPE_SRV ? s->port >= 0 : s->mail;
		if (fits && s->kind != SERVICE_TEXT)
			add_leading(l, &w, s);
	}
	return outcome_of_answers(l);
}

/* --- the zone itself --- */

static enum etcd_outcome answer_ns(struct etcd_lookup *l)
{
	struct etcd_found found;
	enum etcd_outcome outcome = etcd_find(l, zone_name(l, "ns", "dns"), TYPE_NS, false, &found);
	for (size_t i = 0; i < found.count; i++) {
		const struct service *s = found.services[i];
		struct name target = etcd_key_name(l, s);
		if (!service_is_address(s)) {
			l->error = arena_printf(l->q->arena, "NS record must be an IP address: %.*s", VIEW_ARGS(service_host(s)));
			section_clear(&l->q->reply->section[SECTION_ANSWER]);
			section_clear(&l->q->reply->section[SECTION_ADDITIONAL]);
			return ETCD_UNKNOWN;
		}
		if (!target.length)
			continue;
		if (seen_add(&l->seen, l->q->arena, name_hash(target)))
			reply_add(l->q, SECTION_ANSWER, l->zone, TYPE_NS, etcd_ttl(l, s),
				rdata_of_name(l->q->arena, target));
		add_own_address(l, s, target);
	}
	return outcome == ETCD_FOUND ? outcome_of_answers(l) : outcome;
}

enum etcd_outcome etcd_answer(struct etcd_lookup *l)
{
	struct etcd_found found;
	bool apex = name_equal(l->q->name, l->zone);
	switch (l->type) {
	case TYPE_A:
	case TYPE_AAAA:
	case TYPE_TXT:
		return answer_followed(l);
	case TYPE_CNAME:
		return answer_cname(l);
	case TYPE_PTR:
		return answer_ptr(l);
	case TYPE_SRV:
	case TYPE_MX:
		return answer_leading(l);
	case TYPE_NS:
		return apex ? answer_ns(l) : exists(l, &found);
	case TYPE_SOA:
		if (!apex)
			return exists(l, &found);
		etcd_add_soa(l, SECTION_ANSWER);
		return ETCD_FOUND;
	default:
		return exists(l, &found);
	}
}
