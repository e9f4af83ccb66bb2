/*
 * Mirrored zones on the disk: a file each, in the folder that `persist` names. The payload of a state file is the identity,
 * origin and id that it is of (texts behind their lengths of 2 octets), then the zone's records: owner, type (2), TTL (4),
 * length of the rdata (2), rdata; numbers with the most significant octet first, names without compression.
 */
#include "sync/mirror_parts.h"

#include "base/encoding.h"
#include "base/memory.h"
#include "dns/rdata_wire.h"
#include "sync/state_file.h"
#include "zone/zone_walk.h"
#include <stdlib.h>

enum {
	FIXED = 8, /* type, TTL, length */
	WINDOW_MOST = 65535,
};

static const size_t payload_most = (size_t)4 << 30;
static const struct state_kind kind = { "mirror", 1 };

/* FOLDER/route53-example.org.-Z1.state, all else percent-encoded. */
static void path_of(const struct mirror_zone *z, struct text *path)
{
	const struct mirror_settings *s = &z->mirror->settings;
	text_printf(path, "%s/%s-", s->persist, s->provider->name);
	text_add_percent(path, view_of(z->origin_text));
	text_add_char(path, '-');
	text_add_percent(path, view_of(z->id));
	text_add_string(path, ".state");
}

static void say(const struct mirror_zone *z, const char *what, const char *why)
{
	plugin_error(z->mirror->settings.self, "Zone %s of %s: %s: %s", z->origin_text, z->id, what, why);
}

/* --- writing --- */

static void add_u16(struct text *t, size_t n)
{
	text_add_char(t, (char)(n >> 8 & 0xff));
	text_add_char(t, (char)(n & 0xff));
}

static void add_u32(struct text *t, uint32_t n)
{
	add_u16(t, n >> 16);
	add_u16(t, n & 0xffff);
}

static void add_text(struct text *t, const char *text)
{
	add_u16(t, strlen(text));
	text_add_string(t, text);
}

static bool add_record(const struct record *r, void *data)
{
	struct text *to = data;
	text_add(to, (struct view){ (const char *)r->owner.octets, r->owner.length });
	add_u16(to, r->type);
	add_u32(to, r->ttl);
	add_u16(to, r->rdata_length);
	text_add(to, record_rdata(r));
	return true;
}

/* What an identity, an origin and an id are together, as it stands in the file. */
static void add_names(const struct mirror_zone *z, struct text *to)
{
	add_text(to, z->mirror->settings.identity);
	add_text(to, z->origin_text);
	add_text(to, z->id);
}

void mirror_encode(const struct mirror_zone *z, struct text *to)
{
	add_names(z, to);
	zone_walk(z->copy->zone, add_record, to);
}

struct saving {
	struct state_writer *to;
	struct text record;
};

static void flush(struct saving *s)
{
	state_write_add(s->to, text_view(&s->record));
	text_clear(&s->record);
}

static bool save_record(const struct record *r, void *data)
{
	struct saving *s = data;
	add_record(r, &s->record);
	flush(s);
	return true;
}

static bool save_to(const struct mirror_zone *z, const char *path, struct state_problem *why)
{
	struct saving s = { .to = state_write_begin(path, kind, why) };
	if (!s.to)
		return false;
	add_names(z, &s.record);
	flush(&s);
	zone_walk(z->copy->zone, save_record, &s);
	text_free(&s.record);
	return state_write_end(s.to, why);
}

bool mirror_state_save(const struct mirror_zone *z)
{
	struct text path = { 0 };
	struct state_problem why = { 0 };
	path_of(z, &path);
	bool saved = save_to(z, path.at, &why);
	if (!saved)
		say(z, "cannot be kept on the disk", why.text);
	text_free(&path);
	return saved;
}

/* --- reading --- */

static struct reader window(struct view v)
{
	return (struct reader){ .base = (const uint8_t *)v.at,
		.end = v.length < WINDOW_MOST ? v.length : WINDOW_MOST };
}

/* Takes a record off the front; false when there is no well-formed one. */
static bool take_record(struct view *rest, struct record *r)
{
	struct reader head = window(*rest);
	r->class = CLASS_IN;
	r->owner = (struct name){ head.base, read_plain_name(&head) };
	r->type = read_u16(&head);
	r->ttl = read_u32(&head);
	r->rdata_length = read_u16(&head);
	if (head.failed || !r->owner.length || rest->length - head.at < r->rdata_length)
		return false;
	*rest = view_skip(*rest, head.at);
	r->rdata = (const uint8_t *)rest->at;
	struct reader rdata = window(view_first(*rest, r->rdata_length));
	bool plain = rdata_check(&rdata, r->type, r->rdata_length) == 0 && !rdata.failed;
	*rest = view_skip(*rest, r->rdata_length);
	return plain;
}

static struct zone *build(const struct mirror_zone *z, struct view records, uint64_t *digest)
{
	struct zone_builder *b = zone_builder_new(z->origin);
	struct zone *zone = NULL;
	struct record r;
	bool good = true;
	*digest = 0;
	while (good && records.length) {
		good = take_record(&records, &r) && zone_add(b, &r) == ZONE_ADDED;
		if (good)
			*digest += mirror_digest(&r);
	}
	if (good)
		zone = zone_seal(b);
	zone_builder_free(b);
	return zone;
}

struct mirror_copy *mirror_decode(const struct mirror_zone *z, struct view payload, const char **why)
{
	struct text names = { 0 };
	uint64_t digest;
	add_names(z, &names);
	bool same = view_starts(payload, text_view(&names));
	payload = same ? view_skip(payload, names.length) : payload;
	text_free(&names);
	if (!same) {
		*why = "it is of another account or endpoint";
		return NULL;
	}
	struct zone *zone = build(z, payload, &digest);
	if (zone)
		return mirror_copy_new(zone, digest);
	*why = "it has no well-formed zone";
	return NULL;
}

static void say_unused(const struct mirror_zone *z, const char *why)
{
	say(z, "its copy on the disk is not used", why);
}

struct mirror_copy *mirror_state_load(const struct mirror_zone *z, uint64_t *written)
{
	struct arena *arena = arena_new(4096);
	struct text path = { 0 };
	struct state state;
	struct state_problem why = { 0 };
	struct mirror_copy *copy = NULL;
	const char *unused = "";
	path_of(z, &path);
	switch (state_read(arena, path.at, kind, payload_most, &state, &why)) {
	case STATE_READ:
		copy = mirror_decode(z, state.payload, &unused);
		if (!copy)
			say_unused(z, unused);
		*written = state.written;
		break;
	case STATE_NONE:
		break;
	case STATE_REFUSED:
		say_unused(z, why.text);
		break;
	}
	text_free(&path);
	arena_free(arena);
	return copy;
}
