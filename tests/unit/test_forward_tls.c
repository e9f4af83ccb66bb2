/* The plugins forward and grpc against upstreams that speak TLS, HTTP/2 and gRPC, well and badly. */
#include "forward_certificates.h"

#include "net/doh.h"
#include "net/grpc.h"

#include <sys/socket.h>

/* --- the rig with TLS --- */

static struct http_counts counts;
static const struct http2_settings dns_service = { .service = &grpc_service, .streams = 100, .counts = &counts };
static const struct http2_settings doh = { .service = &doh_service, .streams = 100, .counts = &counts };

/* `scheme`: tls or https. */
static void encrypted_rig_start(struct rig *r, const char *scheme, struct tls_credentials *c,
	const char *files, const char *options)
{
	char all[512], paths[256] = "", prefix[16];
	for (const char *at = files; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
		char file[64];
		snprintf(file, sizeof file, "%.*s", (int)strcspn(at, " "), at);
		snprintf(paths + strlen(paths), sizeof paths - strlen(paths), " %s", in_folder(file));
	}
	snprintf(all, sizeof all, "tls%s\n%s", paths, options);
	snprintf(prefix, sizeof prefix, "%s://", scheme);
	rig_start_at(r, prefix, 0, c, strcmp(scheme, "https") == 0 ? &doh : NULL, all);
}

static void secure_rig_start(
	struct rig *r, struct tls_credentials *c, const char *files, const char *options)
{
	encrypted_rig_start(r, "tls", c, files, options);
}

/* --- answers --- */

static void one_connection_carries_many_queries(void **state)
{
	enum { COUNT = 60 };
	struct rig r;
	struct asked a[COUNT] = { { .name = "slow.example." } };
	char names[COUNT][32];
	(void)state;
	secure_rig_start(&r, server_credentials("address", CLIENT_AUTH_NONE), "root.pem", "");
	for (int i = 1; i < COUNT; i++) {
		snprintf(names[i], sizeof names[i], "ok-%d.example.", i);
		a[i].name = names[i];
		a[i].stream = i % 2;
	}
	rig_ask(&r, a, COUNT);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(a[i].rcode, RCODE_NOERROR);
		assert_int_equal(a[i].answers, 1);
		assert_true(i == 0 || a[i].took < a[0].took); /* not behind the slow one */
	}
	assert_int_equal(r.server.tcp_queries, COUNT);
	assert_int_equal(r.server.udp_queries, 0);
	assert_int_equal(counted(&r, UPSTREAM_MISS_TLS), 1);
	assert_int_equal(counted(&r, UPSTREAM_HIT_TLS), COUNT - 1);
	assert_int_equal(counted(&r, UPSTREAM_TLS_FULL), 1);
	assert_int_equal(counted(&r, UPSTREAM_MISS_UDP) + counted(&r, UPSTREAM_MISS_TCP), 0);
	secure_rig_stop(&r);
}

/* A connection that the upstream closed after its answer is replaced by one that goes on from its session. */
static void sessions_are_resumed(void **state)
{
	struct rig r;
	struct asked a[] = { { .name = "closes.example." },
		{ .name = "ok.example.", .delay = 100 * NS_PER_MS } };
	(void)state;
	secure_rig_start(&r, server_credentials("named", CLIENT_AUTH_NONE), "root.pem",
		"tls_servername dns.example");
	rig_ask(&r, a, 2);
	assert_int_equal(a[0].answers, 1);
	assert_int_equal(a[1].answers, 1);
	assert_int_equal(counted(&r, UPSTREAM_TLS_FULL), 1);
	assert_int_equal(counted(&r, UPSTREAM_TLS_RESUMED), 1);
	secure_rig_stop(&r);
}

static void answers_that_were_cut_are_asked_for_again(void **state)
{
	struct rig r;
	struct asked a[] = { { .name = "cut.example." }, { .name = "refuse.example." } };
	(void)state;
	secure_rig_start(&r, server_credentials("chained", CLIENT_AUTH_NONE), "root.pem",
		"tls_servername dns.example\nprefer_udp");
	rig_ask(&r, a, 2);
	assert_int_equal(a[0].answers, 1);
	assert_int_equal(a[1].rcode, RCODE_REFUSED);
	assert_int_equal(r.server.udp_queries, 0);
	secure_rig_stop(&r);
}

static void client_certificates_are_shown(void **state)
{
	struct rig r;
	struct asked a[] = { { .name = "ok.example." } };
	(void)state;
	secure_rig_start(&r, server_credentials("named", CLIENT_AUTH_REQUIRE_AND_VERIFY),
		"client.pem client-key.pem root.pem", "tls_servername dns.example");
	rig_ask(&r, a, 1);
	assert_int_equal(a[0].answers, 1);
	secure_rig_stop(&r);
}

