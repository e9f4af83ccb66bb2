/* Reading a message: header, question, sections, OPT. */
#include "dns/message.h"

#include "dns/rdata_wire.h"

enum {
	RECORD_OCTETS_MIN = 11,	       /* root, type, class, TTL, rdata length */
	FIXED_REST = RECORD_FIXED - 2, /* class, TTL, rdata length */
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
	struct section section; /* the section that is being read */
};

/*@ predicate reading_ok(struct reading *s) =
      \valid(s) && \valid(s->m) && reader_ok(&s->r) && s->expanded <= MESSAGE_EXPANDED_MAX &&
      \separated(s, s->m, octet_pool + (0 .. octet_pool_size - 1),
        record_pool + (0 .. record_pool_size - 1));
    predicate section_ok(struct section *t) =
      t->count <= t->capacity <= 65535 && \valid(t->records + (0 .. t->capacity - 1)) &&
      \subset(t->records + (0 .. t->capacity - 1), record_pool + (0 .. record_pool_size - 1));
*/

/* Gives QDCOUNT, and the counts of the sections in counts[]. */
/*@ requires reader_ok(r) && \valid(m) && \valid(counts + (0 .. SECTION_COUNT - 1));
    requires \separated(r, m, counts + (0 .. SECTION_COUNT - 1));
    terminates \true;
    assigns r->at, r->failed, m->id, m->opcode, m->rcode, m->flags;
    assigns counts[0 .. SECTION_COUNT - 1];
    ensures reader_ok(r);
*/
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
	/*@ loop invariant 0 <= id <= SECTION_COUNT;
	    loop assigns id, counts[0 .. SECTION_COUNT - 1];
	    loop variant SECTION_COUNT - id;
	*/
	for (size_t id = 0; id < SECTION_COUNT; id++)
		counts[id] = get_u16(base, at + COUNTS_AT + 2 * id);
	return get_u16(base, at + 4);
}

/* The question's name, in place. It has nothing before it that a pointer could mean. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r);
*/
static struct name qname_read(struct reader *r)
{
	const uint8_t *octets = r->base + r->at;
	size_t length = read_plain_name(r);
	if (length == 0)
		r->failed = true;
	return (struct name){ octets, length };
}

/*@ requires reading_ok(s);
    terminates \true;
    assigns s->r.at, s->r.failed, s->m->question, s->m->has_question;
    ensures reading_ok(s);
*/
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

/* What the arena gives is taken as this says: the provers do not look into it. */
/*@ requires count <= 65535;
    terminates \true;
    assigns \nothing;
    ensures \valid(\result + (0 .. count - 1));
    ensures \subset(\result + (0 .. count - 1), record_pool + (0 .. record_pool_size - 1));
*/
static struct record *records_from(struct arena *arena, size_t count)
{
	return arena_array(arena, count, sizeof(struct record));
}

/*
 * Octets from the arena for a decompressed name or rdata, NULL when the message has had its share.
 */
/*@ requires reading_ok(s) && 1 <= length <= 65535;
    terminates \true;
    assigns s->r.failed, s->expanded;
    ensures reading_ok(s);
    ensures \result != \null ==> s->r.failed == \old(s->r.failed);
    ensures \result != \null ==> \valid(\result + (0 .. length - 1));
    ensures \result != \null ==>
      \subset(\result + (0 .. length - 1), octet_pool + (0 .. octet_pool_size - 1));
    ensures \result == \null ==> s->r.failed;
*/
static uint8_t *expansion_room(struct reading *s, size_t length)
{
	size_t expanded = s->expanded + length;
	if (expanded > MESSAGE_EXPANDED_MAX) {
		s->r.failed = true;
		return NULL;
	}
	s->expanded = expanded;
	return octets_from(s->arena, length);
}

