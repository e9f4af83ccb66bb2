/* HTTP/3 (RFC 9114) from a client's side: a request and its response on a stream. */
#include "net/quic/client_connection.h"
#include "net/quic/http3_streams.h"


enum {
	STREAM_WINDOW = HTTP_CLIENT_BODY_MAX + HTTP_CLIENT_HEAD_MAX,
	SERVER_STREAMS = 8, /* that HTTP/3 needs, and some that mean nothing (RFC 9114 6.2.3) */
};

static void fail(struct quic_client *c, int error)
{
	quic_client_fail(c, nghttp3_err_infer_quic_app_error_code(error));
}

/* --- responses --- */

static int on_field(nghttp3_conn *conn, int64_t id, int32_t token, nghttp3_rcbuf *name,
	nghttp3_rcbuf *value, uint8_t flags, void *data, void *stream)
{
	struct quic_call *call = stream;
	nghttp3_vec v = nghttp3_rcbuf_get_buf(value);
	uint64_t number;
	(void)conn;
	(void)id;
	(void)name;
	(void)flags;
	(void)data;
	if (call && token == NGHTTP3_QPACK_TOKEN__STATUS &&
		view_unsigned((struct view){ (const char *)v.base, v.len }, 999, &number))
		call->answer.status = (unsigned)number;
	return 0;
}

static int on_body(nghttp3_conn *conn, int64_t id, const uint8_t *octets, size_t length, void *data,
	void *stream)
{
	struct quic_client *c = data;
	struct quic_call *call = stream;
	(void)conn;
	quic_client_consumed(c, id, length);
	if (!call || !call->of || call->finished || quic_call_keep(call, octets, length))
		return 0;
	quic_call_finish(c, call, &(struct quic_answer){ .code = NGHTTP3_H3_EXCESSIVE_LOAD });
	ngtcp2_conn_shutdown_stream(c->conn, id, NGHTTP3_H3_EXCESSIVE_LOAD);
	return 0;
}

static int on_end(nghttp3_conn *conn, int64_t id, void *data, void *stream)
{
	struct quic_call *call = stream;
	(void)conn;
	(void)id;
	if (call && call->of)
		quic_call_finish(data, call,
			&(struct quic_answer){ .whole = true, .status = call->answer.status });
	return 0;
}

static void receive(struct quic_client *c, struct quic_call *call, int64_t id, const uint8_t *octets,
	size_t length, bool ended)
{
	nghttp3_ssize used = nghttp3_conn_read_stream(c->state, id, octets, length, ended);
	(void)call;
	if (used < 0)
		fail(c, (int)used);
	else
		quic_client_consumed(c, id, (size_t)used);
}

/* --- requests --- */

static nghttp3_ssize give_body(nghttp3_conn *conn, int64_t id, nghttp3_vec *vec, size_t count,
	uint32_t *flags, void *data, void *stream)
{
	const struct quic_call *call = stream;
	(void)conn;
	(void)id;
	(void)count;
	(void)data;
	*flags = NGHTTP3_DATA_FLAG_EOF;
	vec[0] = (nghttp3_vec){ call->sent, call->sent_length };
	return 1;
}

static bool begin(struct quic_client *c, struct quic_call *call)
{
	static const nghttp3_data_reader reader = { give_body };
	const struct http_client_request *r = &call->request;
	nghttp3_nv fields[HTTP_CLIENT_FIELDS_MAX];
	for (unsigned i = 0; i < r->field_count; i++)
		fields[i] = (nghttp3_nv){ (uint8_t *)(uintptr_t)r->fields[i].name,
			(uint8_t *)(uintptr_t)r->fields[i].value.at, strlen(r->fields[i].name),
			r->fields[i].value.length, NGHTTP3_NV_FLAG_NONE };
	return nghttp3_conn_submit_request(c->state, call->id, fields, r->field_count,
		       call->sent ? &reader : NULL, call) == 0;
}

