/* Rdata from its presentation form: one reader for each kind of field. */
#include "dns/rdata_parse.h"

#include "base/address.h"
#include "dns/presentation.h"
#include "dns/rdata_field.h"
#include "dns/rdata_numbers.h"
#include "dns/rdata_wire.h"
#include <stdio.h>

bool name_parse_in(struct view text, struct name origin, struct name_buffer *to)
{
	if (!view_equal(text, VIEW("@")))
		return name_parse(text, origin, to);
	memcpy(to->octets, origin.octets, origin.length);
	to->length = origin.length;
	return true;
}

bool octets_unescape(struct view text, uint8_t *to, size_t room, size_t *length)
{
	size_t n = 0;
	while (text.length) {
		if (n == room || !octet_take(&text, to + n))
			return false;
		n++;
	}
	*length = n;
	return true;
}

/* --- words --- */

bool source_number(struct rdata_source *s, uint64_t max, uint64_t *number)
{
	if (!source_at_word(s) || !view_unsigned(s->token.text, max, number))
		return false;
	source_next(s);
	return true;
}

bool source_name(struct rdata_source *s)
{
	struct name_buffer name;
	if (!source_at_word(s) || !name_parse_in(s->token.text, s->origin, &name))
		return false;
	write_octets(s->to, name.octets, name.length);
	source_next(s);
	return true;
}

bool source_ipv4(struct rdata_source *s)
{
	uint8_t address[IPV4_OCTETS];
	if (!source_at_word(s) || !ipv4_parse(s->token.text, address))
		return false;
	write_octets(s->to, address, sizeof address);
	source_next(s);
	return true;
}

bool source_ipv6(struct rdata_source *s)
{
	uint8_t address[IPV6_OCTETS];
	if (!source_at_word(s) || !ipv6_parse(s->token.text, address))
		return false;
	write_octets(s->to, address, sizeof address);
	source_next(s);
	return true;
}

struct decoding source_decoding(const struct rdata_source *s)
{
	return (struct decoding){ .to = s->to->base + s->to->at, .room = s->to->end - s->to->at };
}

void source_decoded(struct rdata_source *s, const struct decoding *d)
{
	s->to->at += d->length;
}

/* --- numbers --- */

static bool parse_unsigned(struct rdata_source *s, unsigned octets)
{
	uint64_t number, max = octets == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * octets) - 1;
	if (!source_number(s, max, &number))
		return false;
	while (octets--)
		write_u8(s->to, (uint8_t)(number >> 8 * octets & 0xff));
	return true;
}

typedef bool number_fn(struct view text, uint32_t *number);

static bool parse_u32(struct rdata_source *s, number_fn *parse)
{
	uint32_t number;
	if (!source_at_word(s) || !parse(s->token.text, &number))
		return false;
	write_u32(s->to, number);
	source_next(s);
	return true;
}

typedef bool mnemonic_fn(struct view text, uint16_t *number);

static bool parse_u16_mnemonic(struct rdata_source *s, mnemonic_fn *parse)
{
	uint16_t number;
	if (!source_at_word(s) || !parse(s->token.text, &number))
		return false;
	write_u16(s->to, number);
	source_next(s);
	return true;
}

typedef bool small_mnemonic_fn(struct view text, uint8_t *number);

static bool parse_u8_mnemonic(struct rdata_source *s, small_mnemonic_fn *parse)
{
	uint8_t number;
	if (!source_at_word(s) || !parse(s->token.text, &number))
		return false;
	write_u8(s->to, number);
	source_next(s);
	return true;
}

/* --- text --- */

static void write_string(struct writer *w, const uint8_t *octets, size_t length)
{
	write_u8(w, (uint8_t)length);
	write_octets(w, octets, length);
}

static bool parse_string(struct rdata_source *s)
{
	uint8_t octets[UINT8_MAX];
	size_t length;
	if (!source_at_text(s) || !octets_unescape(s->token.text, octets, sizeof octets, &length))
		return false;
	write_string(s->to, octets, length);
	source_next(s);
	return true;
}

/* One word as one string, or as several where it is longer than 255 octets. */
static bool parse_long_string(struct rdata_source *s)
{
	struct view text = s->token.text;
	if (!source_at_text(s))
		return false;
	do {
		uint8_t octets[UINT8_MAX];
		size_t length = 0;
		while (text.length && length < sizeof octets) {
			if (!octet_take(&text, octets + length++))
				return false;
		}
		write_string(s->to, octets, length);
	} while (text.length);
	source_next(s);
	return true;
}

