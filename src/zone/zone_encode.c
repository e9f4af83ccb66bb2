/*
 * Answers that stand ready in wire form. Most questions to a zone ask for one RRset that has no
 * names in its data; what is answered is the RRset under the question's own name and the NS of the
 * apex. The NS are kept as the authority section of a message that asks for the apex, and moved
 * behind another question by putting its compression pointers right.
 */
#include "base/memory.h"
#include "dns/message.h"
#include "dns/writer.h"
#include "zone/zone_node.h"

#include <stdlib.h>

enum {
	POINTER = 0xc0,
	LENGTH_MAX = 4096, /* of an answer: every pointer in it reaches */
	POINTERS_MAX = 64, /* in the authority section */
	BUILD_ARENA_SIZE = 4096,
};

/* RRsets whose answer is themselves alone: no aliases, no names in the data, nothing for the
 * additional section. */
static bool stands_alone(uint16_t type)
{
	switch (type) {
	case TYPE_A:
	case TYPE_AAAA:
	case TYPE_TXT:
		return true;
	default:
		return false;
	}
}

/* --- the NS of the apex --- */

/* Notes the pointer that the name at `at` ends in, if it does; gives what is behind the name. */
static size_t note_pointer(struct ready_section *s, const uint8_t *wire, size_t at)
{
	while (wire[at] != 0 && wire[at] < POINTER)
		at += 1u + wire[at];
	if (wire[at] == 0)
		return at + 1;
	s->pointers[s->pointer_count++] = (uint16_t)(at - s->at);
	return at + 2;
}

/* Takes the authority section out of an encoded message of NS records: what the writer wrote
 * itself. */
static void take_section(struct ready_section *s, const struct encoded *e)
{
	s->at = e->question_end;
	s->length = (size_t)e->length - s->at;
	s->count = e->counts[SECTION_AUTHORITY];
	s->plain_length = e->plain_length - s->at;
	s->octets = memory_alloc(s->length);
	s->pointers = memory_array(2 * (size_t)s->count, sizeof *s->pointers);
	memcpy(s->octets, e->wire + s->at, s->length);
	size_t at = s->at;
	for (unsigned i = 0; i < s->count; i++)
		at = note_pointer(s, e->wire, note_pointer(s, e->wire, at) + RECORD_FIXED);
}

void zone_ready_authority(struct zone *z)
{
	struct message m = { .has_question = true, .question = { z->origin, TYPE_NS, CLASS_IN } };
	struct arena *arena = arena_new(BUILD_ARENA_SIZE);
	struct encoded e;
	const uint8_t *at = z->ns ? z->ns->records : NULL;
	for (unsigned i = 0; at && i < z->ns->count; i++) {
		struct view rdata = rrset_record(&at);
		section_add(&m.section[SECTION_AUTHORITY], arena,
			(struct record){
				.owner = z->origin,
				.rdata = (const uint8_t *)rdata.at,
				.rdata_length = (uint16_t)rdata.length,
				.ttl = z->ns->ttl,
				.type = TYPE_NS,
				.class = CLASS_IN,
			});
	}
	if (at && z->ns->count <= POINTERS_MAX / 2 && message_encode(&m, arena, &e) &&
		e.length <= LENGTH_MAX)
		take_section(&z->authority, &e);
	z->authority.complete = !at || z->authority.count == z->ns->count;
	arena_free(arena);
}

void zone_ready_free(struct zone *z)
{
	free(z->authority.octets);
	free(z->authority.pointers);
}

/* --- an answer --- */

static size_t answer_size(const struct rrset *s)
{
	size_t size = 0;
	const uint8_t *at = s->records;
	for (unsigned i = 0; i < s->count; i++)
		size += 2 + RECORD_FIXED + rrset_record(&at).length;
	return size;
}

