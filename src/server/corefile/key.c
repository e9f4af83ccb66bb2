/* What a key of a server block says: scheme, zones, port. */
#include "server/corefile/key.h"

#include <arpa/inet.h>

static const struct {
	const char *prefix;
	enum scheme scheme;
} schemes[] = {
	{ "tls://", SCHEME_TLS },
	{ "dns://", SCHEME_DNS },
	{ "quic://", SCHEME_QUIC },
	{ "grpc://", SCHEME_GRPC },
	{ "https3://", SCHEME_HTTPS3 },
	{ "https://", SCHEME_HTTPS },
	{ "unix://", SCHEME_UNIX },
};

enum { SCHEMES = sizeof schemes / sizeof schemes[0] };

static const char *const scheme_names[] = {
	[SCHEME_DNS] = "dns",
	[SCHEME_TLS] = "tls",
	[SCHEME_QUIC] = "quic",
	[SCHEME_GRPC] = "grpc",
	[SCHEME_HTTPS3] = "https3",
	[SCHEME_HTTPS] = "https",
	[SCHEME_UNIX] = "unix",
};

const char *scheme_name(enum scheme s)
{
	return scheme_names[s];
}

static enum scheme take_scheme(struct view *text)
{
	for (size_t i = 0; i < SCHEMES; i++) {
		struct view prefix = view_of(schemes[i].prefix);
		if (view_starts(*text, prefix)) {
			*text = view_skip(*text, prefix.length);
			return schemes[i].scheme;
		}
	}
	return SCHEME_DNS;
}

/* --- port --- */

static size_t last_colon(struct view v)
{
	for (size_t i = v.length; i > 0; i--) {
		if (v.at[i - 1] == ':')
			return i - 1;
	}
	return v.length;
}

/* A whole number with an optional sign, printed anew; NULL if the text is none. */
static const char *number_text(struct arena *a, struct view v)
{
	bool sign = v.length && (v.at[0] == '-' || v.at[0] == '+');
	bool negative = sign && v.at[0] == '-';
	uint64_t n;
	if (!view_unsigned(view_skip(v, sign), INT64_MAX, &n))
		return NULL;
	return arena_printf(a, "%s%llu", negative && n ? "-" : "", (unsigned long long)n);
}

/* Takes ":PORT" off the end of the text; false if the text ends with a colon or is empty. */
static bool take_port(struct arena *a, struct view *text, const char **port)
{
	size_t colon = last_colon(*text);
	if (text->length == 0 || colon + 1 == text->length)
		return false;
	if (colon == text->length)
		return true;
	*port = number_text(a, view_skip(*text, colon + 1));
	if (*port)
		text->length = colon;
	return true;
}

/* --- CIDR --- */

struct prefix {
	uint8_t address[16];
	unsigned size; /* octets of the address: 4 or 16 */
	unsigned bits;
};

static bool read_prefix(struct view text, struct prefix *p)
{
	char address[INET6_ADDRSTRLEN];
	uint64_t bits;
	size_t slash = view_find(text, '/');
	if (slash >= text.length || slash >= sizeof address)
		return false;
	memcpy(address, text.at, slash);
	address[slash] = 0;
	p->size = strchr(address, ':') ? 16 : 4;
	if (inet_pton(p->size == 4 ? AF_INET : AF_INET6, address, p->address) != 1 ||
		!view_unsigned(view_skip(text, slash + 1), p->size * 8, &bits))
		return false;
	p->bits = (unsigned)bits;
	return true;
}

static void clear_host_bits(struct prefix *p)
{
	for (unsigned bit = p->bits; bit < p->size * 8; bit++)
		p->address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

/* Adds n at the bits that end before bit `end`: the n-th network of that length. */
static void prefix_add(struct prefix *p, unsigned end, unsigned n)
{
	unsigned carry = n << (end % 8 ? 8 - end % 8 : 0);
	for (unsigned i = (end + 7) / 8; i-- > 0 && carry;) {
		carry += p->address[i];
		p->address[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

/* The reverse zone of the first `bits` bits, a multiple of the label's width. */
static struct name reverse_zone(struct arena *a, const struct prefix *p, unsigned bits)
{
	char text[256];
	size_t n = 0;
	unsigned width = p->size == 4 ? 8 : 4;
	for (unsigned end = bits; end > 0; end -= width) {
		unsigned octet = p->address[(end - 1) / 8];
		if (width == 4)
			octet = end % 8 ? octet >> 4 : octet & 0xf;
		n += (size_t)snprintf(
			text + n, sizeof text - n, p->size == 4 ? "%u." : "%x.", octet);
	}
	snprintf(text + n, sizeof text - n, "%s", p->size == 4 ? "in-addr.arpa." : "ip6.arpa.");
	return name_from_text(a, view_of(text));
}

/* A prefix between two boundaries is all networks that end at the next one. */
static void reverse_zones(struct arena *a, struct prefix p, struct key_parts *parts)
{
	unsigned width = p.size == 4 ? 8 : 4;
	unsigned rounded = (p.bits + width - 1) / width * width;
	clear_host_bits(&p);
	parts->zone_count = (size_t)1 << (rounded - p.bits);
	for (size_t i = 0; i < parts->zone_count; i++) {
		struct prefix network = p;
		prefix_add(&network, rounded, (unsigned)i);
		parts->zones[i] = reverse_zone(a, &network, rounded);
	}
}

/* --- the whole --- */

static void read_zone(struct arena *a, struct view text, struct key_parts *parts)
{
	struct prefix prefix;
	struct name name = name_from_text(a, text);
	if (!name.length) {
		parts->error =
			arena_printf(a, "zone is not a valid domain name: %.*s", VIEW_ARGS(text));
	} else if (!read_prefix(text, &prefix)) {
		parts->zones[0] = name_copy_lower(a, name);
		parts->zone_count = 1;
	} else if (text.at[0] == ':' || (text.at[0] == '0' && prefix.size == 16)) {
		parts->error = arena_printf(a, "invalid CIDR %.*s", VIEW_ARGS(text));
	} else {
		reverse_zones(a, prefix, parts);
	}
}

void key_read(struct arena *a, struct view text, struct key_parts *parts)
{
	parts->scheme = take_scheme(&text);
	parts->port = NULL;
	parts->zone_count = 0;
	parts->error = NULL;
	if (!take_port(a, &text, &parts->port))
		parts->error = arena_printf(
			a, "expecting data after last colon: \"%.*s\"", VIEW_ARGS(text));
	else if (text.length > NAME_OCTETS_MAX)
		parts->error = arena_printf(
			a, "specified zone is too long: %zu > %d", text.length, NAME_OCTETS_MAX);
	else
		read_zone(a, text, parts);
}

size_t corefile_zones(struct arena *a, struct view text, struct name **zones)
{
	struct key_parts parts;
	key_read(a, text, &parts);
	if (!parts.zone_count)
		return 0;
	*zones = arena_array(a, parts.zone_count, sizeof **zones);
	memcpy(*zones, parts.zones, parts.zone_count * sizeof **zones);
	return parts.zone_count;
}
