/* SipHash-1-3 (Aumasson and Bernstein), eight bytes a round, and a hash of folded products. */
#include "base/hash.h"

#include "base/octets.h"
#include "base/random.h"
#include "base/siphash.h"
#include <stdbool.h>

enum { ROUNDS = 1, ROUNDS_AT_END = 3 };

static uint64_t key[2];

void hash_init(void)
{
	random_fill(key, sizeof key);
}

static inline uint64_t sip_hash(const uint8_t *at, size_t size, bool nocase)
{
	struct sip s = sip_begin(key[0], key[1]);
	size_t left = size;
	for (; left >= 8; at += 8, left -= 8)
		sip_word(&s, nocase ? lower_word(sip_load(at, 8)) : sip_load(at, 8), ROUNDS);
	uint64_t word = sip_rest(at, left, size);
	sip_word(&s, (nocase ? lower_word(word) : word) | (uint64_t)size << 56, ROUNDS);
	return sip_end(&s, ROUNDS_AT_END);
}

uint64_t hash_bytes(const void *at, size_t size)
{
	return sip_hash(at, size, false);
}

uint64_t hash_bytes_nocase(const void *at, size_t size)
{
	return sip_hash(at, size, true);
}

/* Both halves of a product: each bit of the factors moves about half of the result's. */
static inline uint64_t folded_product(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t product_hash(const uint8_t *at, size_t size, bool nocase)
{
	const uint64_t factor = key[1] ^ 0x9e3779b97f4a7c15ull;
	uint64_t hash = key[0] + size;
	size_t left = size;
	for (; left > 8; at += 8, left -= 8)
		hash = folded_product(
			hash ^ (nocase ? lower_word(sip_load(at, 8)) : sip_load(at, 8)), factor);
	uint64_t word = left == 8 ? sip_load(at, 8) : sip_rest(at, left, size);
	return folded_product(hash ^ (nocase ? lower_word(word) : word), factor);
}

uint64_t hash_own(const void *at, size_t size)
{
	return product_hash(at, size, false);
}

uint64_t hash_own_nocase(const void *at, size_t size)
{
	return product_hash(at, size, true);
}
