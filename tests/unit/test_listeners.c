/*
 * The UDP and TCP listeners over loopback. The server answers each message with itself and QR set; the first octet after
 * the header says how: 'w' waits before it answers, 'n' gives no answer, 'c' has the connection closed, 'b' answers with
 * 60,000 octets.
 */
#include "test.h"

#include "base/memory.h"
#include "base/metrics.h"
#include "net/tcp.h"
#include "net/udp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HEADER = 12, BIG = 60000 };

struct server {
	pthread_t thread;
	struct loop *loop;
	struct endpoint local;
	struct tcp_limits limits;
	struct udp_listener *udp;
	struct tcp_listener *tcp;
	_Atomic bool ready;
	_Atomic size_t waiting, most_waiting, failed;
	char asked[ENDPOINT_TEXT_MAX]; /* in.local of the last query */
};

static void wait_and_check(struct server *s, struct incoming *in)
{
	uint8_t *copy = memory_alloc(in->length);
	memcpy(copy, in->wire, in->length);
	if (++s->waiting > s->most_waiting)
		s->most_waiting = s->waiting;
	fiber_sleep(30 * NS_PER_MS);
	s->waiting--;
	if (memcmp(copy, in->wire, in->length) != 0)
		s->failed++;
	free(copy);
}

static void answer(struct incoming *in)
{
	struct server *s = in->listener;
	if (in->length < HEADER)
		return;
	uint8_t how = in->length > HEADER ? in->wire[HEADER] : 0;
	endpoint_print(&in->local, s->asked);
	if (how == 'w')
		wait_and_check(s, in);
	if (how == 'n')
		return;
	memcpy(in->answer, in->wire, in->length);
	in->answer[2] |= 0x80;
	in->answer_length = in->length;
	in->close = how == 'c';
	if (how == 'b') {
		memset(in->answer + in->length, 0xbb, BIG - in->length);
		in->answer_length = BIG;
	}
}

static struct endpoint address_of(int fd)
{
	struct sockaddr_in6 any;
	socklen_t length = sizeof any;
	getsockname(fd, (struct sockaddr *)&any, &length);
	return endpoint_from((struct sockaddr *)&any);
}

static void release(void *data)
{
	struct server *s = data;
	udp_release(s->udp);
	tcp_release(s->tcp);
	loop_stop(s->loop);
}

/* Opens both on one port of the kernel's choice: the one that UDP gets may be taken for TCP, by an old connection too. */
static void open_both(struct server *s, int *udp, int *tcp)
{
	const char *step;
	struct endpoint wanted = s->local;
	for (int tries = 0; tries < 100; tries++) {
		s->local = wanted;
		*udp = udp_open(&s->local, &step);
		struct endpoint bound = address_of(*udp);
		endpoint_set_port(&s->local, endpoint_port(&bound));
		*tcp = tcp_open(&s->local, &step);
		if (*tcp >= 0)
			return;
		close(*udp);
	}
	abort();
}

static void *serve(void *data)
{
	struct server *s = data;
	int udp, tcp;
	s->loop = loop_new(0);
	open_both(s, &udp, &tcp);
	s->udp = udp_listen(s->loop, udp, &s->local, answer, s);
	s->tcp = tcp_listen(s->loop, tcp, &s->local, &s->limits,
		&(struct tcp_service){ .transport = TRANSPORT_TCP, .handle = answer, .listener = s });
	atomic_store(&s->ready, true);
	loop_run(s->loop);
	return NULL;
}

static void server_start(struct server *s, const char *address)
{
	memset(s, 0, sizeof *s);
	s->limits = tcp_limits_default;
	assert_true(endpoint_parse_ip(view_of(address), 0, &s->local));
}

static void server_run(struct server *s)
{
	pthread_create(&s->thread, NULL, serve, s);
	while (!atomic_load(&s->ready))
		usleep(1000);
}

