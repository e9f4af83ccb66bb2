/* What kind of answer a message is: the classes that `cache`, `minimal`, `dns64` and `log` go by. And how long it stays fresh. */
#include "server/query.h"

#include "base/clock.h"

enum { RRSIG_EXPIRATION = 8, RRSIG_INCEPTION = 12, RRSIG_FIXED = 18 };

/* Times are compared as serial numbers (RFC 4034 3.1.5, RFC 1982). */
static bool signature_valid(const struct record *r, int64_t now)
{
	struct view rdata = record_rdata(r);
	if (rdata.length < RRSIG_FIXED)
		return false;
	uint32_t time = (uint32_t)now;
	return (int32_t)(rdata_u32(rdata, RRSIG_EXPIRATION) - time) >= 0 &&
	       (int32_t)(time - rdata_u32(rdata, RRSIG_INCEPTION)) >= 0;
}

static bool signatures_valid(const struct message *m, int64_t now)
{
	for (size_t s = 0; s < SECTION_COUNT; s++) {
		for (size_t i = 0; i < m->section[s].count; i++) {
			const struct record *r = &m->section[s].records[i];
			if (r->type == TYPE_RRSIG && !signature_valid(r, now))
				return false;
		}
	}
	return true;
}

static bool authority_has(const struct message *m, uint16_t type)
{
	const struct section *s = &m->section[SECTION_AUTHORITY];
	for (size_t i = 0; i < s->count; i++) {
		if (s->records[i].type == type)
			return true;
	}
	return false;
}

static bool is_transfer(const struct message *m)
{
	return m->has_question && (m->question.type == TYPE_AXFR || m->question.type == TYPE_IXFR);
}

/* A message that asks for a plain lookup and whose signatures hold. */
static enum response_type classify_lookup(const struct message *m)
{
	if (m->section[SECTION_ANSWER].count > 0 && m->rcode == RCODE_NOERROR)
		return RESPONSE_NOERROR;
	if (m->section[SECTION_ANSWER].count > 0 && m->rcode == RCODE_NXDOMAIN)
		return RESPONSE_OTHERERROR;
	if (m->rcode == RCODE_NOERROR && authority_has(m, TYPE_SOA))
		return RESPONSE_NODATA;
	switch (m->rcode) {
	case RCODE_NXDOMAIN:
		return RESPONSE_NXDOMAIN;
	case RCODE_SERVFAIL:
	case RCODE_NOTIMP:
		return RESPONSE_SERVERERROR;
	case RCODE_NOERROR:
		return authority_has(m, TYPE_NS) ? RESPONSE_DELEGATION : RESPONSE_NOERROR;
	default:
		return RESPONSE_OTHERERROR;
	}
}

enum response_type response_classify(const struct message *m, int64_t now)
{
	if (!m)
		return RESPONSE_OTHERERROR;
	if (m->opcode == OPCODE_UPDATE)
		return RESPONSE_UPDATE;
	if (m->opcode == OPCODE_NOTIFY || is_transfer(m))
		return RESPONSE_META;
	bool dnssec = m->edns.present && (m->edns.flags & EDNS_DO) != 0;
	if (dnssec && !signatures_valid(m, now))
		return RESPONSE_OTHERERROR;
	return classify_lookup(m);
}

const char *response_type_text(enum response_type t)
{
	static const char *const text[] = {
		[RESPONSE_NOERROR] = "NOERROR",
		[RESPONSE_NXDOMAIN] = "NXDOMAIN",
		[RESPONSE_SERVERERROR] = "SERVERERROR",
		[RESPONSE_NODATA] = "NODATA",
		[RESPONSE_DELEGATION] = "DELEGATION",
		[RESPONSE_META] = "META",
		[RESPONSE_UPDATE] = "UPDATE",
		[RESPONSE_OTHERERROR] = "OTHERERROR",
	};
	return text[t];
}

const char *response_class_text(enum response_type t)
{
	switch (t) {
	case RESPONSE_NOERROR:
	case RESPONSE_DELEGATION:
		return "success";
	case RESPONSE_NXDOMAIN:
	case RESPONSE_NODATA:
		return "denial";
	default:
		return "error";
	}
}

/* --- freshness --- */

enum { TTL_UNKNOWN = 5, MAX_AGE = 3600, SOA_MINIMUM_FROM_END = 4 };

uint32_t response_ttl(const struct message *m, enum response_type type, uint32_t most)
{
	uint32_t ttl = most;
	size_t records = 0;
	if (type != RESPONSE_NOERROR && type != RESPONSE_NXDOMAIN && type != RESPONSE_NODATA)
		return TTL_UNKNOWN;
	for (int id = 0; id < SECTION_COUNT; id++) {
		const struct section *s = &m->section[id];
		records += s->count;
		for (size_t i = 0; i < s->count; i++) {
			if (s->records[i].ttl < ttl)
				ttl = s->records[i].ttl;
		}
	}
	return records ? ttl : TTL_UNKNOWN;
}

/* The MINIMUM of the SOA that makes a negative answer; `most` without one. */
static uint32_t negative_ttl(const struct message *m, uint32_t most)
{
	const struct section *s = &m->section[SECTION_AUTHORITY];
	for (size_t i = 0; i < s->count; i++) {
		struct view rdata = record_rdata(&s->records[i]);
		if (s->records[i].type != TYPE_SOA || rdata.length < SOA_MINIMUM_FROM_END)
			continue;
		uint32_t minimum = rdata_u32(rdata, rdata.length - SOA_MINIMUM_FROM_END);
		return minimum < most ? minimum : most;
	}
	return most;
}

static uint32_t opened_max_age(const struct message *m)
{
	enum response_type type = response_classify(m, clock_wall_seconds());
	uint32_t ttl = response_ttl(m, type, MAX_AGE);
	if (type == RESPONSE_NXDOMAIN || type == RESPONSE_NODATA)
		ttl = negative_ttl(m, ttl);
	return ttl;
}

/* A reply that is kept encoded has the one TTL of its cache entry: it need not be opened. */
static uint32_t encoded_max_age(const struct message *m)
{
	bool is_kept = m->rcode == RCODE_NOERROR || m->rcode == RCODE_NXDOMAIN;
	if (!is_kept || !m->encoded->ttl_count)
		return TTL_UNKNOWN;
	return m->encoded->ttl < MAX_AGE ? m->encoded->ttl : MAX_AGE;
}

uint32_t reply_max_age(struct query *q)
{
	const struct encoded *e = q->reply->encoded;
	bool one_ttl = e && !e->reopened && !e->own_ttls;
	return one_ttl ? encoded_max_age(q->reply) : opened_max_age(reply_open(q));
}
