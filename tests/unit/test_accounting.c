/* Counting of queries: which series a query ends up in. */
#include "test.h"

#include "server/accounting.h"
#include "server/listener.h"

static void check_line(const char *line, bool there)
{
	struct text page = { 0 };
	metrics_write(&page);
	if ((strstr(page.at, line) != NULL) != there)
		fail_msg("%s: %s", there ? "missing" : "should not be there", line);
	text_free(&page);
}

static struct query query_of(struct arena *arena, const char *name, uint16_t type)
{
	static struct listener listener = { .name = "dns://:53" };
	struct query q = { .arena = arena, .listener = &listener, .started = clock_now() };
	q.request.has_question = true;
	query_set_question(&q, name_from_text(arena, view_of(name)), type, CLASS_IN);
	q.wire_length = 100;
	endpoint_parse_ip(VIEW("192.0.2.1"), 1234, &q.client);
	return q;
}

static void test_a_reply_of_a_plugin(void **state)
{
	(void)state;
	struct arena *arena = arena_new(4096);
	struct query q = query_of(arena, "www.example.org", TYPE_AAAA);
	struct account *a = account_get(VIEW("dns://:53"), VIEW("example.org."), VIEW("v"));
	assert_ptr_equal(a, account_get(VIEW("dns://:53"), VIEW("example.org."), VIEW("v")));
	q.request.edns = (struct edns){ .present = true, .flags = EDNS_DO };
	struct account_request r = account_note(&q);
	reply_new(&q, RCODE_NXDOMAIN, 0);
	account_query(a, &q, &r, RCODE_NOERROR, VIEW("file"));
	const char *lines[] = {
		"coredns_dns_requests_total{family=\"1\",proto=\"udp\",server=\"dns://"
		":53\",type=\"AAAA\",view=\"v\",zone=\"example.org.\"} 1\n",
		"coredns_dns_do_requests_total{server=\"dns://"
		":53\",view=\"v\",zone=\"example.org.\"} 1\n",
		"coredns_dns_responses_total{plugin=\"file\",rcode=\"NXDOMAIN\",server=\"dns://"
		":53\",view=\"v\",zone=\"example.org.\"} 1\n",
		"coredns_dns_request_size_bytes_bucket{proto=\"udp\",server=\"dns://"
		":53\",view=\"v\",zone=\"example.org.\",le=\"100\"} 1\n",
		"coredns_dns_request_size_bytes_sum{proto=\"udp\",server=\"dns://"
		":53\",view=\"v\",zone=\"example.org.\"} 100\n",
		"coredns_dns_response_size_bytes_sum{proto=\"udp\",server=\"dns://"
		":53\",view=\"v\",zone=\"example.org.\"} 33\n",
		"coredns_dns_request_duration_seconds_count{server=\"dns://"
		":53\",view=\"v\",zone=\"example.org.\"} 1\n",
	};
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		check_line(lines[i], true);
	arena_free(arena);
}

static void test_no_reply(void **state)
{
	(void)state;
	struct arena *arena = arena_new(4096);
	struct query q = query_of(arena, "x.example.net", 65280);
	q.transport = TRANSPORT_TCP;
	endpoint_parse_ip(VIEW("2001:db8::1"), 1234, &q.client);
	struct account_request r = account_note(&q);
	struct account *a = account_get(VIEW("dns://:53"), VIEW("example.net."), VIEW(""));
	account_query(a, &q, &r, RCODE_SERVFAIL, VIEW(""));
	account_query(a, &q, &r, RCODE_SERVFAIL, VIEW(""));
	account_query(a, &q, &r, 3000, VIEW(""));
	check_line("coredns_dns_requests_total{family=\"2\",proto=\"tcp\",server=\"dns://"
		   ":53\",type=\"other\",view=\"\",zone=\"example.net.\"} 3\n",
		true);
	check_line("coredns_dns_responses_total{plugin=\"\",rcode=\"SERVFAIL\",server=\"dns://"
		   ":53\",view=\"\",zone=\"example.net.\"} 2\n",
		true);
	check_line("coredns_dns_responses_total{plugin=\"\",rcode=\"RCODE3000\",server=\"dns://"
		   ":53\",view=\"\",zone=\"example.net.\"} 1\n",
		true);
	check_line("coredns_dns_response_size_bytes_sum{proto=\"tcp\",server=\"dns://"
		   ":53\",view=\"\",zone=\"example.net.\"} 0\n",
		true);
	check_line("coredns_dns_do_requests_total{server=\"dns://"
		   ":53\",view=\"\",zone=\"example.net.\"}",
		false);
	arena_free(arena);
}

static void test_dropped(void **state)
{
	(void)state;
	struct arena *arena = arena_new(4096);
	struct query q = query_of(arena, "x.example.com", TYPE_A);
	reply_new(&q, RCODE_REFUSED, 0);
	account_dropped(&q);
	account_dropped(&q);
	check_line("coredns_dns_responses_total{plugin=\"\",rcode=\"REFUSED\",server=\"dns://"
		   ":53\",view=\"\",zone=\"dropped\"} 2\n",
		true);
	check_line("coredns_panics_total", false);
	account_crashes(0);
	check_line("\ncoredns_panics_total 0\n", true);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_reply_of_a_plugin),
		cmocka_unit_test(test_no_reply),
		cmocka_unit_test(test_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
