/* HTTP/1.1 (RFC 9112): requests line by line, responses' heads. */
#include "net/http1.h"

#include "base/clock.h"
#include "base/encoding.h"

enum {
	NAME_MAX = 32,	      /* longer names are nobody's that matters */
	CHUNK_LINE_MAX = 256, /* a chunk's size with its extensions */
	CHUNK_DIGITS = 8,
};

/* --- a session --- */

static void request_begin(struct http1_session *s)
{
	http_request_begin(&s->request, s->service);
	s->state = HTTP1_REQUEST_LINE;
	s->since = 0;
	s->fields = s->left = 0;
	s->hosts = s->error = 0;
	s->is_1_0 = s->has_length = s->is_chunked = s->expects_continue = s->last = false;
}

void http1_begin(
	struct http1_session *s, const struct http_service *service, struct http_counts *counts)
{
	s->service = service;
	s->counts = counts;
	request_begin(s);
}

void http1_end(struct http1_session *s)
{
	http_request_end(&s->request);
}

/* Nothing behind what is wrong can be told apart: the connection ends with the response. Always
 * gives true. */
static bool fail(struct http1_session *s, unsigned status)
{
	s->error = status;
	s->last = true;
	s->state = HTTP1_WHOLE;
	return true;
}

static bool whole(struct http1_session *s)
{
	s->state = HTTP1_WHOLE;
	return true;
}

/* --- lines --- */

/* A token's octets (RFC 9110 5.6.2). */
static bool is_token(struct view v)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < v.length; i++) {
		char c = v.at[i], lower = (char)(c | 0x20);
		bool alphanumeric = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
		if (!alphanumeric && (!c || !strchr(others, c)))
			return false;
	}
	return v.length > 0;
}

