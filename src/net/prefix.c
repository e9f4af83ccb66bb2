/* Networks and sets of networks. */
#include "net/prefix.h"

#include <stdlib.h>

static void prefix_of_address(const struct endpoint *e, struct prefix *p)
{
	struct view address = endpoint_address(e);
	*p = (struct prefix){ .v6 = endpoint_is_v6(e), .bits = endpoint_is_v6(e) ? 128 : 32 };
	memcpy(p->address, address.at, address.length);
}

/* Clears the octets and bits behind the first `bits`. */
static void clear_host_bits(struct prefix *p)
{
	size_t whole = p->bits / 8u, cut = p->bits % 8u;
	if (cut) {
		p->address[whole] &= (uint8_t)(0xff << (8 - cut));
		whole++;
	}
	memset(p->address + whole, 0, sizeof p->address - whole);
}

/* endpoint_parse_ip() takes v4-mapped IPv6 for IPv4 nowhere, and zones ("%eth0") that no network
 * has. */
static bool parse_address(struct view text, struct prefix *p)
{
	struct endpoint e;
	if (view_find(text, '%') < text.length || !endpoint_parse_ip(text, 0, &e))
		return false;
	prefix_of_address(&e, p);
	return true;
}

bool prefix_parse(struct view text, struct prefix *p)
{
	size_t slash = view_find(text, '/');
	uint64_t bits;
	if (slash == text.length || !parse_address(view_first(text, slash), p) ||
		!view_unsigned(view_skip(text, slash + 1), p->bits, &bits))
		return false;
	p->bits = (uint8_t)bits;
	clear_host_bits(p);
	return true;
}

bool prefix_parse_or_address(struct view text, struct prefix *p)
{
	return prefix_parse(text, p) || parse_address(text, p);
}

/* Whether the first p->bits bits of both are the same. */
static bool covers(const struct prefix *p, const struct prefix *other)
{
	size_t whole = p->bits / 8u, cut = p->bits % 8u;
	if (p->v6 != other->v6 || p->bits > other->bits ||
		memcmp(p->address, other->address, whole) != 0)
		return false;
	return cut == 0 ||
	       ((p->address[whole] ^ other->address[whole]) & (0xff << (8 - cut)) & 0xff) == 0;
}

bool prefix_contains(const struct prefix *p, const struct endpoint *e)
{
	struct prefix address;
	prefix_of_address(e, &address);
	return covers(p, &address);
}

/* By family, address, and the larger network first: a network comes before those that it covers. */
static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct prefix));
}

struct prefix_set prefix_set_make(struct prefix *prefixes, size_t count)
{
	size_t kept = 0;
	if (count > 0)
		qsort(prefixes, count, sizeof *prefixes, compare);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || !covers(&prefixes[kept - 1], &prefixes[i]))
			prefixes[kept++] = prefixes[i];
	}
	return (struct prefix_set){ prefixes, kept };
}

/* The last network that does not start behind the address is the only one that can cover it. */
bool prefix_set_contains(const struct prefix_set *s, const struct endpoint *e)
{
	struct prefix address;
	prefix_of_address(e, &address);
	size_t low = 0, high = s->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(&s->prefixes[middle], &address) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && covers(&s->prefixes[low - 1], &address);
}
