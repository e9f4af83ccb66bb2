/*
 * Hashes with a key of the process. SipHash-1-3, so that hash tables over outside names cannot be flooded; and a quicker one for
 * tables that outsiders only look into.
 */
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

/*
 * A quicker hash under the same key, for tables whose content is the operator's (zones, files): who asks for names that are not
 * there lengthens no search. Two multiplications for a name of usual length.
 */
uint64_t hash_own(const void *at, size_t size);

/* As hash_own, ASCII letters of either case hashing the same. */
uint64_t hash_own_nocase(const void *at, size_t size);

/* Two hashes made one. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	uint64_t x = a ^ (b + 0x9e3779b97f4a7c15ull + (a << 6) + (a >> 2));
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	return x ^ x >> 32;
}

#endif
