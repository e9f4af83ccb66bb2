/* TLS on a listener's connections: GnuTLS as a client over real sockets, a server's loop in a thread of its own. */
#include "certificates.h"

#include "net/tcp.h"
#include "net/tls_credentials.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 12, BIG = 60000, NAP_MS = 20, LONG_NAP_MS = 600 };

static char certificate_path[64], key_path[64];
static struct tls_credentials *credentials;

struct server {
	pthread_t thread;
	struct loop *loop;
	struct tcp_listener *tcp;
	struct tcp_limits limits;
	struct endpoint local;
	int fd;
	_Atomic bool ready;
};

/* The octet behind the header says what to do: 'w' waits, 'l' long, 'b' gives a big answer. */
static void answer(struct incoming *in)
{
	char how = (char)in->wire[HEADER];
	assert_int_equal(in->transport, TRANSPORT_TLS);
	if (how == 'w')
		fiber_sleep(NAP_MS * NS_PER_MS);
	if (how == 'l')
		fiber_sleep(LONG_NAP_MS * NS_PER_MS);
	memcpy(in->answer, in->wire, in->length);
	in->answer_length = in->length;
	if (how == 'b') {
		memset(in->answer + in->length, 0xbb, BIG - in->length);
		in->answer_length = BIG;
	}
}

static struct tls_credentials *credentials_of(void *listener)
{
	(void)listener;
	return credentials;
}

static void *serve(void *data)
{
	struct server *s = data;
	const struct tcp_service service = { .transport = TRANSPORT_TLS,
		.credentials = credentials_of,
		.handle = answer,
		.listener = s };
	s->loop = loop_new(0);
	s->tcp = tcp_listen(s->loop, s->fd, &s->local, &s->limits, &service);
	atomic_store(&s->ready, true);
	loop_run(s->loop);
	return NULL;
}

static void server_start(struct server *s)
{
	struct sockaddr_in bound;
	socklen_t length = sizeof bound;
	const char *step;
	s->ready = false;
	endpoint_parse_ip(VIEW("127.0.0.1"), 0, &s->local);
	s->fd = tcp_open(&s->local, &step);
	assert_true(s->fd >= 0);
	getsockname(s->fd, (struct sockaddr *)&bound, &length);
	endpoint_set_port(&s->local, ntohs(bound.sin_port));
	pthread_create(&s->thread, NULL, serve, s);
	while (!atomic_load(&s->ready))
		usleep(1000);
}

static void release(void *data)
{
	struct server *s = data;
	tcp_release(s->tcp);
	loop_stop(s->loop);
}

static void server_stop(struct server *s)
{
	loop_post(s->loop, release, s);
	pthread_join(s->thread, NULL);
	loop_free(s->loop);
}

static int connect_to(const struct server *s)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval timeout = { .tv_sec = 5 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	assert_int_equal(connect(fd, &s->local.any, endpoint_length(&s->local)), 0);
	return fd;
}

struct client {
	gnutls_certificate_credentials_t trust;
	gnutls_session_t session;
	int fd;
};

static void client_begin(struct client *c, const struct server *s)
{
	c->fd = connect_to(s);
	gnutls_certificate_allocate_credentials(&c->trust);
	gnutls_init(&c->session, GNUTLS_CLIENT);
	gnutls_set_default_priority(c->session);
	gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->trust);
	gnutls_transport_set_int(c->session, c->fd);
	assert_int_equal(gnutls_handshake(c->session), 0);
}

static void client_end(struct client *c)
{
	gnutls_deinit(c->session);
	gnutls_certificate_free_credentials(c->trust);
	close(c->fd);
}

static size_t framed(uint8_t *to, uint16_t id, char how, size_t size)
{
	to[0] = (uint8_t)(size >> 8);
	to[1] = (uint8_t)size;
	memset(to + 2, 0, size);
	to[2] = (uint8_t)(id >> 8);
	to[3] = (uint8_t)id;
	to[2 + HEADER] = (uint8_t)how;
	return 2 + size;
}

