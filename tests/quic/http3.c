/* The client's HTTP/3. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 32 };

static int on_header(nghttp3_conn *conn, int64_t id, int32_t token, nghttp3_rcbuf *name,
	nghttp3_rcbuf *value, uint8_t flags, void *data, void *stream)
{
	nghttp3_vec n = nghttp3_rcbuf_get_buf(name), v = nghttp3_rcbuf_get_buf(value);
	(void)conn;
	(void)token;
	(void)flags;
	(void)stream;
	say(data, "field %lld\t%.*s\t%.*s", (long long)id, (int)n.len, (const char *)n.base,
		(int)v.len, (const char *)v.base);
	return 0;
}

static int on_body(nghttp3_conn *conn, int64_t id, const uint8_t *octets, size_t length, void *data,
	void *stream)
{
	(void)conn;
	(void)stream;
	say_octets(data, "data", id, octets, length);
	return 0;
}

static int on_end(nghttp3_conn *conn, int64_t id, void *data, void *stream)
{
	(void)conn;
	(void)stream;
	say(data, "end %lld", (long long)id);
	return 0;
}

static int on_shutdown(nghttp3_conn *conn, int64_t id, void *data)
{
	(void)conn;
	say(data, "goaway %lld", (long long)id);
	return 0;
}

static const nghttp3_callbacks callbacks = {
	.recv_header = on_header,
	.recv_data = on_body,
	.end_stream = on_end,
	.shutdown = on_shutdown,
};

void http3_open(struct client *c)
{
	nghttp3_settings settings;
	int64_t control, encoder, decoder;
	nghttp3_settings_default(&settings);
	nghttp3_conn_client_new(&c->http3, &callbacks, &settings, NULL, c);
	if (ngtcp2_conn_open_uni_stream(c->conn, &control, NULL) != 0 ||
		ngtcp2_conn_open_uni_stream(c->conn, &encoder, NULL) != 0 ||
		ngtcp2_conn_open_uni_stream(c->conn, &decoder, NULL) != 0) {
		say(c, "failed to open HTTP/3's streams");
		return;
	}
	nghttp3_conn_bind_control_stream(c->http3, control);
	nghttp3_conn_bind_qpack_streams(c->http3, encoder, decoder);
}

static nghttp3_ssize read_body(nghttp3_conn *conn, int64_t id, nghttp3_vec *vec, size_t count,
	uint32_t *flags, void *data, void *stream)
{
	struct body *b = stream;
	(void)conn;
	(void)id;
	(void)count;
	(void)data;
	*flags = NGHTTP3_DATA_FLAG_EOF;
	if (b->given || !b->length)
		return 0;
	b->given = true;
	vec[0] = (nghttp3_vec){ b->octets, b->length };
	return 1;
}

/* Fields are "name=value"; names of pseudo-fields begin with a colon. */
void http3_request(
	struct client *c, char **fields, size_t count, const uint8_t *body, size_t length)
{
	nghttp3_nv nv[FIELDS_MAX];
	nghttp3_data_reader reader = { read_body };
	int64_t id;
	size_t n = 0;
	for (; n < count && n < FIELDS_MAX; n++) {
		char *value = strchr(fields[n] + 1, '=');
		if (!value)
			break;
		*value++ = 0;
		nv[n] = (nghttp3_nv){ (uint8_t *)fields[n], (uint8_t *)value, strlen(fields[n]),
			strlen(value), NGHTTP3_NV_FLAG_NONE };
	}
	if (ngtcp2_conn_open_bidi_stream(c->conn, &id, NULL) != 0) {
		say(c, "stream -1");
		return;
	}
	uint8_t *kept = malloc(length + 1);
	memcpy(kept, body, length);
	struct body *b = client_keep(c, kept, length);
	nghttp3_conn_submit_request(c->http3, id, nv, n, length ? &reader : NULL, b);
	say(c, "stream %lld", (long long)id);
}

void http3_receive(struct client *c, int64_t id, const uint8_t *octets, size_t length, bool ended)
{
	nghttp3_ssize used = nghttp3_conn_read_stream(c->http3, id, octets, length, ended);
	if (used < 0)
		say(c, "failed http3: %s", nghttp3_strerror((int)used));
}
