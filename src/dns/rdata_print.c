/* Rdata and records in presentation form; RFC 3597's where a type or what it holds has none of its
 * own. */
#include "dns/rdata.h"

#include "base/address.h"
#include "base/encoding.h"
#include "dns/presentation.h"
#include "dns/rdata_field.h"
#include "dns/rdata_numbers.h"
#include "dns/rdata_text.h"

/* Rdata being printed: `start` is where its text begins. */
struct printing {
	struct text *to;
	size_t start;
	struct reader from;
};

/* A blank, unless nothing is there yet. */
static void separate(struct printing *p)
{
	if (p->to->length > p->start)
		text_add_char(p->to, ' ');
}

static void add_name(struct printing *p)
{
	char printed[NAME_TEXT_MAX];
	struct name name = { p->from.base + p->from.at, 0 };
	name.length = read_plain_name(&p->from);
	if (name.length == 0) {
		p->from.failed = true;
		return;
	}
	separate(p);
	text_add(p->to, (struct view){ printed, name_print(name, printed) });
}

static void add_names(struct printing *p)
{
	while (!p->from.failed && p->from.at < p->from.end)
		add_name(p);
}

static void add_unsigned(struct printing *p, unsigned octets)
{
	uint64_t number = 0;
	while (octets--)
		number = number << 8 | read_u8(&p->from);
	separate(p);
	text_printf(p->to, "%llu", (unsigned long long)number);
}

/* The next n octets, as far as they are there. */
static struct view take(struct printing *p, size_t n)
{
	const char *at = (const char *)p->from.base + p->from.at;
	read_skip(&p->from, (uint16_t)n);
	return (struct view){ at, p->from.failed ? 0 : n };
}

static struct view take_rest(struct printing *p)
{
	return take(p, p->from.end - p->from.at);
}

static void add_type(struct printing *p, uint16_t type)
{
	char mnemonic[MNEMONIC_MAX];
	separate(p);
	text_add_string(p->to, type_print(type, mnemonic));
}

static void add_ipv4(struct printing *p)
{
	char printed[IPV4_TEXT_MAX];
	struct view address = take(p, IPV4_OCTETS);
	separate(p);
	if (address.length)
		text_add(p->to,
			(struct view){ printed, ipv4_print((const uint8_t *)address.at, printed) });
}

static void add_ipv6(struct printing *p)
{
	char printed[IPV6_TEXT_MAX];
	struct view address = take(p, IPV6_OCTETS);
	separate(p);
	if (address.length)
		text_add(p->to,
			(struct view){ printed, ipv6_print((const uint8_t *)address.at, printed) });
}

static void add_string(struct printing *p)
{
	struct view octets = take(p, read_u8(&p->from));
	separate(p);
	text_add_quoted(p->to, octets);
}

static void add_strings(struct printing *p)
{
	while (!p->from.failed && p->from.at < p->from.end)
		add_string(p);
}

/* Only letters and digits go without quotes. */
static bool add_tag(struct printing *p)
{
	struct view tag = take(p, read_u8(&p->from));
	separate(p);
	text_add(p->to, tag);
	for (size_t i = 0; i < tag.length; i++) {
		char c = (char)(tag.at[i] | 0x20);
		if (!(c >= 'a' && c <= 'z') && !(tag.at[i] >= '0' && tag.at[i] <= '9'))
			return false;
	}
	return tag.length > 0;
}

typedef void encode_fn(struct text *t, struct view octets);

/* All that is left; false if that is nothing, which has no text. */
static bool add_rest(struct printing *p, encode_fn *encode)
{
	struct view octets = take_rest(p);
	separate(p);
	encode(p->to, octets);
	return octets.length > 0;
}

static bool add_counted(struct printing *p, encode_fn *encode, const char *none)
{
	struct view octets = take(p, read_u8(&p->from));
	separate(p);
	encode(p->to, octets);
	if (octets.length == 0 && none)
		text_add_string(p->to, none);
	return octets.length || none;
}

