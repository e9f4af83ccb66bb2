/* Listing a hosted zone, page by page. */
#include "plugins/route53/route53.h"

#include "sync/url.h"

enum {
	PAGES_MAX = 100000,
	PAGE_OCTETS_MAX = 32 << 20,
};

static const char *const known_codes[] = { "NoSuchHostedZone", "InvalidInput", NULL };

static void count(void *owner, long status)
{
	mirror_count_request(owner, status);
}

static void path_of(const struct mirror_listing *l, const struct route53_page *page, struct text *path)
{
	text_printf(path, "/2013-04-01/hostedzone/%s/rrset", (const char *)l->zone_data);
	url_add_parameter(path, "maxitems", VIEW("1000"));
	if (!page->truncated)
		return;
	url_add_parameter(path, "name", text_view(&page->next_name));
	url_add_parameter(path, "type", text_view(&page->next_type));
	if (page->next_id.length)
		url_add_parameter(path, "identifier", text_view(&page->next_id));
}

static bool fail(struct mirror_listing *l, const char *why)
{
	return mirror_fail(l, "failed to list resource records for %s:%s from route53: %s",
		name_text(l->arena, l->origin), l->id, why);
}

static bool read_page(struct mirror_listing *l, struct route53_page *page, const char *path, struct arena *arena)
{
	struct route53 *r = l->provider;
	const struct aws_asker asker = { .http = l->http, .tls = &r->tls, .stop = l->stop };
	const struct aws_call call = { .service = &r->service,
		.credentials = r->credentials,
		.operation = "ListResourceRecordSets",
		.method = "GET",
		.path = path,
		.known_codes = known_codes,
		.body_most = PAGE_OCTETS_MAX };
	struct aws_result result = { .count = count, .owner = l };
	const char *why;
	if (!aws_call(&call, &asker, arena, &result)) {
		l->throttled = result.throttled;
		return fail(l, result.error);
	}
	if (route53_read_page(page, result.body, &why))
		return true;
	return !page->given_up && fail(l, arena_printf(l->arena,
						"operation error Route 53: ListResourceRecordSets, %s", why));
}

/* Asks for the page that `page` leads to; its octets go with the arena. */
static bool next_page(struct mirror_listing *l, struct route53_page *page, struct text *path)
{
	struct text before = { 0 };
	struct arena *arena = arena_new(4096), *whole = l->arena;
	text_add(&before, text_view(path));
	text_clear(path);
	path_of(l, page, path);
	bool moved = !view_equal(text_view(&before), text_view(path));
	text_free(&before);
	l->arena = arena;
	bool done = moved ? read_page(l, page, path->at, arena) : fail(l, "a page leads to itself");
	l->arena = whole;
	if (l->error)
		l->error = arena_string(whole, view_of(l->error));
	arena_free(arena);
	return done;
}

static bool list(struct mirror_listing *l)
{
	struct route53_page page = { .listing = l };
	struct text path = { 0 };
	bool done;
	unsigned pages = 0;
	do
		done = next_page(l, &page, &path);
	while (done && page.truncated && ++pages < PAGES_MAX);
	if (done && page.truncated)
		done = fail(l, "it has too many pages");
	text_free(&path);
	text_free(&page.next_name);
	text_free(&page.next_type);
	text_free(&page.next_id);
	return done;
}

const struct mirror_provider route53_provider = { .name = "route53", .title = "Route53", .list = list };
