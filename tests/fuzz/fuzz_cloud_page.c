/* Any octets as pages of record sets: of Cloud DNS, or, with a first octet that is odd, of Azure DNS. What is read makes a zone. */
#include "fuzz.h"

#include "../unit/cloud_page.h"

static bool visit(const struct record *r, void *data)
{
	size_t *records = data;
	MUST(r->owner.length && (r->rdata_length == 0 || r->rdata));
	++*records;
	return true;
}

/* The zone that the page makes, if it makes one. */
static void build(struct page_bed *b)
{
	size_t records = 0;
	b->zone = mirror_intake_seal(&b->intake);
	if (!b->zone)
		return;
	zone_walk(b->zone, visit, &records);
	MUST(records == zone_record_count(b->zone));
}

static void feed(struct page_bed *b, bool azure, struct view text, size_t piece)
{
	struct azure_sets *azure_sets = azure_sets_new(&b->listing);
	struct clouddns_sets *google_sets = clouddns_sets_new(&b->listing);
	bool whole = azure ? page_feed(b, &azure_page_kind, azure_sets, text, piece)
			   : page_feed(b, &clouddns_page_kind, google_sets, text, piece);
	MUST(b->page.next.length <= JSON_NEXT_MAX || !whole);
	azure_sets_free(azure_sets);
	clouddns_sets_free(google_sets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct page_bed *b = page_bed_new();
	b->listing.complaints = MIRROR_COMPLAINTS_MAX; /* nobody reads them */
	feed(b, data[0] & 1, (struct view){ (const char *)data + 1, size - 1 }, data[0] & 2 ? 1 + size % 7 : size);
	if (!b->listing.error)
		build(b);
	page_bed_free(b);
	return 0;
}
