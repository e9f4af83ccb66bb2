/* DNS over HTTPS (RFC 8484): the message in a request, the response to it. */
#include "net/doh.h"

#include "base/encoding.h"

static const char path_served[] = "/dns-query";

enum {
	BODY_MAX = UINT16_MAX,
	PARAMETER_MAX = (BODY_MAX * 4 + 2) / 3, /* digits of base64url for the largest message */
	PIECE = 64,				/* digits at a time */
};

/* --- percent encoding (RFC 3986 2.1) --- */

/* Takes one decoded octet off the front of `text`, which is not empty; false for a bad escape. */
static bool unescape(struct view *text, char *c)
{
	*c = text->at[0];
	if (*c != '%') {
		*text = view_skip(*text, 1);
		return true;
	}
	if (text->length < 3 || hex_digit(text->at[1]) < 0 || hex_digit(text->at[2]) < 0)
		return false;
	*c = (char)(hex_digit(text->at[1]) << 4 | hex_digit(text->at[2]));
	*text = view_skip(*text, 3);
	return true;
}

static bool unescaped_is(struct view text, const char *expected)
{
	char c;
	if (view_is(text, expected))
		return true;
	while (text.length && *expected) {
		if (!unescape(&text, &c) || c != *expected++)
			return false;
	}
	return !text.length && !*expected;
}

/* --- the path --- */

/* A value without escapes: in one go. */
static bool decode_plain(struct http_request *r, struct view value)
{
	size_t room = value.length * 3 / 4;
	struct decoding d = { .room = room < BODY_MAX ? room : BODY_MAX };
	d.to = http_request_room(r, d.room);
	bool good = base64url_decode(&d, value) && base64url_decoded(&d);
	r->length = d.length;
	return good;
}

/* The parameter's value, decoded into the request's body. */
static bool decode_message(struct http_request *r, struct view value)
{
	if (value.length <= PARAMETER_MAX && view_find(value, '%') == value.length)
		return decode_plain(r, value);
	uint8_t octets[PIECE];
	char piece[PIECE];
	struct decoding d = { .to = octets, .room = sizeof octets };
	size_t digits = 0;
	r->length = 0;
	while (value.length) {
		size_t n = 0;
		while (value.length && n < sizeof piece) {
			if (!unescape(&value, &piece[n++]))
				return false;
		}
		d.length = 0;
		if ((digits += n) > PARAMETER_MAX ||
			!base64url_decode(&d, (struct view){ piece, n }) ||
			!http_request_body(r, (struct view){ (const char *)octets, d.length }))
			return false;
	}
	return base64url_decoded(&d);
}

/* Looks for `dns` in the query string: it must be there once. */
static void read_parameters(struct http_request *r, struct view rest)
{
	while (rest.length) {
		struct view pair = view_first(rest, view_find(rest, '&'));
		rest = view_skip(rest, pair.length + (pair.length < rest.length));
		struct view key = view_first(pair, view_find(pair, '='));
		if (!unescaped_is(key, "dns"))
			continue;
		if (r->parameter != HTTP_ABSENT) {
			r->parameter = HTTP_UNFIT;
			return;
		}
		struct view value = view_skip(pair, key.length + (key.length < pair.length));
		r->parameter = decode_message(r, value) ? HTTP_FITTING : HTTP_UNFIT;
	}
}

static void read_path(struct http_request *r, struct view target)
{
	struct view path = view_first(target, view_find(target, '?'));
	r->path = unescaped_is(path, path_served) ? HTTP_FITTING : HTTP_UNFIT;
	if (r->path == HTTP_FITTING && path.length < target.length)
		read_parameters(r, view_skip(target, path.length + 1));
	r->from_path = true;
	r->too_large = false;
}

static void field(struct http_request *r, struct view name, struct view value)
{
	if (view_is(name, ":path")) {
		read_path(r, value);
	} else if (view_is(name, "content-type")) {
		struct view type = view_trim(view_first(value, view_find(value, ';')));
		bool fits = view_equal_nocase(type, VIEW("application/dns-message"));
		r->media = fits ? HTTP_FITTING : HTTP_UNFIT;
	}
}

/* --- responses --- */

static bool refuse(struct http_response *to, unsigned status, struct view text)
{
	http_response_text(to, status, text);
	return false;
}

static bool refuse_method(struct http_response *to)
{
	http_response_text(to, 405, VIEW("method not allowed\n"));
	http_response_field(to, VIEW("allow"), VIEW("GET, HEAD, POST"));
	return false;
}

static bool read_request(struct http_request *r, struct view *message, struct http_response *to)
{
	bool is_post = r->method == HTTP_POST;
	if (r->path != HTTP_FITTING)
		return refuse(to, 404, VIEW("\n"));
	if (!is_post && r->method != HTTP_GET && r->method != HTTP_HEAD)
		return refuse_method(to);
	if (is_post && r->media == HTTP_UNFIT)
		return refuse(to, 415, VIEW("unsupported media type\n"));
	bool has_message = is_post ? !r->from_path && !r->too_large
				   : r->from_path && r->parameter == HTTP_FITTING;
	if (!has_message)
		return refuse(to, 400, VIEW("invalid request\n"));
	*message = (struct view){ (const char *)r->body, r->length };
	return true;
}

static void respond(
	const struct http_request *r, const struct incoming *in, struct http_response *to)
{
	(void)r;
	bool is_bad = in->outcome == INCOMING_TOO_SHORT || in->outcome == INCOMING_MALFORMED ||
		      (in->outcome == INCOMING_REJECTED && !in->answer_length);
	if (is_bad) {
		http_response_text(to, 400, VIEW("invalid request\n"));
		return;
	}
	if (!in->answer_length) {
		http_response_text(to, 500, VIEW("No response\n"));
		return;
	}
	http_response_begin(to, 200);
	http_response_field(to, VIEW("content-type"), VIEW("application/dns-message"));
	http_response_number(to, VIEW("cache-control"), VIEW("max-age="), in->max_age);
	http_response_number(to, VIEW("content-length"), VIEW(""), in->answer_length);
	http_response_date(to);
	to->body = (struct view){ (const char *)in->answer, in->answer_length };
}

const struct http_service doh_service = {
	.http2 = TRANSPORT_HTTPS,
	.http3 = TRANSPORT_HTTPS3,
	.body_max = BODY_MAX,
	.field = field,
	.read = read_request,
	.answer = respond,
};
