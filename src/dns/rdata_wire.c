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

/* Whether the rdata is nothing but a name that may be compressed. */
static bool is_name(const enum rdata_field *f)
{
	return f && f[0] == FIELD_NAME_COMPRESSED && f[1] == FIELD_END;
}

bool rdata_may_compress(uint16_t type)
{
	for (const enum rdata_field *f = rdata_fields(type); f && *f != FIELD_END; f++) {
		if (*f == FIELD_NAME_COMPRESSED)
			return true;
	}
	return false;
}

/* Writes rdata field by field, with the names compressed that may be. */
static void write_fields(
	struct writer *w, const enum rdata_field *f, const uint8_t *rdata, uint16_t length)
{
	struct reader r = { .base = rdata, .end = length };
	for (; f && *f != FIELD_END && !r.failed; f++) {
		size_t from = r.at;
		if (field_is_name(*f)) {
			struct name_buffer name = { 0 };
			read_name(&r, &name);
			if (*f == FIELD_NAME_COMPRESSED)
				write_name(w, name_of(&name));
			else
				write_octets(w, name.octets, name.length);
		} else {
			read_field(&r, *f);
			copy(&r, from, w);
		}
	}
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
