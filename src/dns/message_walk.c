/* Reading a message that is to be sent on as it came: its records are walked over and checked, not taken apart. */
#include "dns/message.h"
#include "dns/rdata_wire.h"
#include "dns/writer.h"

struct walk {
	struct reader r;
	struct encoded *e;
	size_t plain;    /* the message's length without compression */
	size_t expanded; /* octets of names that would have to be decompressed */
	size_t qname_length;
	size_t owner_target, owner_length; /* of the last owner that was a pointer not to the question */
	size_t opt_at;   /* where the OPT begins; 0: there is none */
};

/*@ predicate walk_ok(struct walk *w) =
      \valid(w) && reader_ok(&w->r) && w->r.start == 0 && HEADER_SIZE <= w->r.end &&
      \valid(w->e) && \separated(w, w->e) && w->qname_length <= 255 && w->owner_length <= 255 &&
      w->opt_at <= w->r.at && w->plain <= 0xffffffffffff &&
      w->expanded <= MESSAGE_EXPANDED_MAX + 65536 * 2;
*/

/* Passes over a name; gives its length without compression. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at && 1 <= \result <= 255;
*/
static size_t name_length(struct reader *r)
{
	struct name_buffer name = { 0 };
	read_name(r, &name);
	return name.length;
}

/* Passes over an owner; gives its length without compression. */
/*@ requires walk_ok(w) && w->expanded <= MESSAGE_EXPANDED_MAX;
    terminates \true;
    assigns w->r.at, w->r.failed, w->expanded, w->owner_target, w->owner_length;
    ensures walk_ok(w) && \old(w->r.at) <= w->r.at && \result <= 255;
    ensures w->expanded <= \old(w->expanded) + 255;
*/
static size_t owner_length(struct walk *w)
{
	struct reader *r = &w->r;
	size_t target = pointer_target(r);
	if (target && (target == HEADER_SIZE || target == w->owner_target)) {
		read_skip(r, 2);
		return target == HEADER_SIZE ? w->qname_length : w->owner_length;
	}
	size_t plain = read_plain_name(r);
	if (plain)
		return plain;
	size_t length = name_length(r);
	w->expanded += length;
	w->owner_target = target;
	w->owner_length = length;
	return length;
}

/* Passes over rdata that message_read() would take. Dynamic updates' records without any are not for us. */
/*@ requires walk_ok(w) && w->plain <= 0xffffff001000;
    requires w->expanded <= MESSAGE_EXPANDED_MAX + 255;
    terminates \true;
    assigns w->r.at, w->r.failed, w->expanded, w->plain;
    ensures walk_ok(w) && \old(w->r.at) <= w->r.at && w->plain <= \old(w->plain) + 65535;
    ensures \result ==> w->expanded <= MESSAGE_EXPANDED_MAX;
*/
static bool walk_rdata(struct walk *w, uint16_t type, uint16_t length)
{
	size_t expanded = read_rdata(&w->r, type, length);
	if (length == 0 || w->r.failed || (expanded && !rdata_may_compress(type)))
		return false;
	w->expanded += expanded;
	w->plain += expanded ? expanded : length;
	return w->expanded <= MESSAGE_EXPANDED_MAX;
}

/*@ requires walk_ok(w) && w->expanded <= MESSAGE_EXPANDED_MAX && w->plain <= 0xffffff000000;
    terminates \true;
    assigns w->r.at, w->r.failed, w->expanded, w->plain, w->owner_target, w->owner_length;
    assigns w->opt_at;
    ensures walk_ok(w) && \old(w->r.at) <= w->r.at && w->plain <= \old(w->plain) + 65800;
    ensures \result && !may_be_opt ==> w->expanded <= MESSAGE_EXPANDED_MAX;
    ensures w->opt_at == \old(w->opt_at) || w->opt_at == \old(w->r.at);
*/
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

/*@ requires walk_ok(w) && w->expanded == 0 && w->plain <= 65535 && w->opt_at == 0;
    terminates \true;
    assigns w->r.at, w->r.failed, w->expanded, w->plain, w->owner_target, w->owner_length;
    assigns w->opt_at, w->e->counts[0 .. SECTION_COUNT - 1];
    assigns w->e->section_end[0 .. SECTION_COUNT - 1];
    ensures walk_ok(w) && (w->opt_at == 0 || \old(w->r.at) <= w->opt_at);
*/
static bool walk_sections(struct walk *w)
{
	struct encoded *e = w->e;
	/*@ loop invariant walk_ok(w) && 0 <= id <= SECTION_COUNT && \at(w->r.at, Pre) <= w->r.at;
	    loop invariant id < SECTION_COUNT ==> w->expanded <= MESSAGE_EXPANDED_MAX;
	    loop invariant w->plain <= 65535 + id * 65536 * 65800;
	    loop invariant w->opt_at == 0 || \at(w->r.at, Pre) <= w->opt_at;
	    loop assigns id, w->r.at, w->r.failed, w->expanded, w->plain, w->owner_target;
	    loop assigns w->owner_length, w->opt_at, e->counts[0 .. SECTION_COUNT - 1];
	    loop assigns e->section_end[0 .. SECTION_COUNT - 1];
	    loop variant SECTION_COUNT - id;
	*/
	for (int id = 0; id < SECTION_COUNT; id++) {
		uint16_t count = get_u16(w->r.base, COUNTS_AT + 2 * (size_t)id);
		/*@ loop invariant walk_ok(w) && 0 <= left <= count && \at(w->r.at, Pre) <= w->r.at;
		    loop invariant left > 0 || id < SECTION_ADDITIONAL ==>
		      w->expanded <= MESSAGE_EXPANDED_MAX;
		    loop invariant w->plain <= 65535 + (id * 65536 + count - left) * 65800;
		    loop invariant w->opt_at == 0 || \at(w->r.at, Pre) <= w->opt_at;
		    loop assigns left, w->r.at, w->r.failed, w->expanded, w->plain;
		    loop assigns w->owner_target, w->owner_length, w->opt_at;
		    loop variant left;
		*/
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
/*@ requires walk_ok(w) && \valid(m) && w->r.base == wire && w->e->question_end <= w->r.end;
    requires w->opt_at == 0 || HEADER_SIZE <= w->e->question_end <= w->opt_at;
    requires \separated(m, octet_pool + (0 .. octet_pool_size - 1),
      record_pool + (0 .. record_pool_size - 1));
    requires \separated(wire + (0 .. w->r.end - 1), octet_pool + (0 .. octet_pool_size - 1));
    terminates \true;
*/
static bool read_rest(
	struct message *m, struct arena *arena, const uint8_t *wire, const struct walk *w)
{
	size_t question_end = w->e->question_end;
	if (!w->opt_at)
		return message_read(m, arena, wire, question_end) == MESSAGE_OK;
	size_t opt_length = w->r.at - w->opt_at, length = question_end + opt_length;
	uint8_t *octets = octets_from(arena, length);
	copy_octets(octets, wire, question_end);
	copy_octets(octets + question_end, wire + w->opt_at, opt_length);
	put_u16(octets, COUNTS_AT, 0);
	put_u16(octets, COUNTS_AT + 2, 0);
	put_u16(octets, COUNTS_AT + 4, 1);
	return message_read(m, arena, octets, length) == MESSAGE_OK;
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
