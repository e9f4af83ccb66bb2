/* Queries of one round: whatever goes as one message arrives as the datagrams that it is made of. */
#include "test.h"

#include "net/upstream_outbox.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUERIES = 150 };

struct round {
	int to, from;
	struct upstream_outbox *out;
	struct attempt attempts[QUERIES];
	uint8_t octets[QUERIES][2000];
	struct attempt *queue;
};

/* Queries of three lengths, a long one among them, one after the other. */
static void round_start(struct round *r)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof at;
	r->from = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	r->to = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(r->from, (struct sockaddr *)&at, sizeof at), 0);
	getsockname(r->from, (struct sockaddr *)&at, &length);
	assert_int_equal(connect(r->to, (struct sockaddr *)&at, sizeof at), 0);
	r->out = malloc(sizeof *r->out);
	struct attempt **end = &r->queue;
	for (unsigned i = 0; i < QUERIES; i++) {
		struct attempt *a = &r->attempts[i];
		memset(r->octets[i], (int)(i + 1), sizeof r->octets[i]);
		*a = (struct attempt){ .query = r->octets[i],
			.query_length = i == 70 ? 1999 : 30 + i % 3,
			.queued = true,
			.id = { 7, (uint8_t)i } };
		*end = a;
		end = &a->queue_next;
	}
}

static void all_must_arrive(struct round *r)
{
	unsigned seen[QUERIES] = { 0 };
	uint8_t got[4096];
	ssize_t length;
	while ((length = recv(r->from, got, sizeof got, 0)) >= 0) {
		unsigned i = got[1];
		assert_true(i < QUERIES && got[0] == 7);
		assert_int_equal(length, r->attempts[i].query_length);
		assert_memory_equal(got + 2, r->octets[i] + 2, (size_t)length - 2);
		seen[i]++;
	}
	for (unsigned i = 0; i < QUERIES; i++) {
		assert_int_equal(seen[i], 1);
		assert_false(r->attempts[i].queued);
	}
}

static void round_end(struct round *r)
{
	close(r->to);
	close(r->from);
	free(r->out);
}

static void runs_are_cut_up(void **state)
{
	(void)state;
	static struct round r;
	bool whole = false;
	round_start(&r);
	while (r.queue)
		assert_int_equal(outbox_send(r.out, &r.queue, r.to, &whole), 0);
	assert_false(whole);
	all_must_arrive(&r);
	round_end(&r);
}

static void without_runs_all_go_as_well(void **state)
{
	(void)state;
	static struct round r;
	bool whole = true;
	round_start(&r);
	while (r.queue)
		assert_int_equal(outbox_send(r.out, &r.queue, r.to, &whole), 0);
	all_must_arrive(&r);
	round_end(&r);
}

/* A socket without checksums: the kernel refuses to cut up. */
static void a_refused_run_goes_one_by_one(void **state)
{
	(void)state;
	static struct round r;
	bool whole = false;
	int on = 1;
	round_start(&r);
	assert_int_equal(setsockopt(r.to, SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
	while (r.queue)
		assert_int_equal(outbox_send(r.out, &r.queue, r.to, &whole), 0);
	assert_true(whole);
	all_must_arrive(&r);
	round_end(&r);
}

/* What an earlier datagram came to is told in place of sending; the round goes out all the same. */
static void an_old_error_stops_nothing(void **state)
{
	(void)state;
	static struct round r;
	bool whole = false;
	round_start(&r);
	struct sockaddr_in at;
	socklen_t length = sizeof at;
	getsockname(r.from, (struct sockaddr *)&at, &length);
	close(r.from);
	assert_int_equal(send(r.to, "lost", 4, 0), 4);
	r.from = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(r.from, (struct sockaddr *)&at, sizeof at), 0);
	while (r.queue)
		assert_int_equal(outbox_send(r.out, &r.queue, r.to, &whole), 0);
	all_must_arrive(&r);
	round_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_cut_up),
		cmocka_unit_test(without_runs_all_go_as_well),
		cmocka_unit_test(a_refused_run_goes_one_by_one),
		cmocka_unit_test(an_old_error_stops_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
