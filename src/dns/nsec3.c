/* The NSEC3 hash: H(H(...H(name, salt), salt)..., salt). */
#include "dns/nsec3.h"

#include "base/encoding.h"
#include "dns/crypto.h"

bool nsec3_parameters_read(struct view rdata, struct nsec3_parameters *p)
{
	const uint8_t *at = (const uint8_t *)rdata.at;
	if (rdata.length < 5 || rdata.length < 5u + at[4])
		return false;
	*p = (struct nsec3_parameters){
		.algorithm = at[0],
		.iterations = (uint16_t)(at[2] << 8 | at[3]),
		.salt_length = at[4],
	};
	memcpy(p->salt, at + 5, p->salt_length);
	return true;
}

bool nsec3_parameters_equal(const struct nsec3_parameters *a, const struct nsec3_parameters *b)
{
	return a->algorithm == b->algorithm && a->iterations == b->iterations &&
	       a->salt_length == b->salt_length && memcmp(a->salt, b->salt, a->salt_length) == 0;
}

void nsec3_label(
	const struct nsec3_parameters *p, struct name n, uint8_t label[static NSEC3_LABEL_OCTETS])
{
	uint8_t input[NAME_OCTETS_MAX + sizeof p->salt], hash[NSEC3_HASH_OCTETS];
	memcpy(input, n.octets, n.length);
	memcpy(input + n.length, p->salt, p->salt_length);
	crypto_sha1(input, n.length + p->salt_length, hash);
	for (unsigned i = 0; i < p->iterations; i++) {
		memcpy(input, hash, sizeof hash);
		memcpy(input + sizeof hash, p->salt, p->salt_length);
		crypto_sha1(input, sizeof hash + p->salt_length, hash);
	}
	/* 20 octets are exactly 32 digits */
	base32hex_encode((struct view){ (const char *)hash, sizeof hash }, (char *)label);
}
