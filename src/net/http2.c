/* HTTP/2 over nghttp2: frames are the library's, limits and requests ours. */
#include "net/http2.h"

#include "base/clock.h"
#include "base/memory.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

enum {
	SLICE = 4096, /* octets given to the library at a time: how exactly heads are measured */
	RESPONSE_FIELDS = HTTP_FIELDS_MAX + 1, /* ":status", too */
	/* Frames that ask for nothing: so many at once, so many more for each second and for each
	   answered request. */
	CALM_MAX = 1000,
	CALM_A_SECOND = 50,
	CALM_AN_ANSWER = 8,
};

enum exchange_state {
	INCOMPLETE, /* parts of it are to come */
	READY,	    /* for http2_next() */
	HANDLED,    /* by the server, now */
	ANSWERED,   /* to be sent */
};

struct http2_exchange {
	struct http2_exchange *newer, *older;
	enum exchange_state state;
	int32_t stream;
	bool cancelled;	 /* the stream is closed: nobody wants the answer */
	bool whole;	 /* the peer sends no more of it */
	bool has_fields; /* its head has ended: what follows are trailers */
	uint64_t since;	 /* when it came into this state */
	size_t fields;	 /* octets of them */
	size_t sent;	 /* of the answer, which is in request.body then */
	unsigned trailer_count;
	struct http_field trailers[HTTP_TRAILERS_MAX];
	struct http_request request;
};

struct exchange_list {
	struct http2_exchange *first, *last;
};

struct http2_session {
	nghttp2_session *library;
	struct http2_settings settings;
	struct exchange_list lists[ANSWERED + 1]; /* oldest first; HANDLED ones are in none */
	size_t unsent;
	bool in_fields; /* a head has begun and not ended */
	size_t fields;	/* octets given to the library since */
	uint64_t calm, calm_since;
	bool over; /* ended by us, or broken */
};

/* --- lists of exchanges --- */

static void list_remove(struct http2_session *s, struct http2_exchange *e)
{
	struct exchange_list *list = &s->lists[e->state];
	if (e->state == HANDLED)
		return;
	*(e->older ? &e->older->newer : &list->first) = e->newer;
	*(e->newer ? &e->newer->older : &list->last) = e->older;
}

static void list_append(
	struct http2_session *s, struct http2_exchange *e, enum exchange_state state)
{
	struct exchange_list *list = &s->lists[state];
	e->state = state;
	e->since = clock_batch();
	if (state == HANDLED)
		return;
	e->newer = NULL;
	e->older = list->last;
	*(list->last ? &list->last->newer : &list->first) = e;
	list->last = e;
}

static void move(struct http2_session *s, struct http2_exchange *e, enum exchange_state state)
{
	list_remove(s, e);
	list_append(s, e, state);
}

static void exchange_free(struct http2_session *s, struct http2_exchange *e)
{
	list_remove(s, e);
	if (e->state == ANSWERED)
		s->unsent -= e->request.length - e->sent;
	http_request_end(&e->request);
	free(e);
}

static struct http2_exchange *exchange_of(struct http2_session *s, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(s->library, stream);
}

/* --- answers --- */

/* Names are literals: only values are copied. */
static nghttp2_nv library_field(struct view name, struct view value)
{
	return (nghttp2_nv){ (uint8_t *)name.at, (uint8_t *)value.at, name.length, value.length,
		NGHTTP2_NV_FLAG_NO_COPY_NAME };
}

/* Gives the library more of an answer; with the last of it come the trailers, if there are any. */
static ssize_t answer_read(nghttp2_session *library, int32_t stream, uint8_t *to, size_t room,
	uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct http2_session *s = user;
	struct http2_exchange *e = source->ptr;
	size_t left = e->request.length - e->sent, length = left < room ? left : room;
	memcpy(to, e->request.body + e->sent, length);
	e->sent += length;
	s->unsent -= length;
	if (length < left)
		return (ssize_t)length;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (e->trailer_count) {
		nghttp2_nv fields[HTTP_TRAILERS_MAX];
		for (unsigned i = 0; i < e->trailer_count; i++)
			fields[i] = library_field(e->trailers[i].name, e->trailers[i].value);
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(library, stream, fields, e->trailer_count);
	}
	return (ssize_t)length;
}