static void server_stop(struct server *s)
{
	loop_post(s->loop, release, s);
	pthread_join(s->thread, NULL);
	loop_free(s->loop);
	assert_int_equal(s->failed, 0);
}

static int client(struct server *s, int type, const char *address)
{
	struct endpoint to;
	assert_true(endpoint_parse_ip(view_of(address), endpoint_port(&s->local), &to));
	int fd = socket(to.any.sa_family, type, 0);
	struct timeval timeout = { .tv_sec = 5 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	assert_int_equal(connect(fd, &to.any, endpoint_length(&to)), 0);
	return fd;
}

/* A message of `size` octets with this id. */
static size_t message(uint8_t *to, uint16_t id, char how, size_t size)
{
	memset(to, 0x11, size);
	memset(to, 0, HEADER);
	to[0] = (uint8_t)(id >> 8);
	to[1] = (uint8_t)id;
	to[HEADER] = (uint8_t)how;
	return size;
}

static uint16_t id_of(const uint8_t *wire)
{
	return (uint16_t)(wire[0] << 8 | wire[1]);
}

/* --- UDP --- */

static void udp_answers_from_the_address_asked(void **state)
{
	(void)state;
	static const struct {
		const char *bound, *asked, *seen;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1", "127.0.0.1:" },
		{ "0.0.0.0", "127.0.0.3", "127.0.0.3:" },
		{ "::1", "::1", "[::1]:" },
		{ "::", "::1", "[::1]:" },
		{ "::", "127.0.0.4", "127.0.0.4:" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct server s;
		uint8_t query[64], got[128];
		server_start(&s, cases[i].bound);
		server_run(&s);
		/* A connected socket takes nothing from another address. */
		int fd = client(&s, SOCK_DGRAM, cases[i].asked);
		for (char how = 'w'; how <= 'x'; how++) {
			size_t size = message(query, 7, how, 40);
			assert_int_equal(send(fd, query, size, 0), size);
			assert_int_equal(recv(fd, got, sizeof got, 0), size);
			assert_int_equal(got[2], 0x80);
		}
		assert_int_equal(strncmp(s.asked, cases[i].seen, strlen(cases[i].seen)), 0);
		close(fd);
		server_stop(&s);
	}
}

static void udp_waiting_queries_keep_their_datagrams(void **state)
{
	(void)state;
	enum { COUNT = 150 };
	struct server s;
	uint8_t wire[512];
	bool seen[COUNT] = { 0 };
	unsigned quick = 0;
	server_start(&s, "127.0.0.1");
	server_run(&s);
	int fd = client(&s, SOCK_DGRAM, "127.0.0.1");
	for (unsigned i = 0; i < COUNT; i++)
		send(fd, wire, message(wire, (uint16_t)i, i % 2 ? 'w' : 'x', 30 + i % 300), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		ssize_t got = recv(fd, wire, sizeof wire, 0);
		assert_true(got > 0);
		unsigned id = id_of(wire);
		assert_true(id < COUNT && !seen[id]);
		assert_int_equal(got, 30 + id % 300);
		assert_int_equal(wire[HEADER], id % 2 ? 'w' : 'x');
		seen[id] = true;
		if (i < COUNT / 2)
			quick += id % 2 == 0;
	}
	assert_true(quick > COUNT / 4); /* those that wait did not hold up the others */
	assert_true(s.most_waiting > 20);
	close(fd);
	server_stop(&s);
}

static void udp_takes_long_and_short_datagrams(void **state)
{
	(void)state;
	struct server s;
	static uint8_t wire[65536], got[65536];
	server_start(&s, "127.0.0.1");
	server_run(&s);
	int fd = client(&s, SOCK_DGRAM, "127.0.0.1");
	static const size_t sizes[] = { 13, 512, 4095, 4096, 4097, 20000, 65507 };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t size = message(wire, (uint16_t)i, 'x', sizes[i]);
		wire[size - 1] = 0x77;
		send(fd, "short", 5, 0); /* left without an answer */
		send(fd, wire, message(got, 9, 'n', 20) ? size : 0, 0);
		assert_int_equal(recv(fd, got, sizeof got, 0), size);
		assert_int_equal(got[size - 1], 0x77);
		assert_int_equal(id_of(got), i);
	}
	send(fd, wire, message(wire, 3, 'b', 50), 0);
	assert_int_equal(recv(fd, got, sizeof got, 0), BIG);
	close(fd);
	server_stop(&s);
}

static void udp_is_released_while_queries_wait(void **state)
{
	(void)state;
	struct server s;
	uint8_t wire[64];
	server_start(&s, "127.0.0.1");
	server_run(&s);
	int fd = client(&s, SOCK_DGRAM, "127.0.0.1");
	send(fd, wire, message(wire, 5, 'w', 40), 0);
	while (!s.waiting)
		usleep(1000);
	server_stop(&s); /* the loop's end ends the sleep: the answer still goes out */
	assert_int_equal(recv(fd, wire, sizeof wire, 0), 40);
	close(fd);
}

/* --- TCP --- */

static size_t framed(uint8_t *to, uint16_t id, char how, size_t size)
{
	to[0] = (uint8_t)(size >> 8);
	to[1] = (uint8_t)size;
	return 2 + message(to + 2, id, how, size);
}

static void send_all(int fd, const uint8_t *at, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
		assert_true(sent > 0);
		at += sent;
		size -= (size_t)sent;
	}
}

