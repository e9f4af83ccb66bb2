/* Digests and signatures: the one place that knows the cryptography library. */
#ifndef ISTHMUS_DNS_CRYPTO_H
#define ISTHMUS_DNS_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA1_OCTETS = 20 };

/* Whether the library and its SHA-1 can be had; the first call loads it. Any thread. */
bool crypto_ready(void);

/* SHA-1, for the hashes of NSEC3; only after crypto_ready() said yes. Any thread. */
void crypto_sha1(const void *data, size_t size, uint8_t digest[static SHA1_OCTETS]);

#endif