/* --- over HTTPS --- */

static void requests_share_a_connection(void **state)
{
	enum { COUNT = 60 };
	static const char *const methods[] = { "doh_method POST", "doh_method GET" };
	(void)state;
	for (int method = 0; method < 2; method++) {
		struct rig r;
		struct asked a[COUNT] = { { .name = "slow.example." } };
		char names[COUNT][32];
		encrypted_rig_start(&r, "https", server_credentials("address", CLIENT_AUTH_NONE),
			"root.pem", methods[method]);
		for (int i = 1; i < COUNT; i++) {
			snprintf(names[i], sizeof names[i], "ok-%d.example.", i);
			a[i].name = names[i];
		}
		rig_ask(&r, a, COUNT);
		for (int i = 0; i < COUNT; i++) {
			assert_int_equal(a[i].answers, 1);
			assert_true(i == 0 || a[i].took < a[0].took);
		}
		assert_int_equal(r.server.tcp_queries, COUNT);
		assert_int_equal(r.server.udp_queries, 0);
		assert_int_equal(counted(&r, UPSTREAM_TLS_FULL), 1);
		secure_rig_stop(&r);
	}
}

/* A request that nobody waits for any more is taken back, and the connection serves the others. */
static void requests_that_take_too_long_are_given_up(void **state)
{
	struct rig r;
	struct asked a[] = { { .name = "slow.example." }, { .name = "ok.example.", .delay = 50 * NS_PER_MS },
		{ .name = "refuse.example.", .delay = 200 * NS_PER_MS } };
	(void)state;
	encrypted_rig_start(&r, "https", server_credentials("named", CLIENT_AUTH_NONE), "root.pem",
		"tls_servername dns.example\nread_timeout 100ms\nmax_fails 0");
	rig_ask(&r, a, 3);
	assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
	assert_non_null(strstr(a[0].q.error, "i/o timeout"));
	assert_int_equal(a[1].answers, 1);
	assert_int_equal(a[2].rcode, RCODE_REFUSED);
	forget_errors(a, 3);
	secure_rig_stop(&r);
}

/* A server of DNS over TLS at the port, or one that does not know the path. */
static void who_serves_something_else_is_told(void **state)
{
	struct rig r;
	struct asked a[] = { { .name = "ok.example." } };
	(void)state;
	struct tls_credentials *c = server_credentials("address", CLIENT_AUTH_NONE);
	char options[128];
	snprintf(options, sizeof options, "tls %s\nmax_fails 0", in_folder("root.pem"));
	rig_start_at(&r, "https://", 0, c, NULL, options);
	rig_ask(&r, a, 1);
	assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
	assert_string_equal(a[0].q.error, "tls: no application protocol in common");
	forget_errors(a, 1);
	secure_rig_stop(&r);
	rig_start_at(&r, "https://", 0, server_credentials("address", CLIENT_AUTH_NONE), &dns_service, options);
	a[0] = (struct asked){ .name = "ok.example." };
	rig_ask(&r, a, 1);
	assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
	assert_non_null(strstr(a[0].q.error, "HTTP status 4"));
	forget_errors(a, 1);
	secure_rig_stop(&r);
}

/* --- over gRPC --- */

static void calls_share_a_connection(void **state)
{
	enum { COUNT = 60 };
	(void)state;
	for (int encrypted = 0; encrypted < 2; encrypted++) {
		struct rig r;
		struct asked a[COUNT] = { { .name = "slow.example." }, { .name = "refuse.example." } };
		char names[COUNT][32], options[128] = "";
		if (encrypted)
			snprintf(options, sizeof options, "tls %s", in_folder("root.pem"));
		rig_start_with(&r, "grpc", "", 0,
			encrypted ? server_credentials("address", CLIENT_AUTH_NONE) : NULL, &dns_service, options);
		for (int i = 2; i < COUNT; i++) {
			snprintf(names[i], sizeof names[i], "ok-%d.example.", i);
			a[i].name = names[i];
		}
		rig_ask(&r, a, COUNT);
		assert_int_equal(a[1].rcode, RCODE_REFUSED);
		for (int i = 0; i < COUNT; i++)
			assert_true(i == 1 || (a[i].answers == 1 && (i == 0 || a[i].took < a[0].took)));
		assert_int_equal(r.server.tcp_queries, COUNT);
		assert_int_equal(r.server.udp_queries, 0);
		secure_rig_stop(&r);
	}
}

