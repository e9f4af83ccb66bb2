/* Octets, eight at a time: what is too short for a call. */
#ifndef ISTHMUS_BASE_OCTETS_H
#define ISTHMUS_BASE_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Each ASCII upper-case letter among the eight octets made lower-case, the others untouched. */
static inline uint64_t lower_word(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101ull;
	uint64_t low = w & (0x7f * ones);
	uint64_t from_a = low + (0x80 - 'A') * ones;
	uint64_t after_z = low + (0x80 - 'Z' - 1) * ones;
	uint64_t upper = (from_a & ~after_z) & ~w & (0x80 * ones);
	return w | upper >> 2;
}

/* Whether a and b are the same; the last eight are compared over some of those before them. */
static inline bool octets_same(const uint8_t *a, const uint8_t *b, size_t length)
{
	size_t i = 0;
	if (length >= 8) {
		for (; i + 8 < length; i += 8) {
			if (memcmp(a + i, b + i, 8) != 0)
				return false;
		}
		return memcmp(a + length - 8, b + length - 8, 8) == 0;
	}
	while (i < length && a[i] == b[i])
		i++;
	return i == length;
}

#endif
