/* HTTP/2 as octets between a session of ours and nghttp2's client: requests, answers, limits,
 * floods. */
#include "test.h"

#include "base/clock.h"
#include "net/doh.h"
#include "net/grpc.h"
#include "net/http2.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

enum { STREAMS_MAX = 4096, BODY_MAX = 70000 };

/* What the client has seen of a stream. */
struct seen {
	int status;
	size_t length;
	bool closed;
	uint32_t error;
	char grpc_status[4], body[16];
};

struct pair {
	nghttp2_session *client;
	struct http2_session *server;
	struct http_counts counts;
	struct seen streams[STREAMS_MAX];
	uint32_t goaway;
	bool gone;	  /* the server wants no more */
	unsigned ends;	  /* responses that the server said it has ended */
	size_t body_left; /* of the client's request */
};

/* --- the client --- */

static int client_header(nghttp2_session *library, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags, void *user)
{
	struct pair *p = user;
	struct seen *s = &p->streams[frame->hd.stream_id];
	struct view n = { (const char *)name, name_length };
	(void)library, (void)flags;
	if (view_is(n, ":status"))
		s->status = atoi((const char *)value);
	if (view_is(n, "grpc-status") && value_length < sizeof s->grpc_status)
		memcpy(s->grpc_status, value, value_length);
	return 0;
}

static int client_data(nghttp2_session *library, uint8_t flags, int32_t stream, const uint8_t *data,
	size_t length, void *user)
{
	struct pair *p = user;
	struct seen *s = &p->streams[stream];
	(void)library, (void)flags;
	for (size_t i = 0; i < length && s->length + i < sizeof s->body; i++)
		s->body[s->length + i] = (char)data[i];
	s->length += length;
	return 0;
}

static int client_frame(nghttp2_session *library, const nghttp2_frame *frame, void *user)
{
	struct pair *p = user;
	(void)library;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		p->goaway = frame->goaway.error_code;
	return 0;
}

static int client_closed(nghttp2_session *library, int32_t stream, uint32_t error, void *user)
{
	struct pair *p = user;
	(void)library;
	p->streams[stream].closed = true;
	p->streams[stream].error = error;
	return 0;
}

static ssize_t client_body(nghttp2_session *library, int32_t stream, uint8_t *to, size_t room,
	uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct pair *p = user;
	size_t n = p->body_left < room ? p->body_left : room;
	(void)library, (void)stream;
	memcpy(to, source->ptr, n);
	source->ptr = (char *)source->ptr + n;
	p->body_left -= n;
	if (!p->body_left)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static struct pair *pair_new(const struct http_service *service, uint32_t streams, uint32_t window)
{
	struct pair *p = calloc(1, sizeof *p);
	nghttp2_session_callbacks *callbacks;
	const struct http2_settings settings = { service, streams, &p->counts };
	const nghttp2_settings_entry entry = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window };
	transports = &isthmus_transports;
	clock_batch_begin();
	p->server = http2_server(&settings);
	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, client_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, client_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, client_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, client_closed);
	assert_int_equal(nghttp2_session_client_new(&p->client, callbacks, p), 0);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(p->client, NGHTTP2_FLAG_NONE, &entry, 1);
	return p;
}

static void pair_free(struct pair *p)
{
	nghttp2_session_del(p->client);
	http2_free(p->server);
	free(p);
}

#define FIELD(n, v)                                                                                \
	{                                                                                          \
		(uint8_t *)(n), (uint8_t *)(v), strlen(n), strlen(v), NGHTTP2_NV_FLAG_NONE         \
	}

static int32_t request(struct pair *p, const char *method, const char *path, const char *type,
	const char *body, size_t length)
{
	nghttp2_nv fields[] = { FIELD(":method", method), FIELD(":scheme", "https"),
		FIELD(":authority", "ns.test"), FIELD(":path", path), FIELD("content-type", type) };
	nghttp2_data_provider provider = { .source.ptr = (void *)body,
		.read_callback = client_body };
	p->body_left = length;
	return nghttp2_submit_request(p->client, NULL, fields, 5, body ? &provider : NULL, NULL);
}