/*@ requires reading_ok(s);
    terminates \true;
    assigns s->r.at, s->r.failed, s->expanded, octet_pool[0 .. octet_pool_size - 1];
    ensures reading_ok(s) && \old(s->r.at) <= s->r.at;
    ensures !s->r.failed ==> !\old(s->r.failed) && s->r.at > \old(s->r.at);
*/
static struct name owner_expand(struct reading *s)
{
	struct name_buffer name = { 0 };
	read_name(&s->r, &name);
	if (s->r.failed)
		return name_root;
	uint8_t *octets = expansion_room(s, name.length);
	if (!octets)
		return name_root;
	/*@ loop invariant 0 <= i <= name.length;
	    loop assigns i, octets[0 .. name.length - 1];
	    loop variant name.length - i;
	*/
	for (size_t i = 0; i < name.length; i++)
		octets[i] = name.octets[i];
	return (struct name){ octets, name.length };
}

/* Keeps the owner for the next one, which often is a pointer to the same place. */
/*@ requires reading_ok(s);
    terminates \true;
    assigns s->owner, s->owner_target;
    ensures reading_ok(s);
*/
static void owner_keep(struct reading *s, struct name owner, size_t target)
{
	s->owner.octets = owner.octets;
	s->owner.length = owner.length;
	s->owner_target = target;
}

/* An owner name: in place, or the question's or the last one's when it is a pointer to there, or
 * decompressed. */
/*@ requires reading_ok(s);
    terminates \true;
    assigns s->r.at, s->r.failed, s->expanded, s->owner, s->owner_target;
    assigns octet_pool[0 .. octet_pool_size - 1];
    ensures reading_ok(s) && \old(s->r.at) <= s->r.at;
    ensures !s->r.failed ==> !\old(s->r.failed) && s->r.at > \old(s->r.at);
*/
static struct name owner_read(struct reading *s)
{
	struct reader *r = &s->r;
	const uint8_t *octets = r->base + r->at;
	size_t length = read_plain_name(r);
	if (length)
		return (struct name){ octets, length };
	size_t target = pointer_target(r);
	if (s->m->has_question && target == HEADER_SIZE) {
		read_skip(r, 2);
		return s->m->question.name;
	}
	if (target && target == s->owner_target) {
		read_skip(r, 2);
		return s->owner;
	}
	struct name owner = owner_expand(s);
	owner_keep(s, owner, target);
	return owner;
}

/* RFC 6891 6.1.2: code, length, data. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r);
    ensures !r->failed ==> r->at == r->end;
*/
static void options_check(struct reader *r)
{
	/*@ loop invariant reader_ok(r);
	    loop assigns r->at, r->failed;
	    loop variant r->end - r->at;
	*/
	while (r->at < r->end) {
		read_skip(r, 2);
		read_skip(r, read_u16(r));
		if (r->failed) /* the walk ends */
			return;
	}
}

/* Passes over the next `length` octets, which must be options. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at;
*/
static void read_options(struct reader *r, uint16_t length)
{
	size_t from = r->at;
	if (!read_room(r, length))
		return;
	struct reader part = { .base = r->base, .start = r->start, .at = from, .end = r->at };
	options_check(&part);
	if (part.failed)
		r->failed = true;
}

/* Whether there has been an OPT; now there is one. */
/*@ requires reading_ok(s);
    terminates \true;
    assigns s->m->edns.present;
    ensures reading_ok(s);
*/
static bool opt_second(struct reading *s)
{
	bool second = s->m->edns.present;
	s->m->edns.present = true;
	return second;
}

/* Class, TTL and length of an OPT, which the reader is behind (RFC 6891 6.1.3); gives the length of its options. */
/*@ requires reading_ok(s) && s->r.start + FIXED_REST <= s->r.at;
    terminates \true;
    assigns s->m->edns.udp_size, s->m->edns.version, s->m->edns.flags, s->m->rcode;
    ensures reading_ok(s);
*/
static uint16_t opt_fixed(struct reading *s)
{
	struct edns *e = &s->m->edns;
	const uint8_t *base = s->r.base;
	size_t at = s->r.at - FIXED_REST;
	e->udp_size = get_u16(base, at);
	uint8_t rcode = base[at + 2];
	e->version = base[at + 3];
	e->flags = get_u16(base, at + 4);
	s->m->rcode = (uint16_t)(s->m->rcode % 16 + rcode * 16);
	return get_u16(base, at + 6);
}

