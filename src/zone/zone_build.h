/* A zone that is being built; for zone_build.c and zone_seal.c. */
#ifndef ISTHMUS_ZONE_ZONE_BUILD_H
#define ISTHMUS_ZONE_ZONE_BUILD_H

#include "zone/zone_node.h"

/*
 * The last set of the last node lies at the end of the memory and takes records in place;
 * everything before is done with. Whatever comes again later (an owner, a type of an owner) starts
 * anew, and is brought together by zone_seal().
 */
struct zone_builder {
	struct zone *zone;
	uint32_t *nodes; /* places, in the order of the file; nodes[0] is the apex */
	size_t node_count, node_capacity;
	uint32_t node;	     /* the node that grows */
	uint32_t set;	     /* its last set, 0: none yet */
	size_t set_octets;   /* of that set in a message, owners not counted */
	bool has_boundaries; /* some cut or DNAME is there */
	char error[1200];
};

/* Says why the zone is refused. */
void builder_refuse(struct zone_builder *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A new node of this relative name at the end, listed in `nodes`; 0 when the zone is too large. */
uint32_t builder_node(struct zone_builder *b, struct name relative, unsigned flags);

/* A new, empty set at the end; not yet part of a node. 0 when the zone is too large. */
uint32_t builder_set(struct zone_builder *b, uint16_t type, uint32_t ttl);

/* Makes room for so many octets: until they are used, what is in the memory does not move. */
void builder_reserve(struct zone_builder *b, size_t octets);

/* Adds a record to the set at the end, unless it has it already; false if the zone is refused. */
bool builder_append(struct zone_builder *b, uint32_t set, struct view rdata, uint32_t ttl);

#endif
