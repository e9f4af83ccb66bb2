/*
 * Record sets of Azure DNS: JSON with a member for each type of record, whose elements have a member for each field. Public and
 * private zones write the members' names in different case.
 */
#include "plugins/azure/azure.h"

#include "base/address.h"
#include "base/memory.h"
#include "dns/rdata.h"
#include "sync/http_answer.h"
#include <stdlib.h>

enum {
	SET_OCTETS_MAX = 4 << 20, /* texts of one record set */
	SET_RECORDS_MAX = 65536,
	STRING_MAX = 255,         /* of a <character-string>, RFC 1035 3.3 */
	TAG_MAX = 255,
};

/* Fields of an element. Those of one type only may share a place. */
enum field { FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH, FIELDS };

struct set_record {
	uint16_t type;
	struct view rdata;
};

struct azure_sets {
	struct mirror_listing *listing;
	struct arena *arena; /* of the set that is being read */
	size_t octets;
	struct view owner, ttl;
	struct set_record *records;
	size_t count, capacity;
	/* of the element that is being read */
	struct view fields[FIELDS];
	struct text strings; /* TXT: <character-string>s */
};

/* --- what each type's element is made of --- */

static bool number(const struct azure_sets *s, enum field f, uint64_t max, uint64_t *n)
{
	return view_unsigned(s->fields[f], max, n);
}

static bool name_field(const struct azure_sets *s, enum field f, struct name *name)
{
	*name = name_from_text(s->arena, s->fields[f]);
	return name->length > 0;
}

static struct view make_a(struct azure_sets *s)
{
	uint8_t octets[IPV4_OCTETS];
	return ipv4_parse(s->fields[FIRST], octets) ? rdata_a(s->arena, octets) : VIEW("");
}

static struct view make_aaaa(struct azure_sets *s)
{
	uint8_t octets[IPV6_OCTETS];
	return ipv6_parse(s->fields[FIRST], octets) ? rdata_aaaa(s->arena, octets) : VIEW("");
}

static struct view make_name(struct azure_sets *s)
{
	struct name n;
	return name_field(s, FIRST, &n) ? rdata_of_name(s->arena, n) : VIEW("");
}

static struct view make_mx(struct azure_sets *s)
{
	uint64_t preference;
	struct name exchange;
	if (!number(s, FIRST, UINT16_MAX, &preference) || !name_field(s, SECOND, &exchange))
		return VIEW("");
	return rdata_mx(s->arena, (uint16_t)preference, exchange);
}

static struct view make_srv(struct azure_sets *s)
{
	uint64_t priority, weight, port;
	struct name target;
	if (!number(s, FIRST, UINT16_MAX, &priority) || !number(s, SECOND, UINT16_MAX, &weight) ||
		!number(s, THIRD, UINT16_MAX, &port) || !name_field(s, FOURTH, &target))
		return VIEW("");
	return rdata_srv(s->arena, (uint16_t)priority, (uint16_t)weight, (uint16_t)port, target);
}

static struct view make_soa(struct azure_sets *s)
{
	struct name host, mailbox;
	uint64_t n[5];
	if (!name_field(s, FIRST, &host) || !name_field(s, SECOND, &mailbox))
		return VIEW("");
	for (int i = 0; i < 5; i++) {
		if (!number(s, (enum field)(THIRD + i), UINT32_MAX, &n[i]))
			return VIEW("");
	}
	return rdata_soa(s->arena, host, mailbox, (uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2], (uint32_t)n[3],
		(uint32_t)n[4]);
}

static struct view make_txt(struct azure_sets *s)
{
	return s->strings.length ? arena_copy(s->arena, text_view(&s->strings)) : VIEW("");
}

/* RFC 8659 4.1. */
static struct view make_caa(struct azure_sets *s)
{
	struct view tag = s->fields[SECOND], value = s->fields[THIRD];
	uint64_t flags;
	if (!number(s, FIRST, UINT8_MAX, &flags) || !tag.length || tag.length > TAG_MAX)
		return VIEW("");
	size_t size = 2 + tag.length + value.length;
	uint8_t *to = arena_octets(s->arena, size);
	to[0] = (uint8_t)flags;
	to[1] = (uint8_t)tag.length;
	memcpy(to + 2, tag.at, tag.length);
	if (value.length)
		memcpy(to + 2 + tag.length, value.at, value.length);
	return (struct view){ (const char *)to, size };
}

static const struct element {
	const char *path; /* of the element, in the set */
	uint16_t type;
	const char *fields[FIELDS];
	struct view (*make)(struct azure_sets *s); /* its rdata; empty if it has none */
} elements[] = {
	{ "properties.ARecords", TYPE_A, { "ipv4Address" }, make_a },
	{ "properties.AAAARecords", TYPE_AAAA, { "ipv6Address" }, make_aaaa },
	{ "properties.CNAMERecord", TYPE_CNAME, { "cname" }, make_name },
	{ "properties.TXTRecords", TYPE_TXT, { NULL }, make_txt },
	{ "properties.MXRecords", TYPE_MX, { "preference", "exchange" }, make_mx },
	{ "properties.SRVRecords", TYPE_SRV, { "priority", "weight", "port", "target" }, make_srv },
	{ "properties.PTRRecords", TYPE_PTR, { "ptrdname" }, make_name },
	{ "properties.NSRecords", TYPE_NS, { "nsdname" }, make_name },
	{ "properties.caaRecords", TYPE_CAA, { "flags", "tag", "value" }, make_caa },
	{ "properties.SOARecord", TYPE_SOA,
		{ "host", "email", "serialNumber", "refreshTime", "retryTime", "expireTime", "minimumTTL" }, make_soa },
};

