/* Asking the API of Cloud DNS for the record sets of a managed zone. */
#include "plugins/clouddns/clouddns.h"

#include "base/encoding.h"
#include "sync/http_answer.h"
#include "sync/json_fields.h"
#include "sync/mirror_get.h"
#include "sync/url.h"

enum { PAGES_MAX = 1000000 };

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
	return c->base.endpoint ? c->base.endpoint : arena_printf(arena, "https://dns.%s", c->credentials.universe);
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
		.allowance = ((const struct clouddns_zone *)l->zone_data)->allowance,
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

static bool list_page(struct mirror_listing *l, struct json_page *page, struct clouddns_sets *sets)
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
	get.kind = &clouddns_page_kind;
	get.owner = sets;
	if (mirror_get(l, &get, &got))
		return true;
	const char *why = l->error ? l->error : error_text_of(l, url, &got);
	return mirror_fail(l, "failed to list resource records for %s:%s from gcp: %s", name_text(l->arena, l->origin),
		l->id, why);
}

/* Whether the page that follows is the one that was there just now: such a list has no end. */
static bool leads_back(struct mirror_listing *l, const struct json_page *page, struct view *before)
{
	struct view next = text_view(&page->next);
	if (next.length && view_equal(next, *before))
		return !mirror_fail(l, "the page behind a page of %s is the same page", l->id);
	*before = arena_copy(l->arena, next);
	return false;
}

static bool list(struct mirror_listing *l)
{
	struct clouddns_sets *sets = clouddns_sets_new(l);
	struct json_page page = { 0 };
	struct view before = VIEW("");
	unsigned pages = 0;
	bool listed;
	do {
		listed = list_page(l, &page, sets) && !leads_back(l, &page, &before);
	} while (listed && page.next.length && ++pages < PAGES_MAX);
	if (listed && page.next.length)
		listed = mirror_fail(l, "%s has no last page", l->id);
	json_page_end(&page);
	clouddns_sets_free(sets);
	return listed;
}

const struct mirror_provider clouddns_provider = {
	.name = "clouddns",
	.title = "CloudDNS",
	.check = check,
	.list = list,
};