/*@ requires reading_ok(s);
    terminates \true;
    assigns s->m->edns.options;
    ensures reading_ok(s);
*/
static void options_keep(struct reading *s, const uint8_t *options, size_t length)
{
	s->m->edns.options.at = (const char *)options;
	s->m->edns.options.length = length;
}

/* The OPT record after its owner and type. */
/*@ requires reading_ok(s);
    terminates \true;
    assigns s->r.at, s->r.failed, s->m->edns, s->m->rcode;
    ensures reading_ok(s) && \old(s->r.at) <= s->r.at;
*/
static void opt_read(struct reading *s, struct name owner)
{
	struct reader *r = &s->r;
	if (opt_second(s) || !name_is_root(owner) || !read_room(r, FIXED_REST)) {
		r->failed = true;
		return;
	}
	uint16_t length = opt_fixed(s);
	const uint8_t *options = r->base + r->at;
	read_options(r, length);
	if (!r->failed)
		options_keep(s, options, length);
}

/* Dynamic updates have records without rdata (RFC 2136 2.4, 2.5). */
/*@ requires \valid_read(record);
    terminates \true;
    assigns \nothing;
*/
static bool without_rdata(const struct record *record)
{
	return record->rdata_length == 0 &&
	       (record->class == CLASS_ANY || record->class == CLASS_NONE);
}

/* The record after its owner and type. */
/*@ requires reading_ok(s) && \valid(record) && \separated(s, s->m, record);
    requires \separated(record, octet_pool + (0 .. octet_pool_size - 1));
    terminates \true;
    assigns s->r.at, s->r.failed, s->expanded;
    assigns record->class, record->ttl, record->rdata_length, record->rdata;
    assigns octet_pool[0 .. octet_pool_size - 1];
    ensures reading_ok(s) && \old(s->r.at) <= s->r.at;
*/
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
	if (without_rdata(record))
		return;
	size_t from = r->at, length = read_rdata(r, record->type, record->rdata_length);
	if (length == 0 || r->failed)
		return;
	uint8_t *octets = expansion_room(s, length);
	if (!octets)
		return;
	rdata_expand(r, from, record->type, octets, length);
	record->rdata = octets;
	record->rdata_length = (uint16_t)length;
}

/* TSIG stays with the bytes (RFC 8945); it is only seen to be well formed and the last. */
/*@ requires reading_ok(s);
    terminates \true;
    assigns s->r.at, s->r.failed, s->ended;
    ensures reading_ok(s) && \old(s->r.at) <= s->r.at;
*/
static void tsig_skip(struct reading *s)
{
	struct reader *r = &s->r;
	read_skip(r, 6);
	read_skip(r, read_u16(r));
	s->ended = true;
}

/* Room for a section's records: as many as are announced, and not more than the octets that are
 * left can hold. */
/*@ requires reading_ok(s) && 1 <= announced <= 65535;
    terminates \true;
    assigns s->section.records, s->section.capacity;
    ensures s->section.capacity <= 65535;
    ensures \valid(s->section.records + (0 .. s->section.capacity - 1));
    ensures \subset(s->section.records + (0 .. s->section.capacity - 1),
      record_pool + (0 .. record_pool_size - 1));
*/
static void section_reserve(struct reading *s, size_t announced)
{
	size_t possible = (s->r.end - s->r.at) / RECORD_OCTETS_MIN + 1;
	size_t capacity = announced < possible ? announced : possible;
	s->section.records = records_from(s->arena, capacity);
	s->section.capacity = capacity;
}

