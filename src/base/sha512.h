/*
 * SHA-512 (FIPS 180-4), for the fingerprint of a Corefile. Ours, because mapping a cryptography library for this one digest
 * costs more memory than the whole server without it.
 */
#ifndef ISTHMUS_BASE_SHA512_H
#define ISTHMUS_BASE_SHA512_H

#include <stddef.h>
#include <stdint.h>

enum { SHA512_OCTETS = 64, SHA512_BLOCK = 128 };

struct sha512 {
	uint64_t state[8], length; /* octets so far, below 2^61 */
	uint8_t block[SHA512_BLOCK];
};

void sha512_begin(struct sha512 *s);
void sha512_add(struct sha512 *s, const void *data, size_t size);
void sha512_end(struct sha512 *s, uint8_t digest[static SHA512_OCTETS]);

#endif