static bool parse_strings(struct rdata_source *s)
{
	do {
		if (!parse_long_string(s))
			return false;
	} while (!source_ended(s));
	return true;
}

/* RFC 8659 4.1.1: letters and digits. */
static bool parse_tag(struct rdata_source *s)
{
	struct view text = s->token.text;
	if (!source_at_text(s) || text.length == 0)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		char c = (char)(text.at[i] | 0x20);
		if (!(c >= 'a' && c <= 'z') && !(text.at[i] >= '0' && text.at[i] <= '9'))
			return false;
	}
	return parse_string(s);
}

static bool parse_text_rest(struct rdata_source *s)
{
	struct view text = s->token.text;
	if (!source_at_text(s))
		return false;
	while (text.length) {
		uint8_t octet;
		if (!octet_take(&text, &octet))
			return false;
		write_u8(s->to, octet);
	}
	source_next(s);
	return true;
}

/* --- encoded octets --- */

typedef bool decode_fn(struct decoding *d, struct view text);
typedef bool decoded_fn(const struct decoding *d);

/* All words to the end of the line as one encoding; none is not enough. */
static bool parse_rest(struct rdata_source *s, decode_fn *decode, decoded_fn *decoded)
{
	struct decoding d = source_decoding(s);
	if (s->to->failed || source_ended(s))
		return false;
	while (!source_ended(s)) {
		if (!source_at_word(s) || !decode(&d, s->token.text))
			return false;
		source_next(s);
	}
	source_decoded(s, &d);
	return decoded(&d) && d.length > 0;
}

/* One word as an 8-bit length and what it encodes; `none` is a word for nothing. */
static bool parse_counted(
	struct rdata_source *s, decode_fn *decode, decoded_fn *decoded, const char *none)
{
	uint8_t octets[UINT8_MAX];
	struct decoding d = { .to = octets, .room = sizeof octets };
	if (!source_at_word(s))
		return false;
	if (!none || !view_is(s->token.text, none)) {
		if (!decode(&d, s->token.text) || !decoded(&d) || d.length == 0)
			return false;
	}
	write_string(s->to, octets, d.length);
	source_next(s);
	return true;
}

/* A length and, unless it is 0, that many octets in base64. */
static bool parse_counted_16(struct rdata_source *s)
{
	uint64_t length;
	if (!source_number(s, UINT16_MAX, &length))
		return false;
	write_u16(s->to, (uint16_t)length);
	if (length == 0 || s->to->failed)
		return true;
	struct decoding d = source_decoding(s);
	if (!source_at_word(s) || !base64_decode(&d, s->token.text) || !base64_decoded(&d) ||
		d.length != length)
		return false;
	source_decoded(s, &d);
	source_next(s);
	return true;
}

/* Pairs of digits with dashes between them (RFC 7043), or groups of up to four with colons (RFC
 * 6742). */
static bool parse_groups(struct rdata_source *s, unsigned groups, unsigned octets, char separator)
{
	struct view text = s->token.text;
	if (!source_at_word(s))
		return false;
	for (unsigned i = 0; i < groups; i++) {
		size_t length = view_find(text, separator);
		uint8_t group[2] = { 0 };
		struct decoding d = { .to = group, .room = octets };
		char digits[4] = { '0', '0', '0', '0' };
		if (length == 0 || length > 2 * octets || (octets == 1 && length != 2) ||
			(length == text.length) != (i == groups - 1))
			return false;
		memcpy(digits + 2 * octets - length, text.at, length);
		if (!hex_decode(&d, (struct view){ digits, 2 * octets }))
			return false;
		write_octets(s->to, group, octets);
		if (length < text.length)
			text = view_skip(text, length + 1);
	}
	source_next(s);
	return true;
}

/* --- bit maps --- */

enum { WINDOWS = 256, WINDOW_OCTETS = 32 };

/* RFC 4034 4.1.2. */
static bool parse_bitmap(struct rdata_source *s)
{
	uint8_t bits[WINDOWS][WINDOW_OCTETS], lengths[WINDOWS] = { 0 };
	for (; !source_ended(s); source_next(s)) {
		uint16_t type;
		if (!source_at_word(s) || !type_parse(s->token.text, &type))
			return false;
		uint8_t window = (uint8_t)(type >> 8), at = type >> 3 & 0x1f;
		if (lengths[window] == 0)
			memset(bits[window], 0, WINDOW_OCTETS);
		if (lengths[window] <= at)
			lengths[window] = (uint8_t)(at + 1);
		bits[window][at] = (uint8_t)(bits[window][at] | 0x80 >> (type & 7));
	}
	for (unsigned window = 0; window < WINDOWS; window++) {
		if (lengths[window]) {
			write_u8(s->to, (uint8_t)window);
			write_string(s->to, bits[window], lengths[window]);
		}
	}
	return true;
}