static bool has_control(struct view v)
{
	for (size_t i = 0; i < v.length; i++) {
		unsigned char c = (unsigned char)v.at[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

/* Takes a whole line off the front of the octets, without its CRLF. False when it is not there yet,
 * or too long, or ends in something else: then s->error is set. */
static bool take_line(
	struct http1_session *s, struct view *octets, size_t longest, struct view *line)
{
	size_t end = view_find(*octets, '\n');
	if (end > longest) {
		fail(s, s->state == HTTP1_REQUEST_LINE || s->is_chunked ? 400 : 431);
		http_count_limit(s->service->http2, HTTP_LIMIT_FIELDS);
		return false;
	}
	if (end == octets->length)
		return false;
	if (!end || octets->at[end - 1] != '\r') {
		fail(s, 400);
		return false;
	}
	*line = view_first(*octets, end - 1);
	*octets = view_skip(*octets, end + 1);
	return true;
}

/* The word up to the next blank, which is taken off, too. */
static struct view take_word(struct view *line)
{
	struct view word = view_first(*line, view_find(*line, ' '));
	*line = view_skip(*line, word.length + (word.length < line->length));
	return word;
}

/* The path and query of a target in origin or absolute form (RFC 9112 3.2). */
static struct view path_of(struct view target)
{
	static const struct view schemes[] = { VIEW("https://"), VIEW("http://") };
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		if (view_starts(target, schemes[i])) {
			target = view_skip(target, schemes[i].length);
			return view_skip(target, view_find(target, '/'));
		}
	}
	return target;
}

static bool request_line(struct http1_session *s, struct view line)
{
	if (!line.length) /* one before a request is passed over (RFC 9112 2.2) */
		return s->fields++ > 0 && fail(s, 400);
	struct view method = take_word(&line), target = take_word(&line);
	s->is_1_0 = view_is(line, "HTTP/1.0");
	if (!is_token(method) || !target.length || has_control(target) ||
		(!s->is_1_0 && !view_is(line, "HTTP/1.1")))
		return fail(s, 400);
	s->last = s->is_1_0;
	s->since = clock_batch();
	s->fields = 0;
	s->state = HTTP1_FIELDS;
	http_request_field(&s->request, VIEW(":method"), method);
	http_request_field(&s->request, VIEW(":path"), path_of(target));
	return false;
}

/* --- fields --- */

/* Whether a list of tokens has this one. */
static bool list_has(struct view list, const char *token)
{
	while (list.length) {
		struct view item = view_first(list, view_find(list, ','));
		list = view_skip(list, item.length + (item.length < list.length));
		if (view_equal_nocase(view_trim(item), view_of(token)))
			return true;
	}
	return false;
}

static bool content_length(struct http1_session *s, struct view value)
{
	uint64_t length;
	if (s->has_length || !view_unsigned(value, UINT32_MAX, &length))
		return fail(s, 400);
	s->has_length = true;
	s->left = (size_t)length;
	return false;
}

static bool transfer_encoding(struct http1_session *s, struct view value)
{
	if (s->is_1_0 || s->is_chunked)
		return fail(s, 400);
	if (!view_equal_nocase(value, VIEW("chunked")))
		return fail(s, 501);
	s->is_chunked = true;
	return false;
}

static bool known_field(struct http1_session *s, struct view name, struct view value)
{
	if (view_is(name, "content-length"))
		return content_length(s, value);
	if (view_is(name, "transfer-encoding"))
		return transfer_encoding(s, value);
	if (view_is(name, "host"))
		s->hosts++;
	else if (view_is(name, "connection"))
		s->last = s->last || list_has(value, "close");
	else if (view_is(name, "expect"))
		s->expects_continue = view_equal_nocase(value, VIEW("100-continue"));
	http_request_field(&s->request, name, value);
	return false;
}

static bool field_line(struct http1_session *s, struct view line)
{
	char lower[NAME_MAX];
	size_t colon = view_find(line, ':');
	struct view name = view_first(line, colon);
	if (colon == line.length || !is_token(name))
		return fail(s, 400);
	struct view value = view_trim(view_skip(line, colon + 1));
	if (has_control(value))
		return fail(s, 400);
	if (name.length > sizeof lower)
		return false;
	for (size_t i = 0; i < name.length; i++) {
		char c = name.at[i];
		lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	return known_field(s, (struct view){ lower, name.length }, value);
}

/* The request is answered without its body, and the connection ends with that. */
static bool body_too_large(struct http1_session *s)
{
	s->request.too_large = s->last = true;
	http_count_limit(s->service->http2, HTTP_LIMIT_BODY);
	return whole(s);
}

/* After the empty line: is there a body, and does it fit? */
static bool head_ended(struct http1_session *s)
{
	bool good_hosts = s->is_1_0 ? s->hosts <= 1 : s->hosts == 1;
	if (!good_hosts || (s->is_chunked && s->has_length))
		return fail(s, 400);
	if (s->left > s->service->body_max)
		return body_too_large(s);
	if (s->is_chunked)
		s->state = HTTP1_CHUNK_SIZE;
	else if (s->left)
		s->state = HTTP1_BODY;
	else
		return whole(s);
	return false;
}

/* Fields or trailers: one line of them. */
static bool fields(struct http1_session *s, struct view *octets)
{
	struct view line;
	size_t before = octets->length;
	if (!take_line(s, octets, HTTP1_FIELDS_MAX - s->fields, &line))
		return s->error != 0;
	s->fields += before - octets->length;
	if (s->fields > HTTP1_FIELDS_MAX) {
		http_count_limit(s->service->http2, HTTP_LIMIT_FIELDS);
		return fail(s, 431);
	}
	if (s->state == HTTP1_TRAILERS)
		return !line.length && whole(s);
	return line.length ? field_line(s, line) : head_ended(s);
}

/* --- bodies --- */

static bool body(struct http1_session *s, struct view *octets)
{
	struct view piece =
		view_first(*octets, octets->length < s->left ? octets->length : s->left);
	*octets = view_skip(*octets, piece.length);
	s->left -= piece.length;
	if (!http_request_body(&s->request, piece))
		return body_too_large(s);
	if (s->left)
		return false;
	if (s->state == HTTP1_BODY)
		return whole(s);
	s->state = HTTP1_CHUNK_END;
	return false;
}

/* "1f", "1f;name=value"; extensions are passed over. */
static bool chunk_size(struct http1_session *s, struct view line)
{
	size_t digits = 0, size = 0;
	for (; digits < line.length && hex_digit(line.at[digits]) >= 0; digits++) {
		if (digits == CHUNK_DIGITS)
			return fail(s, 400);
		size = size << 4 | (size_t)hex_digit(line.at[digits]);
	}
	if (!digits || (digits < line.length && line.at[digits] != ';') || has_control(line))
		return fail(s, 400);
	if (size > s->service->body_max)
		return body_too_large(s);
	s->left = size;
	s->state = size ? HTTP1_CHUNK : HTTP1_TRAILERS;
	return false;
}

/* --- requests --- */

/* Goes on by one line or piece of a body. True when the request is whole, or is none. */
static bool step(struct http1_session *s, struct view *octets)
{
	struct view line;
	switch (s->state) {
	case HTTP1_REQUEST_LINE:
		return take_line(s, octets, HTTP1_LINE_MAX, &line) ? request_line(s, line)
								   : s->error != 0;
	case HTTP1_FIELDS:
	case HTTP1_TRAILERS:
		return fields(s, octets);
	case HTTP1_BODY:
	case HTTP1_CHUNK:
		return body(s, octets);
	case HTTP1_CHUNK_SIZE:
		return take_line(s, octets, CHUNK_LINE_MAX, &line) ? chunk_size(s, line)
								   : s->error != 0;
	case HTTP1_CHUNK_END:
		if (!take_line(s, octets, CHUNK_LINE_MAX, &line))
			return s->error != 0;
		s->state = HTTP1_CHUNK_SIZE;
		return line.length > 0 && fail(s, 400);
	default:
		return true;
	}
}

bool http1_receive(struct http1_session *s, struct view *octets)
{
	for (;;) {
		size_t before = octets->length;
		enum http1_state state = s->state;
		if (step(s, octets))
			return true;
		if (octets->length == before && s->state == state)
			return false;
	}
}

bool http1_read(struct http1_session *s, struct view *message, struct http_response *to)
{
	if (!s->error)
		return http_request_read(&s->request, message, to);
	http_response_text(to, s->error, VIEW("invalid request\n"));
	to->headers_only = s->request.method == HTTP_HEAD;
	return false;
}

/* --- responses --- */

struct head {
	char *at;
	size_t length;
};

static void add(struct head *h, struct view v)
{
	if (v.length > HTTP1_HEAD_ROOM - h->length)
		return;
	memcpy(h->at + h->length, v.at, v.length);
	h->length += v.length;
}

static void add_field(struct head *h, struct view name, struct view value)
{
	add(h, name);
	add(h, VIEW(": "));
	add(h, value);
	add(h, VIEW("\r\n"));
}

size_t http1_respond(
	struct http1_session *s, const struct http_response *r, char head[static HTTP1_HEAD_ROOM])
{
	struct head h = { head, 0 };
	char status[HTTP_STATUS_DIGITS];
	add(&h, VIEW("HTTP/1.1 "));
	add(&h, http_status_text(r->status, status));
	add(&h, VIEW(" "));
	add(&h, view_of(http_reason(r->status)));
	add(&h, VIEW("\r\n"));
	for (unsigned i = 0; i < r->field_count; i++)
		add_field(&h, r->fields[i].name, r->fields[i].value);
	if (s->last)
		add_field(&h, VIEW("connection"), VIEW("close"));
	add(&h, VIEW("\r\n"));
	http_count_response(s->counts, r->status);
	bool last = s->last;
	http1_end(s);
	request_begin(s);
	s->last = last;
	return h.length;
}
