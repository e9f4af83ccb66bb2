/* SipHash (Aumasson and Bernstein): a hash under a secret key of 128 bits. Its parts, and SipHash-2-4 whole. */
#ifndef ISTHMUS_BASE_SIPHASH_H
#define ISTHMUS_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SIPHASH_KEY_OCTETS = 16 };

/* SipHash-2-4 of these octets. Written in the order of increasing significance it is the 8 octets of the algorithm's test
 * vectors. */
uint64_t siphash_2_4(const uint8_t key[static SIPHASH_KEY_OCTETS], const void *at, size_t size);

/* --- the parts --- */

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline struct sip sip_begin(uint64_t key0, uint64_t key1)
{
	return (struct sip){ key0 ^ 0x736f6d6570736575ull, key1 ^ 0x646f72616e646f6dull,
		key0 ^ 0x6c7967656e657261ull, key1 ^ 0x7465646279746573ull };
}

static inline uint64_t sip_rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = sip_rotate(s->v1, 13) ^ s->v0;
	s->v0 = sip_rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = sip_rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = sip_rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = sip_rotate(s->v1, 17) ^ s->v2;
	s->v2 = sip_rotate(s->v2, 32);
}

/* Takes 8 octets in. */
static inline void sip_word(struct sip *s, uint64_t word, int rounds)
{
	s->v3 ^= word;
#pragma GCC unroll 4
	for (int i = 0; i < rounds; i++)
		sip_round(s);
	s->v0 ^= word;
}

static inline uint64_t sip_end(struct sip *s, int rounds)
{
	s->v2 ^= 0xff;
#pragma GCC unroll 4
	for (int i = 0; i < rounds; i++)
		sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* 4 or 8 octets as a number, the first one least significant. */
static inline uint64_t sip_load(const uint8_t *at, size_t size)
{
	uint64_t word = 0;
	memcpy(&word, at, size);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* What is left of `size` octets behind whole words: the `left` < 8 octets at `at`, as a number. */
static inline uint64_t sip_rest(const uint8_t *at, size_t left, size_t size)
{
	if (left == 0)
		return 0;
	if (size >= 8)
		return sip_load(at + left - 8, 8) >> (64 - 8 * left);
	if (left >= 4)
		return sip_load(at, 4) | sip_load(at + left - 4, 4) << 8 * (left - 4);
	return at[0] | (uint64_t)at[left / 2] << 8 * (left / 2) | (uint64_t)at[left - 1] << 8 * (left - 1);
}

/* The other way: a number whose octets in memory are those. */
static inline uint64_t sip_store(uint64_t word)
{
	return sip_load((const uint8_t *)&word, sizeof word);
}

#endif
