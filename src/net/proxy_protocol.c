/* Reading headers of the PROXY protocol. */
#include "net/proxy_protocol.h"

#include "base/number.h"
#include "dns/reader.h"

enum {
	V1_MAX = 107, /* octets, line end included */
	V2_FIXED = 16,
	V2_ADDRESSES_V4 = 12,
	V2_ADDRESSES_V6 = 36,
};

static const char v1_mark[] = "PROXY ", v2_mark[] = "\r\n\r\n\0\r\nQUIT\n";

enum proxy_use proxy_use_for(const struct proxy_policy *p, const struct endpoint *peer)
{
	return p->has_allowed && prefix_set_contains(&p->allowed, peer) ? PROXY_USE : p->otherwise;
}

/* --- version 1: a line of text --- */

static struct view next_word(struct view *line)
{
	size_t length = view_find(*line, ' ');
	struct view word = view_first(*line, length);
	*line = view_skip(*line, length < line->length ? length + 1 : length);
	return word;
}

static bool read_port(struct view word, uint16_t *port)
{
	uint64_t n;
	if (number_read(word, 10, UINT16_MAX, &n) != NUMBER_GOOD)
		return false;
	*port = (uint16_t)n;
	return true;
}

static bool read_names(struct view line, bool v6, struct proxy_header *h)
{
	uint16_t port;
	struct view source = next_word(&line), destination = next_word(&line);
	struct view source_port = next_word(&line), destination_port = next_word(&line);
	return line.length == 0 && read_port(source_port, &port) &&
	       endpoint_parse_ip(source, port, &h->source) && read_port(destination_port, &port) &&
	       endpoint_parse_ip(destination, port, &h->destination) &&
	       endpoint_is_v6(&h->source) == v6 && endpoint_is_v6(&h->destination) == v6;
}

static enum proxy_result read_v1(struct view octets, struct proxy_header *h, const char **why)
{
	size_t end = view_find(octets, '\n');
	if (end == octets.length && end < V1_MAX)
		return PROXY_MORE;
	*why = "a line of version 1 that cannot be read";
	if (end >= V1_MAX || end == octets.length || octets.at[end - 1] != '\r')
		return PROXY_BAD;
	struct view line = view_skip(view_first(octets, end - 1), sizeof v1_mark - 1);
	struct view family = next_word(&line);
	h->length = end + 1;
	h->version = 1;
	if (view_is(family, "UNKNOWN"))
		return PROXY_HEADER;
	h->names = true;
	if (view_is(family, "TCP4"))
		return read_names(line, false, h) ? PROXY_HEADER : PROXY_BAD;
	return view_is(family, "TCP6") && read_names(line, true, h) ? PROXY_HEADER : PROXY_BAD;
}

/* --- version 2: binary --- */

static void read_address(struct reader *r, bool v6, struct endpoint *e)
{
	*e = (struct endpoint){ 0 };
	if (v6) {
		e->v6.sin6_family = AF_INET6;
		for (size_t i = 0; i < sizeof e->v6.sin6_addr; i++)
			e->v6.sin6_addr.s6_addr[i] = read_u8(r);
	} else {
		e->v4.sin_family = AF_INET;
		e->v4.sin_addr.s_addr = htonl(read_u32(r));
	}
}

static enum proxy_result read_v2(
	const uint8_t *at, size_t length, struct proxy_header *h, const char **why)
{
	enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21, FAMILY_V4 = 1, FAMILY_V6 = 2, DATAGRAM = 2 };
	if (length < V2_FIXED)
		return PROXY_MORE;
	struct reader r = { .base = at, .at = sizeof v2_mark - 1, .end = length };
	unsigned command = read_u8(&r), family = read_u8(&r);
	size_t addresses = read_u16(&r);
	bool v6 = family >> 4 == FAMILY_V6;
	*why = "a header of version 2 that cannot be read";
	if ((command != COMMAND_LOCAL && command != COMMAND_PROXY) ||
		addresses > PROXY_HEADER_MAX - V2_FIXED)
		return PROXY_BAD;
	h->length = V2_FIXED + addresses;
	h->version = 2;
	h->datagram = family % 16 == DATAGRAM;
	if (length < h->length)
		return PROXY_MORE;
	if (command == COMMAND_LOCAL || (family >> 4 != FAMILY_V4 && !v6))
		return PROXY_HEADER;
	if (addresses < (v6 ? V2_ADDRESSES_V6 : V2_ADDRESSES_V4))
		return PROXY_BAD;
	h->names = true;
	read_address(&r, v6, &h->source);
	read_address(&r, v6, &h->destination);
	endpoint_set_port(&h->source, read_u16(&r));
	endpoint_set_port(&h->destination, read_u16(&r));
	/* IPv4 that was written as IPv6 is IPv4, as everywhere. */
	h->source = endpoint_from(&h->source.any);
	h->destination = endpoint_from(&h->destination.any);
	return PROXY_HEADER;
}

/* Whether the octets begin with the mark, as far as there are any. */
static bool begins(const uint8_t *at, size_t length, const char *mark, size_t size)
{
	return memcmp(at, mark, length < size ? length : size) == 0;
}

enum proxy_result proxy_header_read(
	const uint8_t *at, size_t length, struct proxy_header *h, const char **why)
{
	*h = (struct proxy_header){ 0 };
	if (begins(at, length, v1_mark, sizeof v1_mark - 1))
		return length < sizeof v1_mark - 1 ?
			       PROXY_MORE :
			       read_v1((struct view){ (const char *)at, length }, h, why);
	if (begins(at, length, v2_mark, sizeof v2_mark - 1))
		return read_v2(at, length, h, why);
	return PROXY_NONE;
}