static int32_t get(struct pair *p)
{
	return request(p, "GET", "/dns-query?dns=Zm9vYg", "", NULL, 0);
}

static void to_server(struct pair *p)
{
	const uint8_t *at;
	ssize_t n;
	while ((n = nghttp2_session_mem_send(p->client, &at)) > 0) {
		if (!p->gone &&
			!http2_receive(p->server, (struct view){ (const char *)at, (size_t)n }))
			p->gone = true;
	}
}

static void to_client(struct pair *p)
{
	struct view octets;
	bool ends;
	while (http2_output(p->server, &octets, &ends)) {
		p->ends += ends;
		assert_int_equal(nghttp2_session_mem_recv(
					 p->client, (const uint8_t *)octets.at, octets.length),
			octets.length);
	}
}

/* Answers what there is to be answered; gives how many that were. */
static unsigned handle(struct pair *p, const char *answer, size_t length)
{
	struct http2_exchange *e;
	struct view message;
	uint64_t timeout;
	unsigned count = 0;
	for (; (e = http2_next(p->server, &message, &timeout)); count++) {
		struct incoming in = { .outcome = INCOMING_ANSWERED,
			.answer = (uint8_t *)answer,
			.answer_length = length,
			.max_age = 60 };
		assert_true(message.length > 0);
		http2_answer(p->server, e, &in);
	}
	return count;
}

/* Everything goes both ways until nothing more does. */
static void exchange(struct pair *p, const char *answer, size_t length)
{
	for (int turn = 0; turn < 8; turn++) {
		to_server(p);
		handle(p, answer, length);
		to_client(p);
	}
}

/* --- requests --- */

static void requests_are_answered(void **state)
{
	(void)state;
	struct pair *p = pair_new(&doh_service, 100, 65535);
	int32_t a = get(p);
	exchange(p, "answer", 6);
	int32_t b = request(p, "POST", "/dns-query", "application/dns-message", "query", 5);
	exchange(p, "other", 5);
	int32_t c = request(p, "HEAD", "/dns-query?dns=Zm9vYg", "", NULL, 0);
	int32_t d = get(p), e = request(p, "GET", "/", "", NULL, 0);
	exchange(p, "answer", 6);
	assert_int_equal(p->streams[a].status, 200);
	assert_memory_equal(p->streams[a].body, "answer", 6);
	assert_memory_equal(p->streams[b].body, "other", 5);
	assert_int_equal(p->streams[c].status, 200);
	assert_int_equal(p->streams[c].length, 0);
	assert_memory_equal(p->streams[d].body, "answer", 6);
	assert_int_equal(p->streams[e].status, 404);
	assert_true(p->streams[a].closed && p->streams[c].closed && p->streams[e].closed);
	assert_int_equal(p->ends, 5);
	assert_int_equal(http2_unfinished_since(p->server), 0);
	assert_int_equal(http2_unsent(p->server), 0);
	pair_free(p);
}

static void calls_have_trailers(void **state)
{
	(void)state;
	struct pair *p = pair_new(&grpc_service, 100, 65535);
	int32_t a = request(p, "POST", "/coredns.dns.DnsService/Query", "application/grpc",
		"\0\0\0\0\6\x0a\4wire", 11);
	exchange(p, "answer", 6);
	int32_t b = request(p, "POST", "/coredns.dns.DnsService/Watch", "application/grpc",
		"\0\0\0\0\6\x0a\4wire", 11);
	exchange(p, "answer", 6);
	assert_int_equal(p->streams[a].status, 200);
	assert_string_equal(p->streams[a].grpc_status, "0");
	assert_memory_equal(p->streams[a].body, "\0\0\0\0\x08\x0a\6answer", 13);
	assert_string_equal(p->streams[b].grpc_status, "12");
	assert_int_equal(p->streams[b].length, 0);
	assert_true(p->streams[a].closed && p->streams[b].closed);
	pair_free(p);
}

