/* Varints, tags and lengths of protocol buffers' wire format. */
#include "base/protobuf.h"

enum { TYPE_BITS = 3, VARINT_BITS = 7, VARINT_MORE = 0x80 };

static const uint64_t number_max = (1u << 29) - 1;

/* --- reading --- */

static bool fail(struct protobuf_reader *r)
{
	r->failed = true;
	return false;
}

/* At most ten octets, and no bit that 64 bits have no room for. */
static bool read_varint(struct protobuf_reader *r, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < PROTOBUF_VARINT_MAX * VARINT_BITS; shift += VARINT_BITS) {
		if (r->at >= r->end)
			return fail(r);
		uint64_t octet = r->base[r->at++];
		if (shift == 63 && octet > 1)
			return fail(r);
		*value |= (octet & (VARINT_MORE - 1)) << shift;
		if (octet < VARINT_MORE)
			return true;
	}
	return fail(r);
}

static bool read_fixed(struct protobuf_reader *r, size_t size, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < size; i++) {
		if (r->at >= r->end)
			return fail(r);
		*value |= (uint64_t)r->base[r->at++] << 8 * i;
	}
	return true;
}

static bool read_octets(struct protobuf_reader *r, struct view *octets)
{
	uint64_t length;
	if (!read_varint(r, &length))
		return false;
	if (length > r->end)
		return fail(r);
	size_t start = r->at, end = start + (size_t)length;
	if (end > r->end)
		return fail(r);
	*octets = (struct view){ (const char *)r->base + start, (size_t)length };
	r->at = end;
	return true;
}

bool protobuf_next(struct protobuf_reader *r, struct protobuf_field *f)
{
	uint64_t tag;
	if (r->failed || r->at >= r->end || !read_varint(r, &tag))
		return false;
	uint64_t number = tag >> TYPE_BITS;
	if (number == 0 || number > number_max)
		return fail(r);
	*f = (struct protobuf_field){ .number = (uint32_t)number, .octets = { "", 0 } };
	f->type = (enum protobuf_type)(tag & ((1u << TYPE_BITS) - 1));
	switch (f->type) {
	case PROTOBUF_VARINT:
		return read_varint(r, &f->value);
	case PROTOBUF_FIXED64:
		return read_fixed(r, 8, &f->value);
	case PROTOBUF_FIXED32:
		return read_fixed(r, 4, &f->value);
	case PROTOBUF_OCTETS:
		return read_octets(r, &f->octets);
	default:
		return fail(r);
	}
}

bool protobuf_next_packed(struct protobuf_reader *r, uint64_t *value)
{
	return !r->failed && r->at < r->end && read_varint(r, value);
}

/* --- writing --- */

static void write_octet(struct protobuf_writer *w, uint8_t octet)
{
	if (w->failed || w->length == w->room) {
		w->failed = true;
		return;
	}
	w->to[w->length++] = octet;
}

static void write_varint(struct protobuf_writer *w, uint64_t value)
{
	for (; value >= VARINT_MORE; value >>= VARINT_BITS)
		write_octet(w, (uint8_t)(value | VARINT_MORE));
	write_octet(w, (uint8_t)value);
}

static void write_tag(struct protobuf_writer *w, uint32_t number, enum protobuf_type type)
{
	write_varint(w, (uint64_t)number << TYPE_BITS | type);
}

void protobuf_write_number(struct protobuf_writer *w, uint32_t number, uint64_t value)
{
	write_tag(w, number, PROTOBUF_VARINT);
	write_varint(w, value);
}

void protobuf_write_head(struct protobuf_writer *w, uint32_t number, size_t length)
{
	write_tag(w, number, PROTOBUF_OCTETS);
	write_varint(w, length);
}

void protobuf_write_octets(struct protobuf_writer *w, uint32_t number, struct view octets)
{
	protobuf_write_head(w, number, octets.length);
	if (w->failed || octets.length > w->room - w->length) {
		w->failed = true;
		return;
	}
	if (octets.length)
		memcpy(w->to + w->length, octets.at, octets.length);
	w->length += octets.length;
}
