/* Rdata by its fields: walking, checking, decompressing, compressing. */
#include "dns/rdata_wire.h"

#include "dns/rdata.h"

static bool is_name(enum rdata_field f)
{
	return f == FIELD_NAME || f == FIELD_NAME_COMPRESSED;
}

/* Octets of a field that always has as many; 0 for the others. */
static uint16_t fixed_size(enum rdata_field f)
{
	switch (f) {
	case FIELD_U8:
		return 1;
	case FIELD_U16:
	case FIELD_TYPE:
		return 2;
	case FIELD_U32:
	case FIELD_TTL:
	case FIELD_TIME:
	case FIELD_IPV4:
		return 4;
	case FIELD_U48:
	case FIELD_EUI48:
		return 6;
	case FIELD_EUI64:
		return 8;
	case FIELD_IPV6:
	case FIELD_LOC:
		return 16;
	default:
		return 0;
	}
}

/* RFC 4034 4.1.2: window, length 1..32, that many octets. */
static void bitmap_skip(struct reader *r)
{
	while (!r->failed && r->at < r->end) {
		read_u8(r);
		uint8_t length = read_u8(r);
		if (length == 0 || length > 32)
			r->failed = true;
		read_skip(r, length);
	}
}

/* RFC 3123 4: family, prefix, then the length with the negation bit above it. */
static void apl_skip(struct reader *r)
{
	while (!r->failed && r->at < r->end) {
		read_skip(r, 3);
		read_skip(r, read_u8(r) % 128);
	}
}

/* RFC 9460 2.2: key, length, value. */
static void svc_params_skip(struct reader *r)
{
	while (!r->failed && r->at < r->end) {
		read_skip(r, 2);
		read_skip(r, read_u16(r));
	}
}

static void strings_skip(struct reader *r)
{
	do
		read_string(r);
	while (!r->failed && r->at < r->end);
}

/* Passes over a field that is not a name. */
static void field_skip(struct reader *r, enum rdata_field f)
{
	switch (f) {
	case FIELD_STRING:
	case FIELD_HEX_COUNTED:
	case FIELD_BASE32_COUNTED:
		read_string(r);
		break;
	case FIELD_STRINGS:
		strings_skip(r);
		break;
	case FIELD_BITMAP:
		bitmap_skip(r);
		break;
	case FIELD_APL:
		apl_skip(r);
		break;
	case FIELD_SVC_PARAMS:
		svc_params_skip(r);
		break;
	case FIELD_TEXT_REST:
	case FIELD_HEX_REST:
	case FIELD_BASE64_REST:
	case FIELD_OTHER:
		if (!r->failed)
			r->at = r->end;
		break;
	default:
		read_skip(r, fixed_size(f));
	}
}

/* Passes over a name; gives how many octets more it has without pointers, 0 and *plain if it has
 * none. */
static int name_skip(struct reader *r, bool *plain)
{
	int from = (int)r->at;
	if (read_plain_name(r))
		return 0;
	struct name_buffer name;
	read_name(r, &name);
	*plain = false;
	return (int)name.length + from - (int)r->at;
}

size_t rdata_check(struct reader *r, uint16_t type, uint16_t length)
{
	const enum rdata_field *field = rdata_fields(type);
	bool plain = true;
	int expanded = length;
	if (!field)
		return 0;
	for (; *field != FIELD_END && !r->failed; field++) {
		if (is_name(*field))
			expanded += name_skip(r, &plain);
		else
			field_skip(r, *field);
		if (expanded > MESSAGE_MAX)
			r->failed = true;
	}
	if (r->at != r->end)
		r->failed = true;
	return plain || r->failed ? 0 : (size_t)expanded;
}

/* Copies the octets from offset `from` to where r is. */
static void copy(const struct reader *r, size_t from, struct writer *to)
{
	while (from < r->at && from < r->end)
		write_u8(to, r->base[from++]);
}

void rdata_expand(struct reader *r, uint16_t type, struct writer *to)
{
	for (const enum rdata_field *f = rdata_fields(type); f && *f != FIELD_END; f++) {
		size_t from = r->at;
		if (is_name(*f)) {
			struct name_buffer name;
			read_name(r, &name);
			write_octets(to, name.octets, name.length);
		} else {
			field_skip(r, *f);
			copy(r, from, to);
		}
	}
}

static bool may_compress(const enum rdata_field *f)
{
	for (; f && *f != FIELD_END; f++) {
		if (*f == FIELD_NAME_COMPRESSED)
			return true;
	}
	return false;
}

void write_rdata(struct writer *w, uint16_t type, const uint8_t *rdata, uint16_t length)
{
	const enum rdata_field *f = rdata_fields(type);
	if (!may_compress(f)) {
		write_octets(w, rdata, length);
		return;
	}
	struct reader r = { .base = rdata, .end = length };
	for (; *f != FIELD_END && !r.failed; f++) {
		size_t from = r.at;
		if (is_name(*f)) {
			struct name_buffer name;
			read_name(&r, &name);
			if (*f == FIELD_NAME_COMPRESSED)
				write_name(w, name_of(&name));
			else
				write_octets(w, name.octets, name.length);
		} else {
			field_skip(&r, *f);
			copy(&r, from, w);
		}
	}
	if (r.failed)
		w->failed = true;
}
