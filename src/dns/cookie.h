/* DNS cookies (RFC 7873) with server cookies that all servers of an anycast set make alike (RFC 9018). */
#ifndef ISTHMUS_DNS_COOKIE_H
#define ISTHMUS_DNS_COOKIE_H

#include "base/siphash.h"
#include "base/view.h"

enum {
	COOKIE_CLIENT_OCTETS = 8,
	COOKIE_OCTETS = 24, /* the option that we answer with: client cookie, server cookie */
	COOKIE_SECRETS_MAX = 4,
};

/* The first secret makes cookies; those made with the others are still taken (RFC 9018 5). At least one. */
struct cookie_secrets {
	uint8_t secret[COOKIE_SECRETS_MAX][SIPHASH_KEY_OCTETS];
	size_t count;
};

enum cookie_state {
	COOKIE_MALFORMED,   /* not of a length that RFC 7873 5.2.2 allows */
	COOKIE_CLIENT_ONLY, /* the client knows no server cookie yet */
	COOKIE_INVALID,     /* the server cookie is not ours, not this client's, over an hour old, or of the future */
	COOKIE_VALID,
	COOKIE_AGED, /* valid, and to be replaced: over half an hour old, or not made with the first secret */
};

/* What the client's option is worth. `address` is its address, 4 or 16 octets; `now` the time in seconds since 1970, of
 * which serial arithmetic makes 32 bits enough (RFC 9018 4.3). */
enum cookie_state cookie_check(
	const struct cookie_secrets *secrets, struct view option, struct view address, uint32_t now);

/* Writes the option to answer with. `client` is the client's option, at least its client cookie. */
void cookie_make(const struct cookie_secrets *secrets, struct view client, struct view address,
	uint32_t now, uint8_t to[static COOKIE_OCTETS]);

#endif
