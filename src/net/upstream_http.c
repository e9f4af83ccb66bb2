/* Asking upstreams over HTTP/2: DNS over HTTPS (RFC 8484), and CoreDNS's DnsService over gRPC. */
#include "base/encoding.h"
#include "base/memory.h"
#include "dns/message.h"
#include "net/grpc.h"
#include "net/http2_client.h"
#include "net/upstream_stream.h"

#include <stdlib.h>

enum { GRPC_HEAD_MAX = 16 };

/* --- answers --- */

/* RFC 8484 4.2.1: only a success has a DNS message. */
static void doh_answered(struct attempt *a, const struct http2_response *r)
{
	if (r->status < 200 || r->status > 299)
		table_end(a, ATTEMPT_FAILED, STEP_HTTP, (int)r->status);
	else
		table_answer(a, (const uint8_t *)r->body.at, r->body.length);
}

/* What is not found is a name that does not exist: a bare NXDOMAIN. */
static void grpc_not_found(struct attempt *a)
{
	const uint8_t bare[HEADER_SIZE] = { a->id[0], a->id[1], 0x80, RCODE_NXDOMAIN };
	table_answer(a, bare, sizeof bare);
}

static void grpc_answered(struct attempt *a, const struct http2_response *r)
{
	struct view message, why;
	int status = r->grpc_status;
	if (r->status != 200)
		table_end(a, ATTEMPT_FAILED, STEP_HTTP, (int)r->status);
	else if (status == GRPC_NOT_FOUND)
		grpc_not_found(a);
	else if (status != GRPC_OK)
		table_end(a, ATTEMPT_FAILED, STEP_GRPC, status < 0 ? GRPC_UNKNOWN : status);
	else if ((status = grpc_read(r->body, &message, &why)) != GRPC_OK)
		table_end(a, ATTEMPT_FAILED, STEP_GRPC, status);
	else
		table_answer(a, (const uint8_t *)message.at, message.length);
}

static void answered(void *owner, void *of, const struct http2_response *r)
{
	struct upstream_stream *s = owner;
	struct attempt *a = of;
	a->call = NULL;
	s->seasoned = true;
	if (r->untouched)
		table_end(a, ATTEMPT_CLOSED, STEP_EOF, 0);
	else if (!r->status)
		table_end(a, ATTEMPT_FAILED, STEP_EOF, 0);
	else if (s->wire.upstream->http->grpc)
		grpc_answered(a, r);
	else
		doh_answered(a, r);
}

/* --- queries --- */

static void add(struct http2_request *r, const char *name, struct view value)
{
	r->fields[r->field_count].name = name;
	r->fields[r->field_count++].value = value;
}

static void head_begin(
	struct http2_request *r, const struct upstream *u, const char *method, struct view path)
{
	add(r, ":method", view_of(method));
	add(r, ":scheme", u->tls ? VIEW("https") : VIEW("http"));
	add(r, ":authority", view_of(u->http->authority));
	add(r, ":path", path);
}

static struct http2_call *grpc_call(struct upstream_stream *s, struct attempt *a, uint8_t *room)
{
	struct http2_request r = { 0 };
	size_t head = grpc_write_head(room, a->query_length);
	memcpy(room + head, a->query, a->query_length);
	memcpy(room + head, a->id, sizeof a->id);
	head_begin(&r, s->wire.upstream, "POST", VIEW("/coredns.dns.DnsService/Query"));
	add(&r, "content-type", VIEW("application/grpc"));
	add(&r, "te", VIEW("trailers"));
	r.body = (struct view){ (const char *)room, head + a->query_length };
	return http2_client_call(s->state, &r, a);
}

static struct http2_call *post(struct upstream_stream *s, struct attempt *a, const uint8_t *query)
{
	struct http2_request r = { 0 };
	head_begin(&r, s->wire.upstream, "POST", VIEW("/dns-query"));
	add(&r, "content-type", VIEW("application/dns-message"));
	add(&r, "accept", VIEW("application/dns-message"));
	r.body = (struct view){ (const char *)query, a->query_length };
	return http2_client_call(s->state, &r, a);
}

/* base64url without padding (RFC 4648 5). */
static void to_url(struct text *t, size_t from)
{
	for (size_t i = from; i < t->length; i++) {
		if (t->at[i] == '+')
			t->at[i] = '-';
		else if (t->at[i] == '/')
			t->at[i] = '_';
	}
	while (t->length > from && t->at[t->length - 1] == '=')
		t->length--;
}

static struct http2_call *get(struct upstream_stream *s, struct attempt *a, const uint8_t *query)
{
	struct http2_request r = { 0 };
	struct text path = { 0 };
	text_add(&path, VIEW("/dns-query?dns="));
	size_t from = path.length;
	text_add_base64(&path, (struct view){ (const char *)query, a->query_length });
	to_url(&path, from);
	head_begin(&r, s->wire.upstream, "GET", (struct view){ path.at, path.length });
	add(&r, "accept", VIEW("application/dns-message"));
	struct http2_call *call = http2_client_call(s->state, &r, a);
	text_free(&path);
	return call;
}

/* With id 0, so that the same question is the same request for caches (RFC 8484 4.1). */
static struct http2_call *doh_call(struct upstream_stream *s, struct attempt *a, uint8_t *room)
{
	memcpy(room, a->query, a->query_length);
	memset(room, 0, sizeof a->id);
	return s->wire.upstream->http->get ? get(s, a, room) : post(s, a, room);
}

static bool query(struct upstream_stream *s, struct attempt *a)
{
	uint8_t *room = memory_alloc(GRPC_HEAD_MAX + a->query_length);
	a->call = s->wire.upstream->http->grpc ? grpc_call(s, a, room) : doh_call(s, a, room);
	free(room);
	return a->call != NULL;
}

/* --- the connection --- */

static void begin(struct upstream_stream *s)
{
	s->state = http2_client_new(answered, s);
}

static size_t received(struct upstream_wire *w, const uint8_t *octets, size_t length)
{
	struct upstream_stream *s = (struct upstream_stream *)w;
	if (!http2_client_receive(s->state, (struct view){ (const char *)octets, length }))
		s->over = true;
	s->distrusted |= http2_client_ends(s->state);
	return length;
}

static void flush(struct upstream_stream *s)
{
	struct view octets;
	while (http2_client_output(s->state, &octets))
		memcpy(wire_append(&s->wire, octets.length), octets.at, octets.length);
}

static void forget(struct upstream_stream *s, struct attempt *a)
{
	if (!a->call)
		return;
	http2_client_cancel(s->state, a->call);
	a->call = NULL;
	loop_flush_later(s->pool->loop, &s->flush);
}

static void release(struct upstream_stream *s)
{
	http2_client_free(s->state);
}

const struct stream_protocol http_framed = {
	.begin = begin,
	.query = query,
	.received = received,
	.flush = flush,
	.forget = forget,
	.release = release,
};
