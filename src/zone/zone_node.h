/*
 * How a zone lies in memory; for src/zone alone.
 *
 * One block has nodes and RRsets, written once in the order of the file: a node right before the
 * sets that followed its name there. They refer to each other by 32-bit places in units of 4
 * octets, so that the block can be moved while it grows. Names are kept as if the apex were the
 * root: most of a zone's names are short then.
 *
 * One hash table finds nodes by name.
 *
 * Every name between an owner and the apex has a node (empty non-terminals own no set). NSEC3
 * records are kept apart: their owners are no names of the zone (RFC 5155 7.2.8).
 */
#ifndef ISTHMUS_ZONE_ZONE_NODE_H
#define ISTHMUS_ZONE_ZONE_NODE_H

#include "base/place_table.h"
#include "dns/nsec3.h"
#include "zone/zone.h"

enum node_flag {
	NODE_CUT = 1, /* has NS and is not the apex */
	NODE_DNAME = 2,
	NODE_CNAME = 4,
	NODE_WILDCARD = 8,   /* "*" below it exists */
	NODE_OCCLUDED = 16,  /* below a cut or a DNAME: glue, or data that is not to be seen */
	NODE_SCATTERED = 32, /* while building: several sets of one type, to be made one */
	NODE_NSEC3 = 64,     /* owner of an NSEC3, not in the table */
	NODE_MERGED =
		128, /* while building: its sets have gone to an earlier node of the same name */
};

/* The name is relative to the apex: a name in wire form and lower case, with the origin's labels
 * left out. */
struct node {
	uint32_t sets; /* place of the first set, 0: none */
	uint8_t name_length, flags;
	uint8_t name[];
};

/* `records` is a run of {length in host order, 16 bits, not aligned; rdata}. */
struct rrset {
	uint32_t next; /* place of the node's next set, 0: none */
	uint32_t ttl;
	uint16_t type, count;
	uint8_t records[];
};

enum denial {
	DENIAL_UNSIGNED,
	DENIAL_NSEC,
	DENIAL_NSEC3,
};

/* A section in wire form, as it stood at offset `at` of a message that asks for the apex. */
struct ready_section {
	uint8_t *octets;
	size_t length, plain_length; /* with compression, and without */
	size_t at;
	uint16_t *pointers; /* offsets in it of compression pointers */
	unsigned pointer_count;
	uint16_t count; /* of its records */
	bool complete;	/* false: it is not kept, for its size */
};

struct zone {
	uint8_t *memory; /* places count from here; place 0 is nobody's */
	size_t used, capacity;

	struct place_table table; /* of nodes by name */

	struct name_buffer origin_room;
	struct name origin;
	const struct node *apex;
	const struct rrset *soa, *soa_signatures, *ns,
		*ns_signatures; /* of the apex, NULL where there is none */
	uint32_t serial;
	uint32_t negative_ttl; /* the lesser of SOA's TTL and MINIMUM (RFC 2308 3) */

	struct ready_section authority; /* of a positive answer: the NS of the apex */

	enum denial denial;
	uint32_t *order; /* places of the owners of NSEC in canonical order, or of NSEC3 by hash */
	size_t order_count;
	struct nsec3_parameters nsec3;

	size_t record_count, name_count;
};

static inline void *zone_at(const struct zone *z, uint32_t place)
{
	return z->memory + (size_t)place * 4;
}

static inline const struct rrset *zone_sets(const struct zone *z, const struct node *n)
{
	return n->sets ? zone_at(z, n->sets) : NULL;
}

static inline const struct rrset *rrset_next(const struct zone *z, const struct rrset *s)
{
	return s->next ? zone_at(z, s->next) : NULL;
}

/* The record at `at`; moves `at` behind it. */
static inline struct view rrset_record(const uint8_t **at)
{
	uint16_t length;
	memcpy(&length, *at, sizeof length);
	struct view rdata = { (const char *)*at + sizeof length, length };
	*at += sizeof length + length;
	return rdata;
}

/* The first record's data; a set has at least one. */
static inline struct view rrset_first(const struct rrset *s)
{
	const uint8_t *at = s->records;
	return rrset_record(&at);
}

/* The type that signatures cover; 0 for a set of another type. */
static inline uint16_t rrset_covers(const struct rrset *s)
{
	if (s->type != TYPE_RRSIG)
		return 0;
	const uint8_t *rdata = s->records + sizeof(uint16_t);
	return (uint16_t)(rdata[0] << 8 | rdata[1]);
}

/* The node's set of this type, NULL if there is none; not for RRSIG. */
const struct rrset *node_set(const struct zone *z, const struct node *n, uint16_t type);

/* The signatures over the node's set of this type. */
const struct rrset *node_signatures(const struct zone *z, const struct node *n, uint16_t covers);

/* Octets of n in front of the zone's origin, which n is under. */
static inline size_t relative_length(const struct zone *z, struct name n)
{
	return n.length - z->origin.length;
}

static inline struct name node_relative(const struct node *n)
{
	return (struct name){ n->name, n->name_length };
}

/* The node of a relative name in lower case, given as its labels without the root's octet. */
const struct node *zone_find_relative(const struct zone *z, const uint8_t *labels, size_t length);

/* The node of n (under the origin, lower case). */
static inline const struct node *zone_find(const struct zone *z, struct name n)
{
	return zone_find_relative(z, n.octets, relative_length(z, n));
}

/* Makes an empty table with room for so many nodes. */
void zone_table_make(struct zone *z, size_t nodes);

/* Puts a node that is not there yet into the table. */
void zone_table_insert(struct zone *z, uint32_t place);

/* What is known of a name after going down from the apex (RFC 1034 4.3.2 step 3, RFC 4592 3.3.1).
 */
struct match {
	const struct node *node;     /* qname's own, NULL if there is none */
	const struct node *encloser; /* closest encloser: the node itself if there is one */
	struct name encloser_name;
	const struct node
		*boundary; /* the topmost cut at or above qname, or DNAME above it; NULL: none */
	struct name boundary_name;
};

struct match zone_match(const struct zone *z, struct name qname);

/* "*" below the encloser: its name in `to`, its node, or NULL. */
const struct node *zone_wildcard(
	const struct zone *z, const struct match *m, struct name_buffer *to);

/* The name of a node, built in `to`. */
struct name node_name(const struct zone *z, const struct node *n, struct name_buffer *to);

/* --- zone_encode.c --- */

/* Fills in `authority`, when z->ns is known; gives it back. */
void zone_ready_authority(struct zone *z);
void zone_ready_free(struct zone *z);

/* --- zone_order.c --- */

/* Sorts nodes by the canonical order of their names. */
void zone_sort(const struct zone *z, uint32_t *places, size_t count);

/* Fills order and denial from the nodes (places) of a zone whose table is complete. False when the
 * NSEC3 parameters of the apex cannot be used. */
bool zone_order_build(struct zone *z, const uint32_t *nodes, size_t count);

/* The owner of the NSEC that matches or covers n (under the origin, lower case). Only with
 * DENIAL_NSEC. */
const struct node *zone_nsec_at(const struct zone *z, struct name n);

/* The owner of the NSEC3 that matches n's hash, or covers it; *matches says which. Only with
 * DENIAL_NSEC3. */
const struct node *zone_nsec3_at(const struct zone *z, struct name n, bool *matches);

#endif
