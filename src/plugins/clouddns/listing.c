/* Record sets of a managed zone, by the API of Cloud DNS. */
#include "plugins/clouddns/clouddns.h"

#include "base/encoding.h"
#include "sync/http_answer.h"
#include "sync/json_fields.h"
#include "sync/mirror_get.h"
#include "sync/url.h"

enum {
	PAGES_MAX = 1000000,
	SET_OCTETS_MAX = 4 << 20, /* texts of one record set */
	SET_VALUES_MAX = 65536,
};

static const double requests_a_second = 10;

static struct allowance *allowance_for(const struct clouddns_zone *zone)
{
	struct text key = { 0 };
	text_printf(&key, "clouddns %s", zone->project);
	struct allowance *a = allowance_of(text_view(&key), requests_a_second);
	text_free(&key);
	return a;
}

/* --- record sets --- */

/* The set that is being read. */
struct record_set {
	struct mirror_listing *listing;
	struct arena *arena; /* of the set's own: reset for each */
	struct view name, type, ttl;
	struct view *values;
	size_t count, capacity, octets;
	bool routed; /* its answers are chosen by a policy: there is none to copy */
};

static struct view keep(struct record_set *s, struct view text)
{
	s->octets += text.length;
	return s->octets <= SET_OCTETS_MAX ? arena_copy(s->arena, text) : VIEW("");
}

static void add_value(struct record_set *s, struct view text)
{
	if (s->count >= SET_VALUES_MAX)
		return;
	s->values = arena_grow(s->arena, s->values, s->count, &s->capacity, sizeof *s->values);
	s->values[s->count++] = keep(s, text);
}