static void a_client_may_give_up(void **state)
{
	(void)state;
	struct pair *p = pair_new(&doh_service, 100, 65535);
	struct view message;
	uint64_t timeout;
	int32_t a = get(p), b = get(p);
	to_server(p);
	struct http2_exchange *e = http2_next(p->server, &message, &timeout);
	nghttp2_submit_rst_stream(p->client, NGHTTP2_FLAG_NONE, a, NGHTTP2_CANCEL);
	nghttp2_submit_rst_stream(p->client, NGHTTP2_FLAG_NONE, b, NGHTTP2_CANCEL);
	to_server(p);
	assert_true(view_is(message, "foob")); /* it stays for whoever works on it */
	http2_answer(p->server, e, &(struct incoming){ .outcome = INCOMING_UNANSWERED });
	assert_null(http2_next(p->server, &message, &timeout));
	int32_t c = get(p);
	exchange(p, "answer", 6);
	assert_int_equal(p->streams[c].status, 200);
	pair_free(p);
}

static void what_is_under_way_is_freed_with_the_session(void **state)
{
	(void)state;
	struct pair *p = pair_new(&doh_service, 100, 10);
	static char large[20000];
	get(p);
	exchange(p, large, sizeof large); /* held back */
	get(p);
	request(p, "POST", "/dns-query", "application/dns-message", large, sizeof large);
	to_server(p);
	pair_free(p);
}

/* --- limits --- */

static void what_a_peer_holds_back_is_known(void **state)
{
	(void)state;
	struct pair *p = pair_new(&doh_service, 100, 1000);
	static char large[20000];
	int32_t a = get(p);
	to_server(p);
	to_client(p);
	handle(p, large, sizeof large);
	assert_int_equal(http2_unsent(p->server), 20000);
	to_client(p);
	assert_int_equal(http2_unsent(p->server), 19000);
	assert_int_not_equal(http2_unfinished_since(p->server), 0);
	exchange(p, large, sizeof large); /* the client's library takes it up piece by piece */
	for (int i = 0; i < 40; i++)
		exchange(p, large, sizeof large);
	assert_int_equal(p->streams[a].length, sizeof large);
	assert_int_equal(http2_unsent(p->server), 0);
	assert_int_equal(http2_unfinished_since(p->server), 0);
	pair_free(p);
}

static void large_bodies_are_refused_early(void **state)
{
	(void)state;
	struct pair *p = pair_new(&doh_service, 100, 65535);
	static char large[BODY_MAX];
	int32_t a =
		request(p, "POST", "/dns-query", "application/dns-message", large, sizeof large);
	exchange(p, "", 0);
	exchange(p, "", 0);
	assert_int_equal(p->streams[a].status, 400);
	assert_true(p->streams[a].closed);
	int32_t b = get(p);
	exchange(p, "answer", 6);
	assert_int_equal(p->streams[b].status, 200);
	pair_free(p);
}

static void large_heads_are_refused(void **state)
{
	(void)state;
	struct pair *p = pair_new(&doh_service, 100, 65535);
	static char value[60000];
	memset(value, 'a', sizeof value - 1);
	nghttp2_nv fields[] = { FIELD(":method", "GET"), FIELD(":scheme", "https"),
		FIELD(":authority", "ns.test"), FIELD(":path", "/dns-query?dns=Zm9vYg"),
		FIELD("x", value), FIELD("y", value) };
	int32_t a = nghttp2_submit_request(p->client, NULL, fields, 5, NULL, NULL);
	exchange(p, "answer", 6);
	assert_int_equal(p->streams[a].status, 200);
	/* the same entry of the compression's table again and again: few octets, a large head */
	nghttp2_nv many[40] = { FIELD(":method", "GET"), FIELD(":scheme", "https"),
		FIELD(":authority", "ns.test"), FIELD(":path", "/dns-query?dns=Zm9vYg") };
	value[3900] = 0;
	for (size_t i = 4; i < 40; i++)
		many[i] = (nghttp2_nv)FIELD("x", value);
	int32_t b = nghttp2_submit_request(p->client, NULL, many, 40, NULL, NULL);
	int32_t c = get(p);
	exchange(p, "answer", 6);
	assert_int_equal(p->streams[b].status, 0);
	assert_true(p->streams[b].closed);
	assert_int_equal(p->streams[c].status, 200);
	for (int i = 0; i < 10; i++) { /* what comes later is not taken for more of it */
		int32_t d = request(p, "POST", "/dns-query", "application/dns-message", value, 30000);
		exchange(p, "answer", 6);
		assert_int_equal(p->streams[d].status, 200);
	}
	pair_free(p);
}

