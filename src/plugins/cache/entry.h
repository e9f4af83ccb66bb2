/* What the cache keeps of one answer: immutable once it is in the table, but for what its hits
 * leave behind. */
#ifndef ISTHMUS_PLUGINS_CACHE_ENTRY_H
#define ISTHMUS_PLUGINS_CACHE_ENTRY_H

#include "base/clock.h"
#include "server/plugin.h"
#include <stdatomic.h>

enum kind {
	SUCCESS,
	DENIAL,
	KIND_COUNT,
};

/* Everything that an answer depends on: two questions that differ in any of it never share an
 * entry. */
struct cache_key {
	struct name name; /* lower case */
	uint64_t hash;
	uint16_t type, class;
	bool wants_dnssec, checking_disabled; /* DO and CD */
};

struct cache_entry {
	/* The key; its name is the question's in form.wire. */
	uint64_t hash;
	uint16_t type, class, name_length;
	bool wants_dnssec, checking_disabled;

	uint8_t kind;
	bool authenticated, recursive; /* AD and RA of the answer */
	bool answers;		       /* it answers its question: see answers_question() */
	uint16_t rcode;
	uint32_t ttl;	 /* seconds from `stored` on */
	uint64_t stored; /* clock_batch() then */
	struct encoded form;
	struct view wildcard;	  /* the name of the wildcard that made it, empty if none did */
	struct cache_entry *good; /* the entry that answered, kept behind one that does not; this
			       one's own; or NULL */

	/* What hits leave, when `prefetch` or `serve_stale` want to know. */
	_Atomic uint64_t last_hit, no_refresh_before;
	_Atomic uint32_t hits;
	_Atomic bool refreshing;

	_Alignas(uint16_t) uint8_t octets[]; /* TTL offsets, wire, wildcard */
};

struct cache_key cache_key_of(const struct query *q);

/* The hash that the key of such a question has. */
uint64_t cache_hash_of(const struct foreseen *question);

struct cache_key cache_entry_key(const struct cache_entry *e);

/* Whether the entry is the one for this key. */
bool cache_entry_is(const struct cache_entry *e, const struct cache_key *key);

/* Keeps m, which has the one TTL for all its records, under the key. NULL if it is too long to be
 * encoded. */
struct cache_entry *cache_entry_new(const struct message *m, const struct cache_key *key,
	enum kind kind, uint32_t ttl, struct arena *scratch, struct view wildcard);

struct cache_entry *cache_entry_copy(const struct cache_entry *e);
void cache_entry_free(void *entry);

/* Seconds that are left; zero or negative when it has expired. */
static inline int64_t cache_entry_remaining(const struct cache_entry *e, uint64_t now)
{
	return (int64_t)e->ttl - (int64_t)((now - e->stored) / NS_PER_S);
}

#endif
