/* Whole answers. */
#include "sync/http_answer.h"

#include "base/text.h"
#include <stdio.h>

enum { LINE_MAX_OCTETS = 300 };

struct collecting {
	const struct http_request *asked;
	struct text body;
	size_t limit;
	bool too_long;
};

static bool on_octets(void *owner, struct view octets)
{
	struct collecting *c = owner;
	size_t room = c->limit - c->body.length;
	c->too_long = octets.length > room;
	text_add(&c->body, c->too_long ? view_first(octets, room) : octets);
	return !c->too_long;
}

static bool on_field(void *owner, struct view name, struct view value)
{
	const struct http_request *asked = ((struct collecting *)owner)->asked;
	return asked->field(asked->owner, name, value);
}

struct http_answer http_collect(struct http_client *c, const struct http_request *r, struct arena *arena, size_t limit)
{
	struct collecting collecting = { .asked = r, .limit = limit };
	struct http_request request = *r;
	request.head = NULL;
	request.field = r->field ? on_field : NULL;
	request.receive = on_octets;
	request.owner = &collecting;
	struct http_answer a = { .result = http_perform(c, &request) };
	if (collecting.too_long) {
		a.result.end = HTTP_FAILED;
		snprintf(a.result.error, sizeof a.result.error, "the answer has more than %zu octets", limit);
	}
	a.body = view_of(arena_string(arena, text_view(&collecting.body)));
	text_free(&collecting.body);
	return a;
}

const char *http_body_line(struct arena *arena, struct view body)
{
	size_t length = body.length < LINE_MAX_OCTETS ? body.length : LINE_MAX_OCTETS;
	char *line = arena_string(arena, view_first(body, length));
	for (size_t i = 0; i < length; i++) {
		if (line[i] < ' ' || line[i] > '~')
			line[i] = ' ';
	}
	return line;
}
