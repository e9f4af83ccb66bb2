/*
 * The fields of rdata in wire form. What an RFC leaves open for later (kinds of gateway, address
 * families, values of service parameters) passes: a forwarder must not fail on what it only
 * carries.
 */
#include "dns/rdata_field.h"

/* Octets of a field that always has as many; 0 for the others. */
/*@ terminates \true;
    assigns \nothing;
*/
static uint16_t fixed_size(enum rdata_field f)
{
	switch (f) {
	case FIELD_U8:
	case FIELD_PROTOCOL:
	case FIELD_ALGORITHM:
	case FIELD_CERT_ALGORITHM:
	case FIELD_SCHEME:
		return 1;
	case FIELD_U16:
	case FIELD_TYPE:
	case FIELD_CERT_TYPE:
		return 2;
	case FIELD_U32:
	case FIELD_TTL:
	case FIELD_TIME:
	case FIELD_IPV4:
		return 4;
	case FIELD_U48:
	case FIELD_EUI48:
		return 6;
	case FIELD_U64:
	case FIELD_EUI64:
	case FIELD_ILNP:
		return 8;
	case FIELD_IPV6:
	case FIELD_LOC:
		return 16;
	default:
		return 0;
	}
}

/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_fixed(struct reader *r, enum rdata_field f)
{
	read_skip(r, fixed_size(f));
}

/*
 * RFC 4034 4.1.2: windows in ascending order, each with its number, length 1..32, that many octets.
 */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_bitmap(struct reader *r)
{
	/*@ loop invariant reader_ok(r) && \at(r->at, Pre) <= r->at;
	    loop assigns r->at, r->failed, last;
	    loop variant 2 * (r->end - r->at) + (r->failed ? 0 : 1);
	*/
	for (int last = -1; !r->failed && r->at < r->end;) {
		uint8_t window = read_u8(r), length = read_u8(r);
		if (window <= last || length == 0 || length > 32)
			r->failed = true;
		read_skip(r, length);
		last = window;
	}
}

/* RFC 3123 4: family, prefix, then the length with the negation bit above it. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_apl(struct reader *r)
{
	/*@ loop invariant reader_ok(r) && \at(r->at, Pre) <= r->at;
	    loop assigns r->at, r->failed;
	    loop variant 2 * (r->end - r->at) + (r->failed ? 0 : 1);
	*/
	while (!r->failed && r->at < r->end) {
		read_skip(r, 3);
		read_skip(r, read_u8(r) % 128);
	}
}

/* RFC 9460 2.2: key, length, value, in ascending order of keys. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_svc_params(struct reader *r)
{
	/*@ loop invariant reader_ok(r) && \at(r->at, Pre) <= r->at;
	    loop assigns r->at, r->failed, last;
	    loop variant 2 * (r->end - r->at) + (r->failed ? 0 : 1);
	*/
	for (int last = -1; !r->failed && r->at < r->end;) {
		uint16_t key = read_u16(r);
		if (key <= last)
			r->failed = true;
		read_skip(r, read_u16(r));
		last = key;
	}
}

/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_strings(struct reader *r)
{
	/*@ loop invariant reader_ok(r) && \at(r->at, Pre) <= r->at;
	    loop assigns r->at, r->failed;
	    loop variant 2 * (r->end - r->at) + (r->failed ? 0 : 1);
	*/
	do
		read_string(r);
	while (!r->failed && r->at < r->end);
}

/* A <character-string> that is not empty. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_some_string(struct reader *r)
{
	uint8_t length = read_u8(r);
	if (length == 0)
		r->failed = true;
	read_skip(r, length);
}

/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_rest(struct reader *r)
{
	if (!r->failed)
		r->at = r->end;
}

/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
    ensures !r->failed ==> !\old(r->failed) && r->at > \old(r->at);
*/
static void read_one_plain_name(struct reader *r)
{
	if (!r->failed && read_plain_name(r) == 0)
		r->failed = true;
}

/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_plain_names(struct reader *r)
{
	/*@ loop invariant reader_ok(r) && \at(r->at, Pre) <= r->at;
	    loop assigns r->at, r->failed;
	    loop variant 2 * (r->end - r->at) + (r->failed ? 0 : 1);
	*/
	while (!r->failed && r->at < r->end)
		read_one_plain_name(r);
}

/* What stands behind the kind of a gateway (RFC 4025 2.3) or relay (RFC 8777 4.2.3). */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_gateway_of(struct reader *r, uint8_t kind)
{
	switch (kind) {
	case GATEWAY_NONE:
		break;
	case GATEWAY_IPV4:
		read_skip(r, 4);
		break;
	case GATEWAY_IPV6:
		read_skip(r, 16);
		break;
	case GATEWAY_NAME:
		read_one_plain_name(r);
		break;
	default:
		read_rest(r);
	}
}

/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_gateway(struct reader *r)
{
	uint8_t kind = read_u8(r);
	read_u8(r);
	read_gateway_of(r, kind);
}

/* RFC 8005 5: length of the tag, algorithm, length of the key, tag, key. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_host_identity(struct reader *r)
{
	uint8_t tag = read_u8(r);
	read_u8(r);
	uint16_t key = read_u16(r);
	read_skip(r, tag);
	read_skip(r, key);
}

void read_field(struct reader *r, enum rdata_field f)
{
	switch (f) {
	case FIELD_STRING:
	case FIELD_HEX_COUNTED:
		read_string(r);
		break;
	case FIELD_STRING_OPTIONAL:
		if (r->at < r->end)
			read_string(r);
		break;
	case FIELD_STRINGS:
		read_strings(r);
		break;
	case FIELD_TAG:
	case FIELD_BASE32_COUNTED:
		read_some_string(r);
		break;
	case FIELD_COUNTED_16:
		read_skip(r, read_u16(r));
		break;
	case FIELD_BITMAP:
		read_bitmap(r);
		break;
	case FIELD_APL:
		read_apl(r);
		break;
	case FIELD_SVC_PARAMS:
		read_svc_params(r);
		break;
	case FIELD_GATEWAY:
		read_gateway(r);
		break;
	case FIELD_RELAY:
		read_gateway_of(r, read_u8(r) & RELAY_KIND);
		break;
	case FIELD_HOST_IDENTITY:
		read_host_identity(r);
		break;
	case FIELD_NAMES:
		read_plain_names(r);
		break;
	case FIELD_TEXT_REST:
	case FIELD_HEX_REST:
	case FIELD_BASE64_REST:
	case FIELD_BASE64_OPTIONAL:
	case FIELD_SERVICES:
		read_rest(r);
		break;
	default:
		read_fixed(r, f);
	}
}