static bool receive_all(int fd, uint8_t *to, size_t size)
{
	while (size) {
		ssize_t got = recv(fd, to, size, 0);
		if (got <= 0)
			return false;
		to += got;
		size -= (size_t)got;
	}
	return true;
}

/* The length of the next message; 0 at the connection's end. */
static size_t receive_message(int fd, uint8_t *to)
{
	uint8_t prefix[2];
	if (!receive_all(fd, prefix, 2))
		return 0;
	size_t size = (size_t)prefix[0] << 8 | prefix[1];
	return receive_all(fd, to, size) ? size : 0;
}

static void tcp_pipelines_out_of_order(void **state)
{
	(void)state;
	enum { COUNT = 200 };
	struct server s;
	static uint8_t wire[COUNT * 100], got[65536];
	bool seen[COUNT] = { 0 };
	size_t length = 0, waiters_in_first_half = 0;
	server_start(&s, "127.0.0.1");
	server_run(&s);
	int fd = client(&s, SOCK_STREAM, "127.0.0.1");
	for (unsigned i = 0; i < COUNT; i++)
		length += framed(wire + length, (uint16_t)i, i % 2 ? 'x' : 'w', 40 + i % 40);
	send_all(fd, wire, length);
	for (unsigned i = 0; i < COUNT; i++) {
		size_t size = receive_message(fd, got);
		unsigned id = id_of(got);
		assert_true(id < COUNT && !seen[id]);
		assert_int_equal(size, 40 + id % 40);
		seen[id] = true;
		if (i < COUNT / 2)
			waiters_in_first_half += id % 2 == 0;
	}
	assert_true(waiters_in_first_half < COUNT / 8);
	close(fd);
	server_stop(&s);
}

static void tcp_limits_what_is_worked_on(void **state)
{
	(void)state;
	enum { COUNT = 100 };
	struct server s;
	static uint8_t wire[COUNT * 100], got[65536];
	size_t length = 0;
	server_start(&s, "127.0.0.1");
	s.limits.pipelined = 7;
	server_run(&s);
	int fd = client(&s, SOCK_STREAM, "127.0.0.1");
	for (unsigned i = 0; i < COUNT; i++)
		length += framed(wire + length, (uint16_t)i, i % 10 == 9 ? 'x' : 'w', 50);
	send_all(fd, wire, length);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(receive_message(fd, got), 50);
	assert_int_equal(s.most_waiting, 7);
	close(fd);
	server_stop(&s);
}

