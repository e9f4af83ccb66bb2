/* Asking upstreams by HTTP: DNS over HTTPS (RFC 8484), and CoreDNS's DnsService over gRPC; and the connections of HTTP/2. */
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
static void doh_answered(struct attempt *a, const struct http_client_response *r)
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

static void grpc_answered(struct attempt *a, const struct http_client_response *r)
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

void http_take_response(struct attempt *a, const struct http_client_response *r)
{
	if (r->untouched)
		table_end(a, ATTEMPT_CLOSED, STEP_EOF, 0);
	else if (!r->status)
		table_end(a, ATTEMPT_FAILED, STEP_EOF, 0);
	else if (a->upstream->http->grpc)
		grpc_answered(a, r);
	else
		doh_answered(a, r);
}

/* --- queries --- */

static void add(struct http_client_request *r, const char *name, struct view value)
{
	r->fields[r->field_count].name = name;
	r->fields[r->field_count++].value = value;
}

static void head_begin(
	struct http_client_request *r, const struct upstream *u, const char *method, struct view path)
{
	add(r, ":method", view_of(method));
	add(r, ":scheme", u->tls ? VIEW("https") : VIEW("http"));
	add(r, ":authority", view_of(u->http->authority));
	add(r, ":path", path);
}

/* A query that is being put into a request. */
struct asking {
	const struct upstream *upstream;
	struct attempt *attempt;
	http_call *call;
	void *client;
	uint8_t *room; /* for the query and what frames it */
};

static void *send_request(const struct asking *k, const struct http_client_request *r)
{
	return k->call(k->client, r, k->attempt);
}

static void *ask_by_grpc(const struct asking *k)
{
	const struct attempt *a = k->attempt;
	struct http_client_request r = { 0 };
	size_t head = grpc_write_head(k->room, a->query_length);
	memcpy(k->room + head, a->query, a->query_length);
	memcpy(k->room + head, a->id, sizeof a->id);
	head_begin(&r, k->upstream, "POST", VIEW("/coredns.dns.DnsService/Query"));
	add(&r, "content-type", VIEW("application/grpc"));
	add(&r, "te", VIEW("trailers"));
	r.body = (struct view){ (const char *)k->room, head + a->query_length };
	return send_request(k, &r);
}

static void *ask_by_post(const struct asking *k)
{
	struct http_client_request r = { 0 };
	head_begin(&r, k->upstream, "POST", VIEW("/dns-query"));
	add(&r, "content-type", VIEW("application/dns-message"));
	add(&r, "accept", VIEW("application/dns-message"));
	r.body = (struct view){ (const char *)k->room, k->attempt->query_length };
	return send_request(k, &r);
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

static void *ask_by_get(const struct asking *k)
{
	struct http_client_request r = { 0 };
	struct text path = { 0 };
	text_add(&path, VIEW("/dns-query?dns="));
	size_t from = path.length;
	text_add_base64(&path, (struct view){ (const char *)k->room, k->attempt->query_length });
	to_url(&path, from);
	head_begin(&r, k->upstream, "GET", (struct view){ path.at, path.length });
	add(&r, "accept", VIEW("application/dns-message"));
	void *call = send_request(k, &r);
	text_free(&path);
	return call;
}

/* With id 0, so that the same question is the same request for caches (RFC 8484 4.1). */
static void *ask_by_https(const struct asking *k)
{
	const struct attempt *a = k->attempt;
	memcpy(k->room, a->query, a->query_length);
	memset(k->room, 0, sizeof a->id);
	return k->upstream->http->get ? ask_by_get(k) : ask_by_post(k);
}

bool http_ask(const struct upstream *u, struct attempt *a, http_call *call, void *client)
{
	struct asking k = { u, a, call, client, memory_alloc(GRPC_HEAD_MAX + a->query_length) };
	a->call = u->http->grpc ? ask_by_grpc(&k) : ask_by_https(&k);
	free(k.room);
	return a->call != NULL;
}

/* --- connections of HTTP/2 --- */

static size_t received(struct upstream_wire *w, const uint8_t *octets, size_t length)
{
	struct upstream_stream *s = stream_of_wire(w);
	if (!http2_client_receive(s->state, (struct view){ (const char *)octets, length }))
		s->over = true;
	s->distrusted |= http2_client_ends(s->state);
	return length;
}

static void answered(void *owner, void *of, const struct http_client_response *r)
{
	struct upstream_stream *s = owner;
	struct attempt *a = of;
	a->call = NULL;
	s->seasoned = true;
	http_take_response(a, r);
}

static bool connect_wire(struct upstream_stream *s)
{
	if (!tcp_connect(s, received))
		return false;
	s->state = http2_client_new(answered, s);
	return true;
}

static void *call(void *client, const struct http_client_request *r, void *of)
{
	return http2_client_call(client, r, of);
}

static bool query(struct upstream_stream *s, struct attempt *a)
{
	return http_ask(s->pool->upstream, a, call, s->state);
}

static bool send_wire(struct upstream_stream *s, struct wire_end *end)
{
	struct view octets;
	while (s->open && http2_client_output(s->state, &octets))
		memcpy(wire_append(&s->wire, octets.length), octets.at, octets.length);
	return wire_send(&s->wire, end);
}

static bool progress(struct upstream_stream *s, uint32_t events, struct wire_end *end)
{
	return wire_progress(&s->wire, events, end) && send_wire(s, end);
}

static void forget(struct upstream_stream *s, struct attempt *a)
{
	if (!a->call)
		return;
	http2_client_cancel(s->state, a->call);
	a->call = NULL;
	stream_wake(s);
}

static void close_wire(struct upstream_stream *s)
{
	http2_client_free(s->state);
	wire_close(&s->wire);
}

const struct stream_transport http_over_tcp = {
	.connect = connect_wire,
	.query = query,
	.progress = progress,
	.send = send_wire,
	.forget = forget,
	.close = close_wire,
};