static bool read_all(struct client *c, uint8_t *to, size_t length)
{
	for (size_t got = 0; got < length;) {
		ssize_t n = gnutls_record_recv(c->session, to + got, length - got);
		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* The next answer's length, 0 when there is none any more; its id. */
static size_t answer_of(struct client *c, uint16_t *id)
{
	static uint8_t wire[65536];
	uint8_t prefix[2];
	if (!read_all(c, prefix, 2))
		return 0;
	size_t length = (size_t)prefix[0] << 8 | prefix[1];
	assert_true(read_all(c, wire, length));
	*id = (uint16_t)(wire[0] << 8 | wire[1]);
	return length;
}

static void queries_of_one_record_may_wait(void **state)
{
	(void)state;
	enum { COUNT = 300 };
	static uint8_t wire[COUNT * 64];
	static bool seen[COUNT];
	struct server s = { .limits = tcp_limits_default };
	struct client c;
	uint16_t id;
	size_t length = 0, quick = 0;
	server_start(&s);
	client_begin(&c, &s);
	for (uint16_t i = 0; i < COUNT; i++)
		length += framed(wire + length, i, i % 3 ? 'x' : 'w', 30);
	for (size_t at = 0; at < length;)
		at += (size_t)gnutls_record_send(c.session, wire + at, length - at);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(answer_of(&c, &id), 30);
		assert_false(seen[id]);
		seen[id] = true;
		quick += i < 100 && id % 3;
	}
	assert_true(quick > 90); /* those that wait do not hold up the others */
	client_end(&c);
	server_stop(&s);
}

static void queries_may_be_cut_by_records(void **state)
{
	(void)state;
	static uint8_t wire[2 + 65000];
	struct server s = { .limits = tcp_limits_default };
	struct client c;
	uint16_t id;
	server_start(&s);
	client_begin(&c, &s);
	size_t length = framed(wire, 7, 'x', 40);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(gnutls_record_send(c.session, wire + i, 1), 1);
	assert_int_equal(answer_of(&c, &id), 40);
	assert_int_equal(id, 7);
	length = framed(wire, 8, 'x', 65000);
	for (size_t at = 0; at < length;)
		at += (size_t)gnutls_record_send(c.session, wire + at, length - at);
	assert_int_equal(answer_of(&c, &id), 65000);
	assert_int_equal(id, 8);
	client_end(&c);
	server_stop(&s);
}

static void big_answers_wait_for_a_slow_reader(void **state)
{
	(void)state;
	enum { COUNT = 60 };
	uint8_t wire[64];
	struct server s = { .limits = tcp_limits_default };
	struct client c;
	uint16_t id;
	server_start(&s);
	client_begin(&c, &s);
	for (uint16_t i = 0; i < COUNT; i++)
		gnutls_record_send(c.session, wire, framed(wire, i, 'b', 30));
	usleep(100000);
	for (uint16_t i = 0; i < COUNT; i++) {
		assert_int_equal(answer_of(&c, &id), BIG);
		assert_int_equal(id, i);
	}
	client_end(&c);
	server_stop(&s);
}

static void the_first_handshakes_make_room_for_later_ones(void **state)
{
	(void)state;
	enum { LIMIT = 4, SILENT = 10 };
	struct server s = { .limits = tcp_limits_default };
	struct client c;
	uint8_t wire[64];
	uint16_t id;
	int silent[SILENT];
	s.limits.handshakes = LIMIT;
	server_start(&s);
	for (size_t i = 0; i < SILENT; i++) {
		silent[i] = connect_to(&s);
		assert_int_equal(send(silent[i], "\x16\x03\x01", 3, 0), 3);
	}
	client_begin(&c, &s);
	gnutls_record_send(c.session, wire, framed(wire, 1, 'x', 30));
	assert_int_equal(answer_of(&c, &id), 30);
	size_t closed = 0;
	for (size_t i = 0; i < SILENT; i++) {
		struct pollfd p = { .fd = silent[i], .events = POLLIN };
		bool gone = poll(&p, 1, 0) == 1;
		closed += gone;
		assert_int_equal(gone, i <= SILENT - LIMIT);
		close(silent[i]);
	}
	assert_int_equal(closed, SILENT - LIMIT + 1);
	client_end(&c);
	server_stop(&s);
}

static void a_listener_whose_connections_all_work_lets_others_wait(void **state)
{
	(void)state;
	struct server s = { .limits = tcp_limits_default };
	struct client first;
	uint8_t wire[64];
	uint16_t id;
	s.limits.connections = 1;
	s.limits.waits_when_full = true;
	server_start(&s);
	client_begin(&first, &s);
	gnutls_record_send(first.session, wire, framed(wire, 1, 'l', 30));
	usleep(50000);
	int waiting = connect_to(&s);
	struct pollfd p = { .fd = waiting, .events = POLLIN };
	assert_int_equal(send(waiting, "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
	assert_int_equal(poll(&p, 1, 200), 0); /* neither accepted nor refused */
	assert_int_equal(answer_of(&first, &id), 30);
	assert_int_equal(poll(&p, 1, 5000), 1);
	close(waiting);
	client_end(&first);
	server_stop(&s);
}

static void the_end_is_told_to_who_idles(void **state)
{
	(void)state;
	struct server s = { .limits = tcp_limits_default };
	struct client c;
	uint8_t octet;
	ssize_t got;
	s.limits.read = 200 * NS_PER_MS;
	server_start(&s);
	client_begin(&c, &s);
	do {
		got = gnutls_record_recv(c.session, &octet, 1);
	} while (got == GNUTLS_E_AGAIN); /* after the ticket */
	assert_int_equal(got, 0); /* close_notify, not a broken connection */
	client_end(&c);
	server_stop(&s);
}

static int set_up(void **state)
{
	(void)state;
	const char *why;
	struct arena *arena = arena_new(4096);
	struct issuer self = certificate_new(&(struct wanted){ .name = "dns.example" }, NULL);
	transports = &isthmus_transports;
	snprintf(certificate_path, sizeof certificate_path, "/tmp/test-tls-%d.pem", (int)getpid());
	snprintf(key_path, sizeof key_path, "/tmp/test-tls-%d.key", (int)getpid());
	certificate_write(certificate_path, &self, "w");
	key_write(key_path, &self);
	issuer_free(&self);
	credentials = tls_credentials_load(&(struct tls_settings){ .certificate = certificate_path,
						   .key = key_path,
						   .keylog = -1 },
		NULL, arena, &why);
	assert_non_null(credentials);
	arena_free(arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tls_credentials_release(credentials);
	unlink(certificate_path);
	unlink(key_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_of_one_record_may_wait),
		cmocka_unit_test(queries_may_be_cut_by_records),
		cmocka_unit_test(big_answers_wait_for_a_slow_reader),
		cmocka_unit_test(the_first_handshakes_make_room_for_later_ones),
		cmocka_unit_test(a_listener_whose_connections_all_work_lets_others_wait),
		cmocka_unit_test(the_end_is_told_to_who_idles),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
