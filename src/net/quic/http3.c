/* HTTP/3 (RFC 9114) on a QUIC connection: requests for a service of http.h, and its responses. */
#include "net/http.h"
#include "net/http_counts.h"
#include "net/quic/connection.h"
#include "net/quic/http3_streams.h"

#include "base/memory.h"

#include <stdlib.h>

enum {
	FIELDS_SIZE_MAX = 16 << 10, /* of a request's head, as RFC 9114 4.2.2 counts it */
	FIELD_OVERHEAD = 32,
	STREAM_WINDOW = 96 << 10, /* the longest body and head, and more */
};

static const char *const alpn[] = { "h3", NULL };

/* A request, while its stream is there. */
struct request {
	struct http_request http;
	struct view message;
	size_t fields_size;
};

/* A connection's. */
struct http3 {
	nghttp3_conn *conn;
	nghttp3_mem memory;
	struct quic_stream *receiving; /* whose octets are being read */
};

static nghttp3_conn *http3_of(const struct quic_connection *c)
{
	return ((const struct http3 *)c->state)->conn;
}

static void fail(struct quic_connection *c, int error)
{
	quic_connection_fail(c, nghttp3_err_infer_quic_app_error_code(error));
}

/* Octets of a stream are used: more may come, on it and on the connection. */
static void consumed(struct quic_connection *c, int64_t id, size_t octets)
{
	quic_connection_consumed(c, octets);
	ngtcp2_conn_extend_max_stream_offset(c->conn, id, octets);
}

/* --- responses --- */

static nghttp3_ssize give_body(nghttp3_conn *conn, int64_t id, nghttp3_vec *vec, size_t count,
	uint32_t *flags, void *data, void *stream)
{
	const struct quic_stream *s = stream;
	(void)conn;
	(void)id;
	(void)count;
	(void)data;
	*flags = NGHTTP3_DATA_FLAG_EOF;
	vec[0] = (nghttp3_vec){ s->output, s->output_length };
	return 1;
}

static nghttp3_nv field_of(struct view name, struct view value)
{
	return (nghttp3_nv){ (uint8_t *)(uintptr_t)name.at, (uint8_t *)(uintptr_t)value.at,
		name.length, value.length, NGHTTP3_NV_FLAG_NONE };
}

/* Keeps the body: it is sent from the stream's output. */
static bool keep_body(struct quic_stream *s, const struct http_response *r)
{
	size_t length = r->headers_only ? 0 : r->prefix.length + r->body.length;
	if (!length)
		return false;
	uint8_t *to = quic_stream_output(s, length);
	if (r->prefix.length)
		memcpy(to, r->prefix.at, r->prefix.length);
	if (r->body.length)
		memcpy(to + r->prefix.length, r->body.at, r->body.length);
	return true;
}

static void respond(struct quic_stream *s, const struct http_response *r)
{
	struct quic_connection *c = s->connection;
	const struct quic_service *service = &s->listener->service;
	const nghttp3_data_reader reader = { give_body };
	nghttp3_nv fields[1 + HTTP_FIELDS_MAX];
	char status[HTTP_STATUS_DIGITS];
	size_t count = 0;
	fields[count++] = field_of(VIEW(":status"), http_status_text(r->status, status));
	for (unsigned i = 0; i < r->field_count; i++)
		fields[count++] = field_of(r->fields[i].name, r->fields[i].value);
	bool has_body = keep_body(s, r);
	s->state = STREAM_SENDING;
	service->counted(service->listener, r->status);
	/* It fails where the client wants no response any more. */
	(void)nghttp3_conn_submit_response(
		http3_of(c), s->id, fields, count, has_body ? &reader : NULL);
	quic_connection_wake(c);
}

static struct view message(const struct quic_stream *s)
{
	return ((const struct request *)s->request)->message;
}

static void answer(struct quic_stream *s, const struct incoming *in)
{
	struct http_response response;
	const struct request *r = s->request;
	http_request_answer(&r->http, in, &response);
	respond(s, &response);
}

/* --- requests --- */

