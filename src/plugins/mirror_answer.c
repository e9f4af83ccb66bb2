/* Answering from mirrored zones. */
#include "plugins/mirror_answer.h"

#include "dns/rdata.h"

/* How much a zone's answer says; of equals the first counts, of denials the last. */
enum rank {
	RANK_NONE,
	RANK_DENIAL,
	RANK_EMPTY, /* names below it exist */
	RANK_REFERRAL,
	RANK_ANSWER,
};

struct choice {
	enum rank rank;
	const struct zone *zone;
	struct zone_result found;
	struct message *reply;
};

static enum rank rank_of(const struct query *q, const struct zone_result *found)
{
	if (q->reply->section[SECTION_ANSWER].count)
		return RANK_ANSWER;
	switch (found->outcome) {
	case ZONE_NXDOMAIN:
		return RANK_DENIAL;
	case ZONE_NODATA:
		return found->nothing_there ? RANK_EMPTY : RANK_ANSWER;
	case ZONE_REFERRAL:
		return RANK_REFERRAL;
	default:
		return RANK_ANSWER;
	}
}

/* Our own type does not exist for who asks. */
static uint16_t type_to_find(const struct query *q)
{
	enum { TYPE_NEVER_THERE = 65535 };
	return query_type(q) == MIRROR_ALIAS_TYPE ? TYPE_NEVER_THERE : query_type(q);
}

/* Looks through the zones. False when one of them, which might have the answer, is not there yet. */
static bool choose(const struct plugin *self, struct query *q, const struct mirror_zone *first,
	zone_finder *zone_of, struct choice *best)
{
	bool missing = false;
	for (const struct mirror_zone *z = first; z && best->rank != RANK_ANSWER; z = mirror_next(z)) {
		const struct zone *zone = mirror_zone(z);
		missing |= zone == NULL;
		if (!zone)
			continue;
		struct zone_result found = zone_answer_find(self, q, zone, zone_of, type_to_find(q));
		enum rank rank = rank_of(q, &found);
		if (rank > best->rank || (rank == RANK_DENIAL && best->rank == RANK_DENIAL))
			*best = (struct choice){ rank, zone, found, q->reply };
	}
	q->reply = best->reply;
	return !missing || best->rank == RANK_ANSWER;
}

/* --- aliases --- */

/* Where the CNAMEs of the answer section have led to. */
static struct name end_of_aliases(const struct query *q)
{
	const struct section *s = &q->reply->section[SECTION_ANSWER];
	struct name at = q->name;
	for (size_t i = 0; i < s->count; i++) {
		if (s->records[i].type == TYPE_CNAME)
			at = (struct name){ s->records[i].rdata, s->records[i].rdata_length };
	}
	return at;
}

/* Takes the record of an alias, which ANY has found, out of the answer; gives the type that it is for. */
static uint16_t take_alias_out(struct query *q)
{
	struct section *s = &q->reply->section[SECTION_ANSWER];
	if (!s->count || s->records[s->count - 1].type != MIRROR_ALIAS_TYPE)
		return query_type(q);
	uint16_t type = rdata_u16(record_rdata(&s->records[s->count - 1]), 0);
	while (s->count && s->records[s->count - 1].type == MIRROR_ALIAS_TYPE)
		s->count--;
	return type;
}

/* The alias of this owner for a type; false if there is none. */
static bool find_alias(const struct query *q, const struct zone *z, struct name owner, uint16_t type,
	struct name *target)
{
	struct message there = { 0 };
	struct name_buffer *lower = arena_new_object(q->arena, struct name_buffer);
	if (!name_is_under(owner, zone_origin(z)))
		return false;
	zone_lookup(z, name_lower(owner, lower), MIRROR_ALIAS_TYPE, false, &there, q->arena);
	const struct section *s = &there.section[SECTION_ANSWER];
	for (size_t i = 0; i < s->count; i++) {
		const struct record *r = &s->records[i];
		if (r->type == MIRROR_ALIAS_TYPE && rdata_u16(record_rdata(r), 0) == type) {
			*target = (struct name){ r->rdata + 2, r->rdata_length - 2u };
			return true;
		}
	}
	return false;
}

static uint32_t lowest_ttl(const struct section *s)
{
	uint32_t ttl = UINT32_MAX;
	for (size_t i = 0; i < s->count; i++)
		ttl = s->records[i].ttl < ttl ? s->records[i].ttl : ttl;
	return ttl;
}

/* Puts the target's records under the alias' own name, for as long as all that led to them lives. */
static void put_as_own(struct query *q, struct name owner, const struct section *from, uint16_t type)
{
	uint32_t ttl = lowest_ttl(from);
	bool any = false;
	for (size_t i = 0; i < from->count; i++) {
		const struct record *r = &from->records[i];
		if (r->type != type)
			continue;
		any = true;
		reply_add(q, SECTION_ANSWER, owner, type, ttl, record_rdata(r));
	}
	if (any)
		section_clear(&q->reply->section[SECTION_AUTHORITY]);
}

/* A target that has no such records, or is not there, is an owner without them. One that nobody here knows is not. */
static int follow_alias(struct query *q, struct name owner, struct name target, uint16_t type)
{
	struct message *reply = q->reply, *found;
	int rcode = query_lookup(q, target, type, &found);
	q->reply = reply;
	query_why(q, "an alias for %s", name_text(q->arena, target));
	if ((rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN) || !found) {
		section_clear(&reply->section[SECTION_AUTHORITY]);
		return reply->rcode = RCODE_SERVFAIL;
	}
	reply->rcode = RCODE_NOERROR;
	put_as_own(q, owner, &found->section[SECTION_ANSWER], type);
	return RCODE_NOERROR;
}

/* --- the whole --- */

int mirror_answer(struct plugin *self, struct query *q, const struct mirror_zone *first,
	zone_finder *zone_of, const struct fallthrough *fallthrough)
{
	struct choice best = { 0 };
	struct name target;
	int rcode;
	if (zone_answer_refuses(q, &rcode))
		return rcode;
	if (!choose(self, q, first, zone_of, &best) || !q->reply) {
		q->reply = NULL;
		return query_fail(q, RCODE_SERVFAIL, "the zone is not there yet");
	}
	uint16_t type = take_alias_out(q);
	bool may_be_alias = type != query_type(q) ||
			    (best.found.outcome == ZONE_NODATA && !best.found.nothing_there);
	struct name owner = end_of_aliases(q);
	if (may_be_alias && find_alias(q, best.zone, owner, type, &target))
		return follow_alias(q, owner, target, type);
	return zone_answer_end(self, q, best.zone, &best.found, fallthrough);
}
