/*
 * The bounded writer: the only way octets get into a message. It compresses names against all
 * suffixes already written (RFC 1035 4.1.4), as far as its table holds them.
 *
 * Once something did not fit, `failed` stays set and nothing more is written.
 */
#ifndef ISTHMUS_DNS_WRITER_H
#define ISTHMUS_DNS_WRITER_H

#include "dns/name.h"

enum {
	WRITER_SLOTS = 128,	/* suffixes that are remembered */
	POINTER_REACH = 0x4000, /* pointers have 14 bits */
};

/* Starts as { .base = to, .end = size }, size at most 65,535. */
struct writer {
	uint8_t *base;
	size_t at, end;
	bool failed;

	/* The question's name and the owner written last, which most owners equal; length 0: none
	 * yet. */
	struct name question, owner;
	size_t question_at, owner_at;
	uint16_t slots[WRITER_SLOTS]; /* offsets of suffixes by hash; 0: free */
};

static inline void write_u8(struct writer *w, uint8_t v)
{
	if (w->failed || w->at >= w->end)
		w->failed = true;
	else
		w->base[w->at++] = v;
}

static inline void write_u16(struct writer *w, uint16_t v)
{
	size_t next = w->at + 2;
	if (w->failed || next > w->end) {
		w->failed = true;
		return;
	}
	w->base[next - 2] = (uint8_t)(v / 256);
	w->base[next - 1] = (uint8_t)(v % 256);
	w->at = next;
}

static inline void write_u32(struct writer *w, uint32_t v)
{
	write_u16(w, (uint16_t)(v / 65536));
	write_u16(w, (uint16_t)(v % 65536));
}

static inline void write_octets(struct writer *w, const uint8_t *octets, size_t n)
{
	size_t next = w->at + n;
	if (w->failed || next > w->end) {
		w->failed = true;
		return;
	}
	if (n)
		memcpy(w->base + w->at, octets, n);
	w->at = next;
}

/* Puts v over the two octets at `at`, which have been written. */
static inline void rewrite_u16(struct writer *w, size_t at, uint16_t v)
{
	size_t next = at + 2;
	if (next > w->at)
		return;
	w->base[next - 2] = (uint8_t)(v / 256);
	w->base[next - 1] = (uint8_t)(v % 256);
}

/* The question's name: not compressed, and what later names are compared with first. */
void write_question_name(struct writer *w, struct name n);

/* A name in rdata, its suffix replaced by a pointer if that suffix has been written in the same
 * case. */
void write_name(struct writer *w, struct name n);

/*
 * A record's owner, whatever the case. Its octets stay where they are while the message is written.
 */
void write_owner(struct writer *w, struct name n);

#endif