static int on_begin(nghttp3_conn *conn, int64_t id, void *data, void *stream)
{
	struct quic_connection *c = data;
	struct quic_stream *s = ((struct http3 *)c->state)->receiving;
	(void)stream;
	if (!s || s->request)
		return 0;
	struct request *r = memory_array(1, sizeof *r);
	http_request_begin(&r->http, c->listener->service.http3);
	s->request = r;
	nghttp3_conn_set_stream_user_data(conn, id, s);
	return 0;
}

static struct view view_of_buffer(nghttp3_rcbuf *buffer)
{
	nghttp3_vec v = nghttp3_rcbuf_get_buf(buffer);
	return (struct view){ (const char *)v.base, v.len };
}

/* Nothing more of the stream is read, and nothing is answered. */
static void refuse(struct quic_stream *s, uint64_t code)
{
	quic_queue_remove(s);
	s->state = STREAM_OVER;
	ngtcp2_conn_shutdown_stream(s->connection->conn, s->id, code);
}

static int on_field(nghttp3_conn *conn, int64_t id, int32_t token, nghttp3_rcbuf *name,
	nghttp3_rcbuf *value, uint8_t flags, void *data, void *stream)
{
	struct quic_stream *s = stream;
	struct view n = view_of_buffer(name), v = view_of_buffer(value);
	(void)conn;
	(void)id;
	(void)token;
	(void)flags;
	(void)data;
	if (!s || s->state != STREAM_READING)
		return 0;
	struct request *r = s->request;
	r->fields_size += n.length + v.length + FIELD_OVERHEAD;
	if (r->fields_size <= FIELDS_SIZE_MAX) {
		http_request_field(&r->http, n, v);
		return 0;
	}
	http_count_limit(TRANSPORT_HTTPS3, HTTP_LIMIT_FIELDS);
	refuse(s, NGHTTP3_H3_EXCESSIVE_LOAD);
	return 0;
}

/* A body that is too large is answered at once. */
static void body_too_large(struct quic_stream *s)
{
	struct request *r = s->request;
	struct http_response response;
	http_count_limit(TRANSPORT_HTTPS3, HTTP_LIMIT_BODY);
	if (http_request_read(&r->http, &r->message, &response))
		return;
	quic_queue_remove(s);
	respond(s, &response);
	ngtcp2_conn_shutdown_stream_read(s->connection->conn, s->id, NGHTTP3_H3_NO_ERROR);
}

static int on_body(nghttp3_conn *conn, int64_t id, const uint8_t *octets, size_t length, void *data,
	void *stream)
{
	struct quic_stream *s = stream;
	(void)conn;
	consumed(data, id, length);
	if (s && s->state == STREAM_READING &&
		!http_request_body(&((struct request *)s->request)->http,
			(struct view){ (const char *)octets, length }))
		body_too_large(s);
	return 0;
}

static int on_end(nghttp3_conn *conn, int64_t id, void *data, void *stream)
{
	struct quic_stream *s = stream;
	struct http_response response;
	(void)conn;
	(void)id;
	(void)data;
	if (!s || s->state != STREAM_READING)
		return 0;
	struct request *r = s->request;
	if (http_request_read(&r->http, &r->message, &response)) {
		quic_stream_ready(s);
	} else {
		quic_queue_remove(s);
		respond(s, &response);
	}
	return 0;
}

static void receive(struct quic_connection *c, struct quic_stream *s, int64_t id,
	const uint8_t *octets, size_t length, bool ended)
{
	((struct http3 *)c->state)->receiving = s;
	nghttp3_ssize used = nghttp3_conn_read_stream(http3_of(c), id, octets, length, ended);
	if (used < 0)
		fail(c, (int)used);
	else
		consumed(c, id, (size_t)used);
}

static void late(struct quic_stream *s)
{
	refuse(s, NGHTTP3_H3_REQUEST_CANCELLED);
}

static void end_stream(struct quic_stream *s)
{
	http_request_end(&((struct request *)s->request)->http);
	free(s->request);
	s->request = NULL;
}

/* --- the connection --- */

static int on_consumed(nghttp3_conn *conn, int64_t id, size_t octets, void *data, void *stream)
{
	(void)conn;
	(void)stream;
	consumed(data, id, octets);
	return 0;
}