static void more_streams_than_allowed_are_refused(void **state)
{
	(void)state;
	struct pair *p = pair_new(&doh_service, 4, 65535);
	for (int i = 0; i < 8; i++) /* before the client knows the limit */
		get(p);
	to_server(p);
	assert_int_equal(handle(p, "answer", 6), 4);
	exchange(p, "answer", 6);
	unsigned refused = 0;
	for (int i = 1; i < 16; i += 2)
		refused += p->streams[i].error == NGHTTP2_REFUSED_STREAM;
	assert_int_equal(refused, 4);
	pair_free(p);
}

/* --- floods --- */

static void rapid_resets_end_the_connection(void **state)
{
	(void)state;
	struct pair *p = pair_new(&doh_service, 100, 65535);
	exchange(p, "answer", 6);
	for (int i = 0; i < 1500 && !p->gone; i++) {
		int32_t stream = get(p);
		to_server(p);
		nghttp2_submit_rst_stream(p->client, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
		to_server(p);
	}
	assert_true(p->gone);
	to_client(p);
	assert_int_equal(p->goaway, NGHTTP2_ENHANCE_YOUR_CALM);
	pair_free(p);
}

static void pings_end_the_connection(void **state)
{
	(void)state;
	struct pair *p = pair_new(&doh_service, 100, 65535);
	exchange(p, "answer", 6);
	for (int i = 0; i < 1500 && !p->gone; i++) {
		nghttp2_submit_ping(p->client, NGHTTP2_FLAG_NONE, NULL);
		to_server(p);
		to_client(p);
	}
	assert_true(p->gone);
	assert_int_equal(p->goaway, NGHTTP2_ENHANCE_YOUR_CALM);
	pair_free(p);
}

/* A ping for each request, as clients send that measure the path, is no flood. */
static void pings_beside_requests_do_not(void **state)
{
	(void)state;
	struct pair *p = pair_new(&doh_service, 100, 65535);
	for (int i = 0; i < 1900 && !p->gone; i++) {
		nghttp2_submit_ping(p->client, NGHTTP2_FLAG_NONE, NULL);
		get(p);
		to_server(p);
		handle(p, "answer", 6);
		to_client(p);
	}
	assert_false(p->gone);
	pair_free(p);
}

/* A head that never ends, in frames with and without octets. */
static void continuations_end_the_connection(void **state)
{
	(void)state;
	static const char frames[] = "\0\0\1\1\0\0\0\0\1\x82";
	static const char more[2][16] = { "\0\0\0\x9\0\0\0\0\1",
		"\0\0\5\x9\0\0\0\0\1\x82\x82\x82\x82\x82" };
	for (int kind = 0; kind < 2; kind++) {
		struct pair *p = pair_new(&doh_service, 100, 65535);
		unsigned count = 0;
		exchange(p, "", 0);
		assert_true(http2_receive(p->server, (struct view){ frames, 10 }));
		while (count < 100000 &&
			http2_receive(p->server, (struct view){ more[kind], kind ? 14 : 9 }))
			count++;
		assert_true(count < 20000);
		pair_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_answered),
		cmocka_unit_test(calls_have_trailers),
		cmocka_unit_test(a_client_may_give_up),
		cmocka_unit_test(what_is_under_way_is_freed_with_the_session),
		cmocka_unit_test(what_a_peer_holds_back_is_known),
		cmocka_unit_test(large_bodies_are_refused_early),
		cmocka_unit_test(large_heads_are_refused),
		cmocka_unit_test(more_streams_than_allowed_are_refused),
		cmocka_unit_test(rapid_resets_end_the_connection),
		cmocka_unit_test(pings_end_the_connection),
		cmocka_unit_test(pings_beside_requests_do_not),
		cmocka_unit_test(continuations_end_the_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
