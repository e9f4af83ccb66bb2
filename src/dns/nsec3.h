/* NSEC3 (RFC 5155): hashed names. */
#ifndef ISTHMUS_DNS_NSEC3_H
#define ISTHMUS_DNS_NSEC3_H

#include "dns/name.h"

enum {
	NSEC3_SHA1 = 1,	   /* the one hash algorithm there is */
	NSEC3_OPT_OUT = 1, /* flag (RFC 5155 3.1.2.1) */
	NSEC3_HASH_OCTETS = 20,
	NSEC3_LABEL_OCTETS = 32,     /* the hash in base32hex */
	NSEC3_ITERATIONS_MAX = 2500, /* RFC 5155 10.3: of the largest key size */
};

struct nsec3_parameters {
	uint8_t algorithm;
	uint16_t iterations;
	uint8_t salt_length;
	uint8_t salt[255];
};

/* Reads the fixed part that NSEC3PARAM and NSEC3 begin with (flags are left out); false if rdata is
 * too short. */
bool nsec3_parameters_read(struct view rdata, struct nsec3_parameters *p);

bool nsec3_parameters_equal(const struct nsec3_parameters *a, const struct nsec3_parameters *b);

/* The hash of n (in lower case) as the label that owns its NSEC3: lower-case base32hex (RFC 5155
 * 5, 3.3). */
void nsec3_label(
	const struct nsec3_parameters *p, struct name n, uint8_t label[static NSEC3_LABEL_OCTETS]);

#endif
