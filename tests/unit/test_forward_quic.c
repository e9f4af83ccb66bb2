/* The plugin forward against upstreams that speak DNS over QUIC and HTTP/3, well and badly. */
#include "forward_certificates.h"

#include <sys/socket.h>

static const char *const schemes[] = { "quic", "h3" };

/* `streams`: that the server lets a client have at once; 0: as usual. */
static void quic_rig_start(struct rig *r, const char *scheme, struct tls_credentials *c, size_t streams,
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
	*r = (struct rig){ .server = { .credentials = c,
				   .quic = strcmp(scheme, "h3") == 0 ? TRANSPORT_HTTPS3 : TRANSPORT_QUIC,
				   .quic_streams = streams } };
	rig_begin(r, "forward", prefix, 0, all);
}

/* --- answers --- */

static void one_connection_carries_many_queries(void **state)
{
	enum { COUNT = 60 };
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rig r;
		struct asked a[COUNT] = { { .name = "slow.example." }, { .name = "refuse.example." } };
		char names[COUNT][32];
		quic_rig_start(&r, schemes[i % 2], server_credentials("address", CLIENT_AUTH_NONE), 0, "root.pem",
			i < 2 ? "" : "doh_method GET");
		for (int j = 2; j < COUNT; j++) {
			snprintf(names[j], sizeof names[j], "ok-%d.example.", j);
			a[j].name = names[j];
			a[j].stream = j % 2;
		}
		rig_ask(&r, a, COUNT);
		assert_int_equal(a[1].rcode, RCODE_REFUSED);
		for (int j = 0; j < COUNT; j++)
			assert_true(j == 1 || (a[j].answers == 1 && (j == 0 || a[j].took < a[0].took)));
		assert_int_equal(r.server.tcp_queries, COUNT);
		assert_int_equal(r.server.udp_queries, 0);
		assert_int_equal(counted(&r, UPSTREAM_TLS_FULL), 1);
		if (i == 0) {
			assert_int_equal(counted(&r, UPSTREAM_MISS_QUIC), 1);
			assert_int_equal(counted(&r, UPSTREAM_HIT_QUIC), COUNT - 1);
		}
		secure_rig_stop(&r);
	}
}

/* Queries wait until the server lets them have a stream. */
static void streams_that_the_server_allows_are_enough(void **state)
{
	enum { COUNT = 100 };
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig r;
		struct asked a[COUNT] = { 0 };
		char names[COUNT][32];
		quic_rig_start(&r, schemes[i], server_credentials("address", CLIENT_AUTH_NONE), 2, "root.pem",
			"max_age 1h");
		for (int j = 0; j < COUNT; j++) {
			snprintf(names[j], sizeof names[j], "ok-%d.example.", j);
			a[j].name = names[j];
		}
		rig_ask(&r, a, COUNT);
		for (int j = 0; j < COUNT; j++)
			assert_int_equal(a[j].answers, 1);
		assert_int_equal(r.server.tcp_queries, COUNT);
		secure_rig_stop(&r);
	}
}

static void sessions_are_resumed(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig r;
		struct asked a[] = { { .name = "ok.example." },
			{ .name = "ok-2.example.", .delay = 200 * NS_PER_MS } };
		quic_rig_start(&r, schemes[i], server_credentials("named", CLIENT_AUTH_NONE), 0, "root.pem",
			"tls_servername dns.example\nexpire 0s");
		rig_ask(&r, a, 2);
		assert_int_equal(a[0].answers, 1);
		assert_int_equal(a[1].answers, 1);
		assert_int_equal(counted(&r, UPSTREAM_TLS_FULL), 1);
		assert_int_equal(counted(&r, UPSTREAM_TLS_RESUMED), 1);
		secure_rig_stop(&r);
	}
}

static void client_certificates_are_shown(void **state)
{
	struct rig r;
	struct asked a[] = { { .name = "ok.example." } };
	(void)state;
	quic_rig_start(&r, "quic", server_credentials("named", CLIENT_AUTH_REQUIRE_AND_VERIFY), 0,
		"client.pem client-key.pem root.pem", "tls_servername dns.example");
	rig_ask(&r, a, 1);
	assert_int_equal(a[0].answers, 1);
	secure_rig_stop(&r);
}