/* The answer takes the request's place in the exchange's memory. */
static void keep_answer(
	struct http2_session *s, struct http2_exchange *e, const struct http_response *r)
{
	size_t length = r->headers_only ? 0 : r->prefix.length + r->body.length;
	uint8_t *body = http_request_room(&e->request, length);
	if (length) {
		if (r->prefix.length)
			memcpy(body, r->prefix.at, r->prefix.length);
		memcpy(body + r->prefix.length, r->body.at, r->body.length);
	}
	e->request.length = length;
	e->sent = 0;
	e->trailer_count = r->trailer_count;
	memcpy(e->trailers, r->trailers, sizeof e->trailers);
	s->unsent += length;
}

static void respond(
	struct http2_session *s, struct http2_exchange *e, const struct http_response *r)
{
	char status[HTTP_STATUS_DIGITS];
	nghttp2_nv fields[RESPONSE_FIELDS];
	fields[0] = library_field(VIEW(":status"), http_status_text(r->status, status));
	for (unsigned i = 0; i < r->field_count; i++)
		fields[1 + i] = library_field(r->fields[i].name, r->fields[i].value);
	http_count_response(s->settings.counts, r->status);
	keep_answer(s, e, r);
	move(s, e, ANSWERED);
	nghttp2_data_provider provider = { .source.ptr = e, .read_callback = answer_read };
	if (nghttp2_submit_response(s->library, e->stream, fields, 1 + r->field_count,
		    e->request.length || e->trailer_count ? &provider : NULL) != 0)
		s->over = true;
}

/* --- floods --- */

static int end_connection(struct http2_session *s, uint32_t reason)
{
	s->over = true;
	nghttp2_session_terminate_session(s->library, reason);
	return 0;
}

static void calm_add(struct http2_session *s, uint64_t frames)
{
	s->calm = s->calm + frames < CALM_MAX ? s->calm + frames : CALM_MAX;
}

