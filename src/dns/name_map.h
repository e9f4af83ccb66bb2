/*
 * A map from names to values, asked for the longest of its names that another name is under: zones
 * to what serves them. Only suffixes with as many labels as some name of the map has are looked up:
 * with "." alone nothing is hashed at all.
 */
#ifndef ISTHMUS_DNS_NAME_MAP_H
#define ISTHMUS_DNS_NAME_MAP_H

#include "dns/name.h"

struct name_entry {
	struct name name;
	uint64_t hash;
	void *value;
};

/* Starts as { 0 }. Entries stand in the order in which they were added. */
struct name_map {
	struct name_entry *entries;
	size_t count, capacity;
	uint32_t *slots; /* open addressing: entry + 1, 0 for a free one */
	size_t slot_count;
	uint64_t label_counts; /* bit n: some name has n labels (63: 63 or more) */
};

/* The entry of exactly this name, which is added (the name is kept, its value is NULL) when there
 * is none; memory from the arena. Good until the next one is added. */
struct name_entry *name_map_add(struct name_map *m, struct arena *arena, struct name n);

/* The value of exactly this name, NULL if there is none. */
void *name_map_exact(const struct name_map *m, struct name n);

/* The value of the longest name with fewer labels than `below` that n is under; NULL if there is
 * none. Start with NAME_MAP_ANY, and with the labels of the one found to go on to the next shorter
 * one. */
enum { NAME_MAP_ANY = LABELS_MAX };
void *name_map_longest(const struct name_map *m, struct name n, unsigned below);

#endif
