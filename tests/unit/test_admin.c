/* The admin server: pages, the protocol's corners, shared addresses, limits. The loop runs in a
 * thread of its own. */
#include "test.h"

#include "net/loop.h"
#include "server/admin.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct loop *control;
static pthread_t control_thread;
static sem_t done;

static void *run_control(void *unused)
{
	(void)unused;
	control = loop_new(0);
	sem_post(&done);
	loop_run(control);
	return NULL;
}

static int begin(void **state)
{
	(void)state;
	sem_init(&done, 0, 0);
	pthread_create(&control_thread, NULL, run_control, NULL);
	sem_wait(&done);
	return 0;
}

static int end(void **state)
{
	(void)state;
	loop_stop(control);
	pthread_join(control_thread, NULL);
	loop_free(control);
	return 0;
}

/* --- errands for the control thread --- */

struct errand {
	const char *address, *path, *text;
	struct admin_mount *mount;
	struct endpoint local;
	char why[256];
};

static void page(void *text, struct admin_page *p)
{
	if (strcmp(text, "not ready") == 0)
		p->status = 503;
	text_add_string(&p->body, text);
}

static void do_mount(void *data)
{
	struct errand *e = data;
	struct text why = { 0 };
	e->mount = admin_mount(e->address, e->path, page, (void *)e->text, &why);
	if (e->mount)
		e->local = admin_local(e->mount);
	snprintf(e->why, sizeof e->why, "%s", why.at ? why.at : "");
	text_free(&why);
	sem_post(&done);
}

static void do_unmount(void *data)
{
	admin_unmount(((struct errand *)data)->mount);
	sem_post(&done);
}

static struct errand mount(const char *address, const char *path, const char *text)
{
	struct errand e = { .address = address, .path = path, .text = text };
	loop_post(control, do_mount, &e);
	sem_wait(&done);
	return e;
}

static void unmount(struct errand *e)
{
	loop_post(control, do_unmount, e);
	sem_wait(&done);
}

/* --- a client --- */

