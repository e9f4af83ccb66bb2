/*
 * Series with the labels server, view and zone, found without metric_get()'s lock: what one worker
 * remembers of it.
 *
 *     struct acl_worker { struct series_memory series; };          // worker_size = sizeof(struct
 * acl_worker) metric_add(series_get(&w->series, &blocked_total, q, rule->zone_text), 1);
 */
#ifndef ISTHMUS_SERVER_SERIES_H
#define ISTHMUS_SERVER_SERIES_H

#include "server/plugin.h"

enum { SERIES_REMEMBERED = 16 };

/* In a plugin's worker state, zeroed; used by that worker alone. */
struct series_memory {
	struct {
		const struct metric_family *family;
		const struct listener *listener;
		const char *zone;
		struct metric *series;
	} slot[SERIES_REMEMBERED];
	unsigned next; /* the slot that is given up when all are taken */
};

/*
 * The series of a family whose labels are some of server, view and zone, for this query. `zone`
 * must be the same piece of memory each time it is the same zone; it lives as long as the
 * configuration.
 */
struct metric *series_get(struct series_memory *memory, const struct metric_family *family,
	const struct query *q, struct view zone);

#endif
