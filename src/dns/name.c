/* Names in wire form: labels, comparison, order, and building one from others. */
#include "dns/name.h"

#include "base/hash.h"
#include "base/octets.h"

const struct name name_root = { (const uint8_t *)"", 1 };

/* An octet in lower case. Lengths of labels are below 'A', so whole names may be folded octet by
 * octet. */
static inline uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

unsigned name_labels(struct name n)
{
	unsigned count = 0;
	for (size_t at = 0; at + 1 < n.length; at += 1u + n.octets[at])
		count++;
	return count;
}

struct name name_suffix(struct name n, unsigned labels)
{
	for (unsigned have = name_labels(n); have > labels; have--)
		n = name_parent(n);
	return n;
}

static bool octets_equal(const uint8_t *a, const uint8_t *b, size_t length)
{
	if (octets_same(a, b, length))
		return true;
	for (size_t i = 0; i < length; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

bool name_equal(struct name a, struct name b)
{
	return a.length == b.length && octets_equal(a.octets, b.octets, a.length);
}

bool name_is_under(struct name n, struct name zone)
{
	if (name_is_root(zone))
		return true;
	while (n.length > zone.length)
		n = name_parent(n);
	return name_equal(n, zone);
}

/* Where the labels of n start, without the root's; gives how many. */
static unsigned label_starts(struct name n, uint8_t starts[static LABELS_MAX])
{
	unsigned count = 0;
	for (size_t at = 0; at + 1 < n.length && count < LABELS_MAX; at += 1u + n.octets[at])
		starts[count++] = (uint8_t)at;
	return count;
}

static int label_compare(const uint8_t *a, const uint8_t *b)
{
	size_t shorter = a[0] < b[0] ? a[0] : b[0];
	for (size_t i = 1; i <= shorter; i++) {
		int difference = lower(a[i]) - lower(b[i]);
		if (difference)
			return difference;
	}
	return a[0] - b[0];
}

int name_compare(struct name a, struct name b)
{
	uint8_t of_a[LABELS_MAX], of_b[LABELS_MAX];
	unsigned left_a = label_starts(a, of_a), left_b = label_starts(b, of_b);
	while (left_a && left_b) {
		int difference =
			label_compare(a.octets + of_a[--left_a], b.octets + of_b[--left_b]);
		if (difference)
			return difference;
	}
	return (int)left_a - (int)left_b;
}

uint64_t name_hash(struct name n)
{
	return hash_bytes_nocase(n.octets, n.length);
}

static void copy_lower_word(uint8_t *to, const uint8_t *from)
{
	uint64_t word;
	memcpy(&word, from, 8);
	word = lower_word(word);
	memcpy(to, &word, 8);
}

/* Eight octets at a time, the last eight over some of those before them. */
static void copy_lower(uint8_t *to, struct name n)
{
	size_t i = 0;
	if (n.length >= 8) {
		for (; i + 8 < n.length; i += 8)
			copy_lower_word(to + i, n.octets + i);
		copy_lower_word(to + n.length - 8, n.octets + n.length - 8);
		return;
	}
	for (; i < n.length; i++)
		to[i] = lower(n.octets[i]);
}

struct name name_lower(struct name n, struct name_buffer *to)
{
	copy_lower(to->octets, n);
	to->length = n.length;
	return name_of(to);
}

struct name name_copy(struct arena *a, struct name n)
{
	uint8_t *to = arena_octets(a, n.length);
	memcpy(to, n.octets, n.length);
	return (struct name){ to, n.length };
}

struct name name_copy_lower(struct arena *a, struct name n)
{
	uint8_t *to = arena_octets(a, n.length);
	copy_lower(to, n);
	return (struct name){ to, n.length };
}

bool name_prepend(struct view label, struct name n, struct name_buffer *to)
{
	size_t length = 1 + label.length + n.length;
	if (label.length == 0 || label.length > LABEL_OCTETS_MAX || length > NAME_OCTETS_MAX)
		return false;
	memmove(to->octets + 1 + label.length, n.octets, n.length);
	memcpy(to->octets + 1, label.at, label.length);
	to->octets[0] = (uint8_t)label.length;
	to->length = length;
	return true;
}

bool name_replace_suffix(struct name n, struct name from, struct name by, struct name_buffer *to)
{
	size_t kept = n.length - from.length;
	if (kept + by.length > NAME_OCTETS_MAX)
		return false;
	memmove(to->octets + kept, by.octets, by.length);
	memmove(to->octets, n.octets, kept);
	to->length = kept + by.length;
	return true;
}