/* A query that nobody waits for any more is taken back, and the connection serves the others. */
static void queries_that_take_too_long_are_given_up(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig r;
		struct asked a[] = { { .name = "slow.example." },
			{ .name = "ok.example.", .delay = 50 * NS_PER_MS },
			{ .name = "refuse.example.", .delay = 500 * NS_PER_MS } };
		quic_rig_start(&r, schemes[i], server_credentials("named", CLIENT_AUTH_NONE), 0, "root.pem",
			"tls_servername dns.example\nread_timeout 100ms\nmax_fails 0\nmax_connect_attempts 1");
		rig_ask(&r, a, 3);
		assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
		assert_non_null(strstr(a[0].q.error, "i/o timeout"));
		assert_int_equal(a[1].answers, 1);
		assert_int_equal(a[2].rcode, RCODE_REFUSED);
		assert_int_equal(counted(&r, UPSTREAM_TLS_FULL), 1);
		forget_errors(a, 3);
		secure_rig_stop(&r);
	}
}

/* Each query gets its stream reset; the connection serves the others. */
static void streams_that_are_reset_are_told(void **state)
{
	enum { COUNT = 8 };
	struct rig r;
	struct asked a[COUNT] = { 0 };
	char names[COUNT][32];
	(void)state;
	quic_rig_start(&r, "quic", server_credentials("named", CLIENT_AUTH_NONE), 0, "root.pem",
		"tls_servername dns.example\nmax_fails 0\nmax_connect_attempts 1");
	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof names[i], "%s-%d.example.", i % 2 ? "ok" : "silent", i);
		a[i].name = names[i];
	}
	rig_ask(&r, a, COUNT);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(a[i].answers, i % 2);
		if (i % 2 == 0) {
			assert_int_equal(a[i].rcode, RCODE_SERVFAIL);
			assert_non_null(strstr(a[i].q.error, "with code 0x1"));
		}
	}
	assert_int_equal(counted(&r, UPSTREAM_TLS_FULL), 1);
	forget_errors(a, COUNT);
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
		{ "named", "other.pem", "tls_servername dns.example",
			"tls: failed to verify certificate: x509: certificate signed by unknown authority",
			UPSTREAM_TLS_UNTRUSTED, CLIENT_AUTH_NONE },
		{ "incomplete", "root.pem", "tls_servername dns.example",
			"tls: failed to verify certificate: x509: certificate signed by unknown authority",
			UPSTREAM_TLS_UNTRUSTED, CLIENT_AUTH_NONE },
		{ "named", "root.pem", "tls_servername dns.example", "remote error: tls: refused by an alert",
			UPSTREAM_TLS_REFUSED, CLIENT_AUTH_REQUIRE_AND_VERIFY },
	};
	(void)state;
	for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		struct rig r;
		struct asked a[] = { { .name = "ok.example." } };
		char options[256];
		size_t row = i / 2;
		snprintf(options, sizeof options, "max_fails 0\n%s", rows[row].options);
		quic_rig_start(&r, schemes[i % 2], server_credentials(rows[row].server, rows[row].auth), 0,
			rows[row].files, options);
		rig_ask(&r, a, 1);
		assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
		assert_string_equal(a[0].q.error, rows[row].error);
		assert_true(counted(&r, rows[row].event) >= 1);
		assert_int_equal(r.server.tcp_queries + r.server.udp_queries, 0);
		forget_errors(a, 1);
		secure_rig_stop(&r);
	}
}

/* The port of the one protocol, asked for the other. */
static void who_serves_something_else_is_told(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig r = { .server = { .credentials = server_credentials("address", CLIENT_AUTH_NONE),
					 .quic = i ? TRANSPORT_QUIC : TRANSPORT_HTTPS3 } };
		struct asked a[] = { { .name = "ok.example." } };
		char options[128];
		snprintf(options, sizeof options, "tls %s\nmax_fails 0", in_folder("root.pem"));
		rig_begin(&r, "forward", i ? "h3://" : "quic://", 0, options);
		rig_ask(&r, a, 1);
		assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
		assert_string_equal(a[0].q.error, "tls: no application protocol in common");
		forget_errors(a, 1);
		secure_rig_stop(&r);
	}
}

/* --- who does not speak --- */