static void add_counted_16(struct printing *p)
{
	uint16_t length = read_u16(&p->from);
	struct view octets = take(p, length);
	separate(p);
	text_printf(p->to, "%u", length);
	if (length) {
		text_add_char(p->to, ' ');
		text_add_base64(p->to, octets);
	}
}

/* False for a window that ends in an octet without types: its text would not give that back. */
static bool add_bitmap(struct printing *p)
{
	while (!p->from.failed && p->from.at < p->from.end) {
		unsigned window = read_u8(&p->from), length = read_u8(&p->from), bits = 0;
		for (unsigned at = 0; at < length; at++) {
			bits = read_u8(&p->from);
			for (unsigned bit = 0; bit < 8; bit++) {
				if (bits & 0x80u >> bit)
					add_type(p, (uint16_t)(window << 8 | at << 3 | bit));
			}
		}
		if (bits == 0)
			return false;
	}
	return true;
}

/* The same for ports. */
static bool add_services(struct printing *p)
{
	struct view bits = take_rest(p);
	if (bits.length > (UINT16_MAX + 1) / 8 || (bits.length && bits.at[bits.length - 1] == 0))
		return false;
	for (size_t port = 0; port < 8 * bits.length; port++) {
		if (bits.at[port / 8] & 0x80 >> port % 8)
			text_printf(p->to, " %zu", port);
	}
	return true;
}

static void add_groups(struct printing *p, unsigned groups, unsigned octets, char separator)
{
	separate(p);
	for (unsigned i = 0; i < groups; i++) {
		if (i)
			text_add_char(p->to, separator);
		text_add_hex(p->to, take(p, octets));
	}
}

static bool add_gateway_of(struct printing *p, unsigned kind)
{
	switch (kind) {
	case GATEWAY_NONE:
		text_add_string(p->to, " .");
		return true;
	case GATEWAY_IPV4:
		add_ipv4(p);
		return true;
	case GATEWAY_IPV6:
		add_ipv6(p);
		return true;
	case GATEWAY_NAME:
		add_name(p);
		return true;
	default:
		return false;
	}
}

static bool add_gateway(struct printing *p)
{
	unsigned kind = read_u8(&p->from), algorithm = read_u8(&p->from);
	separate(p);
	text_printf(p->to, "%u %u", kind, algorithm);
	return add_gateway_of(p, kind);
}

static bool add_relay(struct printing *p)
{
	unsigned octet = read_u8(&p->from);
	separate(p);
	text_printf(p->to, "%d %u", octet & RELAY_DISCOVERY ? 1 : 0, octet & RELAY_KIND);
	return add_gateway_of(p, octet & RELAY_KIND);
}

static bool add_host_identity(struct printing *p)
{
	uint8_t tag_length = read_u8(&p->from), algorithm = read_u8(&p->from);
	uint16_t key_length = read_u16(&p->from);
	struct view tag = take(p, tag_length), key = take(p, key_length);
	separate(p);
	text_printf(p->to, "%u ", algorithm);
	text_add_hex_upper(p->to, tag);
	text_add_char(p->to, ' ');
	text_add_base64(p->to, key);
	return tag.length && key.length;
}