/* A frame that asks for nothing came. */
static int disturbed(struct http2_session *s)
{
	uint64_t now = clock_batch(), seconds = (now - s->calm_since) / NS_PER_S;
	if (seconds) {
		s->calm_since += seconds * NS_PER_S;
		calm_add(s, seconds < CALM_MAX ? seconds * CALM_A_SECOND : CALM_MAX);
	}
	if (s->calm) {
		s->calm--;
		return 0;
	}
	if (!s->over)
		http_count_limit(s->settings.service->http2, HTTP_LIMIT_FRAMES);
	return end_connection(s, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* --- what the library found --- */

/* CONTINUATION frames are not told of: they are part of the head that they go on with. */
static int begin_frame(nghttp2_session *library, const nghttp2_frame_hd *head, void *user)
{
	struct http2_session *s = user;
	(void)library;
	s->in_fields = head->type == NGHTTP2_HEADERS;
	s->fields = 0;
	return 0;
}

static int begin_headers(nghttp2_session *library, const nghttp2_frame *frame, void *user)
{
	struct http2_session *s = user;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	struct http2_exchange *e = memory_alloc(sizeof *e);
	memset(e, 0, offsetof(struct http2_exchange, request));
	http_request_begin(&e->request, s->settings.service);
	e->stream = frame->hd.stream_id;
	list_append(s, e, INCOMPLETE);
	nghttp2_session_set_stream_user_data(library, e->stream, e);
	return 0;
}

static int header(nghttp2_session *library, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags, void *user)
{
	struct http2_session *s = user;
	struct http2_exchange *e = exchange_of(s, frame->hd.stream_id);
	(void)library, (void)flags;
	if (!e || e->has_fields)
		return 0;
	e->fields += name_length + value_length + 32; /* RFC 9113 6.5.2 */
	if (e->fields > HTTP2_FIELDS_MAX) {
		http_count_limit(s->settings.service->http2, HTTP_LIMIT_FIELDS);
		disturbed(s);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* resets the stream */
	}
	http_request_field(&e->request, (struct view){ (const char *)name, name_length },
		(struct view){ (const char *)value, value_length });
	return 0;
}

/* Answers what came of it so far: more will be thrown away. */
static void respond_early(struct http2_session *s, struct http2_exchange *e)
{
	struct view message;
	struct http_response r;
	http_count_limit(s->settings.service->http2, HTTP_LIMIT_BODY);
	if (!http_request_read(&e->request, &message, &r))
		respond(s, e, &r);
}

static int data_chunk(nghttp2_session *library, uint8_t flags, int32_t stream, const uint8_t *data,
	size_t length, void *user)
{
	struct http2_session *s = user;
	struct http2_exchange *e = exchange_of(s, stream);
	(void)library, (void)flags;
	if (e && e->state == INCOMPLETE &&
		!http_request_body(&e->request, (struct view){ (const char *)data, length }))
		respond_early(s, e);
	return 0;
}

/* The request has come to its end: is it for the server? */
static void complete(struct http2_session *s, struct http2_exchange *e)
{
	e->whole = true;
	if (e->state == INCOMPLETE)
		move(s, e, READY);
}

static int frame_received(nghttp2_session *library, const nghttp2_frame *frame, void *user)
{
	struct http2_session *s = user;
	struct http2_exchange *e = exchange_of(s, frame->hd.stream_id);
	bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	(void)library;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		s->in_fields = false;
		if (e)
			e->has_fields = true;
		break;
	case NGHTTP2_DATA:
		if (!ends)
			disturbed(s);
		break;
	default:
		return disturbed(s);
	}
	if (ends && e)
		complete(s, e);
	return 0;
}

static int frame_invalid(
	nghttp2_session *library, const nghttp2_frame *frame, int error, void *user)
{
	struct http2_session *s = user;
	(void)library, (void)frame;
	if (error == NGHTTP2_ERR_REFUSED_STREAM)
		http_count_limit(s->settings.service->http2, HTTP_LIMIT_STREAMS);
	return disturbed(s);
}

/* The answer is sent, but the peer goes on with its request: no more of it is wanted (RFC
 * 9113 8.1). */
static int frame_sent(nghttp2_session *library, const nghttp2_frame *frame, void *user)
{
	struct http2_session *s = user;
	if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	struct http2_exchange *e = exchange_of(s, frame->hd.stream_id);
	calm_add(s, CALM_AN_ANSWER);
	if (e && !e->whole)
		nghttp2_submit_rst_stream(
			library, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
	return 0;
}

static int stream_closed(nghttp2_session *library, int32_t stream, uint32_t error, void *user)
{
	struct http2_session *s = user;
	struct http2_exchange *e = exchange_of(s, stream);
	(void)library, (void)error;
	if (!e)
		return 0;
	if (e->state == HANDLED)
		e->cancelled = true;
	else
		exchange_free(s, e);
	return 0;
}

/* --- a session --- */

static int library_new(struct http2_session *s)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *options;
	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return NGHTTP2_ERR_NOMEM;
	if (nghttp2_option_new(&options) != 0) {
		nghttp2_session_callbacks_del(callbacks);
		return NGHTTP2_ERR_NOMEM;
	}
	nghttp2_option_set_no_closed_streams(options, 1);
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_chunk);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_received);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, frame_invalid);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
	int error = nghttp2_session_server_new2(&s->library, callbacks, s, options);
	nghttp2_option_del(options);
	nghttp2_session_callbacks_del(callbacks);
	return error;
}

static struct http2_session *server(const struct http2_settings *settings)
{
	struct http2_session *s = memory_array(1, sizeof *s);
	s->settings = *settings;
	s->calm = CALM_MAX;
	s->calm_since = clock_batch();
	const nghttp2_settings_entry entries[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings->streams },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP2_FIELDS_MAX },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};
	if (library_new(s) == 0 && nghttp2_submit_settings(s->library, NGHTTP2_FLAG_NONE, entries,
					   sizeof entries / sizeof entries[0]) == 0)
		return s;
	memory_exhausted(0);
}