static void calls_that_fail_say_why(void **state)
{
	struct rig r;
	struct asked a[] = { { .name = "ok.example." } };
	char options[128];
	(void)state;
	snprintf(options, sizeof options, "tls %s\ntls_servername other.example", in_folder("root.pem"));
	rig_start_with(&r, "grpc", "", 0, server_credentials("named", CLIENT_AUTH_NONE), &dns_service, options);
	rig_ask(&r, a, 1);
	assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
	assert_string_equal(a[0].q.error, "rpc error: code = Unavailable desc = tls: failed to verify certificate: "
		"x509: certificate is not valid for other.example");
	forget_errors(a, 1);
	secure_rig_stop(&r);
	a[0] = (struct asked){ .name = "ok.example." };
	rig_start_with(&r, "grpc", "", 0, NULL, &doh, "");
	rig_ask(&r, a, 1);
	assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
	assert_non_null(strstr(a[0].q.error, "rpc error: code = Unavailable desc = unexpected HTTP status 404"));
	forget_errors(a, 1);
	secure_rig_stop(&r);
}

/* --- who is not to be trusted --- */

static void who_is_not_who_it_says_is_not_asked(void **state)
{
	static const struct {
		const char *server, *files, *options, *error;
		enum upstream_event event;
		enum client_auth auth;
	} rows[] = {
		{ "named", "root.pem", "", "tls: failed to verify certificate: x509: certificate is not valid for 127.0.0.1",
			UPSTREAM_TLS_NAME, CLIENT_AUTH_NONE },
		{ "named", "root.pem", "tls_servername other.example",
			"tls: failed to verify certificate: x509: certificate is not valid for other.example",
			UPSTREAM_TLS_NAME, CLIENT_AUTH_NONE },
		{ "expired", "root.pem", "tls_servername dns.example",
			"tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
			UPSTREAM_TLS_EXPIRED, CLIENT_AUTH_NONE },
		{ "early", "root.pem", "tls_servername dns.example",
			"tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
			UPSTREAM_TLS_EXPIRED, CLIENT_AUTH_NONE },
		{ "named", "other.pem", "tls_servername dns.example",
			"tls: failed to verify certificate: x509: certificate signed by unknown authority",
			UPSTREAM_TLS_UNTRUSTED, CLIENT_AUTH_NONE },
		{ "incomplete", "root.pem", "tls_servername dns.example",
			"tls: failed to verify certificate: x509: certificate signed by unknown authority",
			UPSTREAM_TLS_UNTRUSTED, CLIENT_AUTH_NONE },
		{ "client", "root.pem", "tls_servername client.example",
			"tls: failed to verify certificate: x509: certificate signed by unknown authority",
			UPSTREAM_TLS_UNTRUSTED, CLIENT_AUTH_NONE },
		{ "named", "root.pem", "tls_servername dns.example", "remote error: tls: refused by an alert",
			UPSTREAM_TLS_REFUSED, CLIENT_AUTH_REQUIRE_AND_VERIFY },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rig r;
		struct asked a[] = { { .name = "ok.example." } };
		char options[256];
		snprintf(options, sizeof options, "max_fails 0\n%s", rows[i].options);
		secure_rig_start(&r, server_credentials(rows[i].server, rows[i].auth), rows[i].files, options);
		rig_ask(&r, a, 1);
		assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
		assert_string_equal(a[0].q.error, rows[i].error);
		assert_int_equal(counted(&r, rows[i].event), 2);
		assert_int_equal(r.server.tcp_queries + r.server.udp_queries, 0);
		forget_errors(a, 1);
		secure_rig_stop(&r);
	}
}

static void files_that_are_none_are_refused(void **state)
{
	static const char *const rows[][3] = {
		{ "client-key.pem", "", "could not read root certs: %s holds no certificate in PEM" },
		{ "none.pem", "", "error reading %s: open %s: no such file or directory" },
		{ "none.pem", "client-key.pem", "could not load TLS cert: open %s: no such file or directory" },
	};
	static const char *const directives[] = { "forward . tls://127.0.0.1", "forward . https://127.0.0.1",
		"grpc . 127.0.0.1" };
	(void)state;
	for (size_t i = 0; i < 3 * sizeof rows / sizeof rows[0]; i++) {
		const char *const *row = rows[i / 3], *directive = directives[i % 3];
		const char *path = in_folder(row[0]), *second = row[1][0] ? in_folder(row[1]) : "";
		char body[512], why[512], complaint[512];
		snprintf(body, sizeof body, "%s {\ntls %s %s\n}", directive, path, second);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(why, sizeof why, row[2], path, path);
#pragma GCC diagnostic pop
		snprintf(complaint, sizeof complaint, "plugin/%.*s: %.480s", (int)strcspn(directive, " "), directive,
			why);
		assert_refused(body, complaint);
	}
}

