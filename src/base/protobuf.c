/* Varints, tags and lengths of protocol buffers' wire format. */
#include "base/protobuf.h"

enum { TYPE_BITS = 3, VARINT_BITS = 7, VARINT_MORE = 0x80 };

static const uint64_t number_max = (1u << 29) - 1;

/* --- reading --- */

/*@ requires \valid(r);
    terminates \true;
    assigns r->failed;
    ensures !\result;
*/
static bool fail(struct protobuf_reader *r)
{
	r->failed = true;
	return false;
}

/* At most ten octets, and no bit that 64 bits have no room for. */
/*@ requires protobuf_ok(r) && \valid(value) && \separated(r, value);
    terminates \true;
    assigns r->at, r->failed, *value;
    ensures protobuf_ok(r) && \old(r->at) <= r->at && (\result ==> r->at > \old(r->at));
*/
static bool read_varint(struct protobuf_reader *r, uint64_t *value)
{
	uint64_t read = 0;
	/*@ loop invariant protobuf_ok(r) && 0 <= i <= PROTOBUF_VARINT_MAX;
	    loop invariant r->at == \at(r->at, Pre) + i;
	    loop assigns i, read, r->at;
	    loop variant PROTOBUF_VARINT_MAX - i;
	*/
	for (unsigned i = 0; i < PROTOBUF_VARINT_MAX; i++) {
		if (r->at >= r->end)
			return fail(r);
		uint64_t octet = (unsigned char)r->base[r->at++];
		if (i == PROTOBUF_VARINT_MAX - 1 && octet > 1)
			return fail(r);
		read |= (octet & (VARINT_MORE - 1)) << (VARINT_BITS * i);
		if (octet < VARINT_MORE) {
			*value = read;
			return true;
		}
	}
	return fail(r);
}

/*@ requires protobuf_ok(r) && size <= 8 && \valid(value) && \separated(r, value);
    terminates \true;
    assigns r->at, r->failed, *value;
    ensures protobuf_ok(r) && \old(r->at) <= r->at;
*/
static bool read_fixed(struct protobuf_reader *r, size_t size, uint64_t *value)
{
	uint64_t read = 0;
	/*@ loop invariant 0 <= i <= size && protobuf_ok(r) && \at(r->at, Pre) <= r->at;
	    loop assigns i, read, r->at;
	    loop variant size - i;
	*/
	for (size_t i = 0; i < size; i++) {
		if (r->at >= r->end)
			return fail(r);
		read |= (uint64_t)(unsigned char)r->base[r->at++] << (8 * i);
	}
	*value = read;
	return true;
}

/*@ requires protobuf_ok(r) && \valid(octets) && \separated(r, octets);
    terminates \true;
    assigns r->at, r->failed, octets->at, octets->length;
    ensures protobuf_ok(r) && \old(r->at) <= r->at;
    ensures \result ==> \valid_read(octets->at + (0 .. octets->length - 1));
*/
static bool read_octets(struct protobuf_reader *r, struct view *octets)
{
	uint64_t length;
	if (!read_varint(r, &length))
		return false;
	if (length > r->end)
		return fail(r);
	size_t at = r->at, end = at + (size_t)length;
	if (end > r->end)
		return fail(r);
	octets->at = r->base + at;
	octets->length = (size_t)length;
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
	f->number = (uint32_t)number;
	f->type = (enum protobuf_type)(tag & ((1u << TYPE_BITS) - 1));
	f->value = 0;
	f->octets.at = "";
	f->octets.length = 0;
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
		break;
	}
	return fail(r);
}

bool protobuf_next_packed(struct protobuf_reader *r, uint64_t *value)
{
	return !r->failed && r->at < r->end && read_varint(r, value);
}

/* --- writing --- */

/*@ requires protobuf_room(w);
    terminates \true;
    assigns w->length, w->failed, w->to[0 .. w->room - 1];
    ensures protobuf_room(w);
*/
static void write_octet(struct protobuf_writer *w, uint8_t octet)
{
	if (w->failed || w->length == w->room) {
		w->failed = true;
		return;
	}
	w->to[w->length++] = octet;
}

/*@ requires protobuf_room(w);
    terminates \true;
    assigns w->length, w->failed, w->to[0 .. w->room - 1];
    ensures protobuf_room(w);
*/
static void write_varint(struct protobuf_writer *w, uint64_t value)
{
	/*@ loop invariant protobuf_room(w);
	    loop assigns value, w->length, w->failed, w->to[0 .. w->room - 1];
	    loop variant value;
	*/
	for (; value >= VARINT_MORE; value >>= VARINT_BITS)
		write_octet(w, (uint8_t)(value | VARINT_MORE));
	write_octet(w, (uint8_t)value);
}

/*@ requires protobuf_room(w);
    terminates \true;
    assigns w->length, w->failed, w->to[0 .. w->room - 1];
    ensures protobuf_room(w);
*/
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
