/* A worker's memory of series. */
#include "server/series.h"

static struct view label_value(const char *label, const struct query *q, struct view zone)
{
	if (strcmp(label, "server") == 0)
		return query_server(q);
	if (strcmp(label, "view") == 0)
		return query_view(q);
	return zone;
}

static struct metric *look_up(
	const struct metric_family *family, const struct query *q, struct view zone)
{
	struct view values[METRIC_LABELS_MAX];
	for (size_t i = 0; family->labels[i]; i++)
		values[i] = label_value(family->labels[i], q, zone);
	return metric_get(family, values);
}

struct metric *series_get(struct series_memory *memory, const struct metric_family *family,
	const struct query *q, struct view zone)
{
	for (size_t i = 0; i < SERIES_REMEMBERED; i++) {
		if (memory->slot[i].family == family && memory->slot[i].listener == q->listener &&
			memory->slot[i].zone == zone.at)
			return memory->slot[i].series;
	}
	unsigned n = memory->next++ % SERIES_REMEMBERED;
	memory->slot[n].family = family;
	memory->slot[n].listener = q->listener;
	memory->slot[n].zone = zone.at;
	memory->slot[n].series = look_up(family, q, zone);
	return memory->slot[n].series;
}
