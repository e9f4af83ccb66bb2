/*
 * The bounded reader: nothing else looks at the octets of a message from outside.
 *
 * Positions are offsets from one base. Once something could not be read, `failed` stays set,
 * everything read after it is zero, and the caller asks once at the end. New positions are computed
 * and then tested against the end.
 */
#ifndef ISTHMUS_DNS_READER_H
#define ISTHMUS_DNS_READER_H

#include "dns/name.h"

/* The message is base[start..end); `at` is the next octet to read, start <= at <= end <= 65,535. */
struct reader {
	const uint8_t *base;
	size_t start, at, end;
	bool failed;
};

/*@ predicate reader_ok(struct reader *r) =
      \valid(r) && r->start <= r->at <= r->end <= 65535 &&
      \valid_read(r->base + (r->start .. r->end - 1));
*/

/* Passes over n octets, which the caller then looks at: those before r->at. False if there are no
 * n. */
/*@ requires reader_ok(r) && n <= 65535;
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r);
    ensures \result ==> !\old(r->failed) && !r->failed && r->at == \old(r->at) + n;
    ensures !\result ==> r->failed && r->at == \old(r->at);
*/
static inline bool read_room(struct reader *r, size_t n)
{
	size_t next = r->at + n;
	if (r->failed || next > r->end) {
		r->failed = true;
		return false;
	}
	r->at = next;
	return true;
}

/*@ requires \valid_read(base + (at .. at + 1)) && at <= 65535;
    terminates \true;
    assigns \nothing;
*/
static inline uint16_t get_u16(const uint8_t *base, size_t at)
{
	return (uint16_t)(base[at] * 256 + base[at + 1]);
}

/*@ requires \valid_read(base + (at .. at + 3)) && at <= 65533;
    terminates \true;
    assigns \nothing;
*/
static inline uint32_t get_u32(const uint8_t *base, size_t at)
{
	return (uint32_t)get_u16(base, at) * 65536 + get_u16(base, at + 2);
}

/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
    ensures !r->failed ==> !\old(r->failed) && r->at == \old(r->at) + 1;
*/
static inline uint8_t read_u8(struct reader *r)
{
	return read_room(r, 1) ? r->base[r->at - 1] : 0;
}

/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
    ensures !r->failed ==> !\old(r->failed) && r->at == \old(r->at) + 2;
*/
static inline uint16_t read_u16(struct reader *r)
{
	return read_room(r, 2) ? get_u16(r->base, r->at - 2) : 0;
}

/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
    ensures !r->failed ==> !\old(r->failed) && r->at == \old(r->at) + 4;
*/
static inline uint32_t read_u32(struct reader *r)
{
	return read_room(r, 4) ? get_u32(r->base, r->at - 4) : 0;
}

/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
    ensures !r->failed ==> !\old(r->failed) && r->at == \old(r->at) + n;
*/
static inline void read_skip(struct reader *r, uint16_t n)
{
	(void)read_room(r, n);
}

/* The next n octets as a reader of their own; pointers in names still count from the message's
 * start. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
    ensures !r->failed ==> !\old(r->failed) && r->at == \old(r->at) + n;
    ensures \result.base == r->base && \result.start == r->start;
    ensures \result.start <= \result.at <= \result.end <= r->end;
*/
static inline struct reader read_part(struct reader *r, uint16_t n)
{
	struct reader part = *r;
	size_t next = r->at + n;
	if (r->failed || next > r->end) {
		r->failed = true;
		part.failed = true;
		return part;
	}
	part.end = next;
	r->at = next;
	return part;
}

/*
 * A name, with compression pointers followed (RFC 1035 4.1.4): each must point before where it
 * stands and behind the header. The root if it failed.
 */
/*@ requires reader_ok(r) && \valid(to) && \separated(r, to);
    terminates \true;
    assigns r->at, r->failed, to->length, to->octets[0 .. 254];
    ensures reader_ok(r) && 1 <= to->length <= 255 && \old(r->at) <= r->at;
    ensures !r->failed ==> !\old(r->failed) && r->at > \old(r->at);
*/
void read_name(struct reader *r, struct name_buffer *to);

/* The offset that a compression pointer at the reader's place has in it; 0 if there is no pointer. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns \nothing;
    ensures \result < 16384;
*/
static inline size_t pointer_target(const struct reader *r)
{
	size_t next = r->at + 1;
	if (r->failed || r->at >= r->end || next >= r->end || r->base[r->at] < NAME_POINTER)
		return 0;
	return (r->base[r->at] - (size_t)NAME_POINTER) * 256 + r->base[next];
}

/*
 * The length of a name that has no pointer in it, the reader then being behind it. 0, with the
 * reader where it was and not failed, if there is a pointer or no well-formed name.
 */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at;
    ensures reader_ok(r) && \result <= 255;
    ensures r->at == \old(r->at) + \result;
    ensures r->failed ==> \result == 0;
*/
size_t read_plain_name(struct reader *r);

/* Passes over one <character-string>: a length and that many octets. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
    ensures !r->failed ==> !\old(r->failed) && r->at > \old(r->at);
*/
static inline void read_string(struct reader *r)
{
	read_skip(r, read_u8(r));
}

#endif
