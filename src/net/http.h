/*
 * An HTTP request to a name server and its response, whatever the version. HTTP/1.1, HTTP/2 and
 * HTTP/3 put fields and body into a request as they come; a service (DNS over HTTPS, gRPC) makes a
 * DNS message of it, and a response of the answer.
 *
 *     http_request_begin(&r, &doh_service);
 *     http_request_field(&r, name, value);   for each field, ":method" and ":path" included
 *     http_request_body(&r, octets);         for each piece of the body
 *     if (http_request_read(&r, &message, &response)) {
 *             have the message handled as a struct incoming;
 *             http_request_answer(&r, &in, &response);
 *     }
 *     send the response; http_request_end(&r);
 */
#ifndef ISTHMUS_NET_HTTP_H
#define ISTHMUS_NET_HTTP_H

#include "net/incoming.h"

enum http_method {
	HTTP_METHOD_NONE,
	HTTP_METHOD_OTHER,
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
};

enum {
	HTTP_FIELDS_MAX = 6,
	HTTP_TRAILERS_MAX = 2,
	HTTP_STATUS_DIGITS = 3,
	HTTP_TEXT_ROOM = 96,	/* for numbers in fields */
	HTTP_BODY_INLINE = 512, /* larger bodies are allocated */
};

/* What a service found where it looked for one thing. */
enum http_finding {
	HTTP_ABSENT,
	HTTP_FITTING,
	HTTP_UNFIT,
};

struct http_request {
	const struct http_service *service;
	enum http_method method;
	enum http_finding path, media, parameter;
	bool too_large;	  /* its body */
	uint64_t timeout; /* ns that its client will wait; 0: it does not say */
	bool from_path;	  /* what `body` holds is of the path, not the body */
	uint8_t *body;
	size_t length, room;
	uint8_t inline_body[HTTP_BODY_INLINE];
};

/* A header field; the name in lower case. */
struct http_field {
	struct view name, value;
};

/* What is to be sent. Its views are literals, or point into it, its request or the answer of the
 * incoming message: all stay until it is written. */
struct http_response {
	unsigned status;
	unsigned field_count, trailer_count;
	struct http_field fields[HTTP_FIELDS_MAX], trailers[HTTP_TRAILERS_MAX];
	struct view prefix, body; /* the body is prefix and body, one after the other */
	bool headers_only; /* the body is that of GET, and HEAD was asked for: it is not sent */
	size_t text_length;
	char text[HTTP_TEXT_ROOM];
};

/* What is served over HTTP. */
struct http_service {
	enum transport http2, http3; /* how its messages came in */
	size_t body_max;	     /* octets */
	void (*field)(struct http_request *r, struct view name, struct view value);
	bool (*read)(struct http_request *r, struct view *message, struct http_response *to);
	void (*answer)(
		const struct http_request *r, const struct incoming *in, struct http_response *to);
};

void http_request_begin(struct http_request *r, const struct http_service *service);

/* Gives its memory back. */
void http_request_end(struct http_request *r);

/* A field of the request's head, its name in lower case. The views need not stay. */
void http_request_field(struct http_request *r, struct view name, struct view value);

/* A piece of the body. False once the body is larger than the service takes: what more comes of it
 * may be thrown away. */
bool http_request_body(struct http_request *r, struct view octets);

/* Room for so many octets in the place of the body, for an answer that is to stay as long as the
 * request. */
uint8_t *http_request_room(struct http_request *r, size_t length);

/* All of the request is there: its DNS message, which is valid until http_request_end(); or false,
 * and *to is the response without asking the server. */
bool http_request_read(struct http_request *r, struct view *message, struct http_response *to);

/* The message was handled: the response, which has views into in->answer. */
void http_request_answer(
	const struct http_request *r, const struct incoming *in, struct http_response *to);

/* --- for services --- */

void http_response_begin(struct http_response *to, unsigned status);

/* A page of plain text, which is a literal: what is answered to a request that carries no message.
 */
void http_response_text(struct http_response *to, unsigned status, struct view text);

void http_response_field(struct http_response *to, struct view name, struct view value);

/* A field behind the body; its views are literals. */
void http_response_trailer(struct http_response *to, struct view name, struct view value);

/* A copy of octets, up to what is left of HTTP_TEXT_ROOM, that stays as long as the response. */
struct view http_response_keep(struct http_response *to, struct view octets);

/* A field whose value is `before`, a few octets, and a number. */
void http_response_number(
	struct http_response *to, struct view name, struct view before, uint64_t number);

/* The time of day as HTTP writes it (RFC 9110 5.6.7); the thread's own until its next call. */
struct view http_date(void);

/* The same as the field "date". */
void http_response_date(struct http_response *to);

/* A status as its three digits, in `digits`. */
struct view http_status_text(unsigned status, char digits[static HTTP_STATUS_DIGITS]);

/* "Not Found" for 404. */
const char *http_reason(unsigned status);

#endif
