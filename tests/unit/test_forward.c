/* The plugin forward against an upstream that behaves and misbehaves. */
#include "forward_rig.h"

#include <ctype.h>

/* --- what is asked and answered --- */

static void answers_come_back(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[] = { { .name = "ok.example." }, { .name = "refuse.example." },
		{ .name = "empty.example." }, { .name = "ok-tcp.example.", .stream = true },
		{ .name = "oK-CASE.Example." } };
	rig_start(&r, "");
	rig_ask(&r, a, 5);
	assert_int_equal(a[0].rcode, RCODE_NOERROR);
	assert_int_equal(a[0].answers, 1);
	assert_int_equal(a[1].rcode, RCODE_REFUSED);
	assert_int_equal(a[2].rcode, RCODE_NOERROR);
	assert_int_equal(a[2].answers, 0);
	assert_int_equal(a[3].answers, 1);
	assert_int_equal(a[4].answers, 1);
	assert_int_equal(r.server.tcp_queries, 1);
	assert_int_equal(r.server.udp_queries, 4);
	rig_stop(&r);
}

static void identical_questions_are_one(void **state)
{
	(void)state;
	enum { COUNT = 200 };
	static const char *const cases[] = { "slow.example.", "SLOW.example.", "slow.EXAMPLE." };
	struct rig r;
	struct asked a[COUNT] = { 0 };
	for (int i = 0; i < COUNT; i++) {
		a[i].name = cases[i % 3];
		a[i].delay = (uint64_t)i * NS_PER_MS / 2;
	}
	rig_start(&r, "");
	rig_ask(&r, a, COUNT);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(a[i].rcode, RCODE_NOERROR);
		assert_int_equal(a[i].answers, 1);
	}
	assert_int_equal(r.server.udp_queries, 1);
	rig_stop(&r);
}

static void other_questions_are_not(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[] = { { .name = "slow.example." }, { .name = "slow.example.", .type = TYPE_AAAA },
		{ .name = "slow.example.", .stream = true }, { .name = "slow-b.example." } };
	rig_start(&r, "");
	rig_ask(&r, a, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(a[i].answers, 1);
	assert_int_equal(r.server.udp_queries, 3);
	assert_int_equal(r.server.tcp_queries, 1);
	rig_stop(&r);
}

/* --- who lies --- */

static void lies_are_counted_and_ignored(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[] = { { .name = "lies.example." }, { .name = "liar.example." } };
	rig_start(&r, "read_timeout 200ms\nmax_fails 0");
	rig_ask(&r, a, 2);
	assert_int_equal(a[0].rcode, RCODE_NOERROR);
	assert_int_equal(a[0].answers, 1);
	assert_int_equal(a[1].rcode, RCODE_SERVFAIL);
	assert_non_null(strstr(a[1].q.error, "i/o timeout"));
	assert_int_equal(r.server.udp_queries, 3); /* the second one twice */
	struct metric *ignored = rig_forward(&r)->upstreams[0].events[UPSTREAM_IGNORED];
	assert_int_equal(metric_value(ignored), 15);
	forget_errors(a, 2);
	rig_stop(&r);
}

static void ids_and_ports_are_not_to_be_guessed(void **state)
{
	(void)state;
	enum { COUNT = 64 };
	struct rig r;
	struct asked a[COUNT] = { 0 };
	char names[COUNT][32];
	unsigned ports = 0, ids = 0, steps = 0;
	rig_start(&r, "");
	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof names[i], "ok-%d.example.", i);
		a[i].name = names[i];
		rig_ask(&r, &a[i], 1);
		assert_int_equal(a[i].answers, 1);
	}
	for (int i = 0; i < COUNT; i++) {
		bool new_port = true, new_id = true;
		for (int j = 0; j < i; j++) {
			new_port &= r.server.ports[i] != r.server.ports[j];
			new_id &= r.server.ids[i] != r.server.ids[j];
		}
		ports += new_port;
		ids += new_id;
		steps += i && r.server.ids[i] == r.server.ids[i - 1] + 1;
	}
	assert_true(ports > 25); /* 64 draws from 64 sockets are 40 different ones */
	assert_true(ids > 60);
	assert_true(steps < 3);
	rig_stop(&r);
}

