/* DNS over HTTPS and gRPC as services: which requests carry a message, and what is answered. */
#include "test.h"

#include "net/doh.h"
#include "net/grpc.h"
#include <stdio.h>
#include <stdlib.h>

/* The answer of the server that the services are given. */
static uint8_t answer_octets[] = "an answer";

struct asked {
	struct http_request request;
	struct http_response response;
	struct view message;
	bool is_message;
};

static void begin(
	struct asked *a, const struct http_service *service, const char *method, const char *path)
{
	http_request_begin(&a->request, service);
	http_request_field(&a->request, VIEW(":path"), view_of(path));
	http_request_field(&a->request, VIEW(":method"), view_of(method));
}

static void read_it(struct asked *a)
{
	a->is_message = http_request_read(&a->request, &a->message, &a->response);
}

static struct asked *get(struct asked *a, const char *method, const char *path)
{
	begin(a, &doh_service, method, path);
	read_it(a);
	return a;
}

static struct asked *post(struct asked *a, const char *path, const char *type, struct view body)
{
	begin(a, &doh_service, "POST", path);
	if (type)
		http_request_field(&a->request, VIEW("content-type"), view_of(type));
	http_request_body(&a->request, body);
	read_it(a);
	return a;
}

static const char *field_of(const struct http_response *r, const char *name)
{
	static char text[64];
	for (unsigned i = 0; i < r->field_count; i++) {
		if (view_is(r->fields[i].name, name)) {
			snprintf(text, sizeof text, "%.*s", VIEW_ARGS(r->fields[i].value));
			return text;
		}
	}
	return "";
}

static void refused_with(struct asked *a, unsigned status, const char *text)
{
	assert_false(a->is_message);
	assert_int_equal(a->response.status, status);
	assert_true(view_is(a->response.body, text));
	assert_string_equal(field_of(&a->response, "content-type"), "text/plain; charset=utf-8");
	assert_string_equal(field_of(&a->response, "x-content-type-options"), "nosniff");
	assert_int_equal(atoi(field_of(&a->response, "content-length")), strlen(text));
	http_request_end(&a->request);
}

static void carries(struct asked *a, const char *message)
{
	assert_true(a->is_message);
	assert_true(view_is(a->message, message));
	http_request_end(&a->request);
}

static void get_has_its_message_in_the_path(void **state)
{
	(void)state;
	struct asked a;
	carries(get(&a, "GET", "/dns-query?dns=Zm9vYg"), "foob");
	carries(get(&a, "HEAD", "/dns-query?dns=Zm9vYg"), "foob");
	carries(get(&a, "GET", "/dns-query?x=1&dns=Zm9vYg&y"), "foob");
	carries(get(&a, "GET", "/dns%2dquery?%64ns=Zm9%76Yg"), "foob");
	carries(get(&a, "GET", "/dns-query?dns=-_-_"), "\xfb\xff\xbf");
}

static void get_without_a_message_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "?", "?dns=!!!!", "?dns=Zm9vYg==", "?dns=Zm9+",
		"?dns=Zm9v&dns=Zm9v", "?dns=Z", "?dns=Zm%", "?dns=Zm%4", "?dns=Zm%zz", "?xdns=Zm9v",
		"?dn=Zm9v" };
	struct asked a;
	char path[64];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(path, sizeof path, "/dns-query%s", bad[i]);
		refused_with(get(&a, "GET", path), 400, "invalid request\n");
	}
	refused_with(get(&a, "GET", "/"), 404, "\n");
	refused_with(get(&a, "GET", "/dns-query/?dns=Zm9v"), 404, "\n");
	refused_with(get(&a, "GET", "/DNS-query?dns=Zm9v"), 404, "\n");
	refused_with(get(&a, "PUT", "/dns"), 404, "\n");
}

static void a_parameter_has_a_limit(void **state)
{
	(void)state;
	static char path[100000];
	struct asked a;
	size_t head = (size_t)snprintf(path, sizeof path, "/dns-query?dns=");
	memset(path + head, 'A', 87380);
	get(&a, "GET", path);
	assert_true(a.is_message);
	assert_int_equal(a.message.length, 65535);
	http_request_end(&a.request);
	memset(path + head, 'A', 87384);
	refused_with(get(&a, "GET", path), 400, "invalid request\n");
}

