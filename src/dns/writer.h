/*
 * The bounded writer: the only way octets get into a message. It compresses names against all
 * suffixes already written (RFC 1035 4.1.4), as far as its table holds them.
 *
 * Once something did not fit, `failed` stays set and nothing more is written.
 */
#ifndef ISTHMUS_DNS_WRITER_H
#define ISTHMUS_DNS_WRITER_H

#include "base/octets.h"
#include "dns/name.h"

enum {
	WRITER_SLOTS = 128,	/* suffixes that are remembered */
	POINTER_REACH = 0x4000, /* pointers have 14 bits */
};

/* Made by writer_to(). */
struct writer {
	uint8_t *base;
	size_t at, end;
	bool failed;

	/* The question's name and the owner written last, which most equal; the root: none yet. */
	struct name question, owner;
	size_t question_at, owner_at;
	uint16_t slots[WRITER_SLOTS]; /* offsets of suffixes by hash; 0: free */
};

/*@ predicate writer_room(struct writer *w) =
      \valid(w) && w->at <= w->end <= 65535 && \valid(w->base + (0 .. w->end - 1));
    predicate writer_ok(struct writer *w) =
      writer_room(w) && w->question_at <= 65535 && w->owner_at <= 65535 &&
      name_octets(w->question.octets, w->question.length) &&
      name_octets(w->owner.octets, w->owner.length);
    predicate outside(struct writer *w, uint8_t *octets, integer n) =
      \valid_read(octets + (0 .. n - 1)) &&
      \separated(octets + (0 .. n - 1), w->base + (0 .. w->end - 1));
*/

/* A writer into the `size` octets at `to`, at most 65,535. */
/*@ requires size <= 65535;
    terminates \true;
    assigns \nothing;
    ensures \result.base == to && \result.at == 0 && \result.end == size && !\result.failed;
    ensures \result.question_at == 0 && \result.owner_at == 0;
    ensures name_octets(\result.question.octets, \result.question.length);
    ensures name_octets(\result.owner.octets, \result.owner.length);
*/
static inline struct writer writer_to(uint8_t *to, size_t size)
{
	return (struct writer){
		.base = to, .end = size, .question = name_root, .owner = name_root
	};
}

/* Takes the next n octets, which the caller then fills: those before w->at. False if there are no
 * n. */
/*@ requires writer_room(w) && n <= 131072;
    terminates \true;
    assigns w->at, w->failed;
    ensures writer_room(w);
    ensures \result ==> !\old(w->failed) && !w->failed && w->at == \old(w->at) + n;
    ensures !\result ==> w->failed && w->at == \old(w->at);
*/
static inline bool write_room(struct writer *w, size_t n)
{
	size_t next = w->at + n;
	if (w->failed || next > w->end) {
		w->failed = true;
		return false;
	}
	w->at = next;
	return true;
}

/*@ requires \valid(base + (at .. at + 1)) && at <= 65535;
    terminates \true;
    assigns base[at .. at + 1];
*/
static inline void put_u16(uint8_t *base, size_t at, uint16_t v)
{
	base[at] = (uint8_t)(v / 256);
	base[at + 1] = (uint8_t)(v % 256);
}

/*@ requires writer_room(w);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1];
    ensures writer_room(w) && \old(w->at) <= w->at;
    ensures !w->failed ==> !\old(w->failed) && w->at == \old(w->at) + 1;
*/
static inline void write_u8(struct writer *w, uint8_t v)
{
	if (write_room(w, 1))
		w->base[w->at - 1] = v;
}

/*@ requires writer_room(w);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1];
    ensures writer_room(w) && \old(w->at) <= w->at;
    ensures !w->failed ==> !\old(w->failed) && w->at == \old(w->at) + 2;
*/
static inline void write_u16(struct writer *w, uint16_t v)
{
	if (write_room(w, 2))
		put_u16(w->base, w->at - 2, v);
}

/*@ requires writer_room(w);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1];
    ensures writer_room(w) && \old(w->at) <= w->at;
    ensures !w->failed ==> !\old(w->failed) && w->at == \old(w->at) + 4;
*/
static inline void write_u32(struct writer *w, uint32_t v)
{
	write_u16(w, (uint16_t)(v / 65536));
	write_u16(w, (uint16_t)(v % 65536));
}

/* By loops, which the provers can follow; most of what it writes is short. Eight octets at a time, the last eight over some
 * of those before them. */
/*@ requires writer_room(w) && n <= 65535 && outside(w, octets, n);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1];
    ensures writer_room(w) && \old(w->at) <= w->at;
    ensures !w->failed ==> !\old(w->failed) && w->at == \old(w->at) + n;
    ensures w->failed ==> w->at == \old(w->at);
*/
static inline void write_octets(struct writer *w, const uint8_t *octets, size_t n)
{
	uint8_t *base = w->base;
	size_t at = w->at, end = w->end, i = 0;
	if (!write_room(w, n))
		return;
	/*@ loop invariant 0 <= i <= n && at <= end;
	    loop assigns i, at, base[0 .. end - 1];
	    loop variant n - i;
	*/
	for (; i + 8 < n && at + 8 <= end; i += 8, at += 8)
		copy_eight(base + at, octets + i);
	if (n >= 8 && w->at >= 8) {
		copy_eight(base + w->at - 8, octets + n - 8);
		return;
	}
	/*@ loop invariant 0 <= i <= n && at <= end;
	    loop assigns i, at, base[0 .. end - 1];
	    loop variant n - i;
	*/
	while (i < n && at < end)
		base[at++] = octets[i++];
}

/* Puts v over the two octets at `at`, which have been written. */
/*@ requires writer_room(w) && at <= 65536;
    terminates \true;
    assigns w->base[0 .. w->end - 1];
*/
static inline void rewrite_u16(struct writer *w, size_t at, uint16_t v)
{
	size_t next = at + 2;
	if (next > w->at)
		return;
	put_u16(w->base, at, v);
}

/* The question's name: not compressed, and what later names are compared with first. */
/*@ requires writer_ok(w) && name_octets(n.octets, n.length) && outside(w, n.octets, n.length);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1];
    assigns w->question, w->question_at;
    ensures writer_ok(w) && \old(w->at) <= w->at;
*/
void write_question_name(struct writer *w, struct name n);

/* A name, its suffix replaced by a pointer if that suffix has been written in the same case. */
/*@ requires writer_ok(w) && name_octets(n.octets, n.length) && outside(w, n.octets, n.length);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1];
    assigns w->slots[0 .. WRITER_SLOTS - 1];
    ensures writer_ok(w) && \old(w->at) <= w->at;
*/
void write_name(struct writer *w, struct name n);

/* The same for a record's owner, whose octets stay where they are while the message is written. */
/*@ requires writer_ok(w) && name_octets(n.octets, n.length) && outside(w, n.octets, n.length);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1];
    assigns w->slots[0 .. WRITER_SLOTS - 1], w->owner, w->owner_at;
    ensures writer_ok(w) && \old(w->at) <= w->at;
*/
void write_owner(struct writer *w, struct name n);

#endif
