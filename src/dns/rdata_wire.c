/* Rdata by its fields: walking, checking, decompressing, compressing. */
#include "dns/rdata_wire.h"

#include "dns/rdata_field.h"

/* Passes over a name; gives how many octets more it has without pointers, 0 and *plain if it has
 * none. */
/*@ requires reader_ok(r) && \valid(plain) && \separated(r, plain);
    terminates \true;
    assigns r->at, r->failed, *plain;
    ensures reader_ok(r) && -65535 <= \result <= 255;
*/
static int name_skip(struct reader *r, bool *plain)
{
	int from = (int)r->at;
	if (read_plain_name(r))
		return 0;
	struct name_buffer name = { 0 };
	read_name(r, &name);
	*plain = false;
	return (int)name.length + from - (int)r->at;
}

size_t rdata_check(struct reader *r, uint16_t type, uint16_t length)
{
	const enum rdata_field *field = rdata_fields(type);
	bool plain = true;
	int expanded = length;
	if (!field)
		return 0;
	/*@ loop invariant reader_ok(r) && fields_ok(field) && 0 <= expanded <= 65535;
	    loop assigns r->at, r->failed, plain, expanded, field;
	    loop variant fields_count(field);
	*/
	for (; *field != FIELD_END && !r->failed; field++) {
		if (field_is_name(*field))
			expanded += name_skip(r, &plain);
		else
			read_field(r, *field);
		if (expanded < 0 || expanded > MESSAGE_MAX) {
			r->failed = true;
			return 0;
		}
	}
	if (r->at != r->end)
		r->failed = true;
	return plain || r->failed ? 0 : (size_t)expanded;
}

size_t read_rdata(struct reader *r, uint16_t type, uint16_t length)
{
	size_t from = r->at;
	if (!read_room(r, length))
		return 0;
	struct reader part = { .base = r->base, .start = r->start, .at = from, .end = r->at };
	size_t expanded = rdata_check(&part, type, length);
	if (part.failed)
		r->failed = true;
	return expanded;
}

/* Copies the octets from offset `from` to where r is. */
/*@ requires reader_ok(r) && writer_room(to) && r->start <= from && \separated(r, to);
    terminates \true;
    assigns to->at, to->failed, to->base[0 .. to->end - 1];
    ensures writer_room(to) && \old(to->at) <= to->at;
*/
static void copy(const struct reader *r, size_t from, struct writer *to)
{
	/*@ loop invariant r->start <= from && writer_room(to) && \at(to->at, Pre) <= to->at;
	    loop assigns from, to->at, to->failed, to->base[0 .. to->end - 1];
	    loop variant r->end - from;
	*/
	while (from < r->at && from < r->end)
		write_u8(to, r->base[from++]);
}

/* A field that r is at: its name decompressed, everything else as it is. */
/*@ requires reader_ok(r) && writer_room(to) && \separated(r, to);
    terminates \true;
    assigns r->at, r->failed, to->at, to->failed, to->base[0 .. to->end - 1];
    ensures reader_ok(r) && writer_room(to) && \old(to->at) <= to->at;
*/
static void expand_field(struct reader *r, enum rdata_field f, struct writer *to)
{
	size_t from = r->at;
	if (field_is_name(f)) {
		struct name_buffer name = { 0 };
		read_name(r, &name);
		write_octets(to, name.octets, name.length);
	} else {
		read_field(r, f);
		copy(r, from, to);
	}
}

/*@ requires reader_ok(r) && r->start <= from <= r->at && writer_room(to) && \separated(r, to);
    terminates \true;
    assigns to->at, to->failed, to->base[0 .. to->end - 1];
*/
static void expand_fields(const struct reader *r, size_t from, uint16_t type, struct writer *to)
{
	struct reader again = { .base = r->base, .start = r->start, .at = from, .end = r->at };
	const enum rdata_field *f = rdata_fields(type);
	if (!f)
		return;
	/*@ loop invariant reader_ok(&again) && writer_room(to) && fields_ok(f);
	    loop assigns f, again.at, again.failed, to->at, to->failed, to->base[0 .. to->end - 1];
	    loop variant fields_count(f);
	*/
	for (; *f != FIELD_END; f++)
		expand_field(&again, *f, to);
}

void rdata_expand(
	const struct reader *r, size_t from, uint16_t type, uint8_t *to, size_t size)
{
	struct writer w = writer_to(to, size);
	expand_fields(r, from, type, &w);
}

/* Whether the rdata is nothing but a name that may be compressed. */
/*@ requires f != \null ==> fields_ok(f);
    terminates \true;
    assigns \nothing;
*/
static bool is_name(const enum rdata_field *f)
{
	return f && f[0] == FIELD_NAME_COMPRESSED && f[1] == FIELD_END;
}

bool rdata_may_compress(uint16_t type)
{
	const enum rdata_field *f = rdata_fields(type);
	if (!f)
		return false;
	/*@ loop invariant fields_ok(f);
	    loop assigns f;
	    loop variant fields_count(f);
	*/
	for (; *f != FIELD_END; f++) {
		if (*f == FIELD_NAME_COMPRESSED)
			return true;
	}
	return false;
}

/*@ requires reader_ok(r) && writer_ok(w) && \separated(r, w);
    terminates \true;
    assigns r->at, r->failed, w->at, w->failed, w->base[0 .. w->end - 1];
    assigns w->slots[0 .. WRITER_SLOTS - 1];
    ensures reader_ok(r) && writer_ok(w) && \old(w->at) <= w->at;
*/
static void write_field(struct reader *r, enum rdata_field f, struct writer *w)
{
	if (f == FIELD_NAME_COMPRESSED) {
		struct name_buffer name = { 0 };
		read_name(r, &name);
		write_name(w, name_of(&name));
	} else {
		expand_field(r, f, w);
	}
}

/* Writes rdata field by field, with the names compressed that may be. */
/*@ requires fields_ok(f) && writer_ok(w) && outside(w, rdata, length);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1], w->slots[0 .. WRITER_SLOTS - 1];
    ensures writer_ok(w) && \old(w->at) <= w->at;
*/
static void write_fields(
	struct writer *w, const enum rdata_field *f, const uint8_t *rdata, uint16_t length)
{
	struct reader r = { .base = rdata, .end = length };
	/*@ loop invariant r.base == rdata && r.start == 0 && r.at <= r.end == length;
	    loop invariant writer_ok(w) && \at(w->at, Pre) <= w->at && fields_ok(f);
	    loop assigns f, r.at, r.failed, w->at, w->failed, w->base[0 .. w->end - 1];
	    loop assigns w->slots[0 .. WRITER_SLOTS - 1];
	    loop variant fields_count(f);
	*/
	for (; *f != FIELD_END && !r.failed; f++)
		write_field(&r, *f, w);
	if (r.failed || r.at != r.end)
		w->failed = true;
}

void write_rdata(struct writer *w, uint16_t type, const uint8_t *rdata, uint16_t length)
{
	size_t from = w->at;
	if (length == 0 || !rdata_may_compress(type)) { /* none: a dynamic update's */
		write_octets(w, rdata, length);
		return;
	}
	const enum rdata_field *f = rdata_fields(type);
	if (is_name(f) && length <= NAME_OCTETS_MAX)
		write_name(w, (struct name){ rdata, length });
	else if (f) /* which the prover cannot tell from the type */
		write_fields(w, f, rdata, length);
	if (from >= 2 && !w->failed) /* else its length may not be there, and something else is */
		rewrite_u16(w, from - 2, (uint16_t)((2 * 65536 + w->at - from) % 65536));
}
