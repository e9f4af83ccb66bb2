/* Keeps answers and serves them again, until their TTL is over and, if told so, some time longer.
 */
#include "plugins/cache/cache.h"

/* --- looking up --- */

/* Whether an entry may be served: it is fresh, or expired no longer ago than stale answers are
 * served. */
static bool usable(const struct cache *c, const struct cache_entry *e, uint64_t now)
{
	if (!e)
		return false;
	int64_t remaining = cache_entry_remaining(e, now);
	return remaining > 0 || (c->stale && -remaining < (int64_t)(c->stale / NS_PER_S));
}

/* The entry of a success that answers, itself or kept behind one that does not. */
static struct cache_entry *good_entry(struct cache_entry *e)
{
	return !e || e->answers ? e : e->good;
}

/* The entry that answers the key now, NULL for a miss. A success is not hidden by a SERVFAIL. */
static struct cache_entry *look_up(const struct cache *c, const struct cache_key *key, uint64_t now)
{
	struct cache_found found = cache_table_find(c->table, key);
	struct cache_entry *success = found.of[SUCCESS], *denial = found.of[DENIAL];
	if (c->prefer_positive && c->stale && usable(c, good_entry(success), now))
		return good_entry(success);
	bool usable_success = usable(c, success, now);
	if (!usable(c, denial, now) || (denial->rcode == RCODE_SERVFAIL && usable_success))
		return usable_success ? success : NULL;
	return denial;
}

/* --- serving --- */

uint32_t cache_ttl(const struct cache *c, const struct cache_entry *e, uint64_t now)
{
	int64_t remaining = cache_entry_remaining(e, now);
	if (c->keep_ttl)
		return e->ttl;
	return remaining > 0 ? (uint32_t)remaining : 0;
}

static bool may_see_ad(const struct query *q)
{
	return query_wants_dnssec(q) || (q->request.flags & FLAG_AD);
}

void cache_reply(struct plugin *self, struct query *q, const struct cache_entry *e, uint32_t ttl)
{
	(void)self;
	unsigned flags = REPLY_AA; /* some resolvers of clients take no other answers */
	if (e->recursive)
		flags |= FLAG_RA;
	if (e->authenticated && may_see_ad(q))
		flags |= FLAG_AD;
	struct message *r = reply_new(q, e->rcode, flags);
	r->encoded = arena_new_object(q->arena, struct encoded);
	*r->encoded = e->form;
	r->encoded->ttl = ttl;
	/* The wire form is under the name in lower case: a client that asks in another gets its own
	 * question back. */
	if (memcmp(q->request.question.name.octets, q->name.octets, q->name.length) != 0)
		message_open(r, q->arena);
	if (e->wildcard.length)
		metadata_set(q, "zone/wildcard", e->wildcard);
}

static int serve_miss(struct plugin *self, struct query *q, const struct cache_key *key)
{
	cache_count(self, q, COUNT_MISSES, 1);
	int rc = cache_ask(self, q);
	if (!q->reply)
		return rc;
	cache_keep(self, q, key, KEEP_MISS);
	if (!may_see_ad(q))
		q->reply->flags &= (uint16_t)~FLAG_AD;
	return rc;
}

/* Notes a hit, and says whether the entry is asked for so often, and has so little time left, that
 * it is fetched again. */
static bool is_time_to_prefetch(const struct cache *c, struct cache_entry *e, uint64_t now)
{
	uint64_t last = atomic_exchange_explicit(&e->last_hit, now, memory_order_relaxed);
	uint32_t hits = 1;
	if (last == 0 || now - last > c->prefetch_gap)
		atomic_store_explicit(&e->hits, 1, memory_order_relaxed);
	else
		hits = atomic_fetch_add_explicit(&e->hits, 1, memory_order_relaxed) + 1;
	uint64_t last_part = ((uint64_t)e->ttl * c->prefetch_percent + 99) / 100;
	return hits >= c->prefetch_hits && cache_entry_remaining(e, now) <= (int64_t)last_part;
}

/* Asks for a fresh answer while the client waits; true if there is one, then it is in q->reply. */
static bool verify(struct plugin *self, struct query *q, const struct cache_key *key, int *rc)
{
	struct cache_entry *fresh;
	*rc = cache_ask(self, q);
	if (cache_refresh_keep(self, q, key, KEEP_REFRESH, &fresh) != VERDICT_ACCEPTED) {
		q->reply = NULL;
		q->error = NULL;
		return false;
	}
	if (!may_see_ad(q))
		q->reply->flags &= (uint16_t)~FLAG_AD;
	return true;
}