static void tcp_takes_octets_one_by_one(void **state)
{
	(void)state;
	struct server s;
	uint8_t wire[200], got[65536];
	server_start(&s, "::1");
	server_run(&s);
	int fd = client(&s, SOCK_STREAM, "::1"), one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	size_t length = framed(wire, 1, 'x', 30);
	length += framed(wire + length, 2, 'w', 20);
	for (size_t i = 0; i < length; i++) {
		send_all(fd, wire + i, 1);
		usleep(300);
	}
	assert_int_equal(receive_message(fd, got), 30);
	assert_int_equal(receive_message(fd, got), 20);
	close(fd);
	server_stop(&s);
}

static void tcp_answers_after_half_close(void **state)
{
	(void)state;
	struct server s;
	uint8_t wire[200], got[65536];
	server_start(&s, "127.0.0.1");
	server_run(&s);
	int fd = client(&s, SOCK_STREAM, "127.0.0.1");
	size_t length = framed(wire, 1, 'w', 30);
	length += framed(wire + length, 2, 'x', 20);
	send_all(fd, wire, length);
	shutdown(fd, SHUT_WR);
	assert_int_equal(receive_message(fd, got), 20);
	assert_int_equal(receive_message(fd, got), 30);
	assert_int_equal(receive_message(fd, got), 0);
	close(fd);
	server_stop(&s);
}

static void tcp_survives_peers_that_vanish(void **state)
{
	(void)state;
	struct server s;
	uint8_t wire[200], got[65536];
	server_start(&s, "127.0.0.1");
	server_run(&s);
	for (int i = 0; i < 50; i++) {
		int fd = client(&s, SOCK_STREAM, "127.0.0.1");
		struct linger reset = { .l_onoff = i % 2 };
		send_all(fd, wire, framed(wire, 1, 'w', 30));
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(fd);
	}
	int fd = client(&s, SOCK_STREAM, "127.0.0.1");
	send_all(fd, wire, framed(wire, 1, 'w', 30));
	assert_int_equal(receive_message(fd, got), 30);
	usleep(100000);
	assert_int_equal(tcp_connections(s.tcp), 1);
	close(fd);
	server_stop(&s);
}

static void tcp_closes_after_its_number_of_queries(void **state)
{
	(void)state;
	struct server s;
	uint8_t wire[400], got[65536];
	server_start(&s, "127.0.0.1");
	s.limits.queries = 3;
	server_run(&s);
	int fd = client(&s, SOCK_STREAM, "127.0.0.1");
	size_t length = 0;
	for (uint16_t i = 0; i < 5; i++)
		length += framed(wire + length, i, 'x', 30);
	send_all(fd, wire, length);
	for (int i = 0; i < 3; i++)
		assert_int_equal(receive_message(fd, got), 30);
	assert_int_equal(receive_message(fd, got), 0);
	close(fd);
	fd = client(&s, SOCK_STREAM, "127.0.0.1");
	send_all(fd, wire, framed(wire, 1, 'c', 30));
	assert_int_equal(receive_message(fd, got), 30);
	assert_int_equal(receive_message(fd, got), 0);
	close(fd);
	server_stop(&s);
}

static uint64_t time_to_end(int fd)
{
	uint8_t got[65536];
	uint64_t start = clock_now();
	assert_int_equal(receive_message(fd, got), 0);
	return clock_now() - start;
}