static void random_case_must_be_repeated(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[] = { { .name = "ok.a-rather-long-name.with-many-letters.example." },
		{ .name = "lower.a-rather-long-name.with-many-letters.example." } };
	rig_start(&r, "random_case\nread_timeout 200ms\nmax_connect_attempts 1\nmax_fails 0");
	rig_ask(&r, a, 2);
	assert_int_equal(a[0].rcode, RCODE_NOERROR);
	assert_int_equal(a[1].rcode, RCODE_SERVFAIL);
	forget_errors(a, 2);
	rig_stop(&r);
}

/* --- who is late --- */

static void late_answers_still_count(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[] = { { .name = "slow.example." } };
	rig_start(&r, "read_timeout 200ms\nmax_fails 0");
	rig_ask(&r, a, 1);
	assert_int_equal(a[0].rcode, RCODE_NOERROR);
	assert_in_range(a[0].took, 290 * NS_PER_MS, 450 * NS_PER_MS); /* not 200 + 300 */
	assert_int_equal(r.server.udp_queries, 2);
	rig_stop(&r);
}

static void late_answers_are_kept_for_the_next(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[] = { { .name = "slow.example." },
		{ .name = "slow.example.", .delay = 400 * NS_PER_MS },
		{ .name = "slow.example.", .delay = 420 * NS_PER_MS } };
	rig_start(&r, "read_timeout 100ms\nmax_connect_attempts 1\nmax_fails 0");
	rig_ask(&r, a, 3);
	assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
	assert_in_range(a[0].took, 90 * NS_PER_MS, 250 * NS_PER_MS);
	assert_int_equal(a[1].rcode, RCODE_NOERROR);
	assert_true(a[1].took < 50 * NS_PER_MS);
	assert_int_equal(a[2].rcode, RCODE_SERVFAIL); /* once only */
	assert_int_equal(r.server.udp_queries, 2);
	forget_errors(a, 3);
	rig_stop(&r);
}

static void who_never_answers_is_given_up(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[] = { { .name = "silent.example." }, { .name = "silent.example.", .stream = true },
		{ .name = "ok.example.", .delay = 100 * NS_PER_MS } };
	rig_start(&r, "read_timeout 150ms\nmax_fails 0");
	rig_ask(&r, a, 3);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(a[i].rcode, RCODE_SERVFAIL);
		assert_in_range(a[i].took, 290 * NS_PER_MS, 600 * NS_PER_MS);
		assert_non_null(strstr(a[i].q.error, i ? "read tcp 127.0.0.1:" : "read udp 127.0.0.1:"));
		assert_non_null(strstr(a[i].q.error, ": i/o timeout"));
	}
	assert_int_equal(a[2].rcode, RCODE_NOERROR);
	forget_errors(a, 3);
	rig_stop(&r);
}

/* --- TCP --- */

static void tcp_answers_in_any_order(void **state)
{
	(void)state;
	enum { COUNT = 100 };
	struct rig r;
	struct asked a[COUNT] = { 0 };
	char names[COUNT][32];
	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof names[i], "%s-%d.example.", i % 2 ? "ok" : "slow", i);
		a[i].name = names[i];
		a[i].stream = true;
	}
	rig_start(&r, "");
	rig_ask(&r, a, COUNT);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(a[i].answers, 1);
		if (i % 2)
			assert_true(a[i].took < a[0].took);
	}
	assert_int_equal(r.server.tcp_queries, COUNT);
	assert_true(tcp_connections(r.server.tcp) <= 8);
	rig_stop(&r);
}

