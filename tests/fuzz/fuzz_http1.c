/*
 * Octets of an HTTP/1.1 connection, given at once and in pieces whose length the first octet says:
 * both are read as the same requests, within limits, and both stop at the same place.
 */
#include "fuzz.h"
#include "net/doh.h"
#include "net/http1.h"
#include <stdlib.h>

enum { REQUESTS_MAX = 64 };

static struct http_counts uncounted;

/* What was read: a sum over all requests, and how many octets belong to them. */
struct outcome {
	uint64_t sum;
	size_t requests;
	bool ended;
};

static void mix(struct outcome *o, uint64_t value)
{
	o->sum = (o->sum ^ value) * 0x100000001b3;
}

static void answer(struct outcome *o, struct http1_session *s)
{
	struct http_response r;
	struct view message;
	char head[HTTP1_HEAD_ROOM];
	if (http1_read(s, &message, &r)) {
		MUST(message.length <= UINT16_MAX);
		for (size_t i = 0; i < message.length; i++)
			mix(o, (unsigned char)message.at[i]);
		http_response_text(&r, 200, VIEW("answer"));
	}
	mix(o, r.status);
	o->ended = s->last;
	o->requests++;
	size_t length = http1_respond(s, &r, head);
	MUST(length <= HTTP1_HEAD_ROOM &&
		view_ends((struct view){ head, length }, VIEW("\r\n\r\n")));
}

static struct outcome run(struct view octets, size_t piece)
{
	struct outcome o = { 0 };
	struct http1_session s;
	char *kept = malloc(octets.length + 1);
	size_t length = 0;
	http1_begin(&s, &doh_service, &uncounted);
	while (octets.length && !o.ended && o.requests < REQUESTS_MAX) {
		size_t n = octets.length < piece ? octets.length : piece;
		memcpy(kept + length, octets.at, n);
		octets = view_skip(octets, n);
		struct view rest = { kept, length + n };
		while (!o.ended && o.requests < REQUESTS_MAX && http1_receive(&s, &rest))
			answer(&o, &s);
		MUST(rest.length <= HTTP1_LINE_MAX || o.ended || o.requests == REQUESTS_MAX);
		memmove(kept, rest.at, rest.length);
		length = rest.length;
	}
	http1_end(&s);
	free(kept);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct view octets = { (const char *)data + 1, size - 1 };
	struct outcome once = run(octets, octets.length), pieces = run(octets, 1 + data[0]);
	MUST(once.requests == pieces.requests && once.sum == pieces.sum &&
		once.ended == pieces.ended);
	return 0;
}
