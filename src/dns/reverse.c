/* From reverse names to addresses. */
#include "dns/reverse.h"

static const uint8_t v4_octets[] = "\7in-addr\4arpa", v6_octets[] = "\3ip6\4arpa";
static const struct name v4_zone = { v4_octets, sizeof v4_octets };
static const struct name v6_zone = { v6_octets, sizeof v6_octets };

enum { V4_LABELS = 4 + 2, V6_LABELS = 32 + 2 };

bool name_is_reverse(struct name n)
{
	return name_is_under(n, v4_zone) || name_is_under(n, v6_zone);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t v4_address(struct name n, uint8_t *address)
{
	for (int i = 3; i >= 0; i--, n = name_parent(n)) {
		struct view label = name_first_label(n);
		uint64_t octet;
		if (!view_unsigned(label, 255, &octet) || (label.length > 1 && label.at[0] == '0'))
			return 0;
		address[i] = (uint8_t)octet;
	}
	return 4;
}

static size_t v6_address(struct name n, uint8_t *address)
{
	memset(address, 0, 16);
	for (int i = 31; i >= 0; i--, n = name_parent(n)) {
		struct view label = name_first_label(n);
		int digit = label.length == 1 ? hex_digit(label.at[0]) : -1;
		if (digit < 0)
			return 0;
		address[i / 2] = (uint8_t)(address[i / 2] | digit << (i % 2 ? 0 : 4));
	}
	return 16;
}

size_t reverse_address(struct name n, uint8_t address[static 16])
{
	unsigned labels = name_labels(n);
	if (labels == V4_LABELS && name_is_under(n, v4_zone))
		return v4_address(n, address);
	if (labels == V6_LABELS && name_is_under(n, v6_zone))
		return v6_address(n, address);
	return 0;
}
