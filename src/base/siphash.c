/* SipHash-2-4: two rounds for each 8 octets, four at the end. */
#include "base/siphash.h"

enum { ROUNDS = 2, ROUNDS_AT_END = 4 };

uint64_t siphash_2_4(const uint8_t key[static SIPHASH_KEY_OCTETS], const void *octets, size_t size)
{
	const uint8_t *at = octets;
	struct sip s = sip_begin(sip_load(key, 8), sip_load(key + 8, 8));
	size_t left = size;
	for (; left >= 8; at += 8, left -= 8)
		sip_word(&s, sip_load(at, 8), ROUNDS);
	sip_word(&s, sip_rest(at, left, size) | (uint64_t)size << 56, ROUNDS);
	return sip_end(&s, ROUNDS_AT_END);
}
