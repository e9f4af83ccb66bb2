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

/* Octets copied, eight copied or compared. The provers take these three as they are described: they do not look through
 * void *. */
/*@ requires \valid(to + (0 .. n - 1)) && \valid_read(from + (0 .. n - 1));
    requires \separated(to + (0 .. n - 1), from + (0 .. n - 1));
    terminates \true;
    assigns to[0 .. n - 1];
*/
static inline void copy_octets(uint8_t *to, const uint8_t *from, size_t n)
{
	memcpy(to, from, n);
}

/*@ requires \valid(to + (0 .. 7)) && \valid_read(from + (0 .. 7));
    requires \separated(to + (0 .. 7), from + (0 .. 7));
    terminates \true;
    assigns to[0 .. 7];
*/
static inline void copy_eight(uint8_t *to, const uint8_t *from)
{
	memcpy(to, from, 8);
}

/*@ requires \valid_read(a + (0 .. 7)) && \valid_read(b + (0 .. 7));
    terminates \true;
    assigns \nothing;
*/
static inline bool same_eight(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 8) == 0;
}

/* Whether a and b are the same; the last eight are compared over some of those before them. */
/*@ requires length <= 65535;
    requires \valid_read(a + (0 .. length - 1)) && \valid_read(b + (0 .. length - 1));
    terminates \true;
    assigns \nothing;
*/
static inline bool octets_same(const uint8_t *a, const uint8_t *b, size_t length)
{
	size_t i = 0;
	if (length >= 8) {
		/*@ loop invariant 0 <= i <= length;
		    loop assigns i;
		    loop variant length - i;
		*/
		for (; i + 8 < length; i += 8) {
			if (!same_eight(a + i, b + i))
				return false;
		}
		return same_eight(a + length - 8, b + length - 8);
	}
	/*@ loop invariant 0 <= i <= length;
	    loop assigns i;
	    loop variant length - i;
	*/
	while (i < length && a[i] == b[i])
		i++;
	return i == length;
}

#endif
