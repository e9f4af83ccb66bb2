/* A listing's records on their way into a zone. */
#include "sync/mirror_parts.h"

#include "base/hash.h"
#include "base/utf8.h"
#include "dns/rdata_parse.h"
#include "dns/types.h"

enum { TOKEN_SHOWN_MAX = 256 };

bool mirror_fail(struct mirror_listing *l, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	l->error = arena_vprintf(l->arena, format, args);
	va_end(args);
	return false;
}

void mirror_complain(struct mirror_listing *l, const char *format, ...)
{
	if (l->complaints++ >= MIRROR_COMPLAINTS_MAX)
		return;
	struct text line = { 0 };
	va_list args;
	va_start(args, format);
	text_vprintf(&line, format, args);
	va_end(args);
	plugin_warning(l->self, "%s", line.at);
	text_free(&line);
}

void mirror_intake_begin(struct mirror_intake *in, struct mirror_listing *l, size_t most)
{
	*in = (struct mirror_intake){ .listing = l,
		.builder = zone_builder_new(l->origin),
		.most = most,
		.rdata = arena_octets(l->arena, MESSAGE_MAX) };
	l->intake = in;
}

void mirror_intake_end(struct mirror_intake *in)
{
	zone_builder_free(in->builder);
}

void mirror_intake_summary(const struct mirror_intake *in)
{
	const struct mirror_listing *l = in->listing;
	if (in->outside)
		plugin_warning(l->self, "%zu records of %s are not of %s and were left out", in->outside,
			l->id, name_text(l->arena, l->origin));
	if (l->complaints > MIRROR_COMPLAINTS_MAX)
		plugin_warning(l->self, "%s has %u more records or sets that cannot be used", l->id,
			l->complaints - MIRROR_COMPLAINTS_MAX);
}

struct zone *mirror_intake_seal(struct mirror_intake *in)
{
	struct zone *z = zone_seal(in->builder);
	if (!z)
		mirror_fail(in->listing, "%s cannot be used: %s", in->listing->id,
			zone_builder_error(in->builder));
	return z;
}

/* Types that only queries and messages have (RFC 6895 3.1), and our own. */
static bool is_for_zones(uint16_t type)
{
	return type != 0 && type != TYPE_OPT && (type < 128 || type > 255) && type != MIRROR_ALIAS_TYPE;
}

uint64_t mirror_digest(const struct record *r)
{
	uint64_t head = (uint64_t)r->ttl << 16 | r->type;
	uint64_t owner = hash_bytes_nocase(r->owner.octets, r->owner.length);
	return hash_mix(hash_mix(head, owner), hash_bytes(r->rdata, r->rdata_length));
}

static enum mirror_taken put(struct mirror_listing *l, const struct record *r)
{
	struct mirror_intake *in = l->intake;
	if (in->count >= in->most) {
		mirror_fail(l, "%s has more than %zu records", l->id, in->most);
		return MIRROR_GIVE_UP;
	}
	switch (zone_add(in->builder, r)) {
	case ZONE_ADDED:
		in->count++;
		in->digest += mirror_digest(r);
		break;
	case ZONE_OUTSIDE:
		in->outside++;
		break;
	case ZONE_REFUSED:
		mirror_fail(l, "%s cannot be used: %s", l->id, zone_builder_error(in->builder));
		return MIRROR_GIVE_UP;
	}
	return MIRROR_TAKEN;
}

static enum mirror_taken bad(struct mirror_listing *l, const char *what, struct view token)
{
	struct text quoted = { 0 };
	if (token.length > TOKEN_SHOWN_MAX)
		token.length = TOKEN_SHOWN_MAX;
	text_add_quoted_ascii(&quoted, token);
	l->problem = arena_printf(l->arena, "dns: %s: %s", what, quoted.at);
	text_free(&quoted);
	return MIRROR_BAD;
}

static enum mirror_taken bad_type(struct mirror_listing *l, uint16_t type)
{
	char mnemonic[MNEMONIC_MAX];
	return bad(l, "not a type of zones", view_of(type_print(type, mnemonic)));
}

enum mirror_taken mirror_add(struct mirror_listing *l, const struct record *r)
{
	return is_for_zones(r->type) ? put(l, r) : bad_type(l, r->type);
}

enum mirror_taken mirror_add_text(struct mirror_listing *l, struct name owner, uint32_t ttl,
	uint16_t type, struct view text)
{
	struct master_lexer lexer = master_lexer_of(text);
	struct writer rdata = writer_to(l->intake->rdata, MESSAGE_MAX);
	struct rdata_source source = { .lexer = &lexer, .to = &rdata, .origin = name_root };
	char why[RDATA_PROBLEM_MAX];
	if (!is_for_zones(type))
		return bad_type(l, type);
	if (!rdata_parse(&source, type, why))
		return bad(l, why, source.token.text);
	if (lexer.rest.length)
		return bad(l, "more than one line", lexer.rest);
	struct record r = { .owner = owner,
		.rdata = rdata.base,
		.ttl = ttl,
		.type = type,
		.class = CLASS_IN,
		.rdata_length = (uint16_t)rdata.at };
	return put(l, &r);
}

enum mirror_taken mirror_add_alias(struct mirror_listing *l, struct name owner, uint16_t type,
	struct name target)
{
	struct writer rdata = writer_to(l->intake->rdata, MESSAGE_MAX);
	write_u16(&rdata, type);
	write_octets(&rdata, target.octets, target.length);
	struct record r = { .owner = owner,
		.rdata = rdata.base,
		.type = MIRROR_ALIAS_TYPE,
		.class = CLASS_IN,
		.rdata_length = (uint16_t)rdata.at };
	return put(l, &r);
}
