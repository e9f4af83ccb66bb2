/* From an answer that came from behind the cache to an entry: which are kept, for how long. */
#include "plugins/cache/answers.h"
#include "plugins/cache/cache.h"

int cache_ask(struct plugin *self, struct query *q)
{
	struct message request = q->request;
	struct name name = q->name;
	q->request.flags |= FLAG_AD;
	int rc = next(self, q);
	q->request = request;
	q->name = name;
	return rc;
}

static bool is_denial(enum response_type type)
{
	return type == RESPONSE_NXDOMAIN || type == RESPONSE_NODATA || type == RESPONSE_SERVERERROR;
}

/* Seconds for which an answer of this type is kept: as its records say, not under the minimum, not
 * over the maximum. */
static uint32_t time_to_keep(
	const struct cache *c, const struct message *m, enum response_type type)
{
	if (type == RESPONSE_SERVERERROR)
		return c->servfail_ttl;
	const struct cache_kind *k = &c->kind[is_denial(type) ? DENIAL : SUCCESS];
	uint32_t ttl = response_ttl(m, type, k->ttl);
	if (ttl < k->ttl_min)
		ttl = k->ttl_min;
	return ttl > k->ttl ? k->ttl : ttl;
}

static void set_ttls(struct message *m, uint32_t ttl)
{
	for (int id = 0; id < SECTION_COUNT; id++) {
		for (size_t i = 0; i < m->section[id].count; i++)
			m->section[id].records[i].ttl = ttl;
	}
}

/*
 * Whether an answer of this type is ever kept. Negative answers need a SOA to say for how long (RFC
 * 2308 5), and so do CNAMEs that lead to nothing.
 */
static bool may_keep(const struct message *m, enum response_type type)
{
	if (m->flags & FLAG_TC)
		return false;
	switch (type) {
	case RESPONSE_NXDOMAIN:
		return answer_has_soa(m);
	case RESPONSE_NOERROR:
		return m->section[SECTION_ANSWER].count == 0 || answers_question(m);
	case RESPONSE_NODATA:
	case RESPONSE_DELEGATION:
	case RESPONSE_SERVERERROR:
		return true;
	default:
		return false;
	}
}

static bool is_disabled(const struct cache_kind *k, struct name qname)
{
	struct name zone;
	return k->disabled_count > 0 && zones_match(k->disabled, k->disabled_count, qname, &zone);
}

/* The entry that answered, kept behind one that does not (prefer_positive). */
static struct cache_entry *last_good(const struct cache_entry *before)
{
	if (!before)
		return NULL;
	const struct cache_entry *good = before->answers ? before : before->good;
	return good ? cache_entry_copy(good) : NULL;
}

static struct cache_entry *put(struct plugin *self, struct query *q, struct cache_entry *e)
{
	struct cache *c = self->state;
	unsigned evicted[KIND_COUNT] = { 0 };
	bool done = cache_table_put(c->table, e, evicted);
	cache_count(self, q, COUNT_EVICTIONS_SUCCESS, evicted[SUCCESS]);
	cache_count(self, q, COUNT_EVICTIONS_DENIAL, evicted[DENIAL]);
	if (!done) {
		cache_entry_free(e);
		return NULL;
	}
	cache_count_entries(self, q);
	return e;
}

/* Makes the entry of an answer that may be kept. A good answer puts an end to a denial of the same
 * key. */
static struct cache_entry *keep_as(struct plugin *self, struct query *q,
	const struct cache_key *key, enum kind kind, uint32_t ttl, enum keep_mode mode)
{
	struct cache *c = self->state;
	struct view wildcard = { 0 };
	metadata_get(q, VIEW("zone/wildcard"), &wildcard);
	struct cache_entry *e = cache_entry_new(q->reply, key, kind, ttl, q->arena, wildcard);
	if (!e)
		return NULL;
	struct cache_found before = cache_table_find(c->table, key);
	e->answers = kind == SUCCESS && answers_question(q->reply);
	if (c->prefer_positive && kind == SUCCESS && !e->answers)
		e->good = last_good(before.of[SUCCESS]);
	bool ends_denial = c->prefer_positive ? e->answers : kind == SUCCESS && mode == KEEP_BEHIND;
	if (ends_denial && before.of[DENIAL])
		cache_table_remove(c->table, before.of[DENIAL]);
	return put(self, q, e);
}

struct cache_entry *cache_keep(
	struct plugin *self, struct query *q, const struct cache_key *key, enum keep_mode mode)
{
	struct cache *c = self->state;
	struct message *m = reply_open(q);
	enum response_type type = answer_type(m);
	enum kind kind = is_denial(type) ? DENIAL : SUCCESS;
	uint32_t ttl = time_to_keep(c, m, type);
	bool keep = may_keep(m, type) && ttl > 0;
	set_ttls(m, ttl);
	m->edns = (struct edns){ 0 };
	if (keep && !answer_matches(m, q)) {
		cache_count(self, q, COUNT_DROPS, 1);
		return NULL;
	}
	if (!keep)
		return NULL;
	if (mode == KEEP_MISS && is_disabled(&c->kind[kind], q->name)) {
		cache_count_entries(self, q); /* so that the series is there */
		return NULL;
	}
	return keep_as(self, q, key, kind, ttl, mode);
}

static enum verdict judge(const struct cache *c, const struct query *q)
{
	const struct message *m = q->reply;
	if ((m->flags & FLAG_TC) || !answer_matches(m, q))
		return VERDICT_REJECTED;
	if (c->prefer_positive)
		return answer_type(m) == RESPONSE_NOERROR && answers_question(m) ? VERDICT_ACCEPTED
										 : VERDICT_KEPT;
	switch (response_classify(m, clock_wall_seconds())) {
	case RESPONSE_OTHERERROR:
	case RESPONSE_META:
	case RESPONSE_UPDATE:
		return VERDICT_REJECTED;
	default:
		return m->rcode == RCODE_NOERROR || m->rcode == RCODE_NXDOMAIN ? VERDICT_ACCEPTED
									       : VERDICT_REJECTED;
	}
}

enum verdict cache_refresh_keep(struct plugin *self, struct query *q, const struct cache_key *key,
	enum keep_mode mode, struct cache_entry **entry)
{
	*entry = NULL;
	if (!q->reply)
		return VERDICT_REJECTED;
	reply_open(q);
	enum verdict verdict = judge(self->state, q);
	if (verdict != VERDICT_REJECTED)
		*entry = cache_keep(self, q, key, verdict == VERDICT_ACCEPTED ? mode : KEEP_BEHIND);
	return verdict;
}
