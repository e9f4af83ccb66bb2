/* What the supervisor is made of: kept sockets, messages with descriptors, notes of queries. */
#include "test.h"

#include "base/clock.h"
#include "server/process/channel.h"
#include "server/process/crash_ring.h"
#include "server/process/socket_store.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct socket_key loopback_key(bool udp, unsigned index, uint16_t port)
{
	struct socket_key k = { .scheme = SCHEME_DNS, .udp = udp, .index = index };
	assert_true(endpoint_parse_ip(VIEW("127.0.0.1"), port, &k.local));
	return k;
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_in a;
	socklen_t size = sizeof a;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	return ntohs(a.sin_port);
}

static void sockets_are_kept_by_their_key(void **state)
{
	(void)state;
	struct socket_store s = { 0 };
	const char *step = NULL;
	struct socket_key udp = loopback_key(true, 0, 0), second = loopback_key(true, 1, 0),
			  tcp = loopback_key(false, 0, 0);
	int a = store_find(&s, &udp, 1, &step), b = store_find(&s, &second, 1, &step),
	    c = store_find(&s, &tcp, 1, &step);
	assert_true(a >= 0 && b >= 0 && c >= 0 && a != b);
	/* The kernel's choice of a port is made once for all sockets of an address. */
	assert_int_equal(bound_port(a), bound_port(b));
	assert_int_equal(store_find(&s, &udp, 2, &step), a);
	assert_int_equal(store_find(&s, &second, 1, &step), b);

	/* Another scheme's port 0 is another port. */
	struct socket_key other = udp;
	other.scheme = SCHEME_TLS;
	assert_true(bound_port(store_find(&s, &other, 2, &step)) != bound_port(a));

	store_sweep(&s, 2);
	assert_int_equal(store_find(&s, &udp, 2, &step), a);
	store_release(&s, &udp);
	assert_null(s.sockets->next);
	store_clear(&s);
	assert_null(s.sockets);
}

static void a_socket_that_cannot_be_opened_says_why(void **state)
{
	(void)state;
	struct socket_store s = { 0 };
	const char *step = NULL;
	struct socket_key k = { .scheme = SCHEME_DNS };
	assert_true(endpoint_parse_ip(VIEW("192.0.2.1"), 53, &k.local));
	assert_int_equal(store_find(&s, &k, 1, &step), -1);
	assert_int_equal(errno, EADDRNOTAVAIL);
	assert_string_equal(step, "bind");
	assert_null(s.sockets);
}

static void descriptors_go_with_messages(void **state)
{
	(void)state;
	int pair[2], pipe_ends[2], got;
	char in[4] = "abc", out[4] = "";
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe(pipe_ends), 0);
	assert_true(channel_send(pair[0], in, sizeof in, pipe_ends[1]));
	assert_true(channel_receive(pair[1], out, sizeof out, &got));
	assert_string_equal(out, "abc");
	assert_true(got >= 0 && got != pipe_ends[1]);
	assert_int_equal(write(got, "x", 1), 1);
	assert_int_equal(read(pipe_ends[0], out, 1), 1);

	assert_true(channel_send(pair[0], in, sizeof in, -1));
	assert_true(channel_receive(pair[1], out, sizeof out, &got));
	assert_int_equal(got, -1);
	assert_true(channel_send(pair[0], in, 2, -1));
	assert_false(channel_receive(pair[1], out, sizeof out, &got));
	close(pair[0]);
	assert_false(channel_receive(pair[1], out, sizeof out, &got));
	close(pair[1]);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static struct incoming message(const char *wire, size_t length)
{
	struct incoming in = {
		.wire = (const uint8_t *)wire, .length = length, .transport = TRANSPORT_TCP
	};
	assert_true(endpoint_parse_ip(VIEW("192.0.2.1"), 5353, &in.client));
	return in;
}

#define HEADER "\0\1\1\0\0\1\0\0\0\0\0\0"

/* Begins to answer the messages in another process, which is killed meanwhile. */
static void die_of(const struct incoming *messages, size_t count, unsigned answered)
{
	pid_t pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < count; i++) {
			clock_batch_begin();
			unsigned note = crash_ring_begin(0, &messages[i]);
			usleep(1000);
			if (i < answered)
				crash_ring_end(0, note);
		}
		raise(SIGKILL);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void expect_report(unsigned most, const char *text)
{
	struct text t = { 0 };
	text_add_string(&t, "");
	crash_ring_report(&t, most);
	assert_string_equal(t.at, text);
	text_free(&t);
}

static void unanswered_queries_are_reported(void **state)
{
	(void)state;
	crash_ring_make(2);
	const char one[] = HEADER "\3www\7example\0\0\1\0\1", two[] = HEADER "\1a\0\0\x0f\0\1",
		   cut[] = HEADER "\7exam", pointer[] = HEADER "\xc0\x0c\0\1\0\1",
		   root[] = HEADER "\0\0\2\0\1";
	struct incoming all[] = { message(one, sizeof one - 1), message(two, sizeof two - 1),
		message(cut, sizeof cut - 1), message(pointer, sizeof pointer - 1),
		message(root, sizeof root - 1), message("", 0) };
	die_of(all, 2, 1);
	expect_report(3, "a. MX for 192.0.2.1:5353 over tcp");
	expect_report(3, ""); /* it was forgotten */
	die_of(all, 2, 0);
	expect_report(
		3, "a. MX for 192.0.2.1:5353 over tcp, www.example. A for 192.0.2.1:5353 over tcp");
	die_of(all, 6, 2);
	expect_report(4, "a malformed message of 0 octets or more for 192.0.2.1:5353 over tcp, "
			 ". NS for 192.0.2.1:5353 over tcp, "
			 "a malformed message of 18 octets or more for 192.0.2.1:5353 over tcp, "
			 "a malformed message of 17 octets or more for 192.0.2.1:5353 over tcp");
}

static void only_so_many_queries_are_noted(void **state)
{
	(void)state;
	const char wire[] = HEADER "\1a\0\0\1\0\1";
	struct incoming in = message(wire, sizeof wire - 1);
	unsigned notes[20];
	for (int i = 0; i < 20; i++)
		notes[i] = crash_ring_begin(1, &in);
	assert_int_equal(notes[19], notes[18]);
	for (int i = 0; i < 20; i++)
		crash_ring_end(1, notes[i]);
	assert_int_equal(crash_ring_begin(1, &in), notes[0]);
	crash_ring_end(1, notes[0]);
	crash_ring_end(9999, crash_ring_begin(9999, &in)); /* a worker that has no notes */
	expect_report(3, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_are_kept_by_their_key),
		cmocka_unit_test(a_socket_that_cannot_be_opened_says_why),
		cmocka_unit_test(descriptors_go_with_messages),
		cmocka_unit_test(unanswered_queries_are_reported),
		cmocka_unit_test(only_so_many_queries_are_noted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