/* Adds a record to the section, for which `announced` more are announced. */
/*@ requires reading_ok(s) && section_ok(&s->section) && 1 <= announced <= 65535;
    requires \valid_read(record);
    requires \separated(record, s, record_pool + (0 .. record_pool_size - 1));
    terminates \true;
    assigns s->r.failed, s->section.records, s->section.capacity, s->section.count;
    assigns record_pool[0 .. record_pool_size - 1];
    ensures reading_ok(s) && section_ok(&s->section) && s->m == \old(s->m);
*/
static void section_put(struct reading *s, const struct record *record, size_t announced)
{
	size_t n = s->section.count;
	if (!s->section.records)
		section_reserve(s, announced);
	if (n >= s->section.capacity) {
		s->r.failed = true;
		return;
	}
	struct record *to = &s->section.records[n];
	to->owner.octets = record->owner.octets;
	to->owner.length = record->owner.length;
	to->rdata = record->rdata;
	to->ttl = record->ttl;
	to->type = record->type;
	to->class = record->class;
	to->rdata_length = record->rdata_length;
	s->section.count = n + 1;
}

/* Reads one of the `left` records that a section still has. */
/*@ requires reading_ok(s) && section_ok(&s->section) && 1 <= left <= 65535;
    terminates \true;
    assigns s->r.at, s->r.failed, s->expanded, s->owner, s->owner_target, s->ended;
    assigns s->m->edns, s->m->rcode;
    assigns s->section.records, s->section.capacity, s->section.count;
    assigns octet_pool[0 .. octet_pool_size - 1], record_pool[0 .. record_pool_size - 1];
    ensures reading_ok(s) && section_ok(&s->section) && s->m == \old(s->m);
*/
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
			section_put(s, &record, left);
	}
}

/* Gives the section that has been read. */
/*@ requires reading_ok(s) && \valid(to) && \separated(s, to);
    terminates \true;
    assigns to->records, to->count, to->capacity;
    ensures reading_ok(s);
*/
static void section_end(const struct reading *s, struct section *to)
{
	to->records = s->section.records;
	to->count = s->section.count;
	to->capacity = s->section.capacity;
}

/* Reads a section of which `announced` records are announced. */
/*@ requires reading_ok(s) && \valid(to) && announced <= 65535;
    requires \separated(s, to, octet_pool + (0 .. octet_pool_size - 1),
      record_pool + (0 .. record_pool_size - 1));
    terminates \true;
    ensures reading_ok(s);
*/
static void section_read(
	struct reading *s, struct section *to, enum section_id id, size_t announced)
{
	size_t left = announced;
	s->section.records = NULL;
	s->section.count = 0;
	s->section.capacity = 0;
	/*@ assert s->m == \at(s->m, Pre);
	*/
	/*@ loop invariant s->m == \at(s->m, Pre) && left <= announced;
	    loop invariant reading_ok(s) && section_ok(&s->section);
	    loop assigns left, s->r.at, s->r.failed, s->expanded, s->owner, s->owner_target;
	    loop assigns s->ended, s->m->edns, s->m->rcode;
	    loop assigns s->section.records, s->section.capacity, s->section.count;
	    loop assigns octet_pool[0 .. octet_pool_size - 1];
	    loop assigns record_pool[0 .. record_pool_size - 1];
	    loop variant left;
	*/
	while (left > 0 && s->r.at < s->r.end && !s->r.failed) {
		section_read_record(s, id, left);
		left--;
	}
	section_end(s, to);
}

/*@ requires reading_ok(s);
    terminates \true;
    ensures reading_ok(s);
*/
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
	section_read(s, &s->m->section[0], SECTION_ANSWER, counts[SECTION_ANSWER]);
	section_read(s, &s->m->section[1], SECTION_AUTHORITY, counts[SECTION_AUTHORITY]);
	section_read(s, &s->m->section[2], SECTION_ADDITIONAL, counts[SECTION_ADDITIONAL]);
	return r->failed ? MESSAGE_BAD_RECORDS : MESSAGE_OK;
}

enum message_result message_read(
	struct message *m, struct arena *arena, const uint8_t *wire, size_t length)
{
	struct reading s = { .m = m, .arena = arena, .r = { .base = wire, .end = length } };
	if (length > MESSAGE_MAX)
		s.r.end = MESSAGE_MAX;
	*m = (struct message){ 0 };
	/*@ admit \separated(&s, octet_pool + (0 .. octet_pool_size - 1),
	      record_pool + (0 .. record_pool_size - 1)); // the arena hands out no locals
	*/
	return message_parse(&s);
}