static void who_is_away_is_told_at_once(void **state)
{
	struct rig r;
	struct asked a[] = { { .name = "ok.example." } };
	char options[128];
	(void)state;
	r = (struct rig){ .server = { .credentials = NULL } };
	snprintf(options, sizeof options, "tls %s\nmax_fails 0", in_folder("root.pem"));
	rig_begin(&r, "forward", "quic://", 1, options);
	rig_ask(&r, a, 1);
	assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
	assert_string_equal(a[0].q.error, "dial quic 127.0.0.1:1: connect: connection refused");
	forget_errors(a, 1);
	secure_rig_stop(&r);
}

enum { HEARD_MAX = 64 };

/* A port at which nobody answers, or only with `answer`: gives what was sent there. */
struct deaf {
	int fd;
	const char *answer;
	_Atomic bool end;
	pthread_t thread;
	unsigned count;
	size_t lengths[HEARD_MAX];
	uint8_t heard[HEARD_MAX][2048];
};

static void *deaf_run(void *data)
{
	struct deaf *d = data;
	while (!d->end) {
		struct sockaddr_in from;
		socklen_t length = sizeof from;
		uint8_t *to = d->heard[d->count % HEARD_MAX];
		ssize_t got = recvfrom(
			d->fd, to, sizeof d->heard[0], 0, (struct sockaddr *)&from, &length);
		if (got <= 0)
			continue;
		d->lengths[d->count++ % HEARD_MAX] = (size_t)got;
		if (d->answer)
			sendto(d->fd, d->answer, strlen(d->answer), 0, (struct sockaddr *)&from, length);
	}
	return NULL;
}

static uint16_t deaf_start(struct deaf *d, const char *answer)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_usec = 50000 };
	socklen_t length = sizeof at;
	memset(d, 0, sizeof *d);
	d->answer = answer;
	d->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(d->fd, (struct sockaddr *)&at, sizeof at), 0);
	setsockopt(d->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	getsockname(d->fd, (struct sockaddr *)&at, &length);
	pthread_create(&d->thread, NULL, deaf_run, d);
	return ntohs(at.sin_port);
}

static void deaf_stop(struct deaf *d)
{
	d->end = true;
	pthread_join(d->thread, NULL);
	close(d->fd);
}

/* The handshake alone is sent, in datagrams that no amplifier can use (RFC 9000 14.1), and no name can be read there. */
static void nothing_is_ever_asked_in_the_clear(void **state)
{
	static struct deaf d;
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct rig r = { .server = { .credentials = NULL } };
		struct asked a[] = { { .name = "secret.example." } };
		char options[256];
		uint16_t port = deaf_start(&d, i < 2 ? NULL : "this is no QUIC, and it is long enough for a packet");
		snprintf(options, sizeof options, "tls %s\nread_timeout 500ms\nmax_fails 0", in_folder("root.pem"));
		rig_begin(&r, "forward", i % 2 ? "h3://" : "quic://", port, options);
		rig_ask(&r, a, 1);
		assert_int_equal(a[0].rcode, RCODE_SERVFAIL);
		assert_non_null(strstr(a[0].q.error, "i/o timeout"));
		forget_errors(a, 1);
		secure_rig_stop(&r);
		deaf_stop(&d);
		assert_true(d.count > 0 && d.count <= HEARD_MAX);
		for (unsigned j = 0; j < d.count; j++) {
			assert_int_equal(d.lengths[j], 1200);
			assert_int_equal(d.heard[j][0] & 0xc0, 0xc0); /* a long header */
			assert_null(memmem(d.heard[j], d.lengths[j], "secret", 6));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_connection_carries_many_queries),
		cmocka_unit_test(streams_that_the_server_allows_are_enough),
		cmocka_unit_test(sessions_are_resumed),
		cmocka_unit_test(client_certificates_are_shown),
		cmocka_unit_test(queries_that_take_too_long_are_given_up),
		cmocka_unit_test(streams_that_are_reset_are_told),
		cmocka_unit_test(who_is_not_who_it_says_is_not_asked),
		cmocka_unit_test(who_serves_something_else_is_told),
		cmocka_unit_test(who_is_away_is_told_at_once),
		cmocka_unit_test(nothing_is_ever_asked_in_the_clear),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
