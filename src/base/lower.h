/* ASCII letters in lower case, eight octets at a time. */
#ifndef ISTHMUS_BASE_LOWER_H
#define ISTHMUS_BASE_LOWER_H

#include <stdint.h>

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

#endif
