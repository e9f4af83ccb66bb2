/* A page of ListResourceRecordSets. */
#include "plugins/route53/route53.h"

#include "dns/types.h"
#include "sync/xml.h"

enum {
	VALUES_MAX = 4096,          /* of a set; Route 53 allows 400 */
	SET_OCTETS_MAX = 8 << 20,
	ALIAS_CNAME_TTL = 60,
	TYPE_SPF = 99,              /* RFC 4408, as TXT */
	DEPTH_SET = 3,              /* ListResourceRecordSetsResponse/ResourceRecordSets/ResourceRecordSet */
};

/* The set that is being read. Its values stand in `text` behind each other. */
struct record_set {
	struct text name, type, ttl, alias, text;
	size_t ends[VALUES_MAX];
	size_t count;
	bool too_large;
};

struct reading {
	struct route53_page *page;
	struct record_set set;
	unsigned depth;
	bool is_answer;
};

/* --- from sets to records --- */

static void drop(struct mirror_listing *l, const char *what)
{
	mirror_complain(l, "Failed to process resource record set: %s", what);
}

static bool read_ttl(const struct text *text, uint32_t *ttl)
{
	uint64_t n = 0;
	bool good = !text->length || view_unsigned(text_view(text), INT32_MAX, &n);
	*ttl = (uint32_t)n;
	return good;
}

static bool is_text(uint16_t type)
{
	return type == TYPE_TXT || type == TYPE_SPF;
}

static enum mirror_taken add_value(struct mirror_listing *l, struct name owner, uint32_t ttl,
	uint16_t type, struct view value)
{
	struct text plain = { 0 };
	if (is_text(type)) {
		route53_text(value, &plain);
		value = text_view(&plain);
	}
	enum mirror_taken taken = mirror_add_text(l, owner, ttl, type, value);
	text_free(&plain);
	return taken;
}

/* A value that cannot be used ends its set, as in CoreDNS's plugin. */
static bool add_values(struct mirror_listing *l, const struct record_set *s, struct name owner,
	uint32_t ttl, uint16_t type)
{
	size_t at = 0;
	for (size_t i = 0; i < s->count; i++) {
		struct view value = { s->text.at + at, s->ends[i] - at };
		switch (add_value(l, owner, ttl, type, value)) {
		case MIRROR_TAKEN:
			break;
		case MIRROR_BAD:
			drop(l, arena_printf(l->arena, "failed to parse resource record: %s: %s %s",
				l->problem, s->name.at, s->type.at));
			return true;
		case MIRROR_GIVE_UP:
			return false;
		}
		at = s->ends[i];
	}
	return true;
}

/* An alias for CNAME is one; others are resolved when they are asked for. */
static bool add_alias(
	struct mirror_listing *l, struct name owner, uint16_t type, struct view target_text)
{
	struct name_buffer target;
	const char *why;
	if (!route53_name(l->arena, target_text, &target, &why)) {
		drop(l, arena_printf(l->arena, "failed to unescape `%.*s' name: %s",
			VIEW_ARGS(target_text), why));
		return true;
	}
	if (type != TYPE_CNAME)
		return mirror_add_alias(l, owner, type, name_of(&target)) != MIRROR_GIVE_UP;
	struct record r = { .owner = owner,
		.rdata = target.octets,
		.ttl = ALIAS_CNAME_TTL,
		.type = TYPE_CNAME,
		.class = CLASS_IN,
		.rdata_length = (uint16_t)target.length };
	return mirror_add(l, &r) != MIRROR_GIVE_UP;
}

static bool add_set(struct mirror_listing *l, const struct record_set *s)
{
	struct view name = text_view(&s->name), type_text = text_view(&s->type);
	struct name_buffer owner;
	uint16_t type;
	uint32_t ttl;
	const char *why;
	if (s->too_large) {
		drop(l, arena_printf(l->arena, "`%.*s' has too many or too long values", VIEW_ARGS(name)));
		return true;
	}
	if (!route53_name(l->arena, name, &owner, &why)) {
		drop(l, arena_printf(l->arena, "failed to unescape `%.*s' name: %s", VIEW_ARGS(name), why));
		return true;
	}
	if (!type_parse(type_text, &type) || !read_ttl(&s->ttl, &ttl)) {
		drop(l, arena_printf(l->arena, "`%.*s' has a type or TTL that is none: \"%.*s\"",
			VIEW_ARGS(name), VIEW_ARGS(type_text)));
		return true;
	}
	if (s->alias.length && !add_alias(l, name_of(&owner), type, text_view(&s->alias)))
		return false;
	return add_values(l, s, name_of(&owner), ttl, type);
}

