/* HTTP/1.1 as octets: what is a request, what ends the connection, what a response looks like. */
#include "test.h"

#include "net/doh.h"
#include "net/http1.h"

#define GET "GET /dns-query?dns=Zm9vYg HTTP/1.1\r\nHost: ns.test\r\n"
#define POST "POST /dns-query HTTP/1.1\r\nHost: ns.test\r\n"

static struct http_counts uncounted;

struct read {
	struct http1_session session;
	struct http_response response;
	struct view message, rest;
	bool whole, is_message;
};

static void begin(struct read *r)
{
	http1_begin(&r->session, &doh_service, &uncounted);
}

/* Gives the session octets, and reads the request if it is whole then. */
static void give(struct read *r, struct view octets)
{
	r->rest = octets;
	r->whole = http1_receive(&r->session, &r->rest);
	if (r->whole)
		r->is_message = http1_read(&r->session, &r->message, &r->response);
}

static void carries(const char *request, const char *message)
{
	struct read r;
	begin(&r);
	give(&r, view_of(request));
	assert_true(r.whole && r.is_message);
	assert_true(view_is(r.message, message));
	assert_int_equal(r.rest.length, 0);
	http1_end(&r.session);
}

/* Nothing more is read behind it. */
static void refused(struct view request, unsigned status)
{
	struct read r;
	begin(&r);
	give(&r, request);
	assert_true(r.whole && !r.is_message);
	assert_int_equal(r.response.status, status);
	assert_true(r.session.last);
	http1_end(&r.session);
}

static void requests_are_read(void **state)
{
	(void)state;
	carries(GET "\r\n", "foob");
	carries("\r\n" GET "\r\n", "foob");
	carries("GET https://ns.test/dns-query?dns=Zm9vYg HTTP/1.1\r\nhost:ns.test\r\n\r\n",
		"foob");
	carries("GET /dns-query?dns=Zm9vYg HTTP/1.0\r\n\r\n", "foob");
	carries(POST "Content-Length: 4\r\n\r\nbody", "body");
	carries(POST "CONTENT-LENGTH:  4 \r\nContent-Type: application/dns-message\r\n\r\nbody",
		"body");
	carries(POST
		"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nbo\r\n0002\r\ndy\r\n0\r\nA: b\r\n\r\n",
		"body");
}

static void octets_may_come_one_by_one(void **state)
{
	(void)state;
	static const char request[] =
		POST "Transfer-Encoding: chunked\r\n\r\n3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n";
	struct read r;
	char kept[sizeof request];
	size_t length = 0;
	begin(&r);
	for (size_t i = 0; i < sizeof request - 1; i++) {
		kept[length++] = request[i];
		give(&r, (struct view){ kept, length });
		assert_int_equal(r.whole, i == sizeof request - 2);
		memmove(kept, r.rest.at, r.rest.length);
		length = r.rest.length;
	}
	assert_true(r.is_message && view_is(r.message, "body"));
	http1_end(&r.session);
}

static void requests_follow_each_other(void **state)
{
	(void)state;
	struct read r;
	char head[HTTP1_HEAD_ROOM];
	begin(&r);
	give(&r, view_of(GET "\r\n" GET "Connection: keep-alive, Close\r\n\r\n"));
	assert_true(r.is_message && !r.session.last);
	struct view rest = r.rest;
	http_response_text(&r.response, 404, VIEW("\n"));
	size_t length = http1_respond(&r.session, &r.response, head);
	assert_true(view_starts(
		(struct view){ head, length }, VIEW("HTTP/1.1 404 Not Found\r\ncontent-type: ")));
	assert_true(view_ends((struct view){ head, length }, VIEW(" GMT\r\n\r\n")));
	give(&r, rest);
	assert_true(r.is_message && r.session.last && r.rest.length == 0);
	http_response_text(&r.response, 404, VIEW("\n"));
	length = http1_respond(&r.session, &r.response, head);
	assert_true(view_ends((struct view){ head, length }, VIEW("connection: close\r\n\r\n")));
	http1_end(&r.session);
}

static void what_two_readers_may_take_differently_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"GET / HTTP/1.1\r\n\r\n", /* no Host */
		GET "Host: other.test\r\n\r\n",
		GET "\n", /* a line that ends in LF alone */
		"GET /dns-query HTTP/1.1\nHost: x\r\n\r\n",
		GET "X : y\r\n\r\n",
		GET " folded\r\n\r\n",
		GET "no colon\r\n\r\n",
		GET ": no name\r\n\r\n",
		GET "X: a\rb\r\n\r\n",
		"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
		"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
		"GET /\r\nHost: x\r\n\r\n",
		"G\tET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
		POST "Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody",
		POST "Content-Length: +4\r\n\r\nbody",
		POST "Content-Length: 4, 4\r\n\r\nbody",
		POST "Content-Length: 0x4\r\n\r\nbody",
		POST "Content-Length: \r\n\r\nbody",
		POST "Content-Length: 99999999999999999999\r\n\r\nbody",
		POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n4\r\nbodyx\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n-4\r\nbody\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n4 \r\nbody\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n000000004\r\nbody\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n4\nbody\r\n0\r\n\r\n",
		POST "Transfer-Encoding: chunked\r\n\r\n\r\nbody\r\n0\r\n\r\n",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refused(view_of(bad[i]), 400);
	refused(VIEW(GET "X: a\0b\r\n\r\n"), 400);
	refused(view_of(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501);
}

static void lines_and_fields_have_limits(void **state)
{
	(void)state;
	static char request[HTTP1_LINE_MAX + 128];
	memset(request, 'a', sizeof request);
	memcpy(request, "GET /", 5);
	refused((struct view){ request, sizeof request }, 400);
	memcpy(request, GET "X: ", sizeof GET + 2);
	refused((struct view){ request, sizeof request }, 431);
	for (size_t at = sizeof GET - 1; at + 6 < sizeof request; at += 6)
		memcpy(request + at, "A: b\r\n", 6);
	refused((struct view){ request, sizeof request }, 431);
	memset(request, '0', sizeof request);
	memcpy(request, POST "Transfer-Encoding: chunked\r\n\r\n1;", sizeof POST + 31);
	refused((struct view){ request, sizeof request }, 400);
}

static void bodies_have_a_limit(void **state)
{
	(void)state;
	struct read r;
	refused(view_of(POST "Content-Length: 65536\r\n\r\n"), 400);
	refused(view_of(POST "Transfer-Encoding: chunked\r\n\r\n10000\r\n"), 400);
	begin(&r);
	give(&r, view_of(POST "Transfer-Encoding: chunked\r\n\r\n"));
	static char chunk[1 + 3 + 65536] = "8000\r\n";
	give(&r, (struct view){ chunk, 6 + 0x8000 });
	give(&r, VIEW("\r\n"));
	assert_false(r.whole);
	give(&r, (struct view){ chunk, 6 + 0x8000 });
	assert_true(r.whole && !r.is_message && r.session.last);
	assert_int_equal(r.response.status, 400);
	http1_end(&r.session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(octets_may_come_one_by_one),
		cmocka_unit_test(requests_follow_each_other),
		cmocka_unit_test(what_two_readers_may_take_differently_is_refused),
		cmocka_unit_test(lines_and_fields_have_limits),
		cmocka_unit_test(bodies_have_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