static void post_has_its_message_in_the_body(void **state)
{
	(void)state;
	struct asked a;
	carries(post(&a, "/dns-query", "application/dns-message", VIEW("body")), "body");
	carries(post(&a, "/dns-query", "Application/DNS-Message; x=y", VIEW("body")), "body");
	carries(post(&a, "/dns-query", NULL, VIEW("body")), "body");
	carries(post(&a, "/dns-query?dns=Zm9vYg", NULL, VIEW("body")), "body");
	refused_with(post(&a, "/dns-query", "text/plain", VIEW("body")), 415,
		"unsupported media type\n");
	begin(&a, &doh_service, "POST", "/dns-query?dns=Zm9vYg");
	read_it(&a);
	refused_with(&a, 400, "invalid request\n");
}

static void a_body_has_a_limit(void **state)
{
	(void)state;
	static char zeros[65536];
	struct asked a;
	post(&a, "/dns-query", NULL, (struct view){ zeros, 65535 });
	assert_true(a.is_message);
	http_request_end(&a.request);
	refused_with(post(&a, "/dns-query", NULL, (struct view){ zeros, 65536 }), 400,
		"invalid request\n");
}

static void other_methods_are_not_allowed(void **state)
{
	(void)state;
	struct asked a;
	get(&a, "DELETE", "/dns-query?dns=Zm9v");
	assert_string_equal(field_of(&a.response, "allow"), "GET, HEAD, POST");
	refused_with(&a, 405, "method not allowed\n");
}

static struct incoming handled(enum incoming_outcome outcome, size_t length)
{
	return (struct incoming){
		.answer = answer_octets, .answer_length = length, .outcome = outcome, .max_age = 300
	};
}

static void answers_have_their_freshness(void **state)
{
	(void)state;
	struct asked a;
	struct incoming in = handled(INCOMING_ANSWERED, 9);
	get(&a, "HEAD", "/dns-query?dns=Zm9v");
	http_request_answer(&a.request, &in, &a.response);
	assert_int_equal(a.response.status, 200);
	assert_string_equal(field_of(&a.response, "content-type"), "application/dns-message");
	assert_string_equal(field_of(&a.response, "cache-control"), "max-age=300");
	assert_string_equal(field_of(&a.response, "content-length"), "9");
	assert_int_equal(strlen(field_of(&a.response, "date")), 29);
	assert_true(view_is(a.response.body, "an answer") && a.response.headers_only);
	http_request_end(&a.request);
}

static unsigned status_for(enum incoming_outcome outcome, size_t length)
{
	struct asked a;
	struct incoming in = handled(outcome, length);
	get(&a, "GET", "/dns-query?dns=Zm9v");
	http_request_answer(&a.request, &in, &a.response);
	http_request_end(&a.request);
	return a.response.status;
}

static void outcomes_have_statuses(void **state)
{
	(void)state;
	assert_int_equal(status_for(INCOMING_TOO_SHORT, 0), 400);
	assert_int_equal(status_for(INCOMING_MALFORMED, 12), 400);
	assert_int_equal(status_for(INCOMING_REJECTED, 0), 400);
	assert_int_equal(
		status_for(INCOMING_REJECTED, 12), 200); /* NOTIMP is an answer (RFC 8484 4.2.1) */
	assert_int_equal(status_for(INCOMING_UNANSWERED, 0), 500);
	assert_int_equal(status_for(INCOMING_ANSWERED, 9), 200);
}

/* --- gRPC --- */

static struct asked *call(struct asked *a, const char *path, struct view body)
{
	begin(a, &grpc_service, "POST", path);
	http_request_field(&a->request, VIEW("content-type"), VIEW("application/grpc+proto"));
	http_request_field(&a->request, VIEW("grpc-timeout"), VIEW("200m"));
	http_request_body(&a->request, body);
	read_it(a);
	http_request_end(&a->request);
	return a;
}

static int call_status(struct view body)
{
	struct asked a;
	call(&a, "/coredns.dns.DnsService/Query", body);
	return a.is_message ? GRPC_OK : atoi(field_of(&a.response, "grpc-status"));
}

