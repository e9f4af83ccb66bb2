/*
 * The server's end of an HTTP/1.1 connection (RFC 9112) without sockets, one request after the
 * other. Strict, so that no two readers can take the octets for different requests: lines end in
 * CRLF, a body has one Content-Length or is chunked, never both; what does not fit that ends the
 * connection.
 */
#ifndef ISTHMUS_NET_HTTP1_H
#define ISTHMUS_NET_HTTP1_H

#include "net/http.h"
#include "net/http_counts.h"

enum {
	HTTP1_LINE_MAX = 64 << 10,   /* octets of one line */
	HTTP1_FIELDS_MAX = 16 << 10, /* octets of all fields; those of a chunked body's end, too */
	HTTP1_HEAD_ROOM = 1024,	     /* a response's head */
};

enum http1_state {
	HTTP1_REQUEST_LINE,
	HTTP1_FIELDS,
	HTTP1_BODY,
	HTTP1_CHUNK_SIZE,
	HTTP1_CHUNK,
	HTTP1_CHUNK_END,
	HTTP1_TRAILERS,
	HTTP1_WHOLE, /* to be answered before anything more is read */
};

struct http1_session {
	const struct http_service *service;
	struct http_counts *counts;
	enum http1_state state;
	struct http_request request; /* since its line was read */
	uint64_t since;		     /* when its line was read */
	size_t fields;		     /* octets of them so far */
	size_t left;		     /* of the body, or of a chunk */
	unsigned hosts;
	bool is_1_0, has_length, is_chunked;
	bool expects_continue; /* the client waits for "100 Continue" before it sends the body */
	bool last;	       /* the connection ends with the response */
	unsigned error;	       /* the status for a request that is none; 0: it is one */
};

void http1_begin(
	struct http1_session *s, const struct http_service *service, struct http_counts *counts);

/* Gives its memory back. */
void http1_end(struct http1_session *s);

/* Takes octets off the front of `octets`, up to the end of a request: true then. What is left is a
 * line that is not whole. */
bool http1_receive(struct http1_session *s, struct view *octets);

/* After http1_receive() gave true: as http_request_read(). */
bool http1_read(struct http1_session *s, struct view *message, struct http_response *to);

/* A response's head, for the body to follow; gives its length. The next request may be received
 * then. */
size_t http1_respond(
	struct http1_session *s, const struct http_response *r, char head[static HTTP1_HEAD_ROOM]);

#endif
