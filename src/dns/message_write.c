/* Writing a message with compression, cut to what the client takes. */
#include "dns/message_write.h"

#include "dns/rdata_wire.h"

enum { TTL_AT = 4, LENGTH_AT = 8 }; /* offsets in a record, counted from its type */

uint16_t message_flag_bits(const struct message *m)
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
	if (!e->present || !write_room(w, OPT_FIXED))
		return;
	size_t at = w->at - OPT_FIXED;
	w->base[at] = 0;
	put_u16(w->base, at + 1, TYPE_OPT);
	put_u16(w->base, at + 3, e->udp_size);
	w->base[at + 5] = (uint8_t)(m->rcode / 16 % 256);
	w->base[at + 6] = e->version;
	put_u16(w->base, at + 7, e->flags);
	put_u16(w->base, at + 9, (uint16_t)(e->options.length % 65536));
	write_octets(w, (const uint8_t *)e->options.at, e->options.length);
}

/* Type, class, TTL and the length of the rdata, which follows. */
static void write_fixed(struct writer *w, const struct record *record)
{
	if (!write_room(w, RECORD_FIXED))
		return;
	uint8_t *base = w->base;
	size_t at = w->at - RECORD_FIXED;
	put_u16(base, at, record->type);
	put_u16(base, at + 2, record->class);
	put_u16(base, at + TTL_AT, (uint16_t)(record->ttl / 65536));
	put_u16(base, at + TTL_AT + 2, (uint16_t)(record->ttl % 65536));
	put_u16(base, at + LENGTH_AT, record->rdata_length);
}

static void write_record(struct writing *s, const struct record *record)
{
	struct writer *w = &s->w;
	write_owner(w, record->owner);
	if (s->ttl_at)
		s->ttl_at[s->ttl_count++] = (uint16_t)(w->at + TTL_AT);
	write_fixed(w, record);
	write_rdata(w, record->type, record->rdata, record->rdata_length);
}

static bool same_rrset(const struct record *a, const struct record *b)
{
	return a->type == b->type && a->class == b->class &&
	       (a->owner.octets == b->owner.octets || name_equal(a->owner, b->owner));
}

/*
 * Writes the records of a section that fit; gives how many they are. Where TC tells the client, the
 * RRset that is cut may stay in part (RFC 2181 9); the additional section is cut without TC, so
 * only `whole` RRsets stay there.
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

bool write_head(struct writer *w, const struct message *m)
{
	if (!write_room(w, HEADER_SIZE))
		return false;
	uint8_t *base = w->base;
	size_t at = w->at - HEADER_SIZE;
	put_u16(base, at, m->id);
	put_u16(base, at + FLAGS_AT, message_flag_bits(m));
	put_u16(base, at + 4, m->has_question);
	for (size_t id = 0; id < SECTION_COUNT; id++)
		put_u16(base, at + COUNTS_AT + 2 * id, 0);
	if (m->has_question) {
		write_question_name(w, m->question.name);
		write_u16(w, m->question.type);
		write_u16(w, m->question.class);
	}
	return !w->failed;
}

void write_truncated(struct writer *w, const struct message *m)
{
	rewrite_u16(w, FLAGS_AT, message_flag_bits(m) | FLAG_TC);
}

/* Whether the client must be told that this section was cut: it may do without additional records
 * but glue. */
static bool is_missed(const struct writing *s, int id)
{
	return id != SECTION_ADDITIONAL || s->counts[id] < s->m->glue_count;
}

void write_sections(struct writing *s)
{
	for (int id = 0; id < SECTION_COUNT && !s->truncated; id++) {
		s->counts[id] =
			(uint16_t)write_section(s, &s->m->section[id], id == SECTION_ADDITIONAL);
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
	if (size > MESSAGE_MAX)
		size = MESSAGE_MAX;
	long room = (long)size - (long)opt_size(&m->edns);
	if (room < 0)
		return 0;
	if (m->encoded && !m->encoded->reopened)
		return encoded_write(m, to, size);
	struct writing s = { .w = writer_to(to, (size_t)room), .m = m };
	if (!write_head(&s.w, m))
		return 0;
	write_sections(&s);
	s.w.end = size;
	return write_tail(&s.w, m, s.counts);
}

/* Whether the OPT, and with it the message, ends with a padding option that has no octets. */
/*@ requires \valid_read(m) && length <= 65535 && \valid_read(wire + (0 .. length - 1));
    requires length > 0 && m->edns.present ==> OPT_FIXED + m->edns.options.length <= length;
    terminates \true;
    assigns \nothing;
    ensures \result ==> m->edns.present && 0 < length && 4 <= m->edns.options.length;
*/
static bool ends_with_padding(const struct message *m, const uint8_t *wire, size_t length)
{
	enum { OPTION_FIXED = 4 };
	return length && m->edns.present && m->edns.options.length >= OPTION_FIXED &&
	       get_u32(wire, length - OPTION_FIXED) == OPTION_PADDING * 65536u;
}

size_t message_pad(const struct message *m, uint8_t *wire, size_t length, size_t size, size_t block)
{
	if (!ends_with_padding(m, wire, length))
		return length;
	size_t padded = (length + block - 1) / block * block;
	if (size > MESSAGE_MAX)
		size = MESSAGE_MAX;
	if (padded > size)
		padded = size;
	if (padded <= length)
		return length;
	size_t octets = padded - length, options = m->edns.options.length;
	put_u16(wire, length - options - 2, (uint16_t)((options + octets) % 65536));
	put_u16(wire, length - 2, (uint16_t)(octets % 65536));
	/*@ loop invariant length <= at <= padded;
	    loop assigns at, wire[length .. padded - 1];
	    loop variant padded - at;
	*/
	for (size_t at = length; at < padded; at++)
		wire[at] = 0;
	return padded;
}