static bool next(struct quic_client *c, struct quic_output *out)
{
	return http3_next(c->state, out);
}

static void sent(struct quic_client *c, const struct quic_output *out, size_t octets)
{
	nghttp3_conn_add_write_offset(c->state, out->id, octets);
}

static void blocked(struct quic_client *c, const struct quic_output *out, bool for_good)
{
	if (for_good)
		nghttp3_conn_shutdown_stream_write(c->state, out->id);
	else
		nghttp3_conn_block_stream(c->state, out->id);
}

static void unblocked(struct quic_client *c, struct quic_call *call, int64_t id)
{
	(void)call;
	if (c->state)
		nghttp3_conn_unblock_stream(c->state, id);
}

static void acknowledged(struct quic_client *c, int64_t id, uint64_t octets)
{
	nghttp3_conn_add_ack_offset(c->state, id, octets);
}

static void closed(struct quic_client *c, int64_t id, uint64_t code)
{
	int error = http3_closed(c->state, id, code);
	if (error)
		fail(c, error);
}

/* --- the connection --- */

static int on_consumed(nghttp3_conn *conn, int64_t id, size_t octets, void *data, void *stream)
{
	(void)conn;
	(void)stream;
	quic_client_consumed(data, id, octets);
	return 0;
}

static int on_stop_sending(nghttp3_conn *conn, int64_t id, uint64_t code, void *data, void *stream)
{
	struct quic_client *c = data;
	(void)conn;
	(void)stream;
	ngtcp2_conn_shutdown_stream_read(c->conn, id, code);
	return 0;
}

static int on_reset(nghttp3_conn *conn, int64_t id, uint64_t code, void *data, void *stream)
{
	struct quic_client *c = data;
	(void)conn;
	(void)stream;
	ngtcp2_conn_shutdown_stream_write(c->conn, id, code);
	return 0;
}

/* GOAWAY: requests from `id` on are not answered (RFC 9114 5.2). They may be asked elsewhere. */
static int on_shutdown(nghttp3_conn *conn, int64_t id, void *data)
{
	struct quic_client *c = data;
	(void)conn;
	c->leaves = true;
	for (struct quic_call *call = c->calls, *following; call; call = following) {
		following = call->next;
		if (call->of && (call->id < 0 || call->id >= id))
			quic_call_finish(c, call, &(struct quic_answer){ .untouched = true });
	}
	return 0;
}

static const nghttp3_callbacks callbacks = {
	.recv_header = on_field,
	.recv_data = on_body,
	.deferred_consume = on_consumed,
	.end_stream = on_end,
	.stop_sending = on_stop_sending,
	.reset_stream = on_reset,
	.shutdown = on_shutdown,
};

static bool open_connection(struct quic_client *c)
{
	nghttp3_settings settings;
	nghttp3_conn *http3;
	nghttp3_settings_default(&settings);
	settings.max_field_section_size = HTTP_CLIENT_HEAD_MAX;
	if (nghttp3_conn_client_new(&http3, &callbacks, &settings, NULL, c) != 0)
		return false;
	c->state = http3;
	return http3_open_streams(http3, c->conn);
}

static void release(struct quic_client *c)
{
	nghttp3_conn_del(c->state);
}

const struct quic_client_application quic_client_http3 = {
	.alpn = { "h3", NULL },
	.stream_window = STREAM_WINDOW,
	.unidirectional_streams = SERVER_STREAMS,
	.no_error = NGHTTP3_H3_NO_ERROR,
	.cancelled = NGHTTP3_H3_REQUEST_CANCELLED,
	.protocol_error = NGHTTP3_H3_INTERNAL_ERROR,
	.rejected = NGHTTP3_H3_REQUEST_REJECTED,
	.open = open_connection,
	.release = release,
	.begin = begin,
	.receive = receive,
	.next = next,
	.sent = sent,
	.blocked = blocked,
	.unblocked = unblocked,
	.acknowledged = acknowledged,
	.closed = closed,
};
