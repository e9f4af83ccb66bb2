/* JSON Web Tokens (RFC 7519) signed with RS256, as the services of Google take them for a service account. */
#ifndef ISTHMUS_SYNC_JWT_H
#define ISTHMUS_SYNC_JWT_H

#include "base/arena.h"

/* Claims that are empty are left out. */
struct jwt {
	struct view key_id;                  /* "kid" of the header */
	struct view issuer, subject, audience, scope; /* "iss", "sub", "aud", "scope" */
	int64_t issued, expires;             /* "iat", "exp": seconds since 1970 */
};

/* The token, signed with a private key in PEM, in the arena; false with *why, see rs256_sign(). */
bool jwt_sign(struct arena *arena, const struct jwt *claims, struct view key, struct view *token, const char **why);

#endif
