/* The cache in one server block: its settings, its table, and the steps that its files share. */
#ifndef ISTHMUS_PLUGINS_CACHE_CACHE_H
#define ISTHMUS_PLUGINS_CACHE_CACHE_H

#include "plugins/cache/table.h"
#include "server/plugin.h"

/* What is kept of one kind of answer. */
struct cache_kind {
	int64_t capacity;
	uint32_t ttl, ttl_min; /* seconds: the most and the least that an answer is kept */
	struct name *disabled; /* zones whose answers are not kept */
	size_t disabled_count;
};

enum stale_mode {
	STALE_IMMEDIATE, /* the expired answer at once, a fresh one is fetched meanwhile */
	STALE_VERIFY,	 /* a fresh answer if one can be had, in time */
};

struct cache {
	struct name *zones;
	size_t zone_count;
	struct view zones_label; /* "example.org.,example.net.", for metrics */
	struct cache_kind kind[KIND_COUNT];
	uint32_t servfail_ttl;
	bool keep_ttl;

	/* An entry hit so often, with gaps no longer than that, is fetched again in the last part
	 * of its life. */
	int64_t prefetch_hits; /* 0: never */
	uint64_t prefetch_gap; /* ns */
	uint32_t prefetch_percent;

	uint64_t stale; /* ns after expiry in which answers are still served; 0: never */
	enum stale_mode stale_mode;
	uint64_t verify_timeout; /* ns; 0: as long as it takes */
	uint32_t stale_ttl;	 /* of expired answers, seconds */
	uint64_t recheck; /* ns after a refresh that failed before the next one; 0: no limit */
	bool stale_read, policy_read, prefer_positive;

	struct cache_table *table;
};

extern const struct option cache_options[];
void cache_init(struct setup *s);
bool cache_setup(struct setup *s);
bool cache_finish(struct setup *s);

/* --- counting --- */

enum cache_count {
	COUNT_REQUESTS,
	COUNT_MISSES,
	COUNT_PREFETCHES,
	COUNT_DROPS,
	COUNT_STALE,
	COUNT_HITS_SUCCESS,
	COUNT_HITS_DENIAL,
	COUNT_EVICTIONS_SUCCESS,
	COUNT_EVICTIONS_DENIAL,
	COUNT_ENTRIES_SUCCESS,
	COUNT_ENTRIES_DENIAL,
	COUNT_COUNT,
};

/* A worker's own: the series of each listener that queries came by. */
struct cache_worker {
	struct cache_series *series;
};

extern const struct metric_family *const cache_metrics[];
void cache_count(struct plugin *self, const struct query *q, enum cache_count what, unsigned n);

/* Sets the gauges of entries. */
void cache_count_entries(struct plugin *self, const struct query *q);
void cache_worker_stop(struct plugin *self, void *worker_state);

/* --- keeping answers --- */

/* Passes q on as the cache asks: with AD set, and what the plugins behind it change in the request
 * undone. */
int cache_ask(struct plugin *self, struct query *q);

enum keep_mode {
	KEEP_MISS,    /* the zones of `disable` are left out */
	KEEP_REFRESH, /* an expired or soon expiring entry's answer: for the client, too */
	KEEP_BEHIND,  /* the same while no client waits for it */
};

/*
 * Takes q->reply into the table if it may be kept, and in any case gives all its records the one
 * TTL that they are kept for and takes its OPT away. The new entry, or NULL.
 */
struct cache_entry *cache_keep(
	struct plugin *self, struct query *q, const struct cache_key *key, enum keep_mode mode);

/* What the answer to a refresh of an expired entry is good for. */
enum verdict {
	VERDICT_REJECTED, /* the expired entry stays */
	VERDICT_KEPT,	  /* it is kept, but the client gets the expired answer (prefer_positive) */
	VERDICT_ACCEPTED,
};

/* Judges q->reply and keeps it unless it is rejected (RFC 8767 4). */
enum verdict cache_refresh_keep(struct plugin *self, struct query *q, const struct cache_key *key,
	enum keep_mode mode, struct cache_entry **entry);

/* --- serving --- */

/* Makes q->reply from an entry. */
void cache_reply(struct plugin *self, struct query *q, const struct cache_entry *e, uint32_t ttl);

/* What is left of the entry's TTL, or all of it with `keepttl`. */
uint32_t cache_ttl(const struct cache *c, const struct cache_entry *e, uint64_t now);

/* --- refreshing --- */

/* Begins a refresh, of which an entry has one at a time; false if one is running or it is too soon.
 */
bool cache_refresh_begin(struct cache_entry *e, uint64_t recheck);
void cache_refresh_end(struct cache_entry *e, uint64_t recheck, bool refreshed);

/* Fetches the entry anew while nobody waits; `stale`: it has expired. */
void cache_refresh_behind(struct plugin *self, struct query *q, struct cache_entry *e, bool stale);

/* Asks in the background and waits for the answer until verify_timeout; true if q->reply is the
 * fresh answer. */
bool cache_refresh_in_time(
	struct plugin *self, struct query *q, struct cache_entry *e, bool tracked);

#endif
