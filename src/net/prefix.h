/* Networks in CIDR form (RFC 4632, RFC 4291 2.3), and sets of them that are asked by address. */
#ifndef ISTHMUS_NET_PREFIX_H
#define ISTHMUS_NET_PREFIX_H

#include "base/arena.h"
#include "net/endpoint.h"

/*
 * A network: the first `bits` bits of the address count, those behind them are zero. The families
 * are worlds of their own: no IPv4 address lies in an IPv6 network, v4-mapped ones included. IPv4
 * takes the first four octets.
 */
struct prefix {
	uint8_t v6; /* 0 or 1: first in the order of a set */
	uint8_t address[16];
	uint8_t bits;
};

/* Reads "192.0.2.0/24" or "2001:db8::/32"; host bits are cleared. False if the text is none. */
bool prefix_parse(struct view text, struct prefix *p);

/* The same; an address without a length is a network of its own (/32 or /128). */
bool prefix_parse_or_address(struct view text, struct prefix *p);

/* Whether the address lies in the network. */
bool prefix_contains(const struct prefix *p, const struct endpoint *e);

/* Immutable once made: networks that do not overlap, in order. Zeroed: the empty set. */
struct prefix_set {
	const struct prefix *prefixes;
	size_t count;
};

/* The set of these networks; those inside another one are left out. The array is reordered and
 * kept. */
struct prefix_set prefix_set_make(struct prefix *prefixes, size_t count);

/* Whether the address lies in one of the set's networks: a binary search. */
bool prefix_set_contains(const struct prefix_set *s, const struct endpoint *e);

#endif
