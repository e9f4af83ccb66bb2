/* A lookup under way; for zone_lookup.c, zone_additional.c and zone_denial.c. */
#ifndef ISTHMUS_ZONE_ZONE_LOOKUP_H
#define ISTHMUS_ZONE_ZONE_LOOKUP_H

#include "zone/zone_node.h"

enum { ALIASES_MAX = 10 }; /* CNAMEs in one answer */

/* A wildcard that a name was made from: with DNSSEC the answer must prove that the name itself does
 * not exist. */
struct expansion {
	struct name name, encloser;
};

struct lookup {
	const struct zone *zone;
	const struct zone_neighbours *neighbours;
	struct message *reply;
	struct arena *arena;
	struct name name; /* looked for now: qname, or where its aliases led to; lower case */
	uint16_t type;
	bool dnssec;
	struct zone_result result;
	struct expansion expansions[ALIASES_MAX + 1];
	unsigned expansion_count, alias_count;
};

/* Adds an RRset under an owner. */
void put_set(struct lookup *l, enum section_id section, struct name owner, const struct rrset *s);

/* The same, with the signatures that the node has over it when they are asked for. */
void put_signed(struct lookup *l, enum section_id section, struct name owner, const struct node *n,
	const struct rrset *s);

/* Whether the section has this record of the zone already: by where its data lies. */
bool has_record(const struct section *s, struct name owner, const struct rrset *set);

/* --- zone_additional.c --- */

/* Adds the addresses of the names in an answer's records to the additional section (RFC 1034 4.3.2
 * step 6; SRV, SVCB and others by their RFCs). `owner` is the set's. */
void put_additional(struct lookup *l, struct name owner, const struct rrset *s);

/* Adds the addresses of a cut's name servers, those below the cut first (RFC 9471). */
void put_glue(struct lookup *l, struct name cut, const struct rrset *ns);

/* --- zone_denial.c: does nothing unless l->dnssec and the zone is signed --- */

/* l->name does not exist, nor does a wildcard that would cover it (RFC 4035 3.1.3.2, RFC
 * 5155 7.2.2). */
void deny_name(struct lookup *l, struct name encloser);

/* l->name is there and has no records of the type (RFC 4035 3.1.3.1, RFC 5155 7.2.3 and 7.2.4). */
void deny_type(struct lookup *l);

/* l->name does not exist, and the wildcard has no records of the type (RFC 4035 3.1.3.4, RFC
 * 5155 7.2.5). */
void deny_wildcard_type(struct lookup *l, struct name encloser, struct name wildcard);

/* The names that were made from wildcards do not exist themselves (RFC 4035 3.1.3.3, RFC
 * 5155 7.2.6). */
void deny_expanded_names(struct lookup *l);

/* The cut has no DS (RFC 4035 3.1.4, RFC 5155 7.2.7). */
void deny_ds(struct lookup *l, struct name cut);

#endif
