/* Reading a message: header, question, sections, OPT. */
#include "dns/message.h"

#include "dns/rdata_wire.h"

enum {
	RECORD_OCTETS_MIN = 11, /* root, type, class, TTL, rdata length */
	POINTER = 0xc0,
};

/* A message being read. */
struct reading {
	struct message *m;
	struct arena *arena;
	struct reader r;
	size_t expanded; /* octets of names that have been decompressed */
	bool ended;	 /* a TSIG was there: nothing may follow */

	/* The owner that was decompressed last and the offset of the pointer's target: the next one
	 * is often the same. */
	struct name owner;
	size_t owner_target;
};

static void header_read(struct message *m, struct reader *r)
{
	m->id = read_u16(r);
	uint16_t bits = read_u16(r);
	m->opcode = (uint8_t)(bits / 2048 % 16);
	m->rcode = bits % 16;
	m->flags = bits &
		   (FLAG_QR | FLAG_AA | FLAG_TC | FLAG_RD | FLAG_RA | FLAG_Z | FLAG_AD | FLAG_CD);
}

/* The first name of a message has nothing before it that a pointer could mean. */
static void question_read(struct reading *s, struct name_buffer *room)
{
	struct reader *r = &s->r;
	const uint8_t *octets = r->base + r->at;
	size_t length = read_plain_name(r);
	struct question *q = &s->m->question;
	if (length == 0) {
		r->failed = true;
		return;
	}
	q->name = (struct name){ octets, length };
	if (room) {
		memcpy(room->octets, octets, length);
		room->length = length;
		q->name = name_of(room);
	}
	q->type = read_u16(r);
	q->class = read_u16(r);
	s->m->has_question = !r->failed;
}

/*
 * Octets from the arena for a decompressed name or rdata, NULL when the message has had its share.
 */
static uint8_t *expansion_room(struct reading *s, size_t length)
{
	s->expanded += length;
	if (s->expanded > MESSAGE_EXPANDED_MAX) {
		s->r.failed = true;
		return NULL;
	}
	return arena_octets(s->arena, length);
}

static struct name owner_expand(struct reading *s)
{
	struct name_buffer name;
	read_name(&s->r, &name);
	if (s->r.failed)
		return name_root;
	uint8_t *octets = expansion_room(s, name.length);
	if (!octets)
		return name_root;
	memcpy(octets, name.octets, name.length);
	return (struct name){ octets, name.length };
}

/* An owner name: in place, or the question's or the last one's when it is a pointer to there, or
 * decompressed. */
static struct name owner_read(struct reading *s)
{
	struct reader *r = &s->r;
	const uint8_t *octets = r->base + r->at;
	size_t length = read_plain_name(r);
	if (length)
		return (struct name){ octets, length };
	struct reader ahead = *r;
	uint8_t first = read_u8(&ahead);
	size_t target = first >= POINTER ? (first - (size_t)POINTER) * 256 + read_u8(&ahead) : 0;
	if (s->m->has_question && target == HEADER_SIZE && !ahead.failed) {
		read_skip(r, 2);
		return s->m->question.name;
	}
	if (target && target == s->owner_target && !ahead.failed) {
		read_skip(r, 2);
		return s->owner;
	}
	s->owner = owner_expand(s);
	s->owner_target = target;
	return s->owner;
}

/* RFC 6891 6.1.2: code, length, data. */
static void options_check(struct reader *r)
{
	while (!r->failed && r->at < r->end) {
		read_skip(r, 2);
		read_skip(r, read_u16(r));
	}
}

/* The OPT record after its owner and type (RFC 6891 6.1.3). */
static void opt_read(struct reading *s, struct name owner)
{
	struct reader *r = &s->r;
	struct edns *e = &s->m->edns;
	bool second = e->present;
	e->present = true;
	e->udp_size = read_u16(r);
	uint8_t rcode = read_u8(r);
	e->version = read_u8(r);
	e->flags = read_u16(r);
	uint16_t length = read_u16(r);
	const uint8_t *options = r->base + r->at;
	struct reader part = read_part(r, length);
	options_check(&part);
	if (r->failed || part.failed || second || !name_is_root(owner)) {
		r->failed = true;
		return;
	}
	e->options = (struct view){ (const char *)options, length };
	s->m->rcode = (uint16_t)(s->m->rcode % 16 + rcode * 16);
}

