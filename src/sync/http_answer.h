/* Asking for an answer that is short enough to be held whole: tokens, errors, single objects. */
#ifndef ISTHMUS_SYNC_HTTP_ANSWER_H
#define ISTHMUS_SYNC_HTTP_ANSWER_H

#include "sync/http.h"

struct http_answer {
	struct http_result result;
	struct view body;  /* in the arena; what came of it */
};

/*
 * Performs the request, whose `head` and `receive` are not looked at, and keeps the body. One of more than `limit` octets ends as
 * HTTP_FAILED, with the beginning.
 */
struct http_answer http_collect(struct http_client *c, const struct http_request *r, struct arena *arena, size_t limit);

/* Whether it is whole and its status says success. */
static inline bool http_succeeded(const struct http_result *r)
{
	return r->end == HTTP_DONE && r->status >= 200 && r->status < 300;
}

/* Whether asking again later may help: nobody answered, or the server says so by its status (RFC 9110 15.5.9, 15.6; RFC 6585 4). */
static inline bool http_may_recover(const struct http_result *r)
{
	return r->end != HTTP_GIVEN_UP && (r->end != HTTP_DONE || r->status == 408 || r->status == 429 || r->status >= 500);
}

/* A body for a line of a log: one line, at most 300 octets, printable. In the arena. */
const char *http_body_line(struct arena *arena, struct view body);

#endif
