/* Requests as they come in and responses as they are put together, for every version of HTTP and
 * every service. */
#include "net/http.h"

#include "base/clock.h"
#include "base/memory.h"
#include <stdlib.h>
#include <time.h>

/* --- requests --- */

void http_request_begin(struct http_request *r, const struct http_service *service)
{
	memset(r, 0, offsetof(struct http_request, inline_body));
	r->service = service;
	r->body = r->inline_body;
	r->room = sizeof r->inline_body;
}

void http_request_end(struct http_request *r)
{
	if (r->body != r->inline_body)
		free(r->body);
}

static enum http_method method_of(struct view name)
{
	if (view_is(name, "GET"))
		return HTTP_GET;
	if (view_is(name, "POST"))
		return HTTP_POST;
	return view_is(name, "HEAD") ? HTTP_HEAD : HTTP_METHOD_OTHER;
}

void http_request_field(struct http_request *r, struct view name, struct view value)
{
	if (view_is(name, ":method"))
		r->method = method_of(value);
	else
		r->service->field(r, name, value);
}

static void body_grow(struct http_request *r, size_t least)
{
	size_t room = r->room * 2 > least ? r->room * 2 : least;
	if (r->body == r->inline_body) {
		r->body = memory_alloc(room);
		memcpy(r->body, r->inline_body, r->length);
	} else {
		r->body = memory_resize(r->body, room, 1);
	}
	r->room = room;
}

uint8_t *http_request_room(struct http_request *r, size_t length)
{
	if (length > r->room)
		body_grow(r, length);
	return r->body;
}

bool http_request_body(struct http_request *r, struct view octets)
{
	if (r->from_path) {
		r->from_path = false;
		r->length = 0;
	}
	if (octets.length > r->service->body_max - r->length)
		r->too_large = true;
	if (r->too_large)
		return false;
	uint8_t *body = http_request_room(r, r->length + octets.length);
	memcpy(body + r->length, octets.at, octets.length);
	r->length += octets.length;
	return true;
}

bool http_request_read(struct http_request *r, struct view *message, struct http_response *to)
{
	bool is_message = r->service->read(r, message, to);
	if (!is_message && r->method == HTTP_HEAD)
		to->headers_only = true;
	return is_message;
}

void http_request_answer(
	const struct http_request *r, const struct incoming *in, struct http_response *to)
{
	r->service->answer(r, in, to);
	to->headers_only = r->method == HTTP_HEAD;
}

/* --- responses --- */

void http_response_begin(struct http_response *to, unsigned status)
{
	memset(to, 0, offsetof(struct http_response, text));
	to->status = status;
}

void http_response_field(struct http_response *to, struct view name, struct view value)
{
	if (to->field_count < HTTP_FIELDS_MAX)
		to->fields[to->field_count++] = (struct http_field){ name, value };
}

void http_response_trailer(struct http_response *to, struct view name, struct view value)
{
	if (to->trailer_count < HTTP_TRAILERS_MAX)
		to->trailers[to->trailer_count++] = (struct http_field){ name, value };
}

struct view http_response_keep(struct http_response *to, struct view octets)
{
	char *at = to->text + to->text_length;
	if (octets.length > sizeof to->text - to->text_length)
		return (struct view){ 0 };
	memcpy(at, octets.at, octets.length);
	to->text_length += octets.length;
	return (struct view){ at, octets.length };
}

void http_response_number(
	struct http_response *to, struct view name, struct view before, uint64_t number)
{
	enum { ROOM = 48, DIGITS = 20 };
	char text[ROOM], *at = text + ROOM;
	do {
		*--at = (char)('0' + number % 10);
	} while (number /= 10);
	if (before.length <= ROOM - DIGITS) {
		at -= before.length;
		memcpy(at, before.at, before.length);
	}
	struct view value = { at, (size_t)(text + ROOM - at) };
	http_response_field(to, name, http_response_keep(to, value));
}

struct view http_date(void)
{
	static _Thread_local struct {
		time_t second;
		char text[40];
		size_t length;
	} last;
	time_t now = (time_t)clock_wall_seconds();
	struct tm utc;
	if (now != last.second && gmtime_r(&now, &utc)) {
		last.length =
			strftime(last.text, sizeof last.text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
		last.second = now;
	}
	return (struct view){ last.text, last.length };
}

void http_response_date(struct http_response *to)
{
	http_response_field(to, VIEW("date"), http_response_keep(to, http_date()));
}

void http_response_text(struct http_response *to, unsigned status, struct view text)
{
	http_response_begin(to, status);
	http_response_field(to, VIEW("content-type"), VIEW("text/plain; charset=utf-8"));
	http_response_field(to, VIEW("x-content-type-options"), VIEW("nosniff"));
	http_response_number(to, VIEW("content-length"), VIEW(""), text.length);
	http_response_date(to);
	to->body = text;
}

struct view http_status_text(unsigned status, char digits[static HTTP_STATUS_DIGITS])
{
	digits[0] = (char)('0' + status / 100 % 10);
	digits[1] = (char)('0' + status / 10 % 10);
	digits[2] = (char)('0' + status % 10);
	return (struct view){ digits, HTTP_STATUS_DIGITS };
}

const char *http_reason(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 415:
		return "Unsupported Media Type";
	case 431:
		return "Request Header Fields Too Large";
	case 501:
		return "Not Implemented";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Internal Server Error";
	}
}