static int on_stop_sending(nghttp3_conn *conn, int64_t id, uint64_t code, void *data, void *stream)
{
	struct quic_connection *c = data;
	(void)conn;
	(void)stream;
	ngtcp2_conn_shutdown_stream_read(c->conn, id, code);
	return 0;
}

static int on_reset(nghttp3_conn *conn, int64_t id, uint64_t code, void *data, void *stream)
{
	struct quic_connection *c = data;
	(void)conn;
	(void)stream;
	ngtcp2_conn_shutdown_stream_write(c->conn, id, code);
	return 0;
}

static const nghttp3_callbacks callbacks = {
	.recv_data = on_body,
	.deferred_consume = on_consumed,
	.begin_headers = on_begin,
	.recv_header = on_field,
	.stop_sending = on_stop_sending,
	.end_stream = on_end,
	.reset_stream = on_reset,
};

static bool open_connection(struct quic_connection *c)
{
	const ngtcp2_mem *m = &c->memory_functions;
	nghttp3_settings settings;
	struct http3 *state = memory_array(1, sizeof *state);
	c->state = state;
	state->memory = (nghttp3_mem){ m->user_data, m->malloc, m->free, m->calloc, m->realloc };
	nghttp3_settings_default(&settings);
	settings.max_field_section_size = FIELDS_SIZE_MAX;
	if (nghttp3_conn_server_new(&state->conn, &callbacks, &settings, &state->memory, c) != 0)
		return false;
	nghttp3_conn_set_max_client_streams_bidi(state->conn, c->listener->limits.streams);
	return http3_open_streams(state->conn, c->conn);
}

static void release(struct quic_connection *c)
{
	nghttp3_conn_del(http3_of(c));
	free(c->state);
}

/* --- packets out --- */

static bool next(struct quic_connection *c, struct quic_output *out)
{
	return http3_next(http3_of(c), out);
}

static void sent(struct quic_connection *c, const struct quic_output *out, size_t octets)
{
	nghttp3_conn_add_write_offset(http3_of(c), out->id, octets);
}

static void blocked(struct quic_connection *c, struct quic_stream *s, int64_t id)
{
	(void)s;
	nghttp3_conn_block_stream(http3_of(c), id);
}

static void unblocked(struct quic_connection *c, struct quic_stream *s, int64_t id)
{
	(void)s;
	nghttp3_conn_unblock_stream(http3_of(c), id);
}

static void refused(struct quic_connection *c, struct quic_stream *s, int64_t id)
{
	(void)s;
	nghttp3_conn_shutdown_stream_write(http3_of(c), id);
}

static void acknowledged(struct quic_connection *c, int64_t id, uint64_t octets)
{
	nghttp3_conn_add_ack_offset(http3_of(c), id, octets);
}

static void closed(struct quic_connection *c, struct quic_stream *s, int64_t id, uint64_t code)
{
	(void)s;
	int error = http3_closed(http3_of(c), id, code);
	if (error)
		fail(c, error);
}

/* GOAWAY (RFC 9114 5.2): requests that come later are refused, to be asked elsewhere. */
static void leave(struct quic_connection *c)
{
	if (c->state && nghttp3_conn_shutdown(http3_of(c)) != 0)
		quic_connection_fail(c, NGHTTP3_H3_INTERNAL_ERROR);
}

const struct quic_application quic_http3 = {
	.transport = TRANSPORT_HTTPS3,
	.alpn = alpn,
	.stream_window = STREAM_WINDOW,
	.no_error = NGHTTP3_H3_NO_ERROR,
	.internal_error = NGHTTP3_H3_INTERNAL_ERROR,
	.excessive_load = NGHTTP3_H3_EXCESSIVE_LOAD,
	.cancelled = NGHTTP3_H3_REQUEST_CANCELLED,
	.rejected = NGHTTP3_H3_REQUEST_REJECTED,
	.takes_unidirectional = true,
	.open = open_connection,
	.release = release,
	.end_stream = end_stream,
	.receive = receive,
	.late = late,
	.message = message,
	.answer = answer,
	.next = next,
	.sent = sent,
	.blocked = blocked,
	.unblocked = unblocked,
	.refused = refused,
	.acknowledged = acknowledged,
	.closed = closed,
	.leave = leave,
};