/* --- who speaks no TLS --- */

enum how {
	CLOSES,
	RESETS,
	ANSWERS_IN_THE_CLEAR,
	SAYS_NOTHING,
};

/* A listener that notes all that it is sent, over TCP and over UDP. */
struct wiretap {
	enum how how;
	int tcp, udp;
	uint16_t port;
	pthread_t thread;
	_Atomic bool end;
	unsigned connections;
	uint8_t heard[65536];
	size_t length;
};

static void tap_hear(struct wiretap *t, int fd)
{
	struct timeval patience = { .tv_usec = 300000 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	size_t room = sizeof t->heard - t->length;
	ssize_t got = recv(fd, t->heard + t->length, room < 4096 ? room : 4096, 0);
	if (got > 0)
		t->length += (size_t)got;
}

static void tap_answer(const struct wiretap *t, int fd)
{
	static const char answer[] = "\0\x1d\0\0\x84\0\0\1\0\0\0\0\0\0\6secret\7example\0\0\1\0\1";
	struct linger at_once = { .l_onoff = 1 };
	if (t->how == ANSWERS_IN_THE_CLEAR)
		send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
	if (t->how == RESETS)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	if (t->how == SAYS_NOTHING)
		usleep(700000);
}

static void *tap_run(void *data)
{
	struct wiretap *t = data;
	struct timeval patience = { .tv_usec = 50000 };
	setsockopt(t->tcp, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	while (!t->end) {
		int fd = accept(t->tcp, NULL, NULL);
		if (fd < 0)
			continue;
		t->connections++;
		tap_hear(t, fd);
		tap_answer(t, fd);
		close(fd);
	}
	return NULL;
}

static void tap_start(struct wiretap *t, enum how how)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof at;
	memset(t, 0, sizeof *t);
	t->how = how;
	t->tcp = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(t->tcp, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(t->tcp, 16), 0);
	getsockname(t->tcp, (struct sockaddr *)&at, &length);
	t->port = ntohs(at.sin_port);
	t->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(t->udp, (struct sockaddr *)&at, sizeof at), 0);
	pthread_create(&t->thread, NULL, tap_run, t);
}

static void tap_stop(struct wiretap *t)
{
	t->end = true;
	pthread_join(t->thread, NULL);
	close(t->tcp);
	close(t->udp);
}

/* Whatever the other side does, nothing but TLS is sent to it, and no name can be read there. */
static void nothing_is_ever_asked_in_the_clear(void **state)
{
	static struct wiretap t;
	(void)state;
	for (unsigned round = 0; round < 2 * (SAYS_NOTHING + 1); round++) {
		enum how how = round / 2;
		struct rig r;
		struct asked a[] = { { .name = "secret.example." },
			{ .name = "secret.example.", .type = TYPE_AAAA, .stream = true } };
		char options[256];
		tap_start(&t, how);
		snprintf(options, sizeof options, "tls %s\nprefer_udp\nread_timeout 500ms\nhealth_check 20ms domain secret.example",
			in_folder("root.pem"));
		rig_start_at(&r, round % 2 ? "https://" : "tls://", t.port, NULL, NULL, options);
		rig_ask(&r, a, 2);
		assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
		assert_int_equal(a[1].rcode, RCODE_SERVFAIL);
		forget_errors(a, 2);
		rig_stop(&r);
		tap_stop(&t);
		assert_true(t.connections >= 2 && t.length > 0);
		assert_int_equal(t.heard[0], 0x16); /* a handshake's record */
		assert_null(memmem(t.heard, t.length, "secret", 6));
		uint8_t datagram[512];
		assert_int_equal(recv(t.udp, datagram, sizeof datagram, 0), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_connection_carries_many_queries),
		cmocka_unit_test(sessions_are_resumed),
		cmocka_unit_test(answers_that_were_cut_are_asked_for_again),
		cmocka_unit_test(client_certificates_are_shown),
		cmocka_unit_test(requests_share_a_connection),
		cmocka_unit_test(requests_that_take_too_long_are_given_up),
		cmocka_unit_test(who_serves_something_else_is_told),
		cmocka_unit_test(calls_share_a_connection),
		cmocka_unit_test(calls_that_fail_say_why),
		cmocka_unit_test(who_is_not_who_it_says_is_not_asked),
		cmocka_unit_test(files_that_are_none_are_refused),
		cmocka_unit_test(nothing_is_ever_asked_in_the_clear),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