static void calls_carry_a_packet(void **state)
{
	(void)state;
	struct asked a;
	call(&a, "/coredns.dns.DnsService/Query", VIEW("\0\0\0\0\6\x0a\4wire"));
	assert_true(a.is_message && view_is(a.message, "wire"));
	assert_int_equal(a.request.timeout, 200000000);
	begin(&a, &grpc_service, "POST", "/coredns.dns.DnsService/Query");
	http_request_field(&a.request, VIEW("content-type"), VIEW("application/grpc-web"));
	read_it(&a);
	assert_int_equal(a.response.status, 415);
	call(&a, "/coredns.dns.DnsService/Watch", VIEW("\0\0\0\0\6\x0a\4wire"));
	assert_string_equal(field_of(&a.response, "grpc-status"), "12");
	/* fields that are not known are passed over, and the last of a repeated one counts */
	call(&a, "/coredns.dns.DnsService/Query", VIEW("\0\0\0\0\x0a\x10\5\x0a\1x\x0a\3yzw"));
	assert_true(a.is_message && view_is(a.message, "yzw"));
}

static void calls_that_carry_none_have_a_status(void **state)
{
	(void)state;
	assert_int_equal(call_status(VIEW("")), GRPC_INTERNAL);
	assert_int_equal(call_status(VIEW("\0\0\0\0")), GRPC_INTERNAL);
	assert_int_equal(call_status(VIEW("\0\0\0\0\7\x0a\4wire")), GRPC_INTERNAL);
	assert_int_equal(call_status(VIEW("\0\0\0\0\5\x0a\4wire")), GRPC_INTERNAL);
	assert_int_equal(call_status(VIEW("\0\0\0\0\6\x0a\5wire")), GRPC_INTERNAL);
	assert_int_equal(call_status(VIEW("\1\0\0\0\6\x0a\4wire")), GRPC_UNIMPLEMENTED);
	assert_int_equal(call_status(VIEW("\0\xff\0\0\6\x0a\4wire")), GRPC_RESOURCE_EXHAUSTED);
	assert_int_equal(call_status(VIEW("\0\0\0\0\0")), GRPC_OK);
}

static void replies_are_framed(void **state)
{
	(void)state;
	struct asked a;
	struct incoming in = handled(INCOMING_ANSWERED, 9);
	begin(&a, &grpc_service, "POST", "/coredns.dns.DnsService/Query");
	http_request_answer(&a.request, &in, &a.response);
	assert_true(view_equal(a.response.prefix, VIEW("\0\0\0\0\x0b\x0a\x09")));
	assert_true(view_is(a.response.body, "an answer"));
	assert_int_equal(a.response.trailer_count, 2);
	in = handled(INCOMING_UNANSWERED, 0);
	http_request_answer(&a.request, &in, &a.response);
	assert_string_equal(field_of(&a.response, "grpc-status"), "2");
	assert_int_equal(a.response.trailer_count, 0);
	http_request_end(&a.request);
}

static void timeouts_have_units(void **state)
{
	(void)state;
	assert_int_equal(grpc_timeout(VIEW("1H")), 3600000000000);
	assert_int_equal(grpc_timeout(VIEW("99999999n")), 99999999);
	assert_int_equal(grpc_timeout(VIEW("3u")), 3000);
	assert_int_equal(grpc_timeout(VIEW("100000000n")), 0);
	assert_int_equal(grpc_timeout(VIEW("5x")), 0);
	assert_int_equal(grpc_timeout(VIEW("S")), 0);
	assert_int_equal(grpc_timeout(VIEW("-1S")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_has_its_message_in_the_path),
		cmocka_unit_test(get_without_a_message_is_refused),
		cmocka_unit_test(a_parameter_has_a_limit),
		cmocka_unit_test(post_has_its_message_in_the_body),
		cmocka_unit_test(a_body_has_a_limit),
		cmocka_unit_test(other_methods_are_not_allowed),
		cmocka_unit_test(answers_have_their_freshness),
		cmocka_unit_test(outcomes_have_statuses),
		cmocka_unit_test(calls_carry_a_packet),
		cmocka_unit_test(calls_that_carry_none_have_a_status),
		cmocka_unit_test(replies_are_framed),
		cmocka_unit_test(timeouts_have_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