static void on_value(void *owner, struct view path, struct view text)
{
	static const struct view policy = { "routingPolicy", 13 };
	struct record_set *s = owner;
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

/* What the API has and master files do not: records that it answers itself, chosen or followed. */
static bool is_known_otherwise(const struct record_set *s)
{
	if (s->routed && !s->count)
		mirror_complain(s->listing, "Failed to process resource record set: %.*s %.*s has a routing policy and was left out",
			VIEW_ARGS(s->name), VIEW_ARGS(s->type));
	return s->routed && !s->count;
}

static void say_left_out(const struct record_set *s, const char *why)
{
	mirror_complain(s->listing, "Failed to process resource record set: %.*s %.*s: %s", VIEW_ARGS(s->name),
		VIEW_ARGS(s->type), why);
}

/* An alias of the API's own at the zone's apex: its target's addresses are looked up when they are asked for. */
static enum mirror_taken add_alias(struct record_set *s, struct name owner, struct view target)
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
static bool add_values(struct record_set *s, struct name owner, uint32_t ttl)
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

static bool take_set(struct record_set *s)
{
	struct name owner = name_from_text(s->arena, s->name);
	uint64_t ttl = 0;
	if (s->octets > SET_OCTETS_MAX || s->count >= SET_VALUES_MAX)
		return mirror_fail(s->listing, "the record set %.*s is too large", VIEW_ARGS(s->name));
	if (is_known_otherwise(s))
		return true;
	if (!owner.length || (s->ttl.length && !view_unsigned(s->ttl, INT32_MAX, &ttl))) {
		say_left_out(s, "its name or TTL is none");
		return true;
	}
	return add_values(s, owner, (uint32_t)ttl);
}

static bool on_set(void *owner)
{
	struct record_set *s = owner;
	bool taken = take_set(s);
	arena_reset(s->arena);
	*s = (struct record_set){ .listing = s->listing, .arena = s->arena };
	return taken;
}

static const struct json_page_kind page_kind = {
	.items = "rrsets",
	.next = "nextPageToken",
	.value = on_value,
	.item = on_set,
};

/* --- errors, in the words of Google's client --- */

enum { MESSAGE, REASON };

static void read_error(struct arena *arena, struct view body, struct view *message, struct view *reason)
{
	struct json_field fields[] = { { .path = "error.message" }, { .path = "error.errors.reason" }, { 0 } };
	struct json_fields wanted = { .wanted = fields, .arena = arena };
	const char *why;
	bool read = json_fields_read(&wanted, body, &why);
	*message = read ? fields[MESSAGE].value : VIEW("");
	*reason = read ? fields[REASON].value : VIEW("");
}

static bool is_throttled(struct arena *arena, struct view body)
{
	struct view message, reason;
	read_error(arena, body, &message, &reason);
	return view_is(reason, "rateLimitExceeded") || view_is(reason, "userRateLimitExceeded") ||
	       view_is(reason, "quotaExceeded");
}

static const char *error_text_of(struct mirror_listing *l, const char *url, const struct mirror_got *got)
{
	struct view message, reason;
	if (got->why)
		return arena_printf(l->arena, "Get \"%s\": %s", url, got->why);
	read_error(l->arena, got->body, &message, &reason);
	if (!message.length)
		return arena_printf(l->arena, "googleapi: got HTTP response code %ld with body: %s", got->status,
			http_body_line(l->arena, got->body));
	return arena_printf(l->arena, "googleapi: Error %ld: %s%s%s", got->status, http_body_line(l->arena, message),
		reason.length ? ", " : "", reason.length ? http_body_line(l->arena, reason) : "");
}

/* --- calls --- */

static const char *endpoint_of(const struct clouddns *c, struct arena *arena)
{
	return c->endpoint ? c->endpoint : arena_printf(arena, "https://dns.%s", c->credentials.universe);
}

static void begin_url(const struct mirror_listing *l, struct text *url, const char *behind)
{
	const struct clouddns_zone *z = l->zone_data;
	text_printf(url, "%s/dns/v1/projects/", endpoint_of(l->provider, l->arena));
	text_add_percent(url, view_of(z->project));
	text_add_string(url, "/managedZones/");
	text_add_percent(url, view_of(z->managed));
	text_add_string(url, behind);
	url_add_parameter(url, "alt", VIEW("json"));
}

static struct mirror_get get_of(struct mirror_listing *l, const char *url)
{
	struct clouddns *c = l->provider;
	const struct google_credentials *credentials = &c->credentials;
	c->credentials.http = l->http;
	c->credentials.stop = l->stop;
	return (struct mirror_get){ .url = url,
		.header = credentials->quota_project
				  ? arena_printf(l->arena, "X-Goog-User-Project: %s", credentials->quota_project)
				  : NULL,
		.bearer = &c->bearer,
		.allowance = allowance_for(l->zone_data),
		.is_throttled = is_throttled };
}

/* Whether the managed zone is what the Corefile takes it for is worth a word. */
static void compare_name(const struct mirror_listing *l, struct view body)
{
	struct json_field fields[] = { { .path = "dnsName" }, { 0 } };
	struct json_fields wanted = { .wanted = fields, .arena = l->arena };
	const char *why;
	if (!json_fields_read(&wanted, body, &why) || !fields[0].value.length)
		return;
	struct name name = name_from_text(l->arena, fields[0].value);
	if (name.length && !name_equal(name, l->origin))
		plugin_warning(l->self, "%s is the zone %s, not %s", l->id, name_text(l->arena, name),
			name_text(l->arena, l->origin));
}

static bool check(struct mirror_listing *l)
{
	struct text text = { 0 };
	struct mirror_got got;
	begin_url(l, &text, "");
	url_add_parameter(&text, "prettyPrint", VIEW("false"));
	const char *url = arena_string(l->arena, text_view(&text));
	text_free(&text);
	struct mirror_get get = get_of(l, url);
	if (!mirror_get(l, &get, &got))
		return mirror_fail(l, "%s", error_text_of(l, url, &got));
	compare_name(l, got.body);
	return true;
}

static bool list_page(struct mirror_listing *l, struct json_page *page, struct record_set *set)
{
	struct text text = { 0 };
	struct mirror_got got;
	begin_url(l, &text, "/rrsets");
	if (page->next.length)
		url_add_parameter(&text, "pageToken", text_view(&page->next));
	url_add_parameter(&text, "prettyPrint", VIEW("false"));
	const char *url = arena_string(l->arena, text_view(&text));
	text_free(&text);
	struct mirror_get get = get_of(l, url);
	get.page = page;
	get.kind = &page_kind;
	get.owner = set;
	if (mirror_get(l, &get, &got))
		return true;
	const char *why = l->error ? l->error : error_text_of(l, url, &got);
	return mirror_fail(l, "failed to list resource records for %s:%s from gcp: %s", name_text(l->arena, l->origin),
		l->id, why);
}

static bool list(struct mirror_listing *l)
{
	struct record_set set = { .listing = l, .arena = arena_new(16 << 10) };
	struct json_page page = { 0 };
	unsigned pages = 0;
	bool listed;
	do {
		listed = list_page(l, &page, &set);
	} while (listed && page.next.length && ++pages < PAGES_MAX);
	if (listed && page.next.length)
		listed = mirror_fail(l, "%s has no last page", l->id);
	json_page_end(&page);
	arena_free(set.arena);
	return listed;
}

const struct mirror_provider clouddns_provider = {
	.name = "clouddns",
	.title = "CloudDNS",
	.check = check,
	.list = list,
};
