/* Pages of record sets, fed to a provider's reader as they would come, for tests. */
#ifndef ISTHMUS_TEST_CLOUD_PAGE_H
#define ISTHMUS_TEST_CLOUD_PAGE_H

#include "base/hash.h"
#include "plugins/azure/azure.h"
#include "plugins/clouddns/clouddns.h"
#include "sync/mirror_parts.h"
#include "zone/zone_walk.h"

struct page_bed {
	struct arena *arena;
	struct plugin self;
	struct mirror_listing listing;
	struct mirror_intake intake;
	struct json_page page;
	struct zone *zone;
};

static inline struct page_bed *page_bed_new(void)
{
	static const struct plugin_type type = { .name = "cloud" };
	struct arena *arena = arena_new(4096);
	struct page_bed *b = arena_new_object(arena, struct page_bed);
	hash_init();
	b->arena = arena;
	b->self.type = &type;
	b->listing = (struct mirror_listing){ .self = &b->self,
		.origin = name_from_text(arena, VIEW("example.org.")),
		.id = "id",
		.arena = arena };
	mirror_intake_begin(&b->intake, &b->listing, 1000);
	return b;
}

static inline void page_bed_free(struct page_bed *b)
{
	json_page_end(&b->page);
	mirror_intake_end(&b->intake);
	if (b->zone)
		zone_free(b->zone);
	arena_free(b->arena);
}

/* Feeds a page in pieces of this many octets; whether it was whole. */
static inline bool page_feed(struct page_bed *b, const struct json_page_kind *kind, void *sets, struct view text, size_t piece)
{
	json_page_begin(&b->page, kind, sets);
	while (text.length) {
		size_t length = piece < text.length ? piece : text.length;
		if (!json_page_feed(&b->page, view_first(text, length)))
			return false;
		text = view_skip(text, length);
	}
	return json_page_complete(&b->page);
}

#endif
