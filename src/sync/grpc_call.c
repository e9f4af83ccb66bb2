/* Calls: framing of messages both ways, and the status at the end. */
#include "sync/grpc_call.h"

#include "base/text.h"
#include "net/grpc_status.h"
#include <stdio.h>
#include <stdlib.h>

struct performing {
	const struct grpc_call *call;
	struct text body, came, next;
	long http_status;
	int status;
	bool too_large, malformed;
	char message[192];
};

static void frame(struct text *to, struct view message)
{
	char head[GRPC_FRAME_HEAD] = { 0 };
	for (unsigned i = 0; i < 4; i++)
		head[1 + i] = (char)(message.length >> (24 - 8 * i) & 0xff);
	text_clear(to);
	text_add(to, (struct view){ head, sizeof head });
	text_add(to, message);
}

int grpc_next_message(struct view stream, size_t max, struct view *message, size_t *used)
{
	const unsigned char *head = (const unsigned char *)stream.at;
	*used = 0;
	if (stream.length < GRPC_FRAME_HEAD)
		return 0;
	size_t length = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
	if (head[0])
		return -1;
	if (length > max) {
		*used = length;
		return -1;
	}
	if (stream.length - GRPC_FRAME_HEAD < length)
		return 0;
	*message = (struct view){ stream.at + GRPC_FRAME_HEAD, length };
	*used = GRPC_FRAME_HEAD + length;
	return 1;
}

/* --- what the HTTP client calls --- */

static bool on_head(void *owner, long status, struct view type)
{
	struct performing *p = owner;
	(void)type;
	p->http_status = status;
	return status == 200;
}

static bool on_field(void *owner, struct view name, struct view value)
{
	struct performing *p = owner;
	uint64_t status;
	if (view_equal_nocase(name, VIEW("grpc-message"))) {
		snprintf(p->message, sizeof p->message, "%.*s", VIEW_ARGS(value));
	} else if (view_equal_nocase(name, VIEW("grpc-status"))) {
		p->status = view_unsigned(value, INT32_MAX, &status) ? (int)status : GRPC_UNKNOWN;
	}
	return true;
}

static bool on_octets(void *owner, struct view octets)
{
	struct performing *p = owner;
	struct view message;
	size_t at = 0, used = 0;
	int next;
	text_add(&p->came, octets);
	while ((next = grpc_next_message(view_skip(text_view(&p->came), at), p->call->answer_max, &message,
			&used)) > 0) {
		at += used;
		if (p->call->take && !p->call->take(p->call->owner, message))
			return false;
	}
	p->too_large = next < 0 && used;
	p->malformed = next < 0 && !used;
	if (next < 0)
		return false;
	if (at) {
		memmove(p->came.at, p->came.at + at, p->came.length - at);
		text_shorten(&p->came, p->came.length - at);
	}
	return true;
}

/* The server's last word ends a stream whose sending end is still open. */
static bool on_more(void *owner, struct view *octets)
{
	struct performing *p = owner;
	struct view message = VIEW("");
	*octets = VIEW("");
	if (p->status >= 0 || !p->call->more(p->call->owner, &message))
		return false;
	if (message.length) {
		frame(&p->next, message);
		*octets = text_view(&p->next);
	}
	return true;
}

/* --- calls --- */

enum { HEADERS_MAX = 16 };

static void conclude(const struct performing *p, const struct http_result *r, struct grpc_result *to)
{
	to->end = p->status >= 0 ? HTTP_DONE : r->end;
	to->status = p->status;
	to->too_large = p->too_large;
	if (p->status > 0)
		snprintf(to->error, sizeof to->error, "%s", p->message[0] ? p->message : grpc_status_name(p->status));
	else if (p->too_large || p->malformed)
		snprintf(to->error, sizeof to->error, "a message of the answer is %s", p->too_large ? "too large" : "compressed");
	else if (p->http_status && p->http_status != 200)
		snprintf(to->error, sizeof to->error, "the server answers with HTTP status %ld", p->http_status);
	else if (p->status < 0)
		snprintf(to->error, sizeof to->error, "%s", r->error[0] ? r->error : "the answer has no gRPC status");
	if (p->status < 0 && r->end == HTTP_DONE)
		to->end = HTTP_BROKEN;
}

struct grpc_result grpc_perform(struct http_client *c, const struct grpc_call *call)
{
	struct performing p = { .call = call, .status = -1 };
	const char *headers[HEADERS_MAX] = { "content-type: application/grpc", "te: trailers", "Expect:" };
	struct grpc_result result = { 0 };
	size_t count = 3;
	for (const char *const *h = call->headers; h && *h && count + 1 < HEADERS_MAX; h++)
		headers[count++] = *h;
	frame(&p.body, call->message);
	struct http_request r = {
		.method = "POST",
		.url = call->url,
		.unix_socket = call->unix_socket,
		.tls = call->tls,
		.headers = headers,
		.body = text_view(&p.body),
		.http2 = true,
		.stay = true,
		.connect_timeout = call->connect_timeout,
		.timeout = call->timeout,
		.stop = call->stop,
		.head = on_head,
		.field = on_field,
		.receive = on_octets,
		.more = call->more ? on_more : NULL,
		.owner = &p,
	};
	struct http_result http = http_perform(c, &r);
	conclude(&p, &http, &result);
	text_free(&p.body);
	text_free(&p.came);
	text_free(&p.next);
	return result;
}
