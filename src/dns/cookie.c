/*
 * The server cookie of version 1 (RFC 9018 4):
 *
 *   client cookie 8 | version 1, reserved 3 | timestamp 4 | hash 8
 *
 * The hash is SipHash-2-4 of all that stands before it and the client's address.
 */
#include "dns/cookie.h"

#include "dns/rdata.h"
#include "dns/writer.h"

enum {
	VERSION = 1,
	VERSION_AT = COOKIE_CLIENT_OCTETS,
	TIME_AT = 12,
	HASH_AT = 16,
	ADDRESS_OCTETS_MAX = 16,
	SHORTEST_WITH_SERVER = 16, /* RFC 7873 4: a server cookie has 8 to 32 octets */
	LONGEST = 40,
	AGE_MAX = 3600, /* seconds, RFC 9018 4.3 */
	AGE_FRESH = 1800,
	AHEAD_MAX = 300,
};

/* The hash that belongs behind the first HASH_AT octets of a cookie. */
static uint64_t cookie_hash(const uint8_t *secret, const char *cookie, struct view address)
{
	uint8_t input[HASH_AT + ADDRESS_OCTETS_MAX];
	memcpy(input, cookie, HASH_AT);
	memcpy(input + HASH_AT, address.at, address.length);
	return siphash_2_4(secret, input, HASH_AT + address.length);
}

/* Which secret it was made with; secrets->count if with none. The reserved octets may be anything (RFC 9018 4.2). */
static size_t made_with(
	const struct cookie_secrets *secrets, struct view option, struct view address)
{
	uint64_t hash = sip_load((const uint8_t *)option.at + HASH_AT, sizeof hash);
	size_t i = 0;
	while (i < secrets->count && cookie_hash(secrets->secret[i], option.at, address) != hash)
		i++;
	return i;
}

enum cookie_state cookie_check(
	const struct cookie_secrets *secrets, struct view option, struct view address, uint32_t now)
{
	if (option.length == COOKIE_CLIENT_OCTETS)
		return COOKIE_CLIENT_ONLY;
	if (option.length < SHORTEST_WITH_SERVER || option.length > LONGEST)
		return COOKIE_MALFORMED;
	if (option.length != COOKIE_OCTETS || option.at[VERSION_AT] != VERSION)
		return COOKIE_INVALID;
	int32_t age = (int32_t)(now - rdata_u32(option, TIME_AT));
	if (age > AGE_MAX || age < -AHEAD_MAX)
		return COOKIE_INVALID;
	size_t with = made_with(secrets, option, address);
	if (with == secrets->count)
		return COOKIE_INVALID;
	return with > 0 || age > AGE_FRESH ? COOKIE_AGED : COOKIE_VALID;
}

void cookie_make(const struct cookie_secrets *secrets, struct view client, struct view address,
	uint32_t now, uint8_t to[static COOKIE_OCTETS])
{
	struct writer w = writer_to(to, COOKIE_OCTETS);
	write_octets(&w, (const uint8_t *)client.at, COOKIE_CLIENT_OCTETS);
	write_u32(&w, (uint32_t)VERSION << 24);
	write_u32(&w, now);
	uint64_t hash = sip_store(cookie_hash(secrets->secret[0], (const char *)to, address));
	write_octets(&w, (const uint8_t *)&hash, sizeof hash);
}