static void connections_that_were_closed_are_replaced(void **state)
{
	(void)state;
	enum { COUNT = 20 };
	struct rig r;
	struct asked a[COUNT] = { 0 };
	char names[COUNT][32];
	rig_start(&r, "force_tcp\nmax_connect_attempts 1\nmax_fails 0");
	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof names[i], "%s-%d.example.", i % 2 ? "ok" : "closes", i);
		a[i].name = names[i];
	}
	rig_ask(&r, a, COUNT); /* at the same time, on few connections */
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(a[i].rcode, RCODE_NOERROR);
		assert_int_equal(a[i].answers, 1);
	}
	for (int i = 0; i < COUNT; i++) { /* and one after the other */
		rig_ask(&r, &a[i], 1);
		assert_int_equal(a[i].rcode, RCODE_NOERROR);
	}
	rig_stop(&r);
}

static void answers_that_were_cut_are_asked_over_tcp(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[] = { { .name = "cut.example." }, { .name = "broken.example." } };
	rig_start(&r, "prefer_udp\nread_timeout 300ms\nmax_fails 0");
	rig_ask(&r, a, 1);
	assert_int_equal(a[0].answers, 1);
	assert_int_equal(r.server.udp_queries, 1);
	assert_int_equal(r.server.tcp_queries, 1);
	rig_stop(&r);
	rig_start(&r, "");
	rig_ask(&r, a + 1, 1);
	assert_int_equal(a[1].rcode, RCODE_NOERROR);
	assert_int_equal(a[1].answers, 0);
	rig_stop(&r);
}

/* --- limits and upstreams that are away --- */

static void no_more_than_max_concurrent(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[] = { { .name = "slow-a.example." }, { .name = "slow-b.example." },
		{ .name = "slow-c.example." }, { .name = "ok.example.", .delay = 400 * NS_PER_MS } };
	rig_start(&r, "max_concurrent 2");
	rig_ask(&r, a, 4);
	assert_int_equal(a[0].answers, 1);
	assert_int_equal(a[1].answers, 1);
	assert_int_equal(a[2].rcode, RCODE_REFUSED);
	assert_string_equal(a[2].q.error, "concurrent queries exceeded maximum 2");
	assert_int_equal(a[3].answers, 1);
	forget_errors(a, 4);
	rig_stop(&r);
}

static void too_many_waits_shed_the_oldest(void **state)
{
	(void)state;
	enum { COUNT = 200, MOST = 50 };
	struct rig r;
	struct asked a[COUNT] = { 0 };
	char names[COUNT][32];
	rig_start(&r, "");
	loop_waiting_limit(r.loop, MOST);
	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof names[i], "slow-%d.example.", i);
		a[i].name = names[i];
	}
	rig_ask(&r, a, COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(a[i].rcode, i < COUNT - MOST ? RCODE_SERVFAIL : RCODE_NOERROR);
	assert_int_equal(loop_shed(r.loop), COUNT - MOST);
	forget_errors(a, COUNT);
	rig_stop(&r);
}

static void stop_plugin(void *data)
{
	struct rig *r = data;
	struct plugin *p = r->bed->config->blocks->plugins;
	fiber_sleep(50 * NS_PER_MS);
	p->type->worker_stop(p, p->worker_states[0]);
}

static void who_waits_when_all_ends_is_told(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[] = { { .name = "silent.example." }, { .name = "silent.example." },
		{ .name = "silent-b.example.", .stream = true } };
	rig_start(&r, "max_fails 0");
	fiber_spawn(r.loop, stop_plugin, &r);
	rig_ask(&r, a, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(a[i].rcode, RCODE_SERVFAIL);
		assert_true(a[i].took < 1000 * NS_PER_MS);
	}
	forget_errors(a, 3);
	rig_stop(&r);
}

