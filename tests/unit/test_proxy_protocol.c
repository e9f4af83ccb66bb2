/* Headers of the PROXY protocol, whose are believed, and for how long they hold in datagrams. */
#include "test.h"

#include "base/hash.h"
#include "net/proxy_protocol.h"
#include "net/proxy_sessions.h"

#include <stdio.h>
#include <string.h>

static struct proxy_header h;
static const char *why;

#define READ(literal) proxy_header_read((const uint8_t *)(literal), sizeof(literal) - 1, &h, &why)
#define MARK "\r\n\r\n\0\r\nQUIT\n"

static const char *printed(const struct endpoint *e)
{
	static char text[ENDPOINT_TEXT_MAX];
	endpoint_print(e, text);
	return text;
}

static void lines_of_version_1(void **state)
{
	(void)state;
	assert_int_equal(READ("PROXY TCP4 192.0.2.7 192.0.2.99 4000 53\r\n\0\1"), PROXY_HEADER);
	assert_int_equal(h.length, 41);
	assert_true(h.names);
	assert_string_equal(printed(&h.source), "192.0.2.7:4000");
	assert_string_equal(printed(&h.destination), "192.0.2.99:53");
	assert_int_equal(READ("PROXY TCP6 2001:db8::7 2001:db8::99 4000 53\r\n"), PROXY_HEADER);
	assert_string_equal(printed(&h.source), "[2001:db8::7]:4000");
	assert_int_equal(READ("PROXY UNKNOWN\r\n"), PROXY_HEADER);
	assert_false(h.names);
	assert_int_equal(READ("PROXY UNKNOWN whatever follows\r\n"), PROXY_HEADER);
	static const char *const bad[] = {
		"PROXY HELLO\r\n",
		"PROXY TCP4 192.0.2.7 192.0.2.99 4000 53\n",
		"PROXY TCP4 192.0.2.7 192.0.2.99 4000 65536\r\n",
		"PROXY TCP4 192.0.2.7 192.0.2.99 4000\r\n",
		"PROXY TCP4 192.0.2.7 192.0.2.99 4000 53 1\r\n",
		"PROXY TCP6 192.0.2.7 192.0.2.99 4000 53\r\n",
		"PROXY TCP4 2001:db8::7 192.0.2.99 4000 53\r\n",
		"PROXY TCP4 192.0.2 192.0.2.99 4000 53\r\n",
		"PROXY \r\n",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(
			proxy_header_read((const uint8_t *)bad[i], strlen(bad[i]), &h, &why), PROXY_BAD);
}

static void headers_of_version_2(void **state)
{
	(void)state;
	assert_int_equal(READ(MARK "\x21\x11\0\x0c\xc0\0\2\7\xc0\0\2\x63\x0f\xa0\0\x35rest"), PROXY_HEADER);
	assert_int_equal(h.length, 28);
	assert_true(h.names && !h.datagram);
	assert_string_equal(printed(&h.source), "192.0.2.7:4000");
	assert_string_equal(printed(&h.destination), "192.0.2.99:53");
	/* Datagrams, and an extension behind the addresses. */
	assert_int_equal(READ(MARK "\x21\x12\0\x10\xc0\0\2\7\xc0\0\2\x63\x0f\xa0\0\x35\4\0\1x"), PROXY_HEADER);
	assert_int_equal(h.length, 32);
	assert_true(h.datagram);
	assert_int_equal(READ(MARK "\x21\x21\0\x24"
				   "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
				   "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x63\x0f\xa0\0\x35"),
		PROXY_HEADER);
	assert_string_equal(printed(&h.source), "[2001:db8::7]:4000");
	assert_int_equal(READ(MARK "\x20\0\0\0"), PROXY_HEADER); /* LOCAL */
	assert_false(h.names);
	assert_int_equal(READ(MARK "\x21\x31\0\4abcd"), PROXY_HEADER); /* a family that has no addresses for us */
	assert_false(h.names);
	assert_int_equal(READ(MARK "\x31\x11\0\0"), PROXY_BAD); /* another version */
	assert_int_equal(READ(MARK "\x22\x11\0\0"), PROXY_BAD); /* another command */
	assert_int_equal(READ(MARK "\x21\x11\0\x0b\xc0\0\2\7\xc0\0\2\x63\x0f\xa0\0"), PROXY_BAD);
	assert_int_equal(READ(MARK "\x21\x11\xff\xff"), PROXY_BAD); /* longer than any is */
}

static void what_may_become_a_header_is_waited_for(void **state)
{
	(void)state;
	static const char first[] = "PROXY TCP4 192.0.2.7 192.0.2.99 4000 53\r\n";
	static const char second[] = MARK "\x21\x11\0\x0c\xc0\0\2\7\xc0\0\2\x63\x0f\xa0\0\x35";
	static char endless[200];
	for (size_t i = 0; i < sizeof first - 1; i++)
		assert_int_equal(proxy_header_read((const uint8_t *)first, i, &h, &why), PROXY_MORE);
	for (size_t i = 0; i < sizeof second - 1; i++)
		assert_int_equal(proxy_header_read((const uint8_t *)second, i, &h, &why), PROXY_MORE);
	memset(endless, 'x', sizeof endless);
	memcpy(endless, "PROXY ", 6);
	assert_int_equal(proxy_header_read((uint8_t *)endless, 100, &h, &why), PROXY_MORE);
	assert_int_equal(proxy_header_read((uint8_t *)endless, 107, &h, &why), PROXY_BAD);
	assert_int_equal(READ("\x16\3\1"), PROXY_NONE);
	assert_int_equal(READ("POST /"), PROXY_NONE);
	assert_int_equal(READ("\r\n\r\n\0\r\nQUIX"), PROXY_NONE);
}

static void who_is_believed(void **state)
{
	(void)state;
	struct prefix networks[2];
	struct endpoint inside, outside;
	assert_true(prefix_parse(VIEW("10.0.0.0/8"), &networks[0]));
	assert_true(prefix_parse(VIEW("2001:db8::/32"), &networks[1]));
	endpoint_parse_ip(VIEW("10.1.2.3"), 1, &inside);
	endpoint_parse_ip(VIEW("192.0.2.1"), 1, &outside);
	struct proxy_policy all = { .otherwise = PROXY_USE };
	assert_int_equal(proxy_use_for(&all, &outside), PROXY_USE);
	struct proxy_policy some = { .has_allowed = true,
		.allowed = prefix_set_make(networks, 2),
		.otherwise = PROXY_REJECT };
	assert_int_equal(proxy_use_for(&some, &inside), PROXY_USE);
	assert_int_equal(proxy_use_for(&some, &outside), PROXY_REJECT);
}

static void sessions_are_kept_for_a_time_and_a_number(void **state)
{
	(void)state;
	struct proxy_sessions *s = proxy_sessions_new();
	struct endpoint peer[5], source[5], got;
	for (uint16_t i = 0; i < 5; i++) {
		endpoint_parse_ip(VIEW("10.0.0.1"), (uint16_t)(1000 + i), &peer[i]);
		endpoint_parse_ip(VIEW("192.0.2.1"), (uint16_t)(2000 + i), &source[i]);
	}
	for (size_t i = 0; i < 3; i++)
		proxy_sessions_put(s, &peer[i], &source[i], 100, 3);
	assert_false(proxy_sessions_find(s, &peer[3], 1, 100, &got));
	assert_true(proxy_sessions_find(s, &peer[0], 50, 150, &got));
	assert_true(endpoint_equal(&got, &source[0]));
	proxy_sessions_put(s, &peer[3], &source[3], 200, 3);
	assert_false(proxy_sessions_find(s, &peer[1], 60, 160, &got)); /* was used longest ago */
	assert_true(proxy_sessions_find(s, &peer[0], 149, 150, &got));
	assert_false(proxy_sessions_find(s, &peer[0], 150, 250, &got)); /* its time is over */
	assert_false(proxy_sessions_find(s, &peer[2], 101, 200, &got));
	proxy_sessions_put(s, &peer[3], &source[4], 300, 3);
	assert_true(proxy_sessions_find(s, &peer[3], 250, 350, &got));
	assert_true(endpoint_equal(&got, &source[4]));
	proxy_sessions_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_version_1),
		cmocka_unit_test(headers_of_version_2),
		cmocka_unit_test(what_may_become_a_header_is_waited_for),
		cmocka_unit_test(who_is_believed),
		cmocka_unit_test(sessions_are_kept_for_a_time_and_a_number),
	};
	hash_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