static void session_free(struct http2_session *s)
{
	for (int state = 0; state <= ANSWERED; state++) {
		while (s->lists[state].first)
			exchange_free(s, s->lists[state].first);
	}
	nghttp2_session_del(s->library);
	free(s);
}

/* A head that goes on and on, in CONTINUATION frames with or without octets. */
static bool fields_too_long(struct http2_session *s, bool began, size_t octets)
{
	if (!began || !s->in_fields)
		return false;
	s->fields += octets;
	if (s->fields <= HTTP2_FIELDS_MAX)
		return false;
	http_count_limit(s->settings.service->http2, HTTP_LIMIT_FIELDS);
	end_connection(s, NGHTTP2_ENHANCE_YOUR_CALM);
	return true;
}

static bool receive(struct http2_session *s, struct view octets)
{
	while (octets.length && !s->over) {
		struct view slice =
			view_first(octets, octets.length < SLICE ? octets.length : SLICE);
		bool began = s->in_fields;
		ssize_t taken = nghttp2_session_mem_recv(
			s->library, (const uint8_t *)slice.at, slice.length);
		if (taken == NGHTTP2_ERR_FLOODED)
			http_count_limit(s->settings.service->http2, HTTP_LIMIT_FRAMES);
		if (taken < 0)
			s->over = true;
		else
			fields_too_long(s, began, slice.length);
		octets = view_skip(octets, slice.length);
	}
	return !s->over && nghttp2_session_want_read(s->library);
}

static struct http2_exchange *next(struct http2_session *s, struct view *message, uint64_t *timeout)
{
	struct http2_exchange *e;
	struct http_response r;
	while ((e = s->lists[READY].first)) {
		if (http_request_read(&e->request, message, &r)) {
			*timeout = e->request.timeout;
			move(s, e, HANDLED);
			return e;
		}
		respond(s, e, &r);
	}
	return NULL;
}

static void answer(struct http2_session *s, struct http2_exchange *e, const struct incoming *in)
{
	struct http_response r;
	if (e->cancelled) {
		exchange_free(s, e);
		return;
	}
	http_request_answer(&e->request, in, &r);
	respond(s, e, &r);
}

static bool output(struct http2_session *s, struct view *octets, bool *ends)
{
	const uint8_t *at;
	ssize_t length = nghttp2_session_mem_send(s->library, &at);
	if (length < 0)
		s->over = true;
	if (length <= 0)
		return false;
	enum { HEAD = 9, TYPE_AT = 3, FLAGS_AT = 4 };
	*octets = (struct view){ (const char *)at, (size_t)length };
	*ends = length >= HEAD && at[TYPE_AT] <= NGHTTP2_HEADERS &&
		(at[FLAGS_AT] & NGHTTP2_FLAG_END_STREAM);
	return true;
}

static void stop(struct http2_session *s)
{
	if (!s->over)
		nghttp2_submit_goaway(s->library, NGHTTP2_FLAG_NONE,
			nghttp2_session_get_last_proc_stream_id(s->library), NGHTTP2_NO_ERROR, NULL,
			0);
}

static bool over(const struct http2_session *s)
{
	return s->over;
}

static size_t unsent(const struct http2_session *s)
{
	return s->unsent;
}

static uint64_t unfinished_since(const struct http2_session *s)
{
	const struct http2_exchange *coming = s->lists[INCOMPLETE].first;
	const struct http2_exchange *going = s->lists[ANSWERED].first;
	if (!coming || !going)
		return coming ? coming->since : going ? going->since : 0;
	return coming->since < going->since ? coming->since : going->since;
}

const struct http2_functions http2_functions = {
	.server = server,
	.free = session_free,
	.receive = receive,
	.next = next,
	.answer = answer,
	.output = output,
	.stop = stop,
	.over = over,
	.unsent = unsent,
	.unfinished_since = unfinished_since,
};
