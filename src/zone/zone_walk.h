/* All records of a zone, in the order of a transfer. */
#ifndef ISTHMUS_ZONE_ZONE_WALK_H
#define ISTHMUS_ZONE_ZONE_WALK_H

#include "zone/zone.h"

/*
 * Calls visit(record, data) for each record of the zone: the SOA, the apex' NS, each with its signatures, then all names in
 * canonical order (RFC 4034 6.1), those of NSEC3 by hash. The record's owner is good until visit returns; its rdata is
 * the zone's. False as soon as visit gives that. The zone must not be freed meanwhile.
 */
bool zone_walk(const struct zone *z, bool (*visit)(const struct record *r, void *data), void *data);

#endif
