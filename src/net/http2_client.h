/*
 * A client's end of an HTTP/2 connection (RFC 9113) without sockets: requests in, octets out; octets in, responses out. A
 * session belongs to one thread; no function waits. Requests beyond what the server takes at once wait their turn.
 */
#ifndef ISTHMUS_NET_HTTP2_CLIENT_H
#define ISTHMUS_NET_HTTP2_CLIENT_H

#include "net/http_client.h"
#include "net/transports.h"

#include <stdint.h>

struct http2_client;
struct http2_call; /* one request, until it is answered */

enum { HTTP2_REASON_MAX = 128 };

/* Called with each response, from within http2_client_receive(). `of` is what http2_client_call() was given. */
typedef void http2_answered(void *owner, void *of, const struct http_client_response *r);

struct http2_client_functions {
	struct http2_client *(*new)(http2_answered *answered, void *owner);
	void (*free)(struct http2_client *c);
	struct http2_call *(*call)(struct http2_client *c, const struct http_client_request *r, void *of);
	void (*cancel)(struct http2_client *c, struct http2_call *call);
	bool (*receive)(struct http2_client *c, struct view octets);
	bool (*output)(struct http2_client *c, struct view *octets);
	bool (*ends)(const struct http2_client *c);
};

extern const struct http2_client_functions http2_client_functions; /* the module's own */

static inline struct http2_client *http2_client_new(http2_answered *answered, void *owner)
{
	return transports->http2_client->new(answered, owner);
}

/* Frees it; calls that are left are not answered. */
static inline void http2_client_free(struct http2_client *c)
{
	transports->http2_client->free(c);
}

/* NULL if it takes no more. */
static inline struct http2_call *http2_client_call(
	struct http2_client *c, const struct http_client_request *r, void *of)
{
	return transports->http2_client->call(c, r, of);
}

/* Nobody wants the response any more. */
static inline void http2_client_cancel(struct http2_client *c, struct http2_call *call)
{
	transports->http2_client->cancel(c, call);
}

/* Takes what came. False when the connection is of no use any more. */
static inline bool http2_client_receive(struct http2_client *c, struct view octets)
{
	return transports->http2_client->receive(c, octets);
}

/* The next octets to send, which stay until the next call; false if there are none now. */
static inline bool http2_client_output(struct http2_client *c, struct view *octets)
{
	return transports->http2_client->output(c, octets);
}

/* The server takes no more requests (GOAWAY). */
static inline bool http2_client_ends(const struct http2_client *c)
{
	return transports->http2_client->ends(c);
}

#endif
