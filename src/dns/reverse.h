/* Names of the reverse zones, in-addr.arpa (RFC 1035 3.5) and ip6.arpa (RFC 3596 2.5). */
#ifndef ISTHMUS_DNS_REVERSE_H
#define ISTHMUS_DNS_REVERSE_H

#include "dns/name.h"

/* Whether n is under one of the two reverse zones. */
bool name_is_reverse(struct name n);

/*
 * The address whose reverse name n is: 4 or 16 octets into `address`, and how many. 0 if n is the name of no whole
 * address.
 */
size_t reverse_address(struct name n, uint8_t address[static 16]);

#endif
