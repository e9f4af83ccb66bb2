/* Rdata of the types that plugins make themselves, built in an arena (RFC 1035 3.3, 2782, 3596). */
#include "dns/rdata.h"

/* Where the next octets go; the room was counted before. */
static uint8_t *put_u16(uint8_t *to, uint16_t n)
{
	to[0] = (uint8_t)(n >> 8);
	to[1] = (uint8_t)n;
	return to + 2;
}

static uint8_t *put_u32(uint8_t *to, uint32_t n)
{
	return put_u16(put_u16(to, (uint16_t)(n >> 16)), (uint16_t)n);
}

static uint8_t *put_name(uint8_t *to, struct name n)
{
	memcpy(to, n.octets, n.length);
	return to + n.length;
}

struct view rdata_a(struct arena *a, const uint8_t address[static 4])
{
	return arena_copy(a, (struct view){ (const char *)address, 4 });
}

struct view rdata_aaaa(struct arena *a, const uint8_t address[static 16])
{
	return arena_copy(a, (struct view){ (const char *)address, 16 });
}

struct view rdata_of_name(struct arena *a, struct name n)
{
	return arena_copy(a, (struct view){ (const char *)n.octets, n.length });
}

struct view rdata_mx(struct arena *a, uint16_t preference, struct name exchange)
{
	size_t size = 2 + exchange.length;
	uint8_t *to = arena_octets(a, size);
	put_name(put_u16(to, preference), exchange);
	return (struct view){ (const char *)to, size };
}

struct view rdata_srv(
	struct arena *a, uint16_t priority, uint16_t weight, uint16_t port, struct name target)
{
	size_t size = 6 + target.length;
	uint8_t *to = arena_octets(a, size);
	put_name(put_u16(put_u16(put_u16(to, priority), weight), port), target);
	return (struct view){ (const char *)to, size };
}

struct view rdata_soa(struct arena *a, struct name mname, struct name rname, uint32_t serial,
	uint32_t refresh, uint32_t retry, uint32_t expire, uint32_t minimum)
{
	size_t size = mname.length + rname.length + 20;
	uint8_t *to = arena_octets(a, size), *at = put_name(put_name(to, mname), rname);
	at = put_u32(put_u32(put_u32(at, serial), refresh), retry);
	put_u32(put_u32(at, expire), minimum);
	return (struct view){ (const char *)to, size };
}

struct view rdata_txt(struct arena *a, struct view text)
{
	size_t strings = text.length ? (text.length + 254) / 255 : 1;
	size_t size = text.length + strings;
	uint8_t *to = arena_octets(a, size), *at = to;
	for (size_t i = 0; i < strings; i++) {
		size_t n = text.length < 255 ? text.length : 255;
		*at++ = (uint8_t)n;
		if (n)
			memcpy(at, text.at, n);
		at += n;
		text = view_skip(text, n);
	}
	return (struct view){ (const char *)to, size };
}