static void tcp_cuts_off_who_takes_too_long(void **state)
{
	(void)state;
	struct server s;
	uint8_t wire[200], got[65536];
	server_start(&s, "127.0.0.1");
	s.limits.read = 100 * NS_PER_MS;
	s.limits.idle = 300 * NS_PER_MS;
	server_run(&s);

	int silent = client(&s, SOCK_STREAM, "127.0.0.1");
	uint64_t took = time_to_end(silent);
	assert_in_range(took, 90 * NS_PER_MS, 290 * NS_PER_MS);
	close(silent);

	int idle = client(&s, SOCK_STREAM, "127.0.0.1");
	send_all(idle, wire, framed(wire, 1, 'x', 30));
	assert_int_equal(receive_message(idle, got), 30);
	assert_in_range(time_to_end(idle), 290 * NS_PER_MS, 900 * NS_PER_MS);
	close(idle);

	/* An octet now and then does not help: the query is late as a whole. */
	int slow = client(&s, SOCK_STREAM, "127.0.0.1");
	size_t length = framed(wire, 1, 'x', 100);
	uint64_t start = clock_now();
	for (size_t i = 0; i < length; i++) {
		if (send(slow, wire + i, 1, MSG_NOSIGNAL) < 0)
			break;
		usleep(20000);
	}
	assert_true(clock_now() - start < 1000 * NS_PER_MS);
	close(slow);
	server_stop(&s);
}

/* How many connections were closed for this reason, as the metrics' page says. */
static double cut(const char *reason)
{
	struct text page = { 0 };
	char series[100];
	snprintf(series, sizeof series, "isthmus_connections_cut_total{proto=\"tcp\",reason=\"%s\"} ", reason);
	metrics_write(&page);
	const char *at = strstr(page.at, series);
	double value = at ? strtod(at + strlen(series), NULL) : 0;
	text_free(&page);
	return value;
}

static void tcp_cuts_off_slow_readers(void **state)
{
	(void)state;
	struct server s;
	uint8_t wire[200];
	server_start(&s, "127.0.0.1");
	s.limits.write = 200 * NS_PER_MS;
	server_run(&s);
	int fd = client(&s, SOCK_STREAM, "127.0.0.1");
	size_t length = framed(wire, 1, 'b', 30);
	struct timeval timeout = { .tv_sec = 2 };
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	ssize_t sent = 1;
	for (int i = 0; i < 3000 && sent > 0; i++)
		sent = send(fd, wire, length, MSG_NOSIGNAL);
	for (int i = 0; i < 250 && cut("slow_reader") < 1; i++)
		usleep(20000);
	assert_true(cut("slow_reader") >= 1);
	for (int i = 0; i < 100 && tcp_connections(s.tcp); i++)
		usleep(20000);
	assert_int_equal(tcp_connections(s.tcp), 0);
	close(fd);
	server_stop(&s);
}

static void tcp_gives_one_client_so_many_connections(void **state)
{
	(void)state;
	struct server s;
	uint8_t wire[200], got[65536];
	int fd[4];
	server_start(&s, "0.0.0.0");
	s.limits.client_connections = 3;
	server_run(&s);
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = client(&s, SOCK_STREAM, "127.0.0.1");
		send(fd[i], wire, framed(wire, 1, 'x', 30), MSG_NOSIGNAL);
		assert_int_equal(receive_message(fd[i], got), i < 3 ? 30 : 0);
	}
	assert_true(cut("client_full") >= 1);
	struct endpoint another;
	assert_true(endpoint_parse_ip(VIEW("127.0.0.9"), 0, &another));
	int apart = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(apart, &another.any, endpoint_length(&another)), 0);
	struct endpoint to;
	assert_true(endpoint_parse_ip(VIEW("127.0.0.1"), endpoint_port(&s.local), &to));
	assert_int_equal(connect(apart, &to.any, endpoint_length(&to)), 0);
	send(apart, wire, framed(wire, 1, 'x', 30), 0);
	assert_int_equal(receive_message(apart, got), 30);
	close(fd[0]);
	for (int i = 0; i < 100 && tcp_connections(s.tcp) > 3; i++)
		usleep(20000);
	fd[0] = client(&s, SOCK_STREAM, "127.0.0.1");
	send(fd[0], wire, framed(wire, 1, 'x', 30), 0);
	assert_int_equal(receive_message(fd[0], got), 30);
	for (unsigned i = 0; i < 4; i++)
		close(fd[i]);
	close(apart);
	server_stop(&s);
}

