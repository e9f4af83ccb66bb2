/* Asking the resource manager for the record sets of a zone. */
#include "plugins/azure/azure.h"

#include "base/encoding.h"
#include "sync/http_answer.h"
#include "sync/json_fields.h"
#include "sync/mirror_get.h"
#include "sync/url.h"

enum { PAGES_MAX = 1000000 };

/* --- where --- */

static const char *base_of(const struct azure *a, struct arena *arena)
{
	struct view manager = view_of(a->credentials.environment.manager);
	return a->base.endpoint ? a->base.endpoint : arena_string(arena, view_first(manager, manager.length - 1));
}

static const char *first_page(const struct mirror_listing *l)
{
	const struct azure *a = l->provider;
	const struct azure_zone *z = l->zone_data;
	struct text url = { 0 };
	text_printf(&url, "%s/subscriptions/", base_of(a, l->arena));
	text_add_percent(&url, view_of(a->subscription));
	text_add_string(&url, "/resourceGroups/");
	text_add_percent(&url, view_of(z->group));
	text_printf(&url, "/providers/Microsoft.Network/%s/", z->access->private ? "privateDnsZones" : "dnsZones");
	text_add_percent(&url, view_of(z->zone));
	text_add_string(&url, z->access->private ? "/ALL" : "/recordsets");
	url_add_parameter(&url, "api-version", z->access->private ? VIEW("2020-06-01") : VIEW("2018-05-01"));
	const char *copy = arena_string(l->arena, text_view(&url));
	text_free(&url);
	return copy;
}

/* The link that the page at `url` gives. It is followed on the API's own host only: the token is for nobody else. NULL after
 * mirror_fail(). */
static const char *next_page(struct mirror_listing *l, const char *url, struct view link)
{
	struct view origin = url_origin(view_of(base_of(l->provider, l->arena)));
	if (view_is(link, url)) {
		mirror_fail(l, "the page behind a page is the same page");
		return NULL;
	}
	if (view_equal_nocase(url_origin(link), origin))
		return arena_string(l->arena, link);
	mirror_fail(l, "the next page is said to be on another host: %s", http_body_line(l->arena, url_origin(link)));
	return NULL;
}

/* --- errors, in the words of Azure's client --- */

static const char *error_text_of(struct mirror_listing *l, const struct mirror_got *got)
{
	const struct azure_zone *z = l->zone_data;
	const char *call = z->access->private ? "privatedns.RecordSetsClient#List" : "dns.RecordSetsClient#ListByDNSZone";
	struct json_field fields[] = { { .path = "error.code" }, { .path = "error.message" }, { 0 } };
	struct json_fields wanted = { .wanted = fields, .arena = l->arena };
	const char *why;
	if (got->why)
		return arena_printf(l->arena, "%s: Failure sending request: StatusCode=%ld -- Original Error: %s", call,
			got->status, got->why);
	if (!json_fields_read(&wanted, got->body, &why))
		fields[1].value = got->body;
	return arena_printf(l->arena,
		"%s: Failure responding to request: StatusCode=%ld -- Original Error: autorest/azure: Service returned an "
		"error. Status=%ld Code=\"%s\" Message=\"%s\"",
		call, got->status, got->status, http_body_line(l->arena, fields[0].value),
		http_body_line(l->arena, fields[1].value));
}

/* --- pages --- */

static bool list_page(struct mirror_listing *l, const char *url, struct json_page *page, struct azure_sets *sets)
{
	struct azure *a = l->provider;
	struct mirror_get get = { .url = url,
		.bearer = &a->bearer,
		.allowance = a->allowance,
		.page = page,
		.kind = &azure_page_kind,
		.owner = sets };
	struct mirror_got got;
	a->credentials.http = l->http;
	a->credentials.stop = l->stop;
	if (mirror_get(l, &get, &got))
		return true;
	return l->error ? false : mirror_fail(l, "%s", error_text_of(l, &got));
}

static bool list_pages(struct mirror_listing *l, struct json_page *page, struct azure_sets *sets)
{
	const char *url = first_page(l);
	for (unsigned pages = 0; pages < PAGES_MAX; pages++) {
		if (!list_page(l, url, page, sets))
			return false;
		if (!page->next.length)
			return true;
		url = next_page(l, url, text_view(&page->next));
		if (!url)
			return false;
	}
	return mirror_fail(l, "it has no last page");
}

static bool list(struct mirror_listing *l)
{
	const struct azure_zone *z = l->zone_data;
	struct json_page page = { 0 };
	struct azure_sets *sets = azure_sets_new(l);
	bool listed = list_pages(l, &page, sets);
	json_page_end(&page);
	azure_sets_free(sets);
	return listed || mirror_fail(l, "failed to list resource records for %s from azure: %s", z->zone, l->error);
}

/* The first listing tells as much as the check of CoreDNS, which asks for the same. */
const struct mirror_provider azure_provider = {
	.name = "azure",
	.title = "Azure",
	.list = list,
};
