/* Signatures of RSA with SHA-256 (RSASSA-PKCS1-v1_5, RFC 8017 8.2), which RFC 7518 3.3 calls RS256. */
#ifndef ISTHMUS_SYNC_RS256_H
#define ISTHMUS_SYNC_RS256_H

#include "base/arena.h"

enum { RS256_OCTETS_MAX = 1024 }; /* of a signature: keys of up to 8,192 bits */

/*
 * Signs with a private key in PEM (PKCS #8 or PKCS #1, not encrypted); the signature is in the arena. False with *why, which has
 * nothing of the key in it. The cryptography library is a module, loaded with the first signature.
 */
bool rs256_sign(struct arena *arena, struct view key, struct view octets, struct view *signature, const char **why);

/* What the module rs256_libcrypto offers: the signature's length, or 0 with *why. */
struct rs256_engine {
	size_t (*sign)(struct view key, struct view octets, uint8_t to[static RS256_OCTETS_MAX], const char **why);
};

#define RS256_ENGINE_SYMBOL "isthmus_rs256_engine"

#endif