static void tcp_makes_room_by_closing_the_longest_idle(void **state)
{
	(void)state;
	enum { COUNT = 5 };
	struct server s;
	uint8_t wire[200], got[65536];
	int fd[COUNT + 1];
	double evicted = cut("evicted");
	server_start(&s, "127.0.0.1");
	s.limits.connections = COUNT;
	server_run(&s);
	for (int i = 0; i < COUNT; i++) {
		fd[i] = client(&s, SOCK_STREAM, "127.0.0.1");
		send_all(fd[i], wire, framed(wire, 1, 'x', 30));
		assert_int_equal(receive_message(fd[i], got), 30);
	}
	send_all(fd[0], wire, framed(wire, 1, 'x', 30)); /* now the second one is idle longest */
	assert_int_equal(receive_message(fd[0], got), 30);
	fd[COUNT] = client(&s, SOCK_STREAM, "127.0.0.1");
	send_all(fd[COUNT], wire, framed(wire, 1, 'x', 30));
	assert_int_equal(receive_message(fd[COUNT], got), 30);
	assert_int_equal(tcp_connections(s.tcp), COUNT);
	assert_true(cut("evicted") == evicted + 1);
	assert_int_equal(receive_message(fd[1], got), 0);
	send_all(fd[0], wire, framed(wire, 1, 'x', 30));
	assert_int_equal(receive_message(fd[0], got), 30);
	for (int i = 0; i <= COUNT; i++)
		close(fd[i]);
	server_stop(&s);
}

static uint64_t cpu_time(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static void tcp_does_not_spin_without_descriptors(void **state)
{
	(void)state;
	struct server s;
	uint8_t wire[200], got[65536];
	struct rlimit before, few;
	server_start(&s, "127.0.0.1");
	server_run(&s);
	int fd = client(&s, SOCK_STREAM, "127.0.0.1");
	send_all(fd, wire, framed(wire, 1, 'x', 30));
	assert_int_equal(receive_message(fd, got), 30);
	int more = socket(AF_INET, SOCK_STREAM, 0), again = socket(AF_INET, SOCK_STREAM, 0);
	getrlimit(RLIMIT_NOFILE, &before);
	few = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	setrlimit(RLIMIT_NOFILE, &few);
	/* The first takes the place of the idle one, the second that of the first. */
	assert_int_equal(connect(more, &s.local.any, endpoint_length(&s.local)), 0);
	uint64_t start = cpu_time();
	usleep(300000);
	assert_true(cpu_time() - start < 100 * NS_PER_MS);
	setrlimit(RLIMIT_NOFILE, &before);
	struct timeval timeout = { .tv_sec = 5 };
	setsockopt(more, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	send_all(more, wire, framed(wire, 1, 'x', 30));
	assert_int_equal(receive_message(more, got), 30);
	close(more);
	close(again);
	close(fd);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_answers_from_the_address_asked),
		cmocka_unit_test(udp_waiting_queries_keep_their_datagrams),
		cmocka_unit_test(udp_takes_long_and_short_datagrams),
		cmocka_unit_test(udp_is_released_while_queries_wait),
		cmocka_unit_test(tcp_pipelines_out_of_order),
		cmocka_unit_test(tcp_limits_what_is_worked_on),
		cmocka_unit_test(tcp_takes_octets_one_by_one),
		cmocka_unit_test(tcp_answers_after_half_close),
		cmocka_unit_test(tcp_survives_peers_that_vanish),
		cmocka_unit_test(tcp_closes_after_its_number_of_queries),
		cmocka_unit_test(tcp_cuts_off_who_takes_too_long),
		cmocka_unit_test(tcp_cuts_off_slow_readers),
		cmocka_unit_test(tcp_gives_one_client_so_many_connections),
		cmocka_unit_test(tcp_makes_room_by_closing_the_longest_idle),
		cmocka_unit_test(tcp_does_not_spin_without_descriptors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
