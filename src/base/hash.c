/* SipHash-1-3 (Aumasson and Bernstein), eight bytes a round. */
#include "base/hash.h"

#include "base/random.h"
#include <stdbool.h>
#include <string.h>

static uint64_t key[2];

void hash_init(void)
{
	random_fill(key, sizeof key);
}

static inline uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

/* Each ASCII upper-case letter among the eight bytes made lower-case, the others untouched. */
static inline uint64_t lower_word(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101ull;
	uint64_t low = w & (0x7f * ones);
	uint64_t from_a = low + (0x80 - 'A') * ones;
	uint64_t after_z = low + (0x80 - 'Z' - 1) * ones;
	uint64_t upper = (from_a & ~after_z) & ~w & (0x80 * ones);
	return w | upper >> 2;
}

static inline uint64_t sip_hash(const unsigned char *at, size_t size, bool nocase)
{
	struct sip s = { key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
		key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull };
	size_t left = size;
	uint64_t word;
	for (; left >= 8; at += 8, left -= 8) {
		memcpy(&word, at, 8);
		if (nocase)
			word = lower_word(word);
		s.v3 ^= word;
		sip_round(&s);
		s.v0 ^= word;
	}
	word = 0;
	memcpy(&word, at, left);
	if (nocase)
		word = lower_word(word);
	word |= (uint64_t)size << 56;
	s.v3 ^= word;
	sip_round(&s);
	s.v0 ^= word;
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_bytes(const void *at, size_t size)
{
	return sip_hash(at, size, false);
}

uint64_t hash_bytes_nocase(const void *at, size_t size)
{
	return sip_hash(at, size, true);
}
