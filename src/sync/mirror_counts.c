/* What a mirror counts. The labels' values are the Corefile's own: there are as many series as it names zones. */
#include "sync/mirror_parts.h"

#include "base/memory.h"
#include <stdio.h>

#define ZONE_LABELS { "plugin", "zone", "id" }

static const struct metric_family age_family = {
	.name = "isthmus_sync_age_seconds",
	.help = "How long ago the zone that is served was last seen to be what the provider has.",
	.kind = METRIC_GAUGE,
	.labels = ZONE_LABELS,
};

static const struct metric_family records_family = {
	.name = "isthmus_sync_records",
	.help = "Records of the zone that is served.",
	.kind = METRIC_GAUGE,
	.labels = ZONE_LABELS,
};

static const struct metric_family success_family = {
	.name = "isthmus_sync_last_success_timestamp_seconds",
	.help = "When the last listing that was good ended.",
	.kind = METRIC_GAUGE,
	.labels = ZONE_LABELS,
};

static const struct metric_family listings_family = {
	.name = "isthmus_sync_listings_total",
	.help = "Listings of the zone, by result: listed (and changed), unchanged, failed, shrunk (refused).",
	.kind = METRIC_COUNTER,
	.labels = { "plugin", "zone", "id", "result" },
};

static const struct metric_family requests_family = {
	.name = "isthmus_sync_requests_total",
	.help = "Requests to the provider's API, by status; 0: no answer came.",
	.kind = METRIC_COUNTER,
	.labels = { "plugin", "status" },
};

const struct metric_family *const mirror_metrics[] = { &age_family, &records_family, &success_family,
	&listings_family, &requests_family, NULL };

static const char *const result_names[MIRROR_RESULTS] = {
	[MIRROR_LISTED] = "listed",
	[MIRROR_UNCHANGED] = "unchanged",
	[MIRROR_FAILED] = "failed",
	[MIRROR_SHRUNK] = "shrunk",
};

void mirror_counts_find(struct mirror_zone *z)
{
	struct mirror_counts *c = &z->counts;
	struct view values[] = { view_of(z->mirror->settings.provider->name), view_of(z->origin_text),
		view_of(z->id), VIEW("") };
	c->age = metric_get(&age_family, values);
	c->records = metric_get(&records_family, values);
	c->last_success = metric_get(&success_family, values);
	for (unsigned i = 0; i < MIRROR_RESULTS; i++) {
		values[3] = view_of(result_names[i]);
		c->results[i] = metric_get(&listings_family, values);
	}
}

void mirror_count(struct mirror_zone *z, enum mirror_result result)
{
	struct mirror_counts *c = &z->counts;
	metric_add(c->results[result], 1);
	if (result == MIRROR_LISTED || result == MIRROR_UNCHANGED)
		metric_set(c->last_success, (double)clock_wall_seconds());
	if (z->copy)
		metric_set(c->records, (double)zone_record_count(z->copy->zone));
}

void mirror_counts_collect(void *mirror)
{
	const struct mirror *m = mirror;
	for (const struct mirror_zone *z = m->newest; z; z = z->older) {
		if (mirror_zone(z))
			metric_set(z->counts.age, (double)mirror_zone_age(z) / (double)NS_PER_S);
	}
}

void mirror_count_request(const struct mirror_listing *l, long status)
{
	char text[24];
	snprintf(text, sizeof text, "%ld", status);
	struct view values[] = { view_of(l->self->type->name), view_of(text) };
	metric_add(metric_get(&requests_family, values), 1);
}