/* Whether the client got a fresh answer in place of the expired entry's. */
static bool serve_verified(struct plugin *self, struct query *q, const struct cache_key *key,
	struct cache_entry *e, int *rc)
{
	const struct cache *c = self->state;
	bool tracked = c->recheck > 0;
	if (tracked && !cache_refresh_begin(e, c->recheck))
		return false;
	if (c->verify_timeout)
		return cache_refresh_in_time(self, q, e, tracked);
	bool fresh = verify(self, q, key, rc);
	if (tracked)
		cache_refresh_end(e, c->recheck, fresh);
	return fresh;
}

static int serve_expired(
	struct plugin *self, struct query *q, const struct cache_key *key, struct cache_entry *e)
{
	const struct cache *c = self->state;
	int rc = RCODE_NOERROR;
	if (c->stale_mode == STALE_IMMEDIATE)
		cache_refresh_behind(self, q, e, true);
	else if (serve_verified(self, q, key, e, &rc))
		return rc;
	cache_count(self, q, COUNT_STALE, 1);
	query_why(q, "the answer had expired %lld s ago",
		(long long)-cache_entry_remaining(e, clock_batch()));
	cache_reply(self, q, e, c->stale_ttl ? c->stale_ttl : cache_ttl(c, e, clock_batch()));
	return RCODE_NOERROR;
}

static int serve_fresh(struct plugin *self, struct query *q, struct cache_entry *e, uint64_t now)
{
	const struct cache *c = self->state;
	if (c->prefetch_hits && is_time_to_prefetch(c, e, now))
		cache_refresh_behind(self, q, e, false);
	cache_reply(self, q, e, cache_ttl(c, e, now));
	return RCODE_NOERROR;
}

static bool takes(const struct cache *c, const struct query *q)
{
	struct name zone;
	return q->request.opcode == OPCODE_QUERY &&
	       zones_match(c->zones, c->zone_count, q->name, &zone);
}

static int cache_serve(struct plugin *self, struct query *q)
{
	const struct cache *c = self->state;
	if (!takes(c, q))
		return next(self, q);
	struct cache_key key = cache_key_of(q);
	uint64_t now = clock_batch();
	cache_count(self, q, COUNT_REQUESTS, 1);
	struct cache_entry *e = look_up(c, &key, now);
	if (!e)
		return serve_miss(self, q, &key);
	cache_count(self, q, e->kind == DENIAL ? COUNT_HITS_DENIAL : COUNT_HITS_SUCCESS, 1);
	return cache_entry_remaining(e, now) > 0 ? serve_fresh(self, q, e, now)
						 : serve_expired(self, q, &key, e);
}

static void cache_foresee(struct plugin *self, const struct foreseen *questions, unsigned count)
{
	const struct cache *c = self->state;
	uint64_t hashes[FORESEEN_MAX];
	for (unsigned i = 0; i < count && i < FORESEEN_MAX; i++) {
		hashes[i] = cache_hash_of(&questions[i]);
		cache_table_foresee(c->table, hashes[i]);
	}
	for (unsigned i = 0; i < count && i < FORESEEN_MAX; i++)
		cache_table_go_ahead(c->table, hashes[i]);
}

PLUGIN(cache) = {
	.name = "cache",
	.arguments = "[TTL] [ZONES...]",
	.help = "keeps answers and serves them again, for at most TTL seconds",
	.about = "Answers are kept as long as the smallest TTL of their records says, at most 3600 "
		 "s (denials: 1800 s; TTL "
		 "replaces both), at least 5 s, and all their records are sent with the time that "
		 "is left. Questions with "
		 "other DO or CD bits, types or classes have entries of their own.\n\n"
		 "CAPACITY is that of the whole cache, at least 1024 (CoreDNS divides it into 256 parts, of "
		 "which some are full long before the others). In a full cache a new answer takes the "
		 "place of another: of a few arbitrary ones that which expires first.\n\n"
		 "RFC 8767 is `serve_stale 24h rfc8767`: a fresh answer for 1.8 s, then the "
		 "expired one with a TTL of 30 s, and "
		 "30 s without another attempt after one that failed.",
	.options = cache_options,
	.metrics = cache_metrics,
	.state_size = sizeof(struct cache),
	.worker_size = sizeof(struct cache_worker),
	.once = true,
	.init = cache_init,
	.setup = cache_setup,
	.finish = cache_finish,
	.worker_stop = cache_worker_stop,
	.foresee = cache_foresee,
	.serve = cache_serve,
};
