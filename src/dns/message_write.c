/* Writing a message with compression, cut to what the client takes. */
#include "dns/message_write.h"

#include "dns/rdata_wire.h"

static uint16_t flag_bits(const struct message *m)
{
	unsigned rcode = m->rcode;
	if (rcode > 15 && !m->edns.present)
		rcode = RCODE_SERVFAIL;
	return (uint16_t)(m->flags | m->opcode % 16 * 2048 | rcode % 16);
}

size_t opt_size(const struct edns *e)
{
	return e->present ? OPT_FIXED + e->options.length : 0;
}

static void write_opt(struct writer *w, const struct message *m)
{
	const struct edns *e = &m->edns;
	if (!e->present)
		return;
	write_u8(w, 0);
	write_u16(w, TYPE_OPT);
	write_u16(w, e->udp_size);
	write_u8(w, (uint8_t)(m->rcode / 16));
	write_u8(w, e->version);
	write_u16(w, e->flags);
	write_u16(w, (uint16_t)e->options.length);
	write_octets(w, (const uint8_t *)e->options.at, e->options.length);
}

static void write_record(struct writing *s, const struct record *record)
{
	struct writer *w = &s->w;
	write_owner(w, record->owner);
	write_u16(w, record->type);
	write_u16(w, record->class);
	if (s->ttl_at)
		s->ttl_at[s->ttl_count++] = (uint16_t)w->at;
	write_u32(w, record->ttl);
	size_t length_at = w->at;
	write_u16(w, record->rdata_length);
	write_rdata(w, record->type, record->rdata, record->rdata_length);
	rewrite_u16(w, length_at, (uint16_t)(w->at - length_at - 2));
}

static bool same_rrset(const struct record *a, const struct record *b)
{
	return a->type == b->type && a->class == b->class &&
	       (a->owner.octets == b->owner.octets || name_equal(a->owner, b->owner));
}

/*
 * Writes the records of a section that fit; gives how many they are. Where TC tells the client, the RRset that is cut may
 * stay in part (RFC 2181 9); the additional section is cut without TC, so only `whole` RRsets stay there.
 */
static size_t write_section(struct writing *s, const struct section *section, bool whole)
{
	const struct record *records = section->records;
	size_t set = 0, set_at = s->w.at;
	for (size_t i = 0; i < section->count; i++) {
		if (i > 0 && (!whole || !same_rrset(&records[i - 1], &records[i]))) {
			set = i;
			set_at = s->w.at;
		}
		write_record(s, &records[i]);
		if (s->w.failed) {
			s->w.failed = false;
			s->w.at = set_at;
			s->truncated = true;
			return set;
		}
	}
	return section->count;
}

static void write_question(struct writer *w, const struct message *m)
{
	write_question_name(w, m->question.name);
	write_u16(w, m->question.type);
	write_u16(w, m->question.class);
}

void write_head(struct writer *w, const struct message *m)
{
	write_u16(w, m->id);
	write_u16(w, flag_bits(m));
	write_u16(w, m->has_question);
	for (int id = 0; id < SECTION_COUNT; id++)
		write_u16(w, 0);
	if (m->has_question)
		write_question(w, m);
}

void write_truncated(struct writer *w, const struct message *m)
{
	rewrite_u16(w, FLAGS_AT, flag_bits(m) | FLAG_TC);
}

/* Whether the client must be told that this section was cut: it may do without additional records but glue. */
static bool is_missed(const struct writing *s, int id)
{
	return id != SECTION_ADDITIONAL || s->counts[id] < s->m->glue_count;
}

void write_sections(struct writing *s)
{
	for (int id = 0; id < SECTION_COUNT && !s->truncated; id++) {
		s->counts[id] = (uint16_t)write_section(s, &s->m->section[id], id == SECTION_ADDITIONAL);
		s->section_end[id] = (uint16_t)s->w.at;
		if (s->truncated && is_missed(s, id))
			write_truncated(&s->w, s->m);
	}
}

size_t write_tail(struct writer *w, const struct message *m, const uint16_t *counts)
{
	write_opt(w, m);
	for (size_t id = 0; id < SECTION_COUNT; id++) {
		bool opt = id == SECTION_ADDITIONAL && m->edns.present;
		rewrite_u16(w, COUNTS_AT + 2 * id, (uint16_t)(counts[id] + opt));
	}
	return w->failed ? 0 : w->at;
}

size_t message_write(const struct message *m, uint8_t *to, size_t size)
{
	size_t opt = opt_size(&m->edns);
	if (size > MESSAGE_MAX)
		size = MESSAGE_MAX;
	if (opt > size)
		return 0;
	if (m->encoded && !m->encoded->reopened)
		return encoded_write(m, to, size);
	struct writing s = { .w = { .base = to, .end = size - opt }, .m = m };
	write_head(&s.w, m);
	if (s.w.failed)
		return 0;
	write_sections(&s);
	s.w.end = size;
	return write_tail(&s.w, m, s.counts);
}
