/* Shedding: the newest query first, the oldest dropped. */
#include "test.h"

#include "net/udp.h"
#include <stdlib.h>
#include <unistd.h>

enum { FIRST = 200, TOTAL = 4000 };

static struct {
	struct loop *loop;
	int client;
	bool sheds;
	uint32_t sent;
	uint32_t answered[TOTAL];
	size_t answered_count, dropped;
	struct timer end;
} t;

static void send_queries(uint32_t count)
{
	for (; count && t.sent < TOTAL; count--, t.sent++)
		assert_int_equal(send(t.client, &t.sent, sizeof t.sent, 0), sizeof t.sent);
}

/* Each answered query makes two new ones, until all are sent: more than can be answered. */
static void handle(struct incoming *in)
{
	assert_int_equal(in->length, sizeof(uint32_t));
	memcpy(&t.answered[t.answered_count++], in->wire, sizeof(uint32_t));
	send_queries(2);
}

static bool wanted(void *listener)
{
	(void)listener;
	return t.sheds;
}

static void dropped(void *listener, enum udp_dropped what, size_t count)
{
	(void)listener;
	assert_int_equal(what, DROPPED_QUERY);
	t.dropped += count;
}

static void end(struct timer *timer)
{
	(void)timer;
	loop_stop(t.loop);
}

static void run(bool sheds)
{
	static const struct udp_shedding policy = { wanted, dropped };
	struct endpoint local;
	const char *step;
	struct sockaddr_storage bound;
	socklen_t size = sizeof bound;
	memset(&t, 0, sizeof t);
	t.sheds = sheds;
	t.loop = loop_new(0);
	assert_true(endpoint_parse_ip(VIEW("127.0.0.1"), 0, &local));
	int fd = udp_open(&local, &step);
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &size), 0);
	t.client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(t.client, (struct sockaddr *)&bound, size), 0);
	struct udp_listener *u = udp_listen(t.loop, fd, &local, handle, NULL);
	udp_shed(u, &policy);
	send_queries(FIRST);
	t.end.fire = end;
	timer_set(t.loop, &t.end, clock_now() + 300 * NS_PER_MS);
	loop_run(t.loop);
	udp_release(u);
	loop_free(t.loop);
	close(t.client);
}

static void newest_are_answered_first_and_oldest_dropped(void **state)
{
	(void)state;
	run(true);
	assert_int_equal(t.sent, TOTAL);
	assert_int_equal(t.answered_count + t.dropped, TOTAL);
	assert_true(t.dropped > 0);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(t.answered[i], FIRST - 1 - i);
	for (size_t i = 0; i < t.answered_count; i++)
		assert_int_not_equal(t.answered[i], 0); /* the oldest of all */
}

static void without_shedding_the_order_is_kept(void **state)
{
	(void)state;
	run(false);
	assert_int_equal(t.dropped, 0);
	assert_true(t.answered_count >= FIRST);
	for (size_t i = 1; i < t.answered_count; i++)
		assert_true(t.answered[i] > t.answered[i - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_are_answered_first_and_oldest_dropped),
		cmocka_unit_test(without_shedding_the_order_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
