/* APL (RFC 3123): address prefixes of either family, some of them negated. Zero octets at an
 * address's end are left out. */
#include "base/address.h"
#include "dns/rdata_source.h"
#include "dns/rdata_text.h"

enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, NEGATED = 0x80 };

static bool refuse(struct rdata_source *s, const char *problem)
{
	s->problem = problem;
	return false;
}

/* Whether all bits behind the prefix are zero. */
static bool is_prefix(const uint8_t *address, size_t octets, uint64_t prefix)
{
	for (size_t bit = prefix; bit < 8 * octets; bit++) {
		if (address[bit / 8] & 0x80 >> bit % 8)
			return false;
	}
	return true;
}

/* [!]family:address/prefix */
static bool source_prefix(struct rdata_source *s)
{
	struct view text = s->token.text;
	uint8_t address[IPV6_OCTETS], negated = 0;
	if (!source_at_word(s))
		return refuse(s, "unexpected APL field");
	if (text.length && text.at[0] == '!') {
		negated = NEGATED;
		text = view_skip(text, 1);
	}
	size_t colon = view_find(text, ':');
	if (colon == text.length)
		return refuse(s, "missing colon in APL field");
	struct view family = view_first(text, colon), prefix = view_skip(text, colon + 1);
	size_t slash = view_find(prefix, '/');
	bool v4 = view_is(family, "1"), v6 = view_is(family, "2");
	if (!v4 && !v6)
		return refuse(s, "unrecognized APL family");
	size_t octets = v4 ? IPV4_OCTETS : IPV6_OCTETS;
	uint64_t bits;
	if (slash == prefix.length ||
		!view_unsigned(view_skip(prefix, slash + 1), 8 * octets, &bits) ||
		!(v4 ? ipv4_parse : ipv6_parse)(view_first(prefix, slash), address))
		return refuse(s, "failed to parse APL address");
	if (!is_prefix(address, octets, bits))
		return refuse(s, "extra bits in APL address");
	while (octets && address[octets - 1] == 0)
		octets--;
	write_u16(s->to, v4 ? FAMILY_IPV4 : FAMILY_IPV6);
	write_u8(s->to, (uint8_t)bits);
	write_u8(s->to, (uint8_t)(negated | octets));
	write_octets(s->to, address, octets);
	source_next(s);
	return true;
}

bool source_apl(struct rdata_source *s)
{
	while (!source_ended(s)) {
		if (!source_prefix(s))
			return false;
	}
	return true;
}

static bool add_prefix(struct text *t, struct reader *r)
{
	uint16_t family = read_u16(r);
	uint8_t bits = read_u8(r), length = read_u8(r), address[IPV6_OCTETS] = { 0 };
	size_t octets = length & (NEGATED - 1u);
	size_t most = family == FAMILY_IPV4 ? IPV4_OCTETS : family == FAMILY_IPV6 ? IPV6_OCTETS : 0;
	if (octets > most || bits > 8 * most || most == 0)
		return false;
	for (size_t i = 0; i < octets; i++)
		address[i] = read_u8(r);
	char printed[IPV6_TEXT_MAX];
	if (family == FAMILY_IPV4)
		ipv4_print(address, printed);
	else
		ipv6_print(address, printed);
	text_printf(t, "%s%u:%s/%u", length & NEGATED ? "!" : "", family, printed, bits);
	/* what the text would not give back: zeros at the end, bits behind the prefix */
	return !r->failed && is_prefix(address, most, bits) && (octets == 0 || address[octets - 1]);
}

bool text_add_apl(struct text *t, struct reader *r)
{
	for (bool first = true; r->at < r->end; first = false) {
		if (!first)
			text_add_char(t, ' ');
		if (!add_prefix(t, r))
			return false;
	}
	return true;
}
