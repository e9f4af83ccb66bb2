/* From a lookup in a zone to a reply. */
#include "plugins/zone_answer.h"

#include "server/block.h"
#include "server/listener.h"
#include "server/zone_map.h"
#include "zone/zone_walk.h"

bool zone_answer_refuses(const struct query *q, int *rcode)
{
	if (q->request.opcode != OPCODE_QUERY) {
		*rcode = q->request.opcode == OPCODE_NOTIFY ? RCODE_NOTAUTH : RCODE_NOTIMP;
		return true;
	}
	*rcode = RCODE_REFUSED;
	return query_type(q) == TYPE_AXFR || query_type(q) == TYPE_IXFR;
}

static bool has_soa(const struct section *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->records[i].type == TYPE_SOA)
			return true;
	}
	return false;
}

static void append(struct query *q, enum section_id id, const struct section *from)
{
	for (size_t i = 0; i < from->count; i++)
		section_add(&q->reply->section[id], q->arena, from->records[i]);
}

static bool is_denial(const struct record *r)
{
	uint16_t type = r->type == TYPE_RRSIG ? rdata_u16(record_rdata(r), 0) : r->type;
	return type == TYPE_NSEC || type == TYPE_NSEC3;
}

/* A negative answer's authority section in place of a positive one's: the proofs of the aliases' wildcards stay. */
static void put_negative_authority(struct query *q, const struct section *found)
{
	struct section *s = &q->reply->section[SECTION_AUTHORITY];
	size_t kept = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (is_denial(&s->records[i]))
			s->records[kept++] = s->records[i];
	}
	s->count = kept;
	append(q, SECTION_AUTHORITY, found);
}

/* Nobody named a zone that denies. Where the alias' zone would have had the target, it does. */
static void put_own_soa(struct query *q, const struct zone *z, struct name target)
{
	struct message denial = { 0 };
	if (!name_is_under(target, zone_origin(z)))
		return;
	zone_lookup(z, target, TYPE_SOA, false, &denial, q->arena);
	if (has_soa(&denial.section[SECTION_AUTHORITY]))
		put_negative_authority(q, &denial.section[SECTION_AUTHORITY]);
}

/*
 * Looks for what an alias leads to outside the zone. What nobody here serves is left to the client
 * (RFC 1034 4.3.2 step 3a); a denial comes with the SOA of the zone that denies (RFC 2308 2.1).
 */
static int follow_out(struct query *q, const struct zone *z, struct name target)
{
	struct message *reply = q->reply, *found;
	int rcode = query_lookup(q, target, query_type(q), &found);
	q->reply = reply;
	if (rcode == RCODE_REFUSED || (rcode == RCODE_NOERROR && !found))
		return RCODE_NOERROR;
	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN) {
		section_clear(&reply->section[SECTION_AUTHORITY]);
		return reply->rcode = RCODE_SERVFAIL;
	}
	reply->rcode = (uint16_t)rcode;
	append(q, SECTION_ANSWER, &found->section[SECTION_ANSWER]);
	if (rcode == RCODE_NXDOMAIN || has_soa(&found->section[SECTION_AUTHORITY]))
		put_negative_authority(q, &found->section[SECTION_AUTHORITY]);
	else if (found->section[SECTION_ANSWER].count == 0)
		put_own_soa(q, z, target);
	return rcode;
}

static void say_wildcard(struct query *q, struct name wildcard)
{
	if (wildcard.length && q->block && q->block->collects_metadata)
		metadata_set(q, "zone/wildcard", view_of(name_text(q->arena, wildcard)));
}

struct surroundings {
	struct zone_neighbours neighbours;
	const struct plugin *self;
	const struct query *q;
	const struct zone *zone;
	zone_finder *zone_of;
};

/* Whether another block is asked for the name: it has a longer zone. */
static bool another_block_serves(const struct query *q, struct name target)
{
	const struct endpoint_group *g =
		q->listener ? atomic_load_explicit(&q->listener->group, memory_order_acquire) : NULL;
	const struct zone_entry *e = g ? zone_map_longest(&g->zones, target, NAME_MAP_ANY) : NULL;
	for (size_t i = 0; e && i < e->block_count; i++) {
		if (e->blocks[i] == q->block)
			return false;
	}
	return e != NULL;
}

static bool somebody_serves(const struct zone_neighbours *n, struct name target)
{
	const struct surroundings *s = (const struct surroundings *)n;
	return s->zone_of(s->self, target) != s->zone || another_block_serves(s->q, target);
}

struct zone_result zone_answer_find(const struct plugin *self, struct query *q, const struct zone *z,
	zone_finder *zone_of, uint16_t type)
{
	struct message *reply = reply_new(q, RCODE_NOERROR, 0);
	const struct surroundings around = { { somebody_serves }, self, q, z, zone_of };
	return zone_lookup_among(
		&around.neighbours, z, q->name, type, query_wants_dnssec(q), reply, q->arena);
}

int zone_answer_end(struct plugin *self, struct query *q, const struct zone *z,
	const struct zone_result *found, const struct fallthrough *fallthrough)
{
	say_wildcard(q, found->wildcard);
	if (found->nothing_there && !found->aliased && fallthrough &&
		fallthrough_applies(fallthrough, q->name)) {
		query_why(q, "the zone has nothing of this name");
		q->reply = NULL;
		return next(self, q);
	}
	if (found->outcome == ZONE_LEAVES)
		return follow_out(q, z, found->target);
	return q->reply->rcode;
}

/* Answers with what the zone has in wire form; false if it has not. Only for a question that came in lower case: the owner of a
 * record is written so, and is the question's name then. */
static bool answer_encoded(struct query *q, const struct zone *z)
{
	const struct question *asked = &q->request.question;
	if (query_wants_dnssec(q) || memcmp(asked->name.octets, q->name.octets, q->name.length) != 0)
		return false;
	struct encoded *e = zone_encoded(z, asked, q->arena);
	if (!e)
		return false;
	reply_new(q, RCODE_NOERROR, REPLY_AA)->encoded = e;
	return true;
}

int zone_answer(struct plugin *self, struct query *q, const struct zone *z, zone_finder *zone_of,
	const struct fallthrough *fallthrough)
{
	int rcode;
	if (!z)
		return query_fail(q, RCODE_SERVFAIL, "the zone is not loaded");
	if (zone_answer_refuses(q, &rcode))
		return rcode;
	if (answer_encoded(q, z))
		return RCODE_NOERROR;
	struct zone_result found = zone_answer_find(self, q, z, zone_of, query_type(q));
	return zone_answer_end(self, q, z, &found, fallthrough);
}

static bool hand_over(const struct record *r, void *to)
{
	struct record_sink *sink = to;
	return sink->add(sink, r);
}

enum transfer_outcome zone_answer_transfer(const struct zone *z, struct record_sink *to)
{
	if (!z)
		return TRANSFER_NOT_LOADED;
	return zone_walk(z, hand_over, to) ? TRANSFER_DONE : TRANSFER_STOPPED;
}

void zone_answer_foresee(const struct plugin *self, zone_finder *zone_of,
	const struct foreseen *questions, unsigned count)
{
	struct zone_ahead ahead[FORESEEN_MAX];
	unsigned known = 0;
	for (unsigned i = 0; i < count && i < FORESEEN_MAX; i++) {
		const struct zone *z = zone_of(self, questions[i].name);
		if (z)
			ahead[known++] = zone_foresee(z, questions[i].name);
	}
	for (unsigned i = 0; i < known; i++)
		zone_go_ahead(ahead[i]);
}