/* RFC 1035 3.4.2: as many octets as the highest port needs. */
static bool parse_services(struct rdata_source *s)
{
	uint8_t bits[(UINT16_MAX + 1) / 8] = { 0 };
	size_t length = 0;
	while (!source_ended(s)) {
		uint64_t port;
		if (!source_number(s, UINT16_MAX, &port))
			return false;
		bits[port >> 3] = (uint8_t)(bits[port >> 3] | 0x80 >> (port & 7));
		if (length <= port >> 3)
			length = (port >> 3) + 1;
	}
	write_octets(s->to, bits, length);
	return true;
}

/* --- choices --- */

/* What a gateway or relay of this kind has for a text; "." if there is none. */
static bool parse_gateway_of(struct rdata_source *s, uint64_t kind)
{
	switch (kind) {
	case GATEWAY_NONE:
		if (!source_at_word(s) || !view_is(s->token.text, "."))
			return false;
		source_next(s);
		return true;
	case GATEWAY_IPV4:
		return source_ipv4(s);
	case GATEWAY_IPV6:
		return source_ipv6(s);
	case GATEWAY_NAME:
		return source_name(s);
	default:
		return false;
	}
}

static bool parse_gateway(struct rdata_source *s)
{
	uint64_t kind, algorithm;
	if (!source_number(s, GATEWAY_NAME, &kind) || !source_number(s, UINT8_MAX, &algorithm))
		return false;
	write_u8(s->to, (uint8_t)kind);
	write_u8(s->to, (uint8_t)algorithm);
	return parse_gateway_of(s, kind);
}

static bool parse_relay(struct rdata_source *s)
{
	uint64_t discovery, kind;
	if (!source_number(s, 1, &discovery) || !source_number(s, GATEWAY_NAME, &kind))
		return false;
	write_u8(s->to, (uint8_t)((discovery ? RELAY_DISCOVERY : 0) | kind));
	return parse_gateway_of(s, kind);
}

/* RFC 8005 6: algorithm, tag in hexadecimal, key in base64 without blanks. */
static bool parse_host_identity(struct rdata_source *s)
{
	uint64_t algorithm;
	uint8_t tag[UINT8_MAX];
	struct decoding d = { .to = tag, .room = sizeof tag };
	if (!source_number(s, UINT8_MAX, &algorithm) || !source_at_word(s) ||
		!hex_decode(&d, s->token.text) || !hex_decoded(&d))
		return false;
	source_next(s);
	write_u8(s->to, (uint8_t)d.length);
	write_u8(s->to, (uint8_t)algorithm);
	size_t length_at = s->to->at;
	write_u16(s->to, 0);
	write_octets(s->to, tag, d.length);
	struct decoding key = source_decoding(s);
	if (s->to->failed || !source_at_word(s) || !base64_decode(&key, s->token.text) ||
		!base64_decoded(&key))
		return false;
	rewrite_u16(s->to, length_at, (uint16_t)key.length);
	source_decoded(s, &key);
	source_next(s);
	return true;
}

static bool parse_names(struct rdata_source *s)
{
	while (!source_ended(s)) {
		if (!source_name(s))
			return false;
	}
	return true;
}

/* --- fields --- */

