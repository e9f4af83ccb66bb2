/* Reading a message: header, question, sections, OPT. */
#include "dns/message.h"

#include "dns/rdata_wire.h"

enum {
	RECORD_OCTETS_MIN = 11,	       /* root, type, class, TTL, rdata length */
	FIXED_REST = RECORD_FIXED - 2, /* class, TTL, rdata length */
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

/* Gives QDCOUNT, and the counts of the sections in counts[]. */
static uint16_t header_read(struct message *m, struct reader *r, uint16_t counts[SECTION_COUNT])
{
	if (!read_room(r, HEADER_SIZE))
		return 0;
	const uint8_t *base = r->base;
	size_t at = r->at - HEADER_SIZE;
	uint16_t bits = get_u16(base, at + FLAGS_AT);
	m->id = get_u16(base, at);
	m->opcode = (uint8_t)(bits / 2048 % 16);
	m->rcode = bits % 16;
	m->flags = bits &
		   (FLAG_QR | FLAG_AA | FLAG_TC | FLAG_RD | FLAG_RA | FLAG_Z | FLAG_AD | FLAG_CD);
	for (size_t id = 0; id < SECTION_COUNT; id++)
		counts[id] = get_u16(base, at + COUNTS_AT + 2 * id);
	return get_u16(base, at + 4);
}

/* The question's name, in place. It has nothing before it that a pointer could mean. */
static struct name qname_read(struct reader *r)
{
	const uint8_t *octets = r->base + r->at;
	size_t length = read_plain_name(r);
	if (length == 0)
		r->failed = true;
	return (struct name){ octets, length };
}

static void question_read(struct reading *s)
{
	struct reader *r = &s->r;
	struct question *q = &s->m->question;
	q->name = qname_read(r);
	uint32_t type_class = read_u32(r);
	q->type = (uint16_t)(type_class / 65536);
	q->class = (uint16_t)(type_class % 65536);
	s->m->has_question = !r->failed;
}

/*
 * Octets from the arena for a decompressed name or rdata, NULL when the message has had its share.
 */
static uint8_t *expansion_room(struct reading *s, size_t length)
{
	size_t expanded = s->expanded + length;
	if (expanded > MESSAGE_EXPANDED_MAX) {
		s->r.failed = true;
		return NULL;
	}
	s->expanded = expanded;
	return arena_octets(s->arena, length);
}

static struct name owner_expand(struct reading *s)
{
	struct name_buffer name = { 0 };
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
	if (second || !name_is_root(owner) || !read_room(r, FIXED_REST)) {
		r->failed = true;
		return;
	}
	size_t at = r->at - FIXED_REST;
	e->udp_size = get_u16(r->base, at);
	uint8_t rcode = r->base[at + 2];
	e->version = r->base[at + 3];
	e->flags = get_u16(r->base, at + 4);
	uint16_t length = get_u16(r->base, at + 6);
	const uint8_t *options = r->base + r->at;
	struct reader part = read_part(r, length);
	options_check(&part);
	if (part.failed) {
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
	if (!read_room(r, FIXED_REST))
		return;
	size_t at = r->at - FIXED_REST;
	record->class = get_u16(r->base, at);
	record->ttl = get_u32(r->base, at + 2);
	record->rdata_length = get_u16(r->base, at + 6);
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
	struct writer to = writer_to(octets, length);
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

/* Adds a record to a section for which `announced` more are announced. */
static void section_put(
	struct reading *s, struct section *section, const struct record *record, size_t announced)
{
	size_t n = section->count;
	if (!section->records)
		section_reserve(s, section, announced);
	if (n >= section->capacity) {
		s->r.failed = true;
		return;
	}
	section->records[n] = *record;
	section->count = n + 1;
}

/* Reads one of the `left` records that a section still has. */
static void section_read_record(struct reading *s, enum section_id id, size_t left)
{
	struct reader *r = &s->r;
	struct record record = { .owner = owner_read(s) };
	bool additional = id == SECTION_ADDITIONAL;
	record.type = read_u16(r);
	if (s->ended || ((record.type == TYPE_OPT || record.type == TYPE_TSIG) && !additional)) {
		r->failed = true;
	} else if (record.type == TYPE_OPT) {
		opt_read(s, record.owner);
	} else if (record.type == TYPE_TSIG) {
		tsig_skip(s);
	} else {
		record_read(s, &record);
		if (!r->failed)
			section_put(s, &s->m->section[id], &record, left);
	}
}

static enum message_result message_parse(struct reading *s)
{
	struct reader *r = &s->r;
	uint16_t counts[SECTION_COUNT] = { 0 };
	uint16_t questions = header_read(s->m, r, counts);
	if (r->failed)
		return MESSAGE_TOO_SHORT;
	if (r->at == r->end)
		return MESSAGE_NO_QUESTION;
	if (questions == 1)
		question_read(s);
	if (questions > 1 || r->failed)
		return MESSAGE_BAD_QUESTION;
	for (int id = 0; id < SECTION_COUNT; id++) {
		for (size_t left = counts[id]; left > 0 && r->at < r->end && !r->failed; left--)
			section_read_record(s, (enum section_id)id, left);
	}
	return r->failed ? MESSAGE_BAD_RECORDS : MESSAGE_OK;
}

enum message_result message_read(
	struct message *m, struct arena *arena, const uint8_t *wire, size_t length)
{
	struct reading s = { .m = m, .arena = arena, .r = { .base = wire, .end = length } };
	if (length > MESSAGE_MAX)
		s.r.end = MESSAGE_MAX;
	*m = (struct message){ 0 };
	return message_parse(&s);
}
