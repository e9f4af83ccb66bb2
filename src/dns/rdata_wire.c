/* Rdata by its fields: walking, checking, decompressing, compressing. */
#include "dns/rdata_wire.h"

#include "dns/rdata_field.h"

/* Passes over a name; gives how many octets more it has without pointers, 0 and *plain if it has
 * none. */
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

/* Copies the octets from offset `from` to where r is. */
static void copy(const struct reader *r, size_t from, struct writer *to)
{
	while (from < r->at && from < r->end)
		write_u8(to, r->base[from++]);
}

void rdata_expand(struct reader *r, uint16_t type, struct writer *to)
{
	for (const enum rdata_field *f = rdata_fields(type); f && *f != FIELD_END; f++) {
		size_t from = r->at;
		if (field_is_name(*f)) {
			struct name_buffer name = { 0 };
			read_name(r, &name);
			write_octets(to, name.octets, name.length);
		} else {
			read_field(r, *f);
			copy(r, from, to);
		}
	}
}

bool rdata_may_compress(uint16_t type)
{
	for (const enum rdata_field *f = rdata_fields(type); f && *f != FIELD_END; f++) {
		if (*f == FIELD_NAME_COMPRESSED)
			return true;
	}
	return false;
}

/* Writes rdata that has names which may be compressed; in a record's own rdata none is. */
static void write_compressing(struct writer *w, const enum rdata_field *f, struct reader *r)
{
	for (; *f != FIELD_END && !r->failed; f++) {
		size_t from = r->at;
		if (field_is_name(*f)) {
			struct name name = { r->base + from, read_plain_name(r) };
			if (name.length == 0)
				r->failed = true;
			else if (*f == FIELD_NAME_COMPRESSED)
				write_name(w, name);
			else
				write_octets(w, name.octets, name.length);
		} else {
			read_field(r, *f);
			copy(r, from, w);
		}
	}
}

void write_rdata(struct writer *w, uint16_t type, const uint8_t *rdata, uint16_t length)
{
	const enum rdata_field *f = rdata_fields(type);
	if (length == 0 || !rdata_may_compress(type)) { /* none: a dynamic update's */
		write_octets(w, rdata, length);
		return;
	}
	struct reader r = { .base = rdata, .end = length };
	size_t from = w->at;
	write_compressing(w, f, &r);
	if (r.failed || r.at != r.end)
		w->failed = true;
	if (from >= 2 && !w->failed) /* else its length may not be there, and something else is */
		rewrite_u16(w, from - 2, (uint16_t)((2 * 65536 + w->at - from) % 65536));
}
