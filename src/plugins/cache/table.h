/*
 * The table of entries, shared by all workers: successes and denials, both of an answer's key in
 * the same bucket.
 *
 * Looking up takes no lock and writes nothing. Putting and removing exchange pointers; what they
 * take out is retired, so whoever found it may go on using it until its query ends. The capacity of a kind
 * is that of the whole table: something is evicted only when it is reached. (CoreDNS divides it among
 * 256 shards, of which some are full long before the others.)
 */
#ifndef ISTHMUS_PLUGINS_CACHE_TABLE_H
#define ISTHMUS_PLUGINS_CACHE_TABLE_H

#include "plugins/cache/entry.h"

enum { ENTRY_ALIGNMENT = 64 };

struct cache_table;

/* Room for that many entries of each kind, at least 1024. */
struct cache_table *cache_table_new(const int64_t capacity[KIND_COUNT]);

/* Frees it and all entries. No query is running. */
void cache_table_free(void *table);

/* The entries of a key; NULL where there is none. Good until the query ends. */
struct cache_found {
	struct cache_entry *of[KIND_COUNT];
};
struct cache_found cache_table_find(const struct cache_table *t, const struct cache_key *key);

/* Begins to fetch what finding a key of this hash takes into the CPU's cache; cache_table_go_ahead() goes on, some time
 * later, with what the first step has brought. */
void cache_table_foresee(const struct cache_table *t, uint64_t hash);
void cache_table_go_ahead(const struct cache_table *t, uint64_t hash);

/* Puts an entry in, in the place of the one with its key and kind if there is one. Counts into
 * evicted[] what had to go for it. False if other workers were always quicker: then it is the
 * caller's still. */
bool cache_table_put(struct cache_table *t, struct cache_entry *e, unsigned evicted[KIND_COUNT]);

/* Takes out an entry that cache_table_find() gave. */
void cache_table_remove(struct cache_table *t, struct cache_entry *e);

/* Entries of a kind. */
size_t cache_table_count(const struct cache_table *t, enum kind kind);

#endif
