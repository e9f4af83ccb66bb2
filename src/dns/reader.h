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

static inline uint8_t read_u8(struct reader *r)
{
	if (r->failed || r->at >= r->end) {
		r->failed = true;
		return 0;
	}
	return r->base[r->at++];
}

static inline uint16_t read_u16(struct reader *r)
{
	size_t next = r->at + 2;
	if (r->failed || next > r->end) {
		r->failed = true;
		return 0;
	}
	r->at = next;
	return (uint16_t)(r->base[next - 2] * 256 + r->base[next - 1]);
}

static inline uint32_t read_u32(struct reader *r)
{
	uint32_t high = read_u16(r), low = read_u16(r);
	return high * 65536 + low;
}

/* Passes over n octets. */
static inline void read_skip(struct reader *r, uint16_t n)
{
	size_t next = r->at + n;
	if (r->failed || next > r->end)
		r->failed = true;
	else
		r->at = next;
}

/* The next n octets as a reader of their own; pointers in names still count from the message's
 * start. */
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
void read_name(struct reader *r, struct name_buffer *to);

/*
 * The length of a name that has no pointer in it, the reader then being behind it. 0, with the
 * reader where it was and not failed, if there is a pointer or no well-formed name.
 */
size_t read_plain_name(struct reader *r);

/* Passes over one <character-string>: a length and that many octets. */
static inline void read_string(struct reader *r)
{
	read_skip(r, read_u8(r));
}

#endif
