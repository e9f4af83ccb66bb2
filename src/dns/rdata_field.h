/* The fields of rdata in wire form: how far each reaches and whether it is well formed. */
#ifndef ISTHMUS_DNS_RDATA_FIELD_H
#define ISTHMUS_DNS_RDATA_FIELD_H

#include "dns/rdata.h"
#include "dns/reader.h"

/* Kinds of gateway (RFC 4025 2.3) and of relay (RFC 8777 4.2.3). */
enum gateway_kind {
	GATEWAY_NONE,
	GATEWAY_IPV4,
	GATEWAY_IPV6,
	GATEWAY_NAME,
};

/* A relay's octet: the discovery bit and the kind (RFC 8777 4.2.2, 4.2.3). */
enum { RELAY_DISCOVERY = 0x80, RELAY_KIND = 0x7f };

/* The word for each field of a type in error texts, in the order of rdata_fields(); NULL for a type
 * without a table entry. */
const char *const *rdata_labels(uint16_t type);

/* Whether the field is one name that may have come compressed. */
/*@ terminates \true;
    assigns \nothing;
*/
static inline bool field_is_name(enum rdata_field f)
{
	return f == FIELD_NAME || f == FIELD_NAME_COMPRESSED;
}

/*
 * Passes over a field that is not such a name, r being the rdata to its end; r->failed if the field
 * is not well formed. Names within the field must stand without compression pointers.
 */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
void read_field(struct reader *r, enum rdata_field f);

#endif
