/* SipHash-1-3 with a key of the process: hash tables over outside names cannot be flooded. */
#ifndef ISTHMUS_BASE_HASH_H
#define ISTHMUS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Draws the key; called once before the first hash, before threads exist. */
void hash_init(void);

/* The hash of these bytes, under the process's key. */
uint64_t hash_bytes(const void *at, size_t size);

/* As hash_bytes, ASCII letters of either case hashing the same: for names in wire form. */
uint64_t hash_bytes_nocase(const void *at, size_t size);

/* Two hashes made one. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	uint64_t x = a ^ (b + 0x9e3779b97f4a7c15ull + (a << 6) + (a >> 2));
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	return x ^ x >> 32;
}

#endif
