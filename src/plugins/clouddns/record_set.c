/* Record sets of Cloud DNS: JSON with the data of each record in presentation form. */
#include "plugins/clouddns/clouddns.h"

#include "base/memory.h"
#include "sync/http_answer.h"
#include <stdlib.h>

enum {
	SET_OCTETS_MAX = 4 << 20, /* texts of one record set */
	SET_VALUES_MAX = 65536,
};

struct clouddns_sets {
	struct mirror_listing *listing;
	struct arena *arena; /* of the set that is being read */
	struct view name, type, ttl;
	struct view *values;
	size_t count, capacity, octets;
	bool routed; /* its answers are chosen by a policy: there is none to copy */
};

static struct view keep(struct clouddns_sets *s, struct view text)
{
	s->octets += text.length;
	return s->octets <= SET_OCTETS_MAX ? arena_copy(s->arena, text) : VIEW("");
}

static void add_value(struct clouddns_sets *s, struct view text)
{
	if (s->count >= SET_VALUES_MAX)
		return;
	s->values = arena_grow(s->arena, s->values, s->count, &s->capacity, sizeof *s->values);
	s->values[s->count++] = keep(s, text);
}

static void on_value(void *owner, struct view path, struct view text)
{
	static const struct view policy = { "routingPolicy", 13 };
	struct clouddns_sets *s = owner;
	if (view_is(path, "name"))
		s->name = keep(s, text);
	else if (view_is(path, "type"))
		s->type = keep(s, text);
	else if (view_is(path, "ttl"))
		s->ttl = keep(s, text);
	else if (view_is(path, "rrdatas"))
		add_value(s, text);
	else if (view_starts(path, policy))
		s->routed = true;
}

static void say_left_out(const struct clouddns_sets *s, const char *why)
{
	mirror_complain(s->listing, "Failed to process resource record set: %s %s: %s", http_body_line(s->arena, s->name),
		http_body_line(s->arena, s->type), why);
}

/* An alias of the API's own at the zone's apex: its target's addresses are looked up when they are asked for. */
static enum mirror_taken add_alias(struct clouddns_sets *s, struct name owner, struct view target)
{
	struct name name = name_from_text(s->arena, target);
	if (!name.length) {
		s->listing->problem = "the alias' target is no name";
		return MIRROR_BAD;
	}
	enum mirror_taken taken = mirror_add_alias(s->listing, owner, TYPE_A, name);
	return taken == MIRROR_TAKEN ? mirror_add_alias(s->listing, owner, TYPE_AAAA, name) : taken;
}

/* False when the listing has failed. */
static bool add_values(struct clouddns_sets *s, struct name owner, uint32_t ttl)
{
	uint16_t type = 0;
	bool alias = view_is(s->type, "ALIAS");
	if (!alias && !type_parse(s->type, &type)) {
		say_left_out(s, "the type is not known");
		return true;
	}
	for (size_t i = 0; i < s->count; i++) {
		enum mirror_taken taken = alias ? add_alias(s, owner, s->values[i])
						: mirror_add_text(s->listing, owner, ttl, type, s->values[i]);
		if (taken == MIRROR_GIVE_UP)
			return false;
		if (taken == MIRROR_BAD)
			say_left_out(s, s->listing->problem);
	}
	return true;
}

static bool take_set(struct clouddns_sets *s)
{
	struct name owner = name_from_text(s->arena, s->name);
	uint64_t ttl = 0;
	if (s->octets > SET_OCTETS_MAX || s->count >= SET_VALUES_MAX)
		return mirror_fail(s->listing, "the record set %s is too large", http_body_line(s->arena, s->name));
	if (s->routed && !s->count) {
		say_left_out(s, "it has a routing policy: there is no one answer to copy");
		return true;
	}
	if (!owner.length || (s->ttl.length && !view_unsigned(s->ttl, INT32_MAX, &ttl))) {
		say_left_out(s, "its name or TTL is none");
		return true;
	}
	return add_values(s, owner, (uint32_t)ttl);
}

static bool on_set(void *owner)
{
	struct clouddns_sets *s = owner;
	bool taken = take_set(s);
	arena_reset(s->arena);
	*s = (struct clouddns_sets){ .listing = s->listing, .arena = s->arena };
	return taken;
}

const struct json_page_kind clouddns_page_kind = {
	.items = "rrsets",
	.next = "nextPageToken",
	.value = on_value,
	.item = on_set,
};

struct clouddns_sets *clouddns_sets_new(struct mirror_listing *l)
{
	struct clouddns_sets *s = memory_array(1, sizeof *s);
	s->listing = l;
	s->arena = arena_new(16 << 10);
	return s;
}

void clouddns_sets_free(struct clouddns_sets *s)
{
	arena_free(s->arena);
	free(s);
}
