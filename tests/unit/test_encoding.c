/* Octets and addresses as text, both ways. */
#include "test.h"

#include "base/address.h"
#include "base/encoding.h"

#include <arpa/inet.h>

typedef void encode_fn(struct text *t, struct view octets);
typedef bool decode_fn(struct decoding *d, struct view text);
typedef bool decoded_fn(const struct decoding *d);

struct codec {
	encode_fn *encode;
	decode_fn *decode;
	decoded_fn *decoded;
};

static const struct codec hex = { text_add_hex, hex_decode, hex_decoded };
static const struct codec hex_upper = { text_add_hex_upper, hex_decode, hex_decoded };
static const struct codec base64 = { text_add_base64, base64_decode, base64_decoded };
static const struct codec base64url = { text_add_base64url, base64url_decode, base64url_decoded };
static const struct codec base32 = { text_add_base32hex, base32hex_decode, base32hex_decoded };

static void check(const struct codec *c, struct view octets, const char *expected)
{
	struct text t = { 0 };
	c->encode(&t, octets);
	assert_string_equal(t.at ? t.at : "", expected);
	uint8_t back[64];
	struct decoding d = { .to = back, .room = sizeof back };
	for (size_t i = 0; i < t.length; i++)
		assert_true(c->decode(&d, (struct view){ t.at + i, 1 }));
	assert_true(c->decoded(&d));
	assert_int_equal(d.length, octets.length);
	assert_memory_equal(back, octets.at, octets.length);
	text_free(&t);
}

/* RFC 4648 10, padding of base32hex left out. */
static void test_vectors_both_ways(void **state)
{
	(void)state;
	static const char *const rows[][4] = { { "", "", "", "" }, { "f", "66", "Zg==", "CO" },
		{ "fo", "666f", "Zm8=", "CPNG" }, { "foo", "666f6f", "Zm9v", "CPNMU" },
		{ "foob", "666f6f62", "Zm9vYg==", "CPNMUOG" },
		{ "fooba", "666f6f6261", "Zm9vYmE=", "CPNMUOJ1" },
		{ "foobar", "666f6f626172", "Zm9vYmFy", "CPNMUOJ1E8" } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		check(&hex, view_of(rows[i][0]), rows[i][1]);
		check(&base64, view_of(rows[i][0]), rows[i][2]);
		check(&base32, view_of(rows[i][0]), rows[i][3]);
	}
	char octets[300], lower[8];
	assert_int_equal(base32hex_encode(VIEW("fooba"), lower), 8);
	assert_memory_equal(lower, "cpnmuoj1", 8);
	struct text t = { 0 };
	memset(octets, 0xff, sizeof octets);
	text_add_base64(&t, (struct view){ octets, 299 });
	assert_int_equal(t.length, 400);
	assert_string_equal(t.at + 394, "////8=");
	text_free(&t);
	check(&hex_upper, VIEW("\xab\xcd"), "ABCD");
	check(&base64, VIEW("\xfb\xff\xfe"), "+//+");
	check(&base64url, VIEW("\xfb\xff\xfe"), "-__-");
	check(&base64url, VIEW("fo"), "Zm8");
}

static void reserved_characters_are_percent_encoded(void **state)
{
	(void)state;
	struct text t = { 0 };
	text_add_percent(&t, (struct view){ "aZ9-_.~ /+=&\xc3\0", 14 });
	assert_string_equal(t.at, "aZ9-_.~%20%2F%2B%3D%26%C3%00");
	text_free(&t);
}

static bool decodes(const struct codec *c, const char *text, size_t room)
{
	uint8_t back[64];
	struct decoding d = { .to = back, .room = room };
	return c->decode(&d, view_of(text)) && c->decoded(&d);
}

