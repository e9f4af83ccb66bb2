/* Rdata: the names in it, and its canonical form. */
#include "dns/rdata.h"

#include "dns/rdata_field.h"

/* Rdata being walked through, for its names. */
struct walk {
	struct reader at;
	const enum rdata_field *field;
};

static struct walk walk_start(uint16_t type, struct view rdata)
{
	return (struct walk){ .at = { .base = (const uint8_t *)(rdata.length ? rdata.at : ""),
				      .end = rdata.length },
		.field = rdata_fields(type) };
}

/* The next name; false when there is none left. */
static bool walk_name(struct walk *w, struct name *n)
{
	if (!w->field)
		return false;
	while (*w->field != FIELD_END && !w->at.failed) {
		if (*w->field == FIELD_NAMES ? w->at.at < w->at.end : field_is_name(*w->field)) {
			n->octets = w->at.base + w->at.at;
			n->length = read_plain_name(&w->at);
			w->field += *w->field != FIELD_NAMES;
			return n->length > 0;
		}
		read_field(&w->at, *w->field++);
	}
	return false;
}

void rdata_names(
	uint16_t type, struct view rdata, void (*visit)(struct name n, void *data), void *data)
{
	struct walk w = walk_start(type, rdata);
	struct name n;
	while (walk_name(&w, &n))
		visit(n, data);
}

bool rdata_name(uint16_t type, struct view rdata, unsigned n, struct name *out)
{
	struct walk w = walk_start(type, rdata);
	do {
		if (!walk_name(&w, out))
			return false;
	} while (n--);
	return true;
}

/* The types of RFC 4034 6.2 without NSEC (RFC 6840 5.1), HINFO (which has no names), and those that
 * are opaque here. */
static bool has_canonical_names(uint16_t type)
{
	static const uint64_t below_64 = 1ull << 2 | 1ull << 3 | 1ull << 4 | 1ull << 5 | 1ull << 6 |
					 1ull << 7 | 1ull << 8 | 1ull << 9 | 1ull << 12 |
					 1ull << 14 | 1ull << 15 | 1ull << 17 | 1ull << 18 |
					 1ull << 21 | 1ull << 24 | 1ull << 26 | 1ull << 33 |
					 1ull << 35 | 1ull << 36 | 1ull << 39 | 1ull << 46;
	return type < 64 && below_64 >> type & 1;
}

struct view rdata_canonical(struct arena *a, uint16_t type, struct view rdata)
{
	struct walk w = walk_start(type, rdata);
	struct name n;
	if (!has_canonical_names(type))
		return rdata;
	uint8_t *copy = arena_octets(a, rdata.length);
	if (rdata.length)
		memcpy(copy, rdata.at, rdata.length);
	while (walk_name(&w, &n)) {
		struct name_buffer lower;
		name_lower(n, &lower);
		memcpy(copy + (n.octets - w.at.base), lower.octets, lower.length);
	}
	return (struct view){ (const char *)copy, rdata.length };
}
