/* Putting answers together. */
#include "plugins/kubernetes/merge.h"

#include "base/hash.h"
#include "dns/reverse.h"

enum { SRV_WEIGHT_AT = 2, SRV_FIXED = 6 };

bool kube_merge_applies(const struct query *q)
{
	uint16_t type = query_type(q);
	return (type == TYPE_A || type == TYPE_AAAA || type == TYPE_SRV) && !name_is_reverse(q->name);
}

/* What makes a record the same: all but its TTL, and an SRV record's weight. */
static uint64_t record_hash(enum section_id section, const struct record *r)
{
	uint64_t owner = hash_bytes_nocase(r->owner.octets, r->owner.length);
	uint64_t kind = hash_mix(owner, (uint64_t)section << 16 | r->type);
	if (r->type != TYPE_SRV || r->rdata_length < SRV_FIXED)
		return hash_mix(kind, hash_bytes(r->rdata, r->rdata_length));
	uint64_t priority = hash_bytes(r->rdata, SRV_WEIGHT_AT);
	const uint8_t *port = r->rdata + SRV_WEIGHT_AT + 2;
	return hash_mix(kind, hash_mix(priority, hash_bytes(port, r->rdata_length - SRV_WEIGHT_AT - 2u)));
}

static bool is_alias(const struct message *m)
{
	return m->section[SECTION_ANSWER].records[0].type == TYPE_CNAME;
}

/* Moves the records that are not there yet behind those that are. */
static void take_records(struct kube_merge *m, struct query *q, enum section_id id, struct message *from)
{
	struct section *to = &m->found->section[id];
	for (size_t i = 0; i < from->section[id].count; i++) {
		const struct record *r = &from->section[id].records[i];
		if (seen_add(&m->seen, q->arena, record_hash(id, r)))
			section_add(to, q->arena, *r);
	}
}

/* The first cluster's reply is emptied into itself, so that its records are known. */
static void take_found(struct kube_merge *m, struct query *q, struct message *reply)
{
	if (m->has_alias || (m->found && is_alias(reply)))
		return;
	if (!m->found) {
		m->found = message_copy(q->arena, reply);
		m->has_alias = is_alias(reply);
		section_clear(&m->found->section[SECTION_ANSWER]);
		section_clear(&m->found->section[SECTION_ADDITIONAL]);
	}
	take_records(m, q, SECTION_ANSWER, reply);
	take_records(m, q, SECTION_ADDITIONAL, reply);
}

void kube_merge_add(struct kube_merge *m, struct query *q, enum kube_served served)
{
	struct message *reply = q->reply;
	if (served == KUBE_UNKNOWN || (served == KUBE_ANSWERED && reply->rcode == RCODE_SERVFAIL))
		m->unknown = reply;
	else if (served != KUBE_ANSWERED)
		return;
	else if (reply->rcode == RCODE_NXDOMAIN)
		m->denied = reply;
	else if (reply->section[SECTION_ANSWER].count)
		take_found(m, q, reply);
	else
		m->nodata = reply;
}

/* Records of one set have one TTL (RFC 2181 5.2): the least. */
static void even_out(struct section *s)
{
	uint32_t least = UINT32_MAX;
	for (size_t i = 0; i < s->count; i++)
		least = s->records[i].ttl < least ? s->records[i].ttl : least;
	for (size_t i = 0; i < s->count; i++)
		s->records[i].ttl = least;
}

static void share_weight(struct section *s, struct arena *arena)
{
	size_t count = 0;
	for (size_t i = 0; i < s->count; i++)
		count += s->records[i].type == TYPE_SRV;
	for (size_t i = 0; i < s->count; i++) {
		struct record *r = &s->records[i];
		if (r->type != TYPE_SRV || r->rdata_length < SRV_FIXED)
			continue;
		uint16_t weight = kube_weight(count);
		struct view rdata = arena_copy(arena, (struct view){ (const char *)r->rdata, r->rdata_length });
		uint8_t *at = (uint8_t *)(uintptr_t)rdata.at;
		at[SRV_WEIGHT_AT] = (uint8_t)(weight >> 8);
		at[SRV_WEIGHT_AT + 1] = (uint8_t)weight;
		r->rdata = at;
	}
}

enum kube_served kube_merge_end(struct kube_merge *m, struct query *q)
{
	if (m->found) {
		even_out(&m->found->section[SECTION_ANSWER]);
		even_out(&m->found->section[SECTION_ADDITIONAL]);
		share_weight(&m->found->section[SECTION_ANSWER], q->arena);
		q->reply = m->found;
		return KUBE_ANSWERED;
	}
	q->reply = m->unknown ? m->unknown : m->nodata ? m->nodata : m->denied;
	if (m->unknown)
		return KUBE_UNKNOWN;
	return q->reply ? KUBE_ANSWERED : KUBE_PASSED_ON;
}
