/*
 * Protocol buffers' wire format, read and written in place: no schema, no allocation, no copies. A
 * message is a run of fields, each a number and a value; whoever reads one knows what the numbers
 * mean, and passes over those that it does not know.
 *
 *     struct protobuf_reader r = protobuf_reader(octets);
 *     struct protobuf_field f;
 *     while (protobuf_next(&r, &f)) {
 *             if (protobuf_is_octets(&f, 1))
 *                     name = f.octets;
 *     }
 *     if (r.failed) ...
 */
#ifndef ISTHMUS_BASE_PROTOBUF_H
#define ISTHMUS_BASE_PROTOBUF_H

#include "base/view.h"

/* How a field's value is encoded. Groups, given up long ago, are malformed here. */
enum protobuf_type {
	PROTOBUF_VARINT = 0,
	PROTOBUF_FIXED64 = 1,
	PROTOBUF_OCTETS = 2, /* strings, bytes, messages, packed numbers */
	PROTOBUF_FIXED32 = 5,
};

enum { PROTOBUF_VARINT_MAX = 10 }; /* octets of the longest varint */

/* Made by protobuf_reader(): base[at .. end) is still to be read. */
struct protobuf_reader {
	const char *base;
	size_t at, end;
	bool failed; /* what was read last is malformed: nothing more is read */
};

/*@ predicate protobuf_ok(struct protobuf_reader *r) =
      \valid(r) && r->at <= r->end <= 0x7fffffffffffffff &&
      \valid_read(r->base + (0 .. r->end - 1));
*/

struct protobuf_field {
	uint32_t number; /* 1 to 2^29 - 1 */
	enum protobuf_type type;
	uint64_t value;	    /* of a varint or fixed number; 0 else */
	struct view octets; /* into what is read; empty for numbers */
};

static inline struct protobuf_reader protobuf_reader(struct view octets)
{
	return (struct protobuf_reader){ .base = octets.at, .end = octets.length };
}

/* The next field; false at the end, and where the octets are malformed. */
/*@ requires protobuf_ok(r) && \valid(f) && \separated(r, f);
    terminates \true;
    assigns r->at, r->failed, *f;
    ensures protobuf_ok(r);
    ensures \result ==> r->at > \old(r->at);
    ensures \result ==> \valid_read(f->octets.at + (0 .. f->octets.length - 1));
*/
bool protobuf_next(struct protobuf_reader *r, struct protobuf_field *f);

/* The next number of a packed field, whose octets the reader is over. False as protobuf_next(). */
/*@ requires protobuf_ok(r) && \valid(value) && \separated(r, value);
    terminates \true;
    assigns r->at, r->failed, *value;
    ensures protobuf_ok(r) && (\result ==> r->at > \old(r->at));
*/
bool protobuf_next_packed(struct protobuf_reader *r, uint64_t *value);

/* Whether f is this field, of this kind: a field of another kind is as one that is not known. */
static inline bool protobuf_is_octets(const struct protobuf_field *f, uint32_t number)
{
	return f->number == number && f->type == PROTOBUF_OCTETS;
}

static inline bool protobuf_is_number(const struct protobuf_field *f, uint32_t number)
{
	return f->number == number && f->type != PROTOBUF_OCTETS;
}

/* The signed number that sint32 and sint64 keep as a varint. */
static inline int64_t protobuf_zigzag(uint64_t value)
{
	return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

/* Writes into room of the caller's; once something does not fit, nothing more is written. */
struct protobuf_writer {
	uint8_t *to;
	size_t room, length;
	bool failed;
};

/*@ predicate protobuf_room(struct protobuf_writer *w) =
      \valid(w) && w->length <= w->room && \valid(w->to + (0 .. w->room - 1));
*/

/*@ requires protobuf_room(w);
    terminates \true;
    assigns w->length, w->failed, w->to[0 .. w->room - 1];
    ensures protobuf_room(w);
*/
void protobuf_write_number(struct protobuf_writer *w, uint32_t number, uint64_t value);
void protobuf_write_octets(struct protobuf_writer *w, uint32_t number, struct view octets);

/* The head of a field of so many octets, which the caller writes behind it. */
/*@ requires protobuf_room(w);
    terminates \true;
    assigns w->length, w->failed, w->to[0 .. w->room - 1];
    ensures protobuf_room(w);
*/
void protobuf_write_head(struct protobuf_writer *w, uint32_t number, size_t length);

#endif
