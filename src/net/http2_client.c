/* HTTP/2 clients over nghttp2. */
#include "net/http2_client.h"

#include "base/memory.h"
#include "base/text.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

enum { WINDOW = 1 << 20 }; /* octets of responses that all streams together may have under way */

struct http2_call {
	struct http2_call *next, **link;
	void *of;
	int32_t stream;
	bool cancelled, broken;
	uint8_t *sent; /* the request's body */
	size_t sent_length, sent_at;
	unsigned status;
	struct text body; /* the response's */
	int grpc_status;
	size_t reason_length;
	char reason[HTTP2_REASON_MAX];
};

struct http2_client {
	nghttp2_session *library;
	struct http2_call *calls;
	http2_answered *answered;
	void *owner;
	bool ends;
};

static void call_free(struct http2_call *call)
{
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	free(call->sent);
	text_free(&call->body);
	free(call);
}

static struct http2_call *call_of(nghttp2_session *library, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(library, stream);
}

/* --- responses --- */

static void reset(nghttp2_session *library, struct http2_call *call)
{
	nghttp2_submit_rst_stream(library, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_CANCEL);
}

static void take_field(struct http2_call *call, struct view name, struct view value)
{
	uint64_t number;
	if (view_is(name, ":status") && view_unsigned(value, 999, &number))
		call->status = (unsigned)number;
	if (view_is(name, "grpc-status") && view_unsigned(value, INT16_MAX, &number))
		call->grpc_status = (int)number;
	if (view_is(name, "grpc-message")) {
		call->reason_length = value.length < sizeof call->reason ? value.length : sizeof call->reason;
		memcpy(call->reason, value.at, call->reason_length);
	}
}

static int on_header(nghttp2_session *library, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags, void *user)
{
	struct http2_call *call = call_of(library, frame->hd.stream_id);
	(void)flags;
	(void)user;
	if (call)
		take_field(call, (struct view){ (const char *)name, name_length },
			(struct view){ (const char *)value, value_length });
	return 0;
}

static int on_data(nghttp2_session *library, uint8_t flags, int32_t stream, const uint8_t *octets,
	size_t length, void *user)
{
	struct http2_call *call = call_of(library, stream);
	(void)flags;
	(void)user;
	if (!call || call->broken)
		return 0;
	if (HTTP_CLIENT_BODY_MAX - call->body.length < length) {
		call->broken = true;
		reset(library, call);
		return 0;
	}
	text_add(&call->body, (struct view){ (const char *)octets, length });
	return 0;
}

static int on_frame(nghttp2_session *library, const nghttp2_frame *frame, void *user)
{
	struct http2_client *c = user;
	(void)library;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		c->ends = true;
	return 0;
}

/* What the server did not process it says by REFUSED_STREAM, or by a GOAWAY for earlier streams, of which the library makes the
 * same. */
static int on_close(nghttp2_session *library, int32_t stream, uint32_t error, void *user)
{
	struct http2_client *c = user;
	struct http2_call *call = call_of(library, stream);
	if (!call)
		return 0;
	bool whole = error == NGHTTP2_NO_ERROR && !call->broken;
	struct http_client_response r = {
		.status = whole ? call->status : 0,
		.untouched = error == NGHTTP2_REFUSED_STREAM,
		.body = text_view(&call->body),
		.grpc_status = call->grpc_status,
		.grpc_message = { call->reason, call->reason_length },
	};
	if (!call->cancelled)
		c->answered(c->owner, call->of, &r);
	call_free(call);
	return 0;
}

/* --- requests --- */

static ssize_t body_read(nghttp2_session *library, int32_t stream, uint8_t *to, size_t room,
	uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct http2_call *call = source->ptr;
	size_t left = call->sent_length - call->sent_at, length = left < room ? left : room;
	(void)library;
	(void)stream;
	(void)user;
	memcpy(to, call->sent + call->sent_at, length);
	call->sent_at += length;
	if (length == left)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)length;
}

static struct http2_call *call_new(struct http2_client *c, const struct http_client_request *r, void *of)
{
	struct http2_call *call = memory_array(1, sizeof *call);
	call->of = of;
	call->grpc_status = -1;
	call->sent_length = r->body.length;
	if (r->body.length)
		call->sent = memcpy(memory_alloc(r->body.length), r->body.at, r->body.length);
	call->next = c->calls;
	call->link = &c->calls;
	if (call->next)
		call->next->link = &call->next;
	c->calls = call;
	return call;
}

static struct http2_call *client_call(
	struct http2_client *c, const struct http_client_request *r, void *of)
{
	nghttp2_nv fields[HTTP_CLIENT_FIELDS_MAX];
	for (unsigned i = 0; i < r->field_count; i++)
		fields[i] = (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)r->fields[i].name,
			.namelen = strlen(r->fields[i].name),
			.value = (uint8_t *)(uintptr_t)r->fields[i].value.at,
			.valuelen = r->fields[i].value.length,
			.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME };
	if (c->ends)
		return NULL;
	struct http2_call *call = call_new(c, r, of);
	nghttp2_data_provider body = { .source.ptr = call, .read_callback = body_read };
	call->stream = nghttp2_submit_request(
		c->library, NULL, fields, r->field_count, call->sent ? &body : NULL, call);
	if (call->stream >= 0)
		return call;
	call_free(call);
	return NULL;
}

/* The library tells the server, and of the stream's end. */
static void client_cancel(struct http2_client *c, struct http2_call *call)
{
	call->cancelled = true;
	reset(c->library, call);
}

/* --- life --- */

static int library_new(struct http2_client *c)
{
	nghttp2_session_callbacks *callbacks;
	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return NGHTTP2_ERR_NOMEM;
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	int error = nghttp2_session_client_new(&c->library, callbacks, c);
	nghttp2_session_callbacks_del(callbacks);
	return error;
}

static struct http2_client *client_new(http2_answered *answered, void *owner)
{
	static const nghttp2_settings_entry entries[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP_CLIENT_BODY_MAX },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_CLIENT_HEAD_MAX },
	};
	struct http2_client *c = memory_array(1, sizeof *c);
	c->answered = answered;
	c->owner = owner;
	if (library_new(c) != 0 ||
		nghttp2_submit_settings(c->library, NGHTTP2_FLAG_NONE, entries,
			sizeof entries / sizeof entries[0]) != 0 ||
		nghttp2_session_set_local_window_size(c->library, NGHTTP2_FLAG_NONE, 0, WINDOW) != 0)
		memory_exhausted(0);
	return c;
}

static void client_free(struct http2_client *c)
{
	nghttp2_session_del(c->library);
	while (c->calls)
		call_free(c->calls);
	free(c);
}

static bool client_receive(struct http2_client *c, struct view octets)
{
	ssize_t taken = nghttp2_session_mem_recv(c->library, (const uint8_t *)octets.at, octets.length);
	return taken == (ssize_t)octets.length &&
	       (nghttp2_session_want_read(c->library) || nghttp2_session_want_write(c->library));
}

static bool client_output(struct http2_client *c, struct view *octets)
{
	const uint8_t *at;
	ssize_t length = nghttp2_session_mem_send(c->library, &at);
	*octets = (struct view){ (const char *)at, length > 0 ? (size_t)length : 0 };
	return length > 0;
}

static bool client_ends(const struct http2_client *c)
{
	return c->ends;
}

const struct http2_client_functions http2_client_functions = {
	.new = client_new,
	.free = client_free,
	.call = client_call,
	.cancel = client_cancel,
	.receive = client_receive,
	.output = client_output,
	.ends = client_ends,
};
