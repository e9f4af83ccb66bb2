/* HTTP on TCP connections: hands requests' messages to the server and sends the responses. */
#include "net/http_connection.h"

#include "base/memory.h"
#include "net/http1.h"
#include "net/tcp_connection.h"

#include <stdlib.h>

enum {
	HELD_BACK_MAX = 128 << 10
}; /* octets of answers that a peer's flow control holds back, at which no more are made */

const char *const https_alpn[] = { "h2", "http/1.1", NULL };
const char *const http2_alpn[] = { "h2", NULL };

static const struct http2_settings *settings_of(const struct tcp_connection *c)
{
	return c->listener->service.options;
}

static struct incoming message_of(const struct tcp_connection *c, struct view message)
{
	return tcp_connection_incoming(c, (const uint8_t *)message.at, message.length);
}

/* --- HTTP/2 --- */

static bool http2_open(struct tcp_connection *c)
{
	c->state = http2_server(settings_of(c));
	return true;
}

static void http2_flush(struct tcp_connection *c)
{
	struct view octets;
	bool ends;
	if (c->dead)
		return;
	while (http2_output(c->state, &octets, &ends)) {
		memcpy(tcp_connection_append(c, octets.length), octets.at, octets.length);
		/* Clients are known that find one response only in a record. */
		if (ends)
			tcp_connection_end_record(c);
	}
	c->closing |= http2_over(c->state);
}

/* Lets requests be answered, as far as they may be now. False if one of them had to wait. */
static bool http2_handle_ready(struct tcp_connection *c)
{
	struct http2_session *s = c->state;
	struct http2_exchange *e;
	struct view message;
	uint64_t timeout;
	while (http2_unsent(s) < HELD_BACK_MAX) {
		if (!tcp_connection_may_handle(c)) {
			c->paused = true;
			return true;
		}
		if (!(e = http2_next(s, &message, &timeout)))
			return true;
		struct incoming m = message_of(c, message);
		m.deadline = timeout ? clock_batch() + timeout : 0;
		bool stayed = tcp_connection_handle(c, &m);
		http2_answer(s, e, &m);
		if (!stayed) {
			tcp_connection_waited(c);
			return false;
		}
	}
	return true;
}

static bool http2_work(struct tcp_connection *c, struct tcp_input *in)
{
	struct view octets = { (const char *)in->wire + in->start, in->end - in->start };
	c->paused = false;
	in->start = in->end;
	if (octets.length && !http2_receive(c->state, octets))
		c->closing = true;
	c->greeted = true;
	http2_flush(c); /* the peer may have taken up what was held back */
	return http2_handle_ready(c);
}

static uint64_t http2_since(const struct tcp_connection *c)
{
	return http2_unfinished_since(c->state);
}

static void http2_goaway(struct tcp_connection *c)
{
	http2_stop(c->state);
}

static void http2_release(struct tcp_connection *c)
{
	http2_free(c->state);
}

const struct connection_protocol http2_protocol = {
	.open = http2_open,
	.work = http2_work,
	.flush = http2_flush,
	.unfinished_since = http2_since,
	.stop = http2_goaway,
	.release = http2_release,
};

/* --- HTTP/1.1 --- */

static void http1_open(struct tcp_connection *c)
{
	const struct http2_settings *settings = settings_of(c);
	struct http1_session *s = memory_alloc(sizeof *s);
	http1_begin(s, settings->service, settings->counts);
	c->state = s;
	c->one_by_one = true;
}

static void respond(struct tcp_connection *c, const struct http_response *r)
{
	struct http1_session *s = c->state;
	char head[HTTP1_HEAD_ROOM];
	size_t length = http1_respond(s, r, head), body = r->headers_only ? 0 : r->body.length;
	uint8_t *to = tcp_connection_append(c, length + body);
	memcpy(to, head, length);
	if (body)
		memcpy(to + length, r->body.at, body);
	tcp_connection_end_record(c);
	c->closing |= s->last;
}

/* Answers the request that is there. False if it had to wait. */
static bool http1_handle(struct tcp_connection *c)
{
	struct http1_session *s = c->state;
	struct http_response r;
	struct view message;
	if (!http1_read(s, &message, &r)) {
		respond(c, &r);
		return true;
	}
	struct incoming m = message_of(c, message);
	bool stayed = tcp_connection_handle(c, &m);
	if (!c->dead) {
		http_request_answer(&s->request, &m, &r);
		s->last |= c->closing;
		respond(c, &r);
	}
	if (!stayed)
		tcp_connection_waited(c);
	return stayed;
}

static void continue_if_expected(struct tcp_connection *c)
{
	struct http1_session *s = c->state;
	bool waits = s->state == HTTP1_BODY || s->state == HTTP1_CHUNK_SIZE;
	if (!s->expects_continue || !waits)
		return;
	struct view line = VIEW("HTTP/1.1 100 Continue\r\n\r\n");
	memcpy(tcp_connection_append(c, line.length), line.at, line.length);
	s->expects_continue = false;
}

static bool http1_work(struct tcp_connection *c, struct tcp_input *in)
{
	struct http1_session *s = c->state;
	c->paused = false;
	while (!c->closing) {
		if (!tcp_connection_may_handle(c)) {
			c->paused = true;
			return true;
		}
		struct view octets = { (const char *)in->wire + in->start, in->end - in->start };
		bool whole = http1_receive(s, &octets);
		in->start = in->end - octets.length;
		if (!whole) {
			continue_if_expected(c);
			return true;
		}
		if (!http1_handle(c))
			return false;
	}
	return true;
}

/* --- either --- */

/* Which of the two a connection speaks is in its flag one_by_one. */
static bool https_open(struct tcp_connection *c)
{
	if (c->tls && view_is(tls_session_alpn(c->tls), "h2"))
		return http2_open(c);
	http1_open(c);
	return true;
}

static bool https_work(struct tcp_connection *c, struct tcp_input *in)
{
	return c->one_by_one ? http1_work(c, in) : http2_work(c, in);
}

static void https_flush(struct tcp_connection *c)
{
	if (!c->one_by_one)
		http2_flush(c);
}

static uint64_t https_since(const struct tcp_connection *c)
{
	const struct http1_session *s = c->state;
	if (!c->one_by_one)
		return http2_since(c);
	return s->state != HTTP1_WHOLE ? s->since : 0;
}

static void https_stop(struct tcp_connection *c)
{
	if (!c->one_by_one)
		http2_goaway(c);
}

static void https_release(struct tcp_connection *c)
{
	if (!c->one_by_one) {
		http2_release(c);
		return;
	}
	http1_end(c->state);
	free(c->state);
}

const struct connection_protocol https_protocol = {
	.open = https_open,
	.work = https_work,
	.flush = https_flush,
	.unfinished_since = https_since,
	.stop = https_stop,
	.release = https_release,
};
