/*
 * The server's end of an HTTP/2 connection (RFC 9113) without sockets: octets in, requests out;
 * answers in, octets out. It knows no more of what is served than struct http_service. A session
 * belongs to one thread; no function waits.
 *
 * Against floods: requests at once, fields and bodies have limits; frames that ask for nothing
 * (resets, pings, settings, window updates, empty data) must be in proportion to the requests that
 * were answered, or the connection ends. Time is the owner's matter: http2_unfinished_since().
 */
#ifndef ISTHMUS_NET_HTTP2_H
#define ISTHMUS_NET_HTTP2_H

#include "net/http.h"
#include "net/http_counts.h"
#include "net/transports.h"

struct http2_session;
struct http2_exchange; /* one request, until it is answered */

enum { HTTP2_FIELDS_MAX = 96 << 10 }; /* octets of a request's head, compressed or not */

struct http2_settings {
	const struct http_service *service;
	uint32_t streams; /* requests of a connection at once */
	struct http_counts *counts;
};

struct http2_functions {
	struct http2_session *(*server)(const struct http2_settings *settings);
	void (*free)(struct http2_session *s);
	bool (*receive)(struct http2_session *s, struct view octets);
	struct http2_exchange *(*next)(
		struct http2_session *s, struct view *message, uint64_t *timeout);
	void (*answer)(
		struct http2_session *s, struct http2_exchange *e, const struct incoming *in);
	bool (*output)(struct http2_session *s, struct view *octets, bool *ends);
	void (*stop)(struct http2_session *s);
	bool (*over)(const struct http2_session *s);
	size_t (*unsent)(const struct http2_session *s);
	uint64_t (*unfinished_since)(const struct http2_session *s);
};

extern const struct http2_functions http2_functions; /* the module's own */

/* A new session; the settings are copied, what they point to stays. */
static inline struct http2_session *http2_server(const struct http2_settings *settings)
{
	return transports->http2->server(settings);
}

/* Frees it; no exchange that http2_next() gave is left without its http2_answer(). */
static inline void http2_free(struct http2_session *s)
{
	transports->http2->free(s);
}

/* Takes what came. False when the peer must not send any more: http2_output() has the reason for
 * it. */
static inline bool http2_receive(struct http2_session *s, struct view octets)
{
	return transports->http2->receive(s, octets);
}

/*
 * The next request whose message is for the server to answer, NULL if there is none; others are
 * answered without it. The message stays until http2_answer(). *timeout: how many ns its client
 * waits, 0 if it does not say.
 */
static inline struct http2_exchange *http2_next(
	struct http2_session *s, struct view *message, uint64_t *timeout)
{
	return transports->http2->next(s, message, timeout);
}

/* The message was handled, and the exchange is gone. The client may have given up meanwhile. */
static inline void http2_answer(
	struct http2_session *s, struct http2_exchange *e, const struct incoming *in)
{
	transports->http2->answer(s, e, in);
}

/* The next octets to send, which stay until the next call; false if there are none now. `ends` when
 * they are the end of a response. */
static inline bool http2_output(struct http2_session *s, struct view *octets, bool *ends)
{
	return transports->http2->output(s, octets, ends);
}

/* No more requests are taken (GOAWAY); those that came are answered. */
static inline void http2_stop(struct http2_session *s)
{
	transports->http2->stop(s);
}

/* Whether nothing more will come or go. */
static inline bool http2_over(const struct http2_session *s)
{
	return transports->http2->over(s);
}

/* Octets of answers that the peer's flow control holds back, or that are not fetched yet. */
static inline size_t http2_unsent(const struct http2_session *s)
{
	return transports->http2->unsent(s);
}

/* When the oldest request began that is not whole yet, or the oldest answer was given that is not
 * sent yet; 0 without one. */
static inline uint64_t http2_unfinished_since(const struct http2_session *s)
{
	return transports->http2->unfinished_since(s);
}

#endif