/* --- reading --- */

static struct view keep(struct azure_sets *s, struct view text)
{
	s->octets += text.length;
	return s->octets <= SET_OCTETS_MAX ? arena_copy(s->arena, text) : VIEW("");
}

static bool is_path(struct view path, const char *of)
{
	return view_equal_nocase(path, view_of(of));
}

/* The element that a path leads into or to, and what is left of the path. */
static const struct element *find_element(struct view path, struct view *rest)
{
	for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
		size_t length = strlen(elements[i].path);
		if (path.length < length || !is_path(view_first(path, length), elements[i].path))
			continue;
		if (path.length > length && path.at[length] != '.')
			continue;
		*rest = view_skip(path, path.length > length ? length + 1 : length);
		return &elements[i];
	}
	return NULL;
}

static void add_string(struct azure_sets *s, struct view text)
{
	s->octets += text.length;
	do {
		size_t n = text.length < STRING_MAX ? text.length : STRING_MAX;
		text_add_char(&s->strings, (char)n);
		text_add(&s->strings, view_first(text, n));
		text = view_skip(text, n);
	} while (text.length && s->octets <= SET_OCTETS_MAX);
}

static void on_field(struct azure_sets *s, const struct element *e, struct view member, struct view text)
{
	if (e->type == TYPE_TXT && is_path(member, "value"))
		add_string(s, text);
	for (int f = 0; f < FIELDS && e->fields[f]; f++) {
		if (is_path(member, e->fields[f]))
			s->fields[f] = keep(s, text);
	}
}

static void on_value(void *owner, struct view path, struct view text)
{
	struct azure_sets *s = owner;
	struct view member;
	const struct element *e = find_element(path, &member);
	if (e)
		on_field(s, e, member, text);
	else if (is_path(path, "properties.fqdn"))
		s->owner = keep(s, text);
	else if (is_path(path, "properties.ttl"))
		s->ttl = keep(s, text);
}

static void say_left_out(const struct azure_sets *s, uint16_t type, const char *why)
{
	char mnemonic[MNEMONIC_MAX];
	mirror_complain(s->listing, "Failed to process resource record set: %s %s: %s",
		http_body_line(s->arena, s->owner), type_print(type, mnemonic), why);
}

static void add_record(struct azure_sets *s, uint16_t type, struct view rdata)
{
	if (rdata.length > UINT16_MAX)
		rdata = VIEW("");
	s->records = arena_grow(s->arena, s->records, s->count, &s->capacity, sizeof *s->records);
	s->records[s->count++] = (struct set_record){ type, rdata };
}

static void on_closed(void *owner, struct view path)
{
	struct azure_sets *s = owner;
	struct view rest;
	const struct element *e = find_element(path, &rest);
	if (!e || rest.length)
		return;
	if (s->count < SET_RECORDS_MAX)
		add_record(s, e->type, e->make(s));
	memset(s->fields, 0, sizeof s->fields);
	text_clear(&s->strings);
}

/* --- a whole set --- */

/* False when the listing has failed. */
static bool give(struct azure_sets *s, struct name owner, uint32_t ttl, const struct set_record *r)
{
	struct record record = { .owner = owner,
		.rdata = (const uint8_t *)r->rdata.at,
		.ttl = ttl,
		.type = r->type,
		.class = CLASS_IN,
		.rdata_length = (uint16_t)r->rdata.length };
	if (!r->rdata.length) {
		say_left_out(s, r->type, "a field is missing or has no meaning");
		return true;
	}
	enum mirror_taken taken = mirror_add(s->listing, &record);
	if (taken == MIRROR_BAD)
		say_left_out(s, r->type, s->listing->problem);
	return taken != MIRROR_GIVE_UP;
}

static bool give_all(struct azure_sets *s)
{
	struct name owner = name_from_text(s->arena, s->owner);
	uint64_t ttl = 0;
	if (s->octets > SET_OCTETS_MAX || s->count >= SET_RECORDS_MAX)
		return mirror_fail(s->listing, "the record set %s is too large", http_body_line(s->arena, s->owner));
	if (!s->count)
		return true;
	if (!owner.length || (s->ttl.length && !view_unsigned(s->ttl, INT32_MAX, &ttl))) {
		say_left_out(s, s->records[0].type, "its name or TTL is none");
		return true;
	}
	for (size_t i = 0; i < s->count; i++) {
		if (!give(s, owner, (uint32_t)ttl, &s->records[i]))
			return false;
	}
	return true;
}

static bool on_set(void *owner)
{
	struct azure_sets *s = owner;
	bool given = give_all(s);
	struct azure_sets fresh = { .listing = s->listing, .arena = s->arena, .strings = s->strings };
	text_clear(&fresh.strings);
	arena_reset(s->arena);
	*s = fresh;
	return given;
}

const struct json_page_kind azure_page_kind = {
	.items = "value",
	.next = "nextLink",
	.value = on_value,
	.closed = on_closed,
	.item = on_set,
};

struct azure_sets *azure_sets_new(struct mirror_listing *l)
{
	struct azure_sets *s = memory_array(1, sizeof *s);
	s->listing = l;
	s->arena = arena_new(16 << 10);
	return s;
}

void azure_sets_free(struct azure_sets *s)
{
	arena_free(s->arena);
	text_free(&s->strings);
	free(s);
}