/* --- from XML to sets --- */

static void set_text(struct text *to, struct view text)
{
	text_clear(to);
	text_add(to, text);
}

static void begin_set(struct record_set *s)
{
	text_clear(&s->name);
	text_clear(&s->type);
	text_clear(&s->ttl);
	text_clear(&s->alias);
	text_clear(&s->text);
	s->count = 0;
	s->too_large = false;
}

static void put_value(struct record_set *s, struct view value)
{
	if (s->count == VALUES_MAX || s->text.length + value.length > SET_OCTETS_MAX) {
		s->too_large = true;
		return;
	}
	text_add(&s->text, value);
	s->ends[s->count++] = s->text.length;
}

static bool on_open(void *owner, struct view name)
{
	struct reading *r = owner;
	if (++r->depth == 1)
		r->is_answer = view_is(name, "ListResourceRecordSetsResponse");
	else if (r->depth == DEPTH_SET && view_is(name, "ResourceRecordSet"))
		begin_set(&r->set);
	return r->is_answer;
}

static void in_set(struct record_set *s, unsigned depth, struct view name, struct view text)
{
	if (depth == DEPTH_SET + 3 && view_is(name, "Value"))
		put_value(s, text);
	else if (depth == DEPTH_SET + 2 && view_is(name, "DNSName"))
		set_text(&s->alias, text);
	if (depth != DEPTH_SET + 1)
		return;
	if (view_is(name, "Name"))
		set_text(&s->name, text);
	else if (view_is(name, "Type"))
		set_text(&s->type, text);
	else if (view_is(name, "TTL"))
		set_text(&s->ttl, text);
}

static void in_answer(struct route53_page *page, struct view name, struct view text)
{
	if (view_is(name, "IsTruncated"))
		page->truncated = view_equal_nocase(text, VIEW("true"));
	else if (view_is(name, "NextRecordName"))
		set_text(&page->next_name, text);
	else if (view_is(name, "NextRecordType"))
		set_text(&page->next_type, text);
	else if (view_is(name, "NextRecordIdentifier"))
		set_text(&page->next_id, text);
}

static bool on_close(void *owner, struct view name, struct view text)
{
	struct reading *r = owner;
	unsigned depth = r->depth--;
	if (depth > DEPTH_SET)
		in_set(&r->set, depth, name, text);
	else if (depth == 2)
		in_answer(r->page, name, text);
	if (depth != DEPTH_SET || !view_is(name, "ResourceRecordSet"))
		return true;
	r->page->given_up = !add_set(r->page->listing, &r->set);
	return !r->page->given_up;
}

static void reading_free(struct reading *r)
{
	text_free(&r->set.name);
	text_free(&r->set.type);
	text_free(&r->set.ttl);
	text_free(&r->set.alias);
	text_free(&r->set.text);
}

bool route53_read_page(struct route53_page *page, struct view body, const char **why)
{
	struct arena *arena = page->listing->arena;
	struct reading *r = arena_new_object(arena, struct reading);
	const struct xml_handler handler = { on_open, on_close, r };
	r->page = page;
	page->truncated = page->given_up = false;
	text_clear(&page->next_name);
	text_clear(&page->next_type);
	text_clear(&page->next_id);
	struct xml_reader *xml = xml_reader_new(arena, &handler, why);
	if (!xml)
		return false;
	bool good = xml_feed(xml, body) && xml_end(xml);
	if (!good && !page->given_up)
		*why = arena_printf(arena, "deserialization failed, %s",
			r->depth && !r->is_answer ? "it is no list of record sets" : xml_error(xml));
	xml_reader_free(xml);
	reading_free(r);
	return good;
}