/* Header and question; id and flags are put in by who sends it. */
static void write_question(
	struct writer *w, const struct question *asked, unsigned answers, unsigned authorities)
{
	if (!write_room(w, HEADER_SIZE))
		return;
	put_u16(w->base, 0, 0);
	put_u16(w->base, FLAGS_AT, FLAG_QR | FLAG_AA);
	put_u16(w->base, FLAGS_AT + 2, 1);
	put_u16(w->base, COUNTS_AT, (uint16_t)answers);
	put_u16(w->base, COUNTS_AT + 2, (uint16_t)authorities);
	put_u16(w->base, COUNTS_AT + 4, 0);
	write_octets(w, asked->name.octets, asked->name.length);
	write_u16(w, asked->type);
	write_u16(w, asked->class);
}

static void write_set(struct writer *w, const struct rrset *s)
{
	const uint8_t *at = s->records;
	for (unsigned i = 0; i < s->count; i++) {
		struct view rdata = rrset_record(&at);
		if (!write_room(w, 2 + RECORD_FIXED))
			return;
		uint8_t *base = w->base;
		size_t to = w->at - (2 + RECORD_FIXED);
		put_u16(base, to, POINTER << 8 | HEADER_SIZE);
		put_u16(base, to + 2, s->type);
		put_u16(base, to + 4, CLASS_IN);
		put_u16(base, to + 6, (uint16_t)(s->ttl >> 16));
		put_u16(base, to + 8, (uint16_t)s->ttl);
		put_u16(base, to + 10, (uint16_t)rdata.length);
		write_octets(w, (const uint8_t *)rdata.at, rdata.length);
	}
}

/* The section behind a question that is `longer` octets longer than the apex', and an answer. */
static void write_ready(
	struct writer *w, const struct ready_section *s, size_t longer, size_t answer)
{
	size_t from = w->at;
	write_octets(w, s->octets, s->length);
	for (unsigned i = 0; i < s->pointer_count; i++) {
		size_t at = s->pointers[i];
		size_t target = (size_t)(s->octets[at] - POINTER) << 8 | s->octets[at + 1];
		target += target < s->at ? longer : longer + answer;
		rewrite_u16(w, from + at, (uint16_t)(POINTER << 8 | target));
	}
}

static struct encoded *encode(const struct zone *z, const struct question *asked,
	const struct rrset *s, struct arena *arena)
{
	size_t answer = answer_size(s), head = HEADER_SIZE + asked->name.length + QUESTION_FIXED;
	size_t length = head + answer + z->authority.length;
	if (length > LENGTH_MAX)
		return NULL;
	struct encoded *e = arena_new_object(arena, struct encoded);
	uint8_t *wire = arena_octets(arena, length);
	struct writer w = writer_to(wire, length);
	write_question(&w, asked, s->count, z->authority.count);
	write_set(&w, s);
	write_ready(&w, &z->authority, relative_length(z, asked->name), answer);
	e->wire = wire;
	e->length = (uint16_t)length;
	e->own_ttls = true;
	e->question_end = (uint16_t)head;
	e->section_end[SECTION_ANSWER] = (uint16_t)(head + answer);
	e->section_end[SECTION_AUTHORITY] = e->section_end[SECTION_ADDITIONAL] = (uint16_t)length;
	e->counts[SECTION_ANSWER] = s->count;
	e->counts[SECTION_AUTHORITY] = z->authority.count;
	e->plain_length = (uint32_t)(head + answer + (asked->name.length - 2) * s->count +
				     z->authority.plain_length);
	return e;
}

struct encoded *zone_encoded(
	const struct zone *z, const struct question *asked, struct arena *arena)
{
	if (!z->authority.complete || asked->class != CLASS_IN || !stands_alone(asked->type))
		return NULL;
	const struct node *n = zone_find(z, asked->name);
	if (!n || n->flags & (NODE_CUT | NODE_CNAME | NODE_OCCLUDED))
		return NULL;
	const struct rrset *s = node_set(z, n, asked->type);
	return s ? encode(z, asked, s, arena) : NULL;
}
