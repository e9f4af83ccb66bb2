/* Digests and signatures: the one place that knows the cryptography library. */
#ifndef ISTHMUS_DNS_CRYPTO_H
#define ISTHMUS_DNS_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

enum { SHA1_OCTETS = 20 };

/* SHA-1, for the hashes of NSEC3. Any thread. */
void crypto_sha1(const void *data, size_t size, uint8_t digest[static SHA1_OCTETS]);

#endif
