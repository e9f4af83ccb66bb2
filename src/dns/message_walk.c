/* Reading a message that is to be sent on as it came: its records are walked over and checked, not taken apart. */
#include "dns/message.h"
#include "dns/rdata_wire.h"

enum { POINTER = 0xc0 };

struct walk {
	struct reader r;
	struct encoded *e;
	size_t plain;    /* the message's length without compression */
	size_t expanded; /* octets of names that would have to be decompressed */
	size_t qname_length;
	size_t owner_target, owner_length; /* of the last owner that was a pointer not to the question */
	size_t opt_at;   /* where the OPT begins; 0: there is none */
};

/* Passes over an owner; gives its length without compression. */
static size_t owner_length(struct walk *w)
{
	struct reader *r = &w->r, ahead = *r;
	uint8_t first = read_u8(&ahead);
	size_t target = first >= POINTER ? (first - (size_t)POINTER) * 256 + read_u8(&ahead) : 0;
	if (target && !ahead.failed && (target == HEADER_SIZE || target == w->owner_target)) {
		*r = ahead;
		return target == HEADER_SIZE ? w->qname_length : w->owner_length;
	}
	size_t plain = read_plain_name(r);
	if (plain)
		return plain;
	struct name_buffer name = { 0 };
	read_name(r, &name);
	w->expanded += name.length;
	w->owner_target = target;
	w->owner_length = name.length;
	return name.length;
}

/* Passes over rdata that message_read() would take. Dynamic updates' records without any are not for us. */
static bool walk_rdata(struct walk *w, uint16_t type, uint16_t length)
{
	struct reader part = read_part(&w->r, length);
	size_t expanded = rdata_check(&part, type, length);
	if (length == 0 || part.failed || (expanded && !rdata_may_compress(type)))
		return false;
	w->expanded += expanded;
	w->plain += expanded ? expanded : length;
	return !w->r.failed && w->expanded <= MESSAGE_EXPANDED_MAX;
}

static bool walk_record(struct walk *w, bool may_be_opt)
{
	struct reader *r = &w->r;
	size_t from = r->at, owner = owner_length(w);
	if (!read_room(r, RECORD_FIXED))
		return false;
	size_t at = r->at - RECORD_FIXED;
	uint16_t type = get_u16(r->base, at), length = get_u16(r->base, at + RECORD_FIXED - 2);
	if (type == TYPE_OPT && may_be_opt) {
		w->opt_at = from;
		read_skip(r, length);
		return !r->failed;
	}
	if (type == TYPE_OPT || type == TYPE_TSIG)
		return false;
	w->plain += owner + RECORD_FIXED;
	return walk_rdata(w, type, length);
}

static bool walk_sections(struct walk *w)
{
	struct encoded *e = w->e;
	for (int id = 0; id < SECTION_COUNT; id++) {
		uint16_t count = get_u16(w->r.base, COUNTS_AT + 2 * (size_t)id);
		for (size_t left = count; left > 0; left--)
			if (!walk_record(w, id == SECTION_ADDITIONAL && left == 1))
				return false;
		if (w->opt_at && count > 0)
			count--;
		e->counts[id] = count;
		e->section_end[id] = (uint16_t)(w->opt_at ? w->opt_at : w->r.at);
	}
	return true;
}

/* Header, question and OPT of the message, without its records. */
static bool read_rest(
	struct message *m, struct arena *arena, const uint8_t *wire, const struct walk *w)
{
	static const uint8_t counts[] = { 0, 0, 0, 0, 0, 1 };
	size_t question_end = w->e->question_end;
	if (!w->opt_at)
		return message_read(m, arena, wire, question_end) == MESSAGE_OK;
	size_t opt_length = w->r.at - w->opt_at;
	uint8_t *rest = arena_octets(arena, question_end + opt_length);
	memcpy(rest, wire, question_end);
	memcpy(rest + COUNTS_AT, counts, sizeof counts);
	memcpy(rest + question_end, wire + w->opt_at, opt_length);
	return message_read(m, arena, rest, question_end + opt_length) == MESSAGE_OK;
}

bool message_read_encoded(
	struct message *m, struct arena *arena, const uint8_t *wire, size_t length)
{
	struct encoded *e = arena_new_object(arena, struct encoded);
	struct walk w = { .r = { .base = wire, .at = HEADER_SIZE, .end = length }, .e = e };
	if (length < HEADER_SIZE || length > MESSAGE_MAX || get_u16(wire, COUNTS_AT - 2) != 1)
		return false;
	w.qname_length = read_plain_name(&w.r);
	read_skip(&w.r, QUESTION_FIXED);
	if (!w.qname_length || w.r.failed)
		return false;
	w.plain = w.r.at;
	*e = (struct encoded){ .wire = wire, .question_end = (uint16_t)w.r.at, .own_ttls = true };
	if (!walk_sections(&w) || !read_rest(m, arena, wire, &w))
		return false;
	e->length = e->section_end[SECTION_ADDITIONAL];
	e->plain_length = (uint32_t)w.plain;
	m->encoded = e;
	return true;
}