static void who_is_away_is_passed_over(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[8] = { 0 };
	char corefile[256], names[8][32];
	memset(&r, 0, sizeof r);
	upstream_server_start(&r.server);
	snprintf(corefile, sizeof corefile,
		".:53 {\nforward . 127.0.0.1:1 127.0.0.1:%u {\npolicy sequential\nhealth_check 10ms\n}\n}\n",
		endpoint_port(&r.server.local));
	r.bed = bed_new(corefile);
	r.loop = loop_new(0);
	r.bed->config->control = r.loop;
	for (int i = 0; i < 8; i++) {
		snprintf(names[i], sizeof names[i], "ok-%d.example.", i);
		a[i].name = names[i];
		a[i].stream = i % 2;
		a[i].delay = (uint64_t)i * 30 * NS_PER_MS;
	}
	rig_ask(&r, a, 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(a[i].answers, 1);
	assert_true(upstream_is_down(rig_forward(&r), &rig_forward(&r)->upstreams[0]));
	assert_int_equal(rig_forward(&r)->upstreams[1].fails, 0);
	rig_stop(&r);
}

static void all_away_is_servfail(void **state)
{
	(void)state;
	struct rig r;
	struct asked a[] = { { .name = "ok.example." }, { .name = "ok.example.", .stream = true } };
	memset(&r, 0, sizeof r);
	upstream_server_start(&r.server);
	r.bed = bed_new(".:53 {\nforward . 127.0.0.1:1 {\nmax_fails 0\n}\n}\n");
	r.loop = loop_new(0);
	r.bed->config->control = r.loop;
	rig_ask(&r, a, 2);
	assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
	assert_non_null(strstr(a[0].q.error, "->127.0.0.1:1: read: connection refused"));
	assert_int_equal(a[1].rcode, RCODE_SERVFAIL);
	assert_string_equal(a[1].q.error, "dial tcp 127.0.0.1:1: connect: connection refused");
	forget_errors(a, 2);
	rig_stop(&r);
}

/* --- the Corefile --- */

static void options_are_checked(void **state)
{
	(void)state;
	assert_refused("forward", "plugin/forward: Corefile:2 - Error during parsing: Wrong argument count or "
				  "unexpected line ending after 'forward'");
	assert_refused("forward .", "plugin/forward: Corefile:2 - Error during parsing: Wrong argument count "
				    "or unexpected line ending after '.'");
	static const char *const cases[][2] = {
		{ "expire -5s", "expire can't be negative: -5s" },
		{ "max_age -1s", "max_age can't be negative: -1s" },
		{ "max_age 5s", "max_age (5s) must not be less than expire (10s)" },
		{ "max_idle_conns -2", "max_idle_conns can't be negative: -2" },
		{ "read_timeout 0s", "read_timeout must be positive: 0s" },
		{ "doh_method get", "doh_method must be either POST or GET" },
		{ "health_check -1s", "health_check can't be negative: -1000000000" },
		{ "health_check 1s hard", "health_check: unknown option hard" },
		{ "max_concurrent -2", "max_concurrent can't be negative: -2" },
		{ "next NOTHING", "NOTHING is not a valid rcode" },
		{ "failover NOERROR", "NoError cannot be used in failover" },
		{ "resolver x", "resolver must be an IP address or IP:port: \"x\"" },
		{ "max_fails -1", "strconv.ParseUint: parsing \"-1\": invalid syntax" },
		{ "policy best",
			"Corefile:3 - Error during parsing: unknown policy 'best'" },
		{ "source_address x", "Corefile:3 - Error during parsing: invalid IP address: x" },
		{ "magic", "Corefile:3 - Error during parsing: unknown property 'magic'" },
		{ "force_tcp x", "Corefile:3 - Error during parsing: Wrong argument count or unexpected line "
				 "ending after 'x'" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char body[256], complaint[256];
		snprintf(body, sizeof body, "forward . 192.0.2.1 {\n%s\n}", cases[i][0]);
		snprintf(complaint, sizeof complaint, "plugin/forward: %s", cases[i][1]);
		assert_refused(body, complaint);
	}
}

static void destinations_are_checked(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "https://192.0.2.1/", "paths are not allowed in HTTPS upstream addresses (the /dns-query path is "
					"used by default): https://192.0.2.1/" },
		{ "dns://", "invalid address: \"dns://\"" },
		{ "a..b", "not an IP address, file, or valid domain: \"a..b\"" },
		{ "/dev/null", "no valid upstream addresses found" },
		{ "/tmp", "no valid upstream addresses found" },
		{ "grpc://192.0.2.1", "'grpc' is not supported as a destination protocol in forward: "
				      "grpc://192.0.2.1:443" },
		{ "h3://192.0.2.1/dns-query", "paths are not allowed in HTTPS upstream addresses (the /dns-query path is "
					      "used by default): h3://192.0.2.1/dns-query" },
		{ "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8 192.0.2.9 "
		  "192.0.2.10 192.0.2.11 192.0.2.12 192.0.2.13 192.0.2.14 192.0.2.15 192.0.2.16",
			"more than 15 TOs configured: 16" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char body[512], complaint[256];
		snprintf(body, sizeof body, "forward . %s", cases[i][0]);
		snprintf(complaint, sizeof complaint, "plugin/forward: %s", cases[i][1]);
		assert_refused(body, complaint);
	}
}

static void destinations_are_understood(void **state)
{
	(void)state;
	struct bed *b = bed_new(".:53 {\nforward example.org 192.0.2.1 192.0.2.1:53 dns://192.0.2.2:5300 [2001:db8::1]:54 "
				"2001:db8::2 dns://[2001:db8::3]\n}\n");
	static const char *const names[] = { "192.0.2.1:53", "192.0.2.2:5300", "[2001:db8::1]:54",
		"[2001:db8::2]:53", "[2001:db8::3]:53" };
	assert_non_null(b->config);
	struct forward *f = b->config->blocks->plugins->state;
	assert_int_equal(f->count, 5);
	for (size_t i = 0; i < f->count; i++)
		assert_true(view_is(f->upstreams[i].name, names[i]));
	bed_free(b);
}

static void policies_order(void **state)
{
	(void)state;
	struct relay r = { .policy = POLICY_ROUND_ROBIN };
	uint16_t order[3];
	static const uint16_t turns[][3] = { { 1, 0, 2 }, { 2, 0, 1 }, { 0, 1, 2 }, { 1, 0, 2 } };
	for (int i = 0; i < 4; i++) {
		relay_order(&r, 3, order);
		assert_memory_equal(order, turns[i], sizeof order);
	}
	r.policy = POLICY_RANDOM;
	unsigned first[3] = { 0 };
	for (int i = 0; i < 3000; i++) {
		relay_order(&r, 3, order);
		assert_int_equal(order[0] + order[1] + order[2], 3);
		first[order[0]]++;
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(first[i], 850, 1150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_back),
		cmocka_unit_test(identical_questions_are_one),
		cmocka_unit_test(other_questions_are_not),
		cmocka_unit_test(lies_are_counted_and_ignored),
		cmocka_unit_test(ids_and_ports_are_not_to_be_guessed),
		cmocka_unit_test(random_case_must_be_repeated),
		cmocka_unit_test(late_answers_still_count),
		cmocka_unit_test(late_answers_are_kept_for_the_next),
		cmocka_unit_test(who_never_answers_is_given_up),
		cmocka_unit_test(tcp_answers_in_any_order),
		cmocka_unit_test(connections_that_were_closed_are_replaced),
		cmocka_unit_test(answers_that_were_cut_are_asked_over_tcp),
		cmocka_unit_test(no_more_than_max_concurrent),
		cmocka_unit_test(too_many_waits_shed_the_oldest),
		cmocka_unit_test(who_waits_when_all_ends_is_told),
		cmocka_unit_test(who_is_away_is_passed_over),
		cmocka_unit_test(all_away_is_servfail),
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(destinations_are_checked),
		cmocka_unit_test(destinations_are_understood),
		cmocka_unit_test(policies_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
