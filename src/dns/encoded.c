/* The encoded form of a message: made once, then sent by copying and patching, or decoded again. */
#include "dns/message_write.h"
#include "dns/reader.h"

static size_t record_count(const struct message *m)
{
	size_t count = 0;
	for (int id = 0; id < SECTION_COUNT; id++)
		count += m->section[id].count;
	return count;
}

bool message_encode(const struct message *m, struct arena *arena, struct encoded *to)
{
	struct message plain = *m;
	if (!m->has_question)
		return false;
	plain.edns = (struct edns){ 0 };
	plain.encoded = NULL;
	size_t size = message_size(&plain);
	size_t room = size < MESSAGE_MAX ? size : MESSAGE_MAX;
	uint8_t *wire = arena_octets(arena, room);
	struct writing s = { .w = writer_to(wire, room), .m = &plain };
	s.ttl_at = arena_array(arena, record_count(m), sizeof *s.ttl_at);
	write_head(&s.w, &plain);
	*to = (struct encoded){ .wire = wire, .ttl_at = s.ttl_at, .plain_length = (uint32_t)size };
	to->question_end = (uint16_t)s.w.at;
	write_sections(&s);
	to->length = (uint16_t)write_tail(&s.w, &plain, s.counts);
	to->ttl_count = (uint16_t)s.ttl_count;
	memcpy(to->counts, s.counts, sizeof to->counts);
	memcpy(to->section_end, s.section_end, sizeof to->section_end);
	return to->length > 0 && !s.truncated;
}

void message_open(struct message *m, struct arena *arena)
{
	struct encoded *e = m->encoded;
	struct message opened;
	if (!e || e->reopened)
		return;
	message_read(&opened, arena, e->wire, e->length);
	for (int id = 0; id < SECTION_COUNT; id++) {
		m->section[id] = opened.section[id];
		for (size_t i = 0; i < m->section[id].count && !e->own_ttls; i++)
			m->section[id].records[i].ttl = e->ttl;
	}
	e->reopened = true;
}

/* Offsets no longer hold, since the question was changed after encoding, or the answer must be cut: it is decoded and
 * written anew. */
static size_t write_reopened(const struct message *m, uint8_t *to, size_t size)
{
	struct arena *arena = arena_new(MESSAGE_MAX);
	struct message *opened = message_copy(arena, m);
	message_open(opened, arena);
	size_t length = message_write(opened, to, size);
	arena_free(arena);
	return length;
}

/* How many sections fit into `room` octets. */
static int sections_fitting(const struct encoded *e, size_t room)
{
	int fitting = SECTION_COUNT;
	while (fitting > 0 && e->section_end[fitting - 1] > room)
		fitting--;
	return fitting;
}

static bool same_question(const struct message *m, const struct encoded *e)
{
	size_t length = e->question_end - HEADER_SIZE - QUESTION_FIXED;
	size_t fixed = e->question_end - QUESTION_FIXED;
	return m->has_question && m->question.name.length == length &&
	       memcmp(m->question.name.octets, e->wire + HEADER_SIZE, length) == 0 &&
	       get_u16(e->wire, fixed) == m->question.type &&
	       get_u16(e->wire, fixed + 2) == m->question.class;
}

static void patch_ttls(struct writer *w, const struct encoded *e)
{
	for (size_t i = 0; i < e->ttl_count; i++) {
		rewrite_u16(w, e->ttl_at[i], (uint16_t)(e->ttl / 65536));
		rewrite_u16(w, e->ttl_at[i] + 2u, (uint16_t)(e->ttl % 65536));
	}
}

/* What all of them have: header, question and the sections that fit, by one copy, with this message's own words put in. */
static void write_kept(struct writer *w, const struct message *m, size_t length)
{
	const struct encoded *e = m->encoded;
	if (!write_room(w, length))
		return;
	memcpy(w->base, e->wire, length);
	rewrite_u16(w, 0, m->id);
	rewrite_u16(w, FLAGS_AT, message_flag_bits(m));
	patch_ttls(w, e);
}

size_t encoded_write(const struct message *m, uint8_t *to, size_t size)
{
	const struct encoded *e = m->encoded;
	struct writer w = writer_to(to, size);
	uint16_t counts[SECTION_COUNT] = { 0 };
	size_t room = size - opt_size(&m->edns);
	int sections = sections_fitting(e, room);
	if (!same_question(m, e) || sections < SECTION_ADDITIONAL ||
		(e->own_ttls && e->length > room))
		return write_reopened(m, to, size);
	write_kept(&w, m, e->section_end[sections - 1]);
	memcpy(counts, e->counts, (size_t)sections * sizeof counts[0]);
	return write_tail(&w, m, counts);
}
