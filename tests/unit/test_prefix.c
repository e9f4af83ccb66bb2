/* Networks and sets of them. */
#include "test.h"

#include "base/random.h"
#include "net/prefix.h"
#include <stdio.h>

static struct endpoint address(const char *text)
{
	struct endpoint e;
	assert_true(endpoint_parse_ip(view_of(text), 0, &e));
	return e;
}

static struct prefix network(const char *text)
{
	struct prefix p;
	assert_true(prefix_parse_or_address(view_of(text), &p));
	return p;
}

static void networks_are_read_and_masked(void **state)
{
	(void)state;
	struct prefix p;
	static const char *const bad[] = { "", "/", "/8", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33",
		"10.0.0.0/-1", "10.0.0/8", "::/129", "1.1.1.1.1/32", "fe80::1%lo/64", "a/8" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(prefix_parse(view_of(bad[i]), &p));
	p = network("10.1.2.3/9");
	assert_int_equal(p.bits, 9);
	assert_memory_equal(p.address, "\12\0\0\0", 4);
	p = network("192.0.2.1");
	assert_int_equal(p.bits, 32);
	p = network("2001:db8:ffff::/35");
	assert_memory_equal(p.address, "\x20\x01\x0d\xb8\xe0\0\0", 7);
	assert_int_equal(network("::1").bits, 128);
}

static bool in(const char *net, const char *ip)
{
	struct prefix p = network(net);
	struct endpoint e = address(ip);
	return prefix_contains(&p, &e);
}

static void addresses_lie_in_networks_of_their_family(void **state)
{
	(void)state;
	assert_true(in("10.0.0.0/8", "10.255.255.255"));
	assert_false(in("10.0.0.0/8", "11.0.0.0"));
	assert_true(in("0.0.0.0/0", "255.255.255.255"));
	assert_false(in("0.0.0.0/0", "::1"));
	assert_false(in("::/0", "127.0.0.1"));
	assert_true(in("::/0", "ffff::"));
	assert_true(in("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(in("2001:db8::/33", "2001:db8:8000::1"));
}

/* A set answers as asking its networks one by one does. */
static void sets_are_what_their_networks_are(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		struct prefix given[24], kept[24];
		size_t count = random_below(25);
		for (size_t i = 0; i < count; i++) {
			char text[32];
			snprintf(text, sizeof text, "%u.%u.%u.%u/%u", random_below(4),
				random_below(4), random_below(256), random_below(256),
				random_below(33));
			if (random_below(4) == 0)
				snprintf(text, sizeof text, "200%u:%x::/%u", random_below(2),
					random_below(65536), random_below(129));
			given[i] = kept[i] = network(text);
		}
		struct prefix_set set = prefix_set_make(kept, count);
		assert_true(set.count <= count);
		for (int query = 0; query < 200; query++) {
			char text[32];
			snprintf(text, sizeof text, "%u.%u.%u.%u", random_below(4), random_below(4),
				random_below(256), random_below(256));
			if (random_below(4) == 0)
				snprintf(text, sizeof text, "200%u:%x::1", random_below(2),
					random_below(65536));
			struct endpoint e = address(text);
			bool expected = false;
			for (size_t i = 0; i < count; i++)
				expected = expected || prefix_contains(&given[i], &e);
			assert_int_equal(prefix_set_contains(&set, &e), expected);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_are_read_and_masked),
		cmocka_unit_test(addresses_lie_in_networks_of_their_family),
		cmocka_unit_test(sets_are_what_their_networks_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
