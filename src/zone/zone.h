/*
 * Zones: immutable once sealed, and looked up without locks from any thread.
 *
 * A zone is built record by record (zone_builder), sealed, published, and freed as a whole. What a
 * lookup gives are views into the zone: they are good for as long as it is not freed.
 */
#ifndef ISTHMUS_ZONE_ZONE_H
#define ISTHMUS_ZONE_ZONE_H

#include "dns/message.h"

struct zone;
struct zone_builder;

/* --- building --- */

/* What became of a record given to zone_add(). */
enum zone_add_result {
	ZONE_ADDED,
	ZONE_OUTSIDE, /* left out: the owner is not in the zone, the class is not IN, or it is a SOA
			 beside the apex */
	ZONE_REFUSED, /* the zone cannot be built: zone_builder_error() says why */
};

/* Starts a zone. */
struct zone_builder *zone_builder_new(struct name origin);

/* Adds a copy of a record; a record that is there already is left out (RFC 2181 5). Owners and the
 * names of SOA, NS, CNAME and MX data become lower case. An RRset's TTL is the lowest of its
 * records' (RFC 2181 5.2). */
enum zone_add_result zone_add(struct zone_builder *b, const struct record *r);

/* Why zone_add() or zone_seal() refused; an empty text before that. Good until the builder is
 * freed. */
const char *zone_builder_error(const struct zone_builder *b);

/* Makes the zone ready for lookups. NULL if it has not exactly one SOA, or its NSEC3 parameters
 * cannot be used. The builder can only be freed after it. */
struct zone *zone_seal(struct zone_builder *b);

/* Frees the builder, and what it built if that was not sealed. */
void zone_builder_free(struct zone_builder *b);

/* Frees a zone; takes a struct zone, for epoch_retire(). */
void zone_free(void *zone);

/* --- a zone as a whole --- */

struct name zone_origin(const struct zone *z);
uint32_t zone_serial(const struct zone *z);

/* Records, and names that own some. */
size_t zone_record_count(const struct zone *z);
size_t zone_name_count(const struct zone *z);

/* --- lookup --- */

enum zone_outcome {
	ZONE_ANSWER,   /* the answer section has what was asked for */
	ZONE_NODATA,   /* the name (at the end of the aliases) exists without such records */
	ZONE_NXDOMAIN, /* it does not exist */
	ZONE_REFERRAL, /* it lies at or below a cut */
	ZONE_LEAVES,   /* an alias leads out of the zone, to `target`; rcode and authority are as if
			  nothing were known of it */
	ZONE_YXDOMAIN, /* a DNAME makes a name that is too long (RFC 6672 2.2) */
};

struct zone_result {
	enum zone_outcome outcome;
	struct name target;   /* ZONE_LEAVES: in lower case */
	struct name wildcard; /* the wildcard that the answer was made from; length 0: none */
	bool aliased;	      /* the answer section has CNAMEs that were followed */
	bool nothing_there;   /* no record has the name: NXDOMAIN, or an empty non-terminal */
};

/*
 * Answers a question of class IN (RFC 1034 4.3.2, with wildcards of RFC 4592, DNAME of RFC 6672,
 * DNSSEC of RFC 4035 3.1 and RFC 5155 7.2 when `dnssec`, ANY of RFC 8482): fills the reply's
 * sections, sets its rcode and the flag AA. `qname` is under the zone's origin, in lower case, and
 * lives as long as the reply; `arena` is the reply's.
 */
struct zone_result zone_lookup(const struct zone *z, struct name qname, uint16_t type, bool dnssec,
	struct message *reply, struct arena *arena);

/* Whose zones there are beside this one. `serve` says whether a name under this zone's origin (in lower case) is under a
 * longer zone, too: that is the nearest one then (RFC 1034 4.3.2 step 2), and an alias to it leaves this zone. So does an
 * alias to what this zone has nothing of. */
struct zone_neighbours {
	bool (*serve)(const struct zone_neighbours *n, struct name target);
};

/* The same in the presence of neighbours; NULL: there are none. */
struct zone_result zone_lookup_among(const struct zone_neighbours *neighbours, const struct zone *z,
	struct name qname, uint16_t type, bool dnssec, struct message *reply, struct arena *arena);

/*
 * The answer to a question under the zone's origin, in lower case, from somebody who does not want DNSSEC: in wire form, made from
 * `arena`, where the zone has it as good as ready; the message that it goes into has NOERROR and AA. NULL: ask zone_lookup().
 * It answers as that does.
 */
struct encoded *zone_encoded(
	const struct zone *z, const struct question *asked, struct arena *arena);

/* --- fetching ahead --- */

/* What a lookup of some name will touch next. */
struct zone_ahead {
	const struct zone *zone;
	uint64_t hash;
};

/*
 * Begins to fetch what a lookup of qname (in any case) will need into the CPU's cache; zone_go_ahead() goes on, some time later, with what
 * the first step has brought. For names that are about to be looked up, several at a time: each step alone would wait.
 */
struct zone_ahead zone_foresee(const struct zone *z, struct name qname);
void zone_go_ahead(struct zone_ahead ahead);

#endif
