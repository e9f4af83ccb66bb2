/* Records of a master file. */
#include "dns/zonefile.h"

#include "dns/rdata.h"
#include "dns/rdata_numbers.h"
#include "dns/rdata_parse.h"
#include "dns/zonefile_frame.h"

enum { TTL_WITHOUT_ANY = 3600 }; /* of a single record, and of what $GENERATE makes */

static void open_text(struct zonefile *z, struct arena *arena, struct view text, const char *path,
	struct name origin, size_t rdata_room)
{
	*z = (struct zonefile){ .arena = arena, .lexer = master_lexer_of(text), .path = path };
	z->rdata.base = arena_octets(arena, rdata_room);
	z->rdata.end = rdata_room;
	memcpy(z->origin.octets, origin.octets, origin.length);
	z->origin.length = origin.length;
}

void zonefile_open(struct zonefile *z, struct arena *arena, struct view text, const char *path,
	struct name origin)
{
	open_text(z, arena, text, path, origin, MESSAGE_MAX);
}

/* What stands between owner and rdata. */
struct head {
	bool has_ttl, has_class;
	uint32_t ttl;
	uint16_t class, type;
};

/* The error when a token is neither what the head can have next nor a type. */
static bool fail_head(struct zonefile *z, const struct head *h, const struct token *t)
{
	const char *what;
	if (t->kind == TOKEN_BROKEN)
		what = t->text.at;
	else if (h->has_ttl)
		what = h->has_class ? "unknown RR type" : "expecting RR type or class, not this...";
	else if (t->kind == TOKEN_WORD)
		what = "not a TTL";
	else
		what = h->has_class ? "expecting RR type or TTL, not this..."
				    : "expecting RR type, TTL or class, not this...";
	return zonefile_fail(z, what, t->text);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_internet(struct view text)
{
	return text.length == 2 && (text.at[0] | 0x20) == 'i' && (text.at[1] | 0x20) == 'n';
}

/* Takes one word into the head; *is_type says that it was the type, its end. False if it is none
 * that may stand there. */
static bool head_take(struct head *h, struct view word, bool *is_type)
{
	if (is_digit(word.at[0])) {
		bool first = !h->has_ttl;
		*is_type = false;
		h->has_ttl |= ttl_parse(word, &h->ttl);
		return first && h->has_ttl;
	}
	bool first_class = !h->has_class, internet = is_internet(word);
	*is_type = !internet && type_parse(word, &h->type) && h->type != TYPE_ANY;
	if (*is_type)
		return true;
	h->has_class |= internet || class_parse(word, &h->class);
	return first_class && h->has_class;
}

/* [TTL] [class] type, in either order; *t is the first token and becomes the type. */
static bool read_head(struct zonefile *z, struct token *t, struct head *h)
{
	bool is_type;
	for (;; master_lexer_next(&z->lexer, t)) {
		if (t->kind != TOKEN_WORD || !head_take(h, t->text, &is_type))
			return fail_head(z, h, t);
		if (is_type)
			return true;
	}
}

/* Types that only queries and messages have, not zones (RFC 6895 3.1). */
static bool is_meta_type(uint16_t type)
{
	return type == TYPE_OPT || (type >= 128 && type <= 255 && !rdata_fields(type));
}

/* Whether a TTL can be had: the record's own, the default, or (RFC 1035 5.1) that of the SOA
 * itself. */
static bool has_some_ttl(const struct zonefile *z, const struct head *h)
{
	return h->has_ttl || z->has_ttl || z->generating || h->type == TYPE_SOA;
}

/* Sets the record's TTL, and the default as the next record finds it. */
static void settle_ttl(struct zonefile *z, const struct head *h, struct record *r)
{
	bool own = h->has_ttl;
	r->ttl = own ? h->ttl : z->has_ttl ? z->ttl : TTL_WITHOUT_ANY;
	if (!own && !z->has_ttl && h->type == TYPE_SOA) {
		r->ttl = rdata_u32(record_rdata(r), r->rdata_length - 4u);
		own = true;
	}
	if (own && !z->ttl_is_set) {
		z->has_ttl = true;
		z->ttl = r->ttl;
	}
}

static bool fail_meta_type(struct zonefile *z, uint16_t type, struct view text)
{
	char mnemonic[MNEMONIC_MAX];
	const char *what = arena_printf(z->arena, "%s records do not have a presentation format",
		type_print(type, mnemonic));
	return zonefile_fail(z, what, text);
}

/* The record that *t, the token behind the owner, begins. */
static bool read_record(struct zonefile *z, struct token *t, struct record *r)
{
	struct head h = { .class = CLASS_IN };
	char why[RDATA_PROBLEM_MAX];
	if (!read_head(z, t, &h))
		return false;
	if (is_meta_type(h.type))
		return fail_meta_type(z, h.type, t->text);
	if (!has_some_ttl(z, &h))
		return zonefile_fail(z, "missing TTL with no previous value", t->text);
	struct rdata_source s = {
		.lexer = &z->lexer, .to = &z->rdata, .origin = name_of(&z->origin)
	};
	z->rdata.at = 0;
	z->rdata.failed = false;
	if (!rdata_parse(&s, h.type, why))
		return zonefile_fail(z, why, s.token.text);
	*r = (struct record){ .owner = name_of(&z->owner),
		.rdata = z->rdata.base,
		.type = h.type,
		.class = h.class,
		.rdata_length = (uint16_t)z->rdata.at };
	settle_ttl(z, &h, r);
	return true;
}

/* Takes the owner, and moves *t to the token behind it. */
static bool read_owner(struct zonefile *z, struct token *t)
{
	z->has_owner = name_parse_in(t->text, name_of(&z->origin), &z->owner);
	if (!z->has_owner)
		return zonefile_fail(z, "bad owner name", t->text);
	master_lexer_next(&z->lexer, t);
	return true;
}

bool zonefile_next(struct zonefile *z, struct record *r)
{
	while (!z->error) {
		struct token t;
		bool owner_is_last = master_lexer_at_blank(&z->lexer);
		master_lexer_next(&z->lexer, &t);
		switch (t.kind) {
		case TOKEN_NEWLINE:
			break;
		case TOKEN_END:
			if (!zonefile_resume(z))
				return false;
			break;
		case TOKEN_WORD:
			if (!owner_is_last && t.text.at[0] == '$' && zonefile_directive(z, &t))
				break;
			if (owner_is_last && !z->has_owner)
				return zonefile_fail(z, "bad owner name", t.text);
			return (owner_is_last || read_owner(z, &t)) && read_record(z, &t, r);
		case TOKEN_BROKEN:
			return zonefile_fail(z, t.text.at, t.text);
		case TOKEN_QUOTED:
			return zonefile_fail(z, "syntax error at beginning", t.text);
		}
	}
	return false;
}

/* Octets that the rdata of a record of this text cannot be more than: the densest word is a type of
 * a bit map. */
static size_t rdata_room(size_t text_length)
{
	enum { DENSITY = 17, LEAST = 64 };
	return text_length < (MESSAGE_MAX - LEAST) / DENSITY ? text_length * DENSITY + LEAST
							     : MESSAGE_MAX;
}

bool record_parse(struct arena *arena, struct view text, struct record *r, const char **why)
{
	struct zonefile z;
	open_text(&z, arena, text, NULL, name_root, rdata_room(text.length));
	z.has_ttl = true;
	z.ttl = TTL_WITHOUT_ANY;
	if (!zonefile_next(&z, r)) {
		*why = z.error ? z.error : "no record";
		return false;
	}
	r->owner = name_copy(arena, r->owner);
	return true;
}