static bool parse_field(struct rdata_source *s, enum rdata_field f)
{
	switch (f) {
	case FIELD_NAME_COMPRESSED:
	case FIELD_NAME:
		return source_name(s);
	case FIELD_NAMES:
		return parse_names(s);
	case FIELD_U8:
		return parse_unsigned(s, 1);
	case FIELD_U16:
		return parse_unsigned(s, 2);
	case FIELD_U32:
		return parse_unsigned(s, 4);
	case FIELD_U48:
		return parse_unsigned(s, 6);
	case FIELD_U64:
		return parse_unsigned(s, 8);
	case FIELD_TTL:
		return parse_u32(s, ttl_parse);
	case FIELD_TIME:
		return parse_u32(s, time_parse);
	case FIELD_TYPE:
		return parse_u16_mnemonic(s, type_parse);
	case FIELD_CERT_TYPE:
		return parse_u16_mnemonic(s, cert_type_parse);
	case FIELD_ALGORITHM:
	case FIELD_CERT_ALGORITHM:
		return parse_u8_mnemonic(s, algorithm_parse);
	case FIELD_SCHEME:
		return parse_u8_mnemonic(s, scheme_parse);
	case FIELD_PROTOCOL:
		return parse_u8_mnemonic(s, protocol_parse);
	case FIELD_IPV4:
		return source_ipv4(s);
	case FIELD_IPV6:
		return source_ipv6(s);
	case FIELD_STRING:
		return parse_string(s);
	case FIELD_STRING_OPTIONAL:
		return source_ended(s) || parse_string(s);
	case FIELD_STRINGS:
		return parse_strings(s);
	case FIELD_TAG:
		return parse_tag(s);
	case FIELD_TEXT_REST:
		return parse_text_rest(s);
	case FIELD_HEX_REST:
		return parse_rest(s, hex_decode, hex_decoded);
	case FIELD_BASE64_REST:
		return parse_rest(s, base64_decode, base64_decoded);
	case FIELD_BASE64_OPTIONAL:
		return source_ended(s) || parse_rest(s, base64_decode, base64_decoded);
	case FIELD_HEX_COUNTED:
		return parse_counted(s, hex_decode, hex_decoded, "-");
	case FIELD_BASE32_COUNTED:
		return parse_counted(s, base32hex_decode, base32hex_decoded, NULL);
	case FIELD_COUNTED_16:
		return parse_counted_16(s);
	case FIELD_BITMAP:
		return parse_bitmap(s);
	case FIELD_SERVICES:
		return parse_services(s);
	case FIELD_EUI48:
		return parse_groups(s, 6, 1, '-');
	case FIELD_EUI64:
		return parse_groups(s, 8, 1, '-');
	case FIELD_ILNP:
		return parse_groups(s, 4, 2, ':');
	case FIELD_LOC:
		return source_loc(s);
	case FIELD_APL:
		return source_apl(s);
	case FIELD_GATEWAY:
		return parse_gateway(s);
	case FIELD_RELAY:
		return parse_relay(s);
	case FIELD_HOST_IDENTITY:
		return parse_host_identity(s);
	case FIELD_SVC_PARAMS:
		return source_svc_params(s);
	case FIELD_END:
		break;
	}
	return false;
}

/* RFC 3597 5: the word \# has been seen; the length and that many octets follow, which must fit the
 * type. */
static bool parse_opaque(struct rdata_source *s, uint16_t type)
{
	uint64_t length;
	size_t start = s->to->at;
	source_next(s);
	if (!source_number(s, UINT16_MAX, &length))
		return false;
	if (length && !parse_rest(s, hex_decode, hex_decoded))
		return false;
	struct reader r = { .base = s->to->base, .start = start, .at = start, .end = s->to->at };
	if (s->to->at - start != length || !source_ended(s) ||
		rdata_check(&r, type, (uint16_t)length))
		return false;
	return !r.failed;
}

static bool fail(char why[static RDATA_PROBLEM_MAX], const char *type, const char *field)
{
	snprintf(why, RDATA_PROBLEM_MAX, "bad %s %s", type, field);
	return false;
}

static bool fail_as(char why[static RDATA_PROBLEM_MAX], const char *text)
{
	snprintf(why, RDATA_PROBLEM_MAX, "%s", text);
	return false;
}

static bool parse_fields(struct rdata_source *s, uint16_t type, char why[static RDATA_PROBLEM_MAX])
{
	const enum rdata_field *field = rdata_fields(type);
	char mnemonic[MNEMONIC_MAX];
	for (size_t i = 0; field[i] != FIELD_END; i++) {
		if (parse_field(s, field[i]))
			continue;
		if (s->token.kind == TOKEN_BROKEN)
			return fail_as(why, s->token.text.at);
		if (s->problem)
			return fail_as(why, s->problem);
		return fail(why, type_print(type, mnemonic), rdata_labels(type)[i]);
	}
	return true;
}

bool rdata_parse(struct rdata_source *s, uint16_t type, char why[static RDATA_PROBLEM_MAX])
{
	const enum rdata_field *field = rdata_fields(type);
	source_next(s);
	s->problem = NULL;
	if (source_at_word(s) && view_is(s->token.text, "\\#")) {
		if (!parse_opaque(s, type))
			return fail(why, "RFC3597", "Rdata");
	} else if (source_ended(s) && !(field && *field == FIELD_APL)) {
		return fail_as(why, "unexpected newline");
	} else if (!field) {
		return fail(why, "RFC3597", "Rdata");
	} else if (!parse_fields(s, type, why)) {
		return false;
	}
	if (s->token.kind == TOKEN_BROKEN)
		return fail_as(why, s->token.text.at);
	if (!source_ended(s))
		return fail_as(why, "garbage after rdata");
	return s->to->failed ? fail_as(why, "rdata too long") : true;
}