/* Dynamic updates have records without rdata (RFC 2136 2.4, 2.5). */
static bool without_rdata(const struct record *record)
{
	return record->rdata_length == 0 &&
	       (record->class == CLASS_ANY || record->class == CLASS_NONE);
}

/* The record after its owner and type. */
static void record_read(struct reading *s, struct record *record)
{
	struct reader *r = &s->r;
	record->class = read_u16(r);
	record->ttl = read_u32(r);
	record->rdata_length = read_u16(r);
	record->rdata = r->base + r->at;
	struct reader part = read_part(r, record->rdata_length), again = part;
	if (r->failed || without_rdata(record))
		return;
	size_t length = rdata_check(&part, record->type, record->rdata_length);
	if (part.failed)
		r->failed = true;
	if (length == 0 || r->failed)
		return;
	uint8_t *octets = expansion_room(s, length);
	if (!octets)
		return;
	struct writer to = { .base = octets, .end = length };
	rdata_expand(&again, record->type, &to);
	record->rdata = octets;
	record->rdata_length = (uint16_t)length;
}

/* TSIG stays with the bytes (RFC 8945); it is only seen to be well formed and the last. */
static void tsig_skip(struct reading *s)
{
	struct reader *r = &s->r;
	read_skip(r, 6);
	read_skip(r, read_u16(r));
	s->ended = true;
}

/* Room for a section's records: as many as are announced, and not more than the octets that are
 * left can hold. */
static void section_reserve(struct reading *s, struct section *section, size_t announced)
{
	size_t possible = (s->r.end - s->r.at) / RECORD_OCTETS_MIN + 1;
	section->capacity = announced < possible ? announced : possible;
	section->records = arena_array(s->arena, section->capacity, sizeof *section->records);
}

/* Reads one of the `left` records that a section still has. */
static void section_read_record(struct reading *s, enum section_id id, size_t left)
{
	struct reader *r = &s->r;
	struct section *section = &s->m->section[id];
	struct name owner = owner_read(s);
	uint16_t type = read_u16(r);
	if (s->ended || ((type == TYPE_OPT || type == TYPE_TSIG) && id != SECTION_ADDITIONAL)) {
		r->failed = true;
	} else if (type == TYPE_OPT) {
		opt_read(s, owner);
	} else if (type == TYPE_TSIG) {
		tsig_skip(s);
	} else if (!r->failed) {
		size_t n = section->count;
		if (n == 0)
			section_reserve(s, section, left);
		if (n >= section->capacity) {
			r->failed = true;
			return;
		}
		struct record *record = &section->records[n];
		record->owner = owner;
		record->type = type;
		record_read(s, record);
		section->count = n + 1;
	}
}

static enum message_result message_parse(struct reading *s, struct name_buffer *room)
{
	struct reader *r = &s->r;
	uint16_t questions, counts[SECTION_COUNT];
	header_read(s->m, r);
	questions = read_u16(r);
	for (int id = 0; id < SECTION_COUNT; id++)
		counts[id] = read_u16(r);
	if (r->failed)
		return MESSAGE_TOO_SHORT;
	if (r->at == r->end)
		return MESSAGE_NO_QUESTION;
	if (questions == 1)
		question_read(s, room);
	if (questions > 1 || r->failed)
		return MESSAGE_BAD_QUESTION;
	for (int id = 0; id < SECTION_COUNT; id++) {
		for (size_t left = counts[id]; left > 0 && r->at < r->end && !r->failed; left--)
			section_read_record(s, (enum section_id)id, left);
	}
	return r->failed ? MESSAGE_BAD_RECORDS : MESSAGE_OK;
}

static enum message_result read_into(struct message *m, struct name_buffer *room,
	struct arena *arena, const uint8_t *wire, size_t length)
{
	struct reading s = { .m = m, .arena = arena, .r = { .base = wire, .end = length } };
	if (length > MESSAGE_MAX)
		s.r.end = MESSAGE_MAX;
	*m = (struct message){ 0 };
	return message_parse(&s, room);
}

enum message_result message_read(
	struct message *m, struct arena *arena, const uint8_t *wire, size_t length)
{
	return read_into(m, NULL, arena, wire, length);
}

enum message_result message_read_query(struct message *m, struct name_buffer *name,
	struct arena *arena, const uint8_t *wire, size_t length)
{
	return read_into(m, name, arena, wire, length);
}
