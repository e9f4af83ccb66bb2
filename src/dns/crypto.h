/* Digests and signatures: the one place that knows the cryptography library. */
#ifndef ISTHMUS_DNS_CRYPTO_H
#define ISTHMUS_DNS_CRYPTO_H

#include "base/view.h"

enum { SHA1_OCTETS = 20, SHA256_OCTETS = 32 };

/* Whether the library and its SHA-1 can be had; the first call loads it. Any thread. */
bool crypto_ready(void);

/* SHA-1, for the hashes of NSEC3; only after crypto_ready() said yes. Any thread. */
void crypto_sha1(const void *data, size_t size, uint8_t digest[static SHA1_OCTETS]);

/* Whether the library can be had, and its SHA-256 and HMAC; as crypto_ready(). */
bool crypto_sha256_ready(void);

/* SHA-256 (FIPS 180-4), and HMAC with it (RFC 2104); only after crypto_sha256_ready() said yes. Any thread. */
void crypto_sha256(struct view data, uint8_t digest[static SHA256_OCTETS]);
void crypto_hmac_sha256(struct view key, struct view data, uint8_t mac[static SHA256_OCTETS]);

#endif
