/*
 * A hosts file (hosts(5)) as a table: names to addresses and addresses to names, immutable once built, in one run of memory
 * with 32-bit offsets: a file of a million lines is an ordinary one.
 */
#ifndef ISTHMUS_PLUGINS_HOSTS_TABLE_H
#define ISTHMUS_PLUGINS_HOSTS_TABLE_H

#include "dns/name.h"

struct hosts_table;

/* What is taken over from a text. */
struct hosts_rules {
	const struct name *zones; /* names outside of them are left out */
	size_t zone_count;
	bool reverse; /* addresses get their names back (PTR) */
};

/* Reads the lines of a hosts file; lines that are none are passed over. The table belongs to the caller. */
struct hosts_table *hosts_table_read(struct view text, const struct hosts_rules *rules);

/* Takes a struct hosts_table, for epoch_retire(). NULL is allowed. */
void hosts_table_free(void *table);

/* Pairs of a name and an address, those for PTR counted too. */
size_t hosts_table_entries(const struct hosts_table *t);

/* A run of addresses or names in the order of the file; starts as a find function gives it. */
struct hosts_cursor {
	const struct hosts_table *table;
	uint32_t at; /* 0: the end */
};

/* The addresses of one family (4 or 16 octets) of a name in lower case: its own, or else those of the wildcard in place of its
 * first label. */
struct hosts_cursor hosts_find_addresses(const struct hosts_table *t, struct name n, size_t octets);

/* Begins to fetch what a search for a name (in any case) will touch into the CPU's cache; hosts_table_go_ahead() goes on, some time
 * later. For names that are about to be looked for, several at a time. */
struct hosts_ahead {
	const struct hosts_table *table;
	uint64_t hash;
};
struct hosts_ahead hosts_table_foresee(const struct hosts_table *t, struct name n);
void hosts_table_go_ahead(struct hosts_ahead ahead);

/* The names of an address. */
struct hosts_cursor hosts_find_names(const struct hosts_table *t, const uint8_t *address, size_t octets);

/* The next address, or name; false at the end. They are views into the table. */
bool hosts_next_address(struct hosts_cursor *c, struct view *address);
bool hosts_next_name(struct hosts_cursor *c, struct name *n);

#endif