/* Adds one field, or says that it has no text. */
static bool add_field(struct printing *p, enum rdata_field f)
{
	switch (f) {
	case FIELD_NAME_COMPRESSED:
	case FIELD_NAME:
		add_name(p);
		return true;
	case FIELD_NAMES:
		add_names(p);
		return true;
	case FIELD_U8:
	case FIELD_ALGORITHM:
	case FIELD_PROTOCOL:
		add_unsigned(p, 1);
		return true;
	case FIELD_U16:
		add_unsigned(p, 2);
		return true;
	case FIELD_U32:
	case FIELD_TTL:
		add_unsigned(p, 4);
		return true;
	case FIELD_U48:
		add_unsigned(p, 6);
		return true;
	case FIELD_U64:
		add_unsigned(p, 8);
		return true;
	case FIELD_TIME:
		separate(p);
		text_add_time(p->to, read_u32(&p->from));
		return true;
	case FIELD_TYPE:
		add_type(p, read_u16(&p->from));
		return true;
	case FIELD_CERT_TYPE:
		separate(p);
		text_add_cert_type(p->to, read_u16(&p->from));
		return true;
	case FIELD_CERT_ALGORITHM:
		separate(p);
		text_add_algorithm(p->to, read_u8(&p->from));
		return true;
	case FIELD_SCHEME:
		separate(p);
		text_add_scheme(p->to, read_u8(&p->from));
		return true;
	case FIELD_IPV4:
		add_ipv4(p);
		return true;
	case FIELD_IPV6:
		add_ipv6(p);
		return true;
	case FIELD_STRING:
		add_string(p);
		return true;
	case FIELD_STRINGS:
		add_string(p);
		add_strings(p);
		return true;
	case FIELD_STRING_OPTIONAL:
		add_strings(p);
		return true;
	case FIELD_TAG:
		return add_tag(p);
	case FIELD_TEXT_REST:
		separate(p);
		text_add_quoted(p->to, take_rest(p));
		return true;
	case FIELD_HEX_REST:
		return add_rest(p, text_add_hex_upper);
	case FIELD_BASE64_REST:
		return add_rest(p, text_add_base64);
	case FIELD_BASE64_OPTIONAL:
		return p->from.at == p->from.end || add_rest(p, text_add_base64);
	case FIELD_HEX_COUNTED:
		return add_counted(p, text_add_hex_upper, "-");
	case FIELD_BASE32_COUNTED:
		return add_counted(p, text_add_base32hex, NULL);
	case FIELD_COUNTED_16:
		add_counted_16(p);
		return true;
	case FIELD_BITMAP:
		return add_bitmap(p);
	case FIELD_SERVICES:
		return add_services(p);
	case FIELD_EUI48:
		add_groups(p, 6, 1, '-');
		return true;
	case FIELD_EUI64:
		add_groups(p, 8, 1, '-');
		return true;
	case FIELD_ILNP:
		add_groups(p, 4, 2, ':');
		return true;
	case FIELD_LOC:
		return text_add_loc(p->to, &p->from);
	case FIELD_APL:
		return text_add_apl(p->to, &p->from);
	case FIELD_GATEWAY:
		return add_gateway(p);
	case FIELD_RELAY:
		return add_relay(p);
	case FIELD_HOST_IDENTITY:
		return add_host_identity(p);
	case FIELD_SVC_PARAMS:
		return text_add_svc_params(p->to, &p->from);
	case FIELD_END:
		break;
	}
	return false;
}

/* Adds all fields of a type that has a table entry; false if that was not possible. */
static bool add_fields(struct printing *p, const enum rdata_field *field)
{
	for (; *field != FIELD_END; field++) {
		if (!add_field(p, *field) || p->from.failed)
			return false;
	}
	return p->from.at == p->from.end;
}

/* RFC 3597 5. */
static void add_opaque(struct text *to, struct view rdata)
{
	text_printf(to, "\\# %zu", rdata.length);
	if (rdata.length) {
		text_add_char(to, ' ');
		text_add_hex(to, rdata);
	}
}

void rdata_print(struct text *to, uint16_t type, struct view rdata)
{
	const enum rdata_field *fields = rdata_fields(type);
	struct printing p = { .to = to,
		.start = to->length,
		.from = { .base = (const uint8_t *)(rdata.length ? rdata.at : ""),
			.end = rdata.length } };
	if (fields && add_fields(&p, fields))
		return;
	text_shorten(to, p.start);
	add_opaque(to, rdata);
}

void record_print(struct text *to, const struct record *r)
{
	char name[NAME_TEXT_MAX], mnemonic[MNEMONIC_MAX];
	text_add(to, (struct view){ name, name_print(r->owner, name) });
	if (rdata_fields(r->type)) {
		text_printf(to, "\t%u\t%s", r->ttl, class_print(r->class, mnemonic));
		text_printf(to, "\t%s\t", type_print(r->type, mnemonic));
	} else {
		text_printf(to, "\t%u\tCLASS%u\tTYPE%u\t", r->ttl, r->class, r->type);
	}
	rdata_print(to, r->type, record_rdata(r));
}
