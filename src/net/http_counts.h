/* HTTP in metrics: responses of a server by status, and which limits requests ran into. Any thread.
 */
#ifndef ISTHMUS_NET_HTTP_COUNTS_H
#define ISTHMUS_NET_HTTP_COUNTS_H

#include "base/metrics.h"
#include "net/endpoint.h"

#include <stdatomic.h>

enum { HTTP_STATUSES = 8 };

/* The responses of one server. Zeroed but for `server` and `family`; series are made when they are
 * first needed. */
struct http_counts {
	struct view server; /* its label */
	const struct metric_family
		*family; /* https_responses, https3_responses; NULL: they are not counted */
	_Atomic(struct metric *) status[HTTP_STATUSES];
};

extern const struct metric_family https_responses, https3_responses, http_limits;

void http_count_response(struct http_counts *c, unsigned status);

/* What a request, or a connection with its requests, may have too much of. */
enum http_limit {
	HTTP_LIMIT_FIELDS,  /* a head too large */
	HTTP_LIMIT_BODY,    /* a body too large */
	HTTP_LIMIT_STREAMS, /* more requests at once than are allowed */
	HTTP_LIMIT_FRAMES,  /* too many frames that ask for nothing: resets, pings, settings */
	HTTP_LIMITS,
};

void http_count_limit(enum transport t, enum http_limit limit);

#endif
