/* The textual form of IP addresses (RFC 1035 3.4.1, RFC 4291 2.2, RFC 5952), without ports and
 * zones. */
#ifndef ISTHMUS_BASE_ADDRESS_H
#define ISTHMUS_BASE_ADDRESS_H

#include "base/view.h"

enum { IPV4_OCTETS = 4, IPV6_OCTETS = 16, IPV4_TEXT_MAX = 16, IPV6_TEXT_MAX = 46 };

/* Four decimal numbers without leading zeros; false if the text is anything else. */
bool ipv4_parse(struct view text, uint8_t to[static IPV4_OCTETS]);

/* Any of the forms of RFC 4291 2.2, with at least one colon; false if the text is anything else. */
bool ipv6_parse(struct view text, uint8_t to[static IPV6_OCTETS]);

/* NUL-terminated, gives the length. */
size_t ipv4_print(const uint8_t address[static IPV4_OCTETS], char to[static IPV4_TEXT_MAX]);

/* As RFC 5952 has it: lower case, the longest run of zero groups shortened, v4-mapped addresses
 * with dots. */
size_t ipv6_print(const uint8_t address[static IPV6_OCTETS], char to[static IPV6_TEXT_MAX]);

/* Whether it is an IPv4 address in the form ::ffff:192.0.2.1 (RFC 4291 2.5.5.2): the last four octets. */
bool ipv6_is_mapped(const uint8_t address[static IPV6_OCTETS]);

#endif
