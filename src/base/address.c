/* IP addresses as text, both ways. */
#include "base/address.h"

#include <arpa/inet.h>

bool ipv4_parse(struct view text, uint8_t to[static IPV4_OCTETS])
{
	if (!text.length)
		return false;
	const char *at = text.at, *end = at + text.length;
	for (int part = 0; part < IPV4_OCTETS; part++) {
		if (part && (at == end || *at++ != '.'))
			return false;
		const char *first = at;
		unsigned value = 0;
		while (at < end && *at >= '0' && *at <= '9' && at - first < 3)
			value = value * 10 + (unsigned)(*at++ - '0');
		if (at == first || value > UINT8_MAX || (*first == '0' && at - first > 1))
			return false;
		to[part] = (uint8_t)value;
	}
	return at == end;
}

bool ipv6_parse(struct view text, uint8_t to[static IPV6_OCTETS])
{
	char string[IPV6_TEXT_MAX];
	if (text.length == 0 || text.length >= sizeof string)
		return false;
	memcpy(string, text.at, text.length);
	string[text.length] = 0;
	return strlen(string) == text.length && inet_pton(AF_INET6, string, to) == 1;
}

/* Writes a number without leading zeros; gives where the next character goes. */
static char *print_octet(char *to, unsigned value)
{
	if (value >= 100)
		*to++ = (char)('0' + value / 100);
	if (value >= 10)
		*to++ = (char)('0' + value / 10 % 10);
	*to++ = (char)('0' + value % 10);
	return to;
}

size_t ipv4_print(const uint8_t address[static IPV4_OCTETS], char to[static IPV4_TEXT_MAX])
{
	char *at = to;
	for (int i = 0; i < IPV4_OCTETS; i++) {
		if (i)
			*at++ = '.';
		at = print_octet(at, address[i]);
	}
	*at = 0;
	return (size_t)(at - to);
}

enum { GROUPS = 8 };

/* Where the longest run of at least two zero groups starts, the first of several; its length in
 * *length. */
static int longest_zeros(const unsigned groups[static GROUPS], int *length)
{
	int best = -1;
	*length = 1;
	for (int i = 0, run = 0; i < GROUPS; i++) {
		run = groups[i] ? 0 : run + 1;
		if (run > *length) {
			*length = run;
			best = i + 1 - run;
		}
	}
	return best;
}

static char *print_group(char *to, unsigned value)
{
	static const char digits[] = "0123456789abcdef";
	for (int shift = 12; shift >= 0; shift -= 4) {
		if (value >> shift || shift == 0)
			*to++ = digits[value >> shift & 0xf];
	}
	return to;
}

bool ipv6_is_mapped(const uint8_t address[static IPV6_OCTETS])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };
	return memcmp(address, prefix, sizeof prefix) == 0;
}

size_t ipv6_print(const uint8_t address[static IPV6_OCTETS], char to[static IPV6_TEXT_MAX])
{
	if (ipv6_is_mapped(address)) {
		const struct view prefix = VIEW("::ffff:");
		memcpy(to, prefix.at, prefix.length);
		return prefix.length + ipv4_print(address + 12, to + prefix.length);
	}
	unsigned groups[GROUPS];
	for (int i = 0; i < GROUPS; i++)
		groups[i] = (unsigned)address[2 * i] << 8 | address[2 * i + 1];
	int length, zeros = longest_zeros(groups, &length);
	char *at = to;
	for (int i = 0; i < GROUPS; i++) {
		if (i == zeros) {
			*at++ = ':';
			i += length - 1;
			if (i == GROUPS - 1)
				*at++ = ':';
			continue;
		}
		if (i)
			*at++ = ':';
		at = print_group(at, groups[i]);
	}
	*at = 0;
	return (size_t)(at - to);
}