static void bad_text_is_refused(void **state)
{
	(void)state;
	assert_true(decodes(&hex, "0aF9", 2));
	assert_false(decodes(&hex, "0aF9", 1));
	assert_false(decodes(&hex, "0aF", 64));
	assert_false(decodes(&hex, "0g", 64));
	assert_false(decodes(&base64, "Zg", 64));
	assert_false(decodes(&base64, "Zg=", 64));
	assert_false(decodes(&base64, "Zg===", 64));
	assert_false(decodes(&base64, "Zg==Zg==", 64));
	assert_false(decodes(&base64, "Z===", 64));
	assert_false(decodes(&base64, "Zm9=v", 64));
	assert_true(decodes(&base64url, "Zg", 64));
	assert_true(decodes(&base64url, "-_-_", 64));
	assert_false(decodes(&base64url, "Zg==", 64));
	assert_false(decodes(&base64url, "+/+/", 64));
	assert_false(decodes(&base64url, "Z", 64));
	assert_false(decodes(&base64, "Zm9-", 64));
	assert_false(decodes(&base64, "Zm9v", 2));
	assert_true(decodes(&base32, "cpnmuoj1e8", 64));
	assert_false(decodes(&base32, "CPNMUW", 64));
	assert_false(decodes(&base32, "C", 64) && decodes(&base32, "CPN=", 64));
}

static bool is_ipv4(const char *text)
{
	uint8_t octets[IPV4_OCTETS];
	return ipv4_parse(view_of(text), octets);
}

static void ipv4_is_strict(void **state)
{
	(void)state;
	uint8_t octets[IPV4_OCTETS];
	assert_true(ipv4_parse(VIEW("192.0.2.255"), octets));
	assert_memory_equal(octets, "\xc0\0\2\xff", 4);
	char back[IPV4_TEXT_MAX];
	assert_int_equal(ipv4_print(octets, back), 11);
	assert_string_equal(back, "192.0.2.255");
	assert_true(is_ipv4("0.0.0.0"));
	static const char *const bad[] = { "", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.256",
		"01.2.3.4", "1.2.3.00", "1.2.3.4 ", " 1.2.3.4", "1..2.3", "a.b.c.d", "1.2.3.0004",
		"::1" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(is_ipv4(bad[i]));
}

static void check_ipv6(const char *text, const char *printed)
{
	uint8_t octets[IPV6_OCTETS], again[IPV6_OCTETS];
	char back[IPV6_TEXT_MAX];
	assert_true(ipv6_parse(view_of(text), octets));
	assert_int_equal(ipv6_print(octets, back), strlen(printed));
	assert_string_equal(back, printed);
	assert_int_equal(inet_pton(AF_INET6, back, again), 1);
	assert_memory_equal(octets, again, sizeof again);
}

static void ipv6_is_printed_as_rfc_5952_has_it(void **state)
{
	(void)state;
	check_ipv6("::", "::");
	check_ipv6("::1", "::1");
	check_ipv6("1::", "1::");
	check_ipv6("2001:DB8:0:0:0:0:0:1", "2001:db8::1");
	check_ipv6("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
	check_ipv6("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
	check_ipv6("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	check_ipv6("::ffff:192.0.2.1", "::ffff:192.0.2.1");
	check_ipv6("::192.0.2.1", "::c000:201");
	check_ipv6("64:ff9b::192.0.2.33", "64:ff9b::c000:221");
	check_ipv6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	uint8_t octets[IPV6_OCTETS];
	assert_false(ipv6_parse(VIEW("192.0.2.1"), octets));
	assert_false(ipv6_parse(VIEW(""), octets));
	assert_false(ipv6_parse(VIEW("::1\0"), octets));
	assert_false(ipv6_parse(VIEW("fe80::1%eth0"), octets));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_both_ways),
		cmocka_unit_test(bad_text_is_refused),
		cmocka_unit_test(reserved_characters_are_percent_encoded),
		cmocka_unit_test(ipv4_is_strict),
		cmocka_unit_test(ipv6_is_printed_as_rfc_5952_has_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