static int dial(const struct endpoint *to)
{
	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = 10 },
		sizeof(struct timeval));
	if (connect(fd, &to->any, endpoint_length(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Sends the text and reads until the server closes; the answer without its Date line. */
static char *talk(const struct endpoint *to, const char *text)
{
	static char answer[64 * 1024];
	int fd = dial(to);
	assert_true(fd >= 0);
	send(fd, text, strlen(text), MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	size_t length = 0;
	ssize_t n;
	while ((n = recv(fd, answer + length, sizeof answer - 1 - length, 0)) > 0)
		length += (size_t)n;
	answer[length] = 0;
	close(fd);
	for (char *date; (date = strstr(answer, "Date: "));) {
		char *next = strstr(date, "\r\n") + 2;
		memmove(date, next, strlen(next) + 1);
	}
	return answer;
}

static void test_pages(void **state)
{
	(void)state;
	struct errand e = mount("127.0.0.1:0", "/health", "OK");
	assert_non_null(e.mount);
	const char *ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
			 "X-Content-Type-Options: nosniff\r\nContent-Length: 2\r\n\r\nOK";
	assert_string_equal(talk(&e.local, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"), ok);
	assert_string_equal(talk(&e.local, "GET /health?a=b HTTP/1.1\nHost: x\n\n"), ok);
	assert_string_equal(
		talk(&e.local, "\r\nGET http://h:1/health HTTP/1.1\r\nhost:x\r\n\r\n"), ok);
	assert_string_equal(talk(&e.local, "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n"),
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
		"X-Content-Type-Options: nosniff\r\nContent-Length: 2\r\n\r\n");
	assert_non_null(strstr(talk(&e.local, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n"),
		"HTTP/1.1 404 Not Found\r\n"));
	assert_non_null(strstr(talk(&e.local, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n"),
		"\r\n\r\n404 page not found\n"));
	assert_non_null(
		strstr(talk(&e.local, "GET /health HTTP/1.0\r\n\r\n"), "Connection: close\r\n"));
	assert_non_null(strstr(
		talk(&e.local, "POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"),
		"Connection: close\r\n"));
	unmount(&e);
}

static unsigned count_of(const char *text, const char *word)
{
	unsigned n = 0;
	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

static void test_pipelined_requests(void **state)
{
	(void)state;
	struct errand e = mount("127.0.0.1:0", "/", "page");
	const char *three =
		"GET / HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n";
	const char *answer = talk(&e.local, three);
	assert_int_equal(count_of(answer, "HTTP/1.1 200"), 3);
	assert_int_equal(count_of(answer, "\r\n\r\npage"), 2);
	unmount(&e);
}

static void test_bad_requests(void **state)
{
	(void)state;
	struct errand e = mount("127.0.0.1:0", "/", "page");
	static const char *const bad[] = { "GET\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1 x\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nrubbish\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_non_null(strstr(talk(&e.local, bad[i]), "HTTP/1.1 400 Bad Request\r\n"));
	assert_non_null(
		strstr(talk(&e.local, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"), "HTTP/1.1 505 "));
	assert_string_equal(talk(&e.local, ""), "");
	assert_string_equal(talk(&e.local, "GET / HTTP/1.1\r\nHost"), "");
	char *longer = malloc(20000);
	memset(longer, 'x', 19999);
	longer[19999] = 0;
	memcpy(longer, "GET / HTTP/1.1\r\nX: ", 19);
	assert_non_null(strstr(talk(&e.local, longer), "HTTP/1.1 431 "));
	free(longer);
	unmount(&e);
}

static void test_shared_address(void **state)
{
	(void)state;
	struct errand old = mount("127.0.0.1:0", "/health", "old");
	char address[64];
	snprintf(address, sizeof address, "127.0.0.1:0");
	struct errand other = mount(address, "/ready", "not ready");
	struct errand fresh = mount(address, "/health", "fresh");
	assert_int_equal(endpoint_port(&old.local), endpoint_port(&fresh.local));
	const char *get = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
	assert_non_null(strstr(talk(&old.local, get), "fresh"));
	unmount(&old);
	assert_non_null(strstr(talk(&fresh.local, get), "fresh"));
	const char *ready = talk(&other.local, "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(ready, "503 Service Unavailable\r\n"));
	assert_non_null(strstr(ready, "not ready"));
	int idle = dial(&fresh.local);
	unmount(&fresh);
	assert_non_null(strstr(talk(&other.local, get), "404 page not found"));
	unmount(&other);
	char octet;
	assert_int_equal(recv(idle, &octet, 1, 0), 0);
	close(idle);
	assert_int_equal(dial(&other.local), -1);
}

static void test_many_connections(void **state)
{
	(void)state;
	struct errand e = mount("127.0.0.1:0", "/", "page");
	int idle[80];
	for (unsigned i = 0; i < 80; i++) {
		idle[i] = dial(&e.local);
		assert_true(idle[i] >= 0);
	}
	assert_non_null(strstr(talk(&e.local, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "page"));
	char octet;
	assert_int_equal(recv(idle[0], &octet, 1, 0), 0);
	assert_int_equal(recv(idle[79], &octet, 1, MSG_DONTWAIT), -1);
	for (unsigned i = 0; i < 80; i++)
		close(idle[i]);
	unmount(&e);
}

static void check_split(const char *address, const char *host, const char *port, const char *error)
{
	struct view h, p;
	struct text why = { 0 };
	assert_int_equal(admin_split_address(view_of(address), &h, &p, &why), error == NULL);
	if (error) {
		assert_string_equal(why.at, error);
	} else {
		assert_true(view_is(h, host));
		assert_true(view_is(p, port));
	}
	text_free(&why);
}

static void test_addresses(void **state)
{
	(void)state;
	check_split(":8080", "", "8080", NULL);
	check_split("localhost:9153", "localhost", "9153", NULL);
	check_split("[::1]:80", "::1", "80", NULL);
	check_split("x", NULL, NULL, "address x: missing port in address");
	check_split("::1:80", NULL, NULL, "address ::1:80: too many colons in address");
	check_split("[::1]", NULL, NULL, "address [::1]: missing port in address");
	check_split("[::1:80", NULL, NULL, "address [::1:80: missing ']' in address");
	check_split("", NULL, NULL, "address : missing port in address");

	struct errand v6 = mount("[::1]:0", "/", "six"), any = mount(":0", "/", "any");
	assert_non_null(strstr(talk(&v6.local, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "six"));
	struct endpoint v4;
	assert_true(endpoint_parse_ip(VIEW("127.0.0.1"), endpoint_port(&any.local), &v4));
	assert_non_null(strstr(talk(&v4, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "any"));
	unmount(&v6);
	unmount(&any);
	struct errand bad = mount("192.0.2.1:80", "/", "");
	assert_null(bad.mount);
	assert_string_equal(
		bad.why, "listen tcp 192.0.2.1:80: bind: cannot assign requested address");
	bad = mount("127.0.0.1:99999", "/", "");
	assert_null(bad.mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_pipelined_requests),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_shared_address),
		cmocka_unit_test(test_many_connections),
		cmocka_unit_test(test_addresses),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
