/* base/siphash, dns/cookie and the plugin `cookie`. */
#include "test.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/siphash.h"
#include "dns/cookie.h"
#include "plugin_bed.h"
#include "server/bare_reply.h"

static struct arena *arena;

static struct view from_hex(const char *text)
{
	struct decoding d = { .to = arena_octets(arena, strlen(text)), .room = strlen(text) };
	assert_true(hex_decode(&d, view_of(text)) && hex_decoded(&d));
	return (struct view){ (const char *)d.to, d.length };
}

static const char *to_hex(const void *octets, size_t length)
{
	struct text t = { 0 };
	text_add_hex(&t, (struct view){ octets, length });
	const char *hex = arena_string(arena, text_view(&t));
	text_free(&t);
	return hex;
}

static struct cookie_secrets secrets_of(const char *first, const char *second)
{
	struct cookie_secrets s = { .count = second ? 2 : 1 };
	memcpy(s.secret[0], from_hex(first).at, SIPHASH_KEY_OCTETS);
	if (second)
		memcpy(s.secret[1], from_hex(second).at, SIPHASH_KEY_OCTETS);
	return s;
}

static struct view address_of(const char *text)
{
	struct endpoint *e = arena_new_object(arena, struct endpoint);
	assert_true(endpoint_parse_ip(view_of(text), 0, e));
	return endpoint_address(e);
}

static const char *made(const struct cookie_secrets *s, const char *client, const char *address, uint32_t now)
{
	uint8_t to[COOKIE_OCTETS];
	cookie_make(s, from_hex(client), address_of(address), now, to);
	return to_hex(to, sizeof to);
}

/* The vectors of SipHash's reference implementation: octets 0, 1, 2, ... under the key 0, 1, ... 15. */
static void siphash_is_that_of_the_reference(void **state)
{
	(void)state;
	static const struct {
		size_t length;
		const char *hash;
	} known[] = { { 0, "310e0edd47db6f72" }, { 1, "fd67dc93c539f874" }, { 2, "5a4fa9d909806c0d" },
		{ 3, "2d7efbd796666785" }, { 4, "b7877127e09427cf" }, { 5, "8da699cd64557618" },
		{ 6, "cee3fe586e46c9cb" }, { 7, "37d1018bf50002ab" }, { 8, "6224939a79f5f593" },
		{ 9, "b0e4a90bdf82009e" }, { 10, "f3b9dd94c5bb5d7a" }, { 11, "a7ad6b22462fb3f4" },
		{ 12, "fbe50e86bc8f1e75" }, { 15, "e545be4961ca29a1" } };
	uint8_t octets[16];
	for (uint8_t i = 0; i < 16; i++)
		octets[i] = i;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		uint64_t hash = sip_store(siphash_2_4(octets, octets, known[i].length));
		assert_string_equal(to_hex(&hash, sizeof hash), known[i].hash);
	}
}

/* RFC 9018 appendix A. */
static void cookies_are_those_of_the_rfc(void **state)
{
	(void)state;
	struct cookie_secrets s = secrets_of("e5e973e5a6b2a43f48e7dc849e37bfcf", NULL);
	assert_string_equal(made(&s, "2464c4abcf10c957", "198.51.100.100", 1559731985),
		"2464c4abcf10c957010000005cf79f111f8130c3eee29480");
	assert_string_equal(made(&s, "2464c4abcf10c957010000005cf79f111f8130c3eee29480", "198.51.100.100", 1559734385),
		"2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
	assert_string_equal(made(&s, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", "203.0.113.203", 1559734700),
		"fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
	s = secrets_of("445536bcd2513298075a5d379663c962", NULL);
	assert_string_equal(made(&s, "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961),
		"22681ab97d52c298010000005cf7c609a6bb79d16625507a");
}

static void cookies_are_taken_in_their_hour(void **state)
{
	(void)state;
	enum { MADE = 1559731985 };
	struct cookie_secrets s = secrets_of("e5e973e5a6b2a43f48e7dc849e37bfcf", NULL);
	struct view cookie = from_hex("2464c4abcf10c957010000005cf79f111f8130c3eee29480");
	struct view client = address_of("198.51.100.100");
	static const struct {
		int age;
		enum cookie_state state;
	} known[] = { { 0, COOKIE_VALID }, { 1800, COOKIE_VALID }, { 1801, COOKIE_AGED }, { 3600, COOKIE_AGED },
		{ 3601, COOKIE_INVALID }, { -300, COOKIE_VALID }, { -301, COOKIE_INVALID }, { 1 << 30, COOKIE_INVALID } };
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		assert_int_equal(cookie_check(&s, cookie, client, (uint32_t)MADE + (uint32_t)known[i].age), known[i].state);
	/* Not another client's, nor with another client cookie, time or hash. */
	assert_int_equal(cookie_check(&s, cookie, address_of("198.51.100.101"), MADE), COOKIE_INVALID);
	assert_int_equal(cookie_check(&s, cookie, address_of("2001:db8::1"), MADE), COOKIE_INVALID);
	for (size_t at = 0; at < cookie.length; at++) {
		char bent[COOKIE_OCTETS];
		memcpy(bent, cookie.at, sizeof bent);
		bent[at] ^= 1;
		assert_int_equal(cookie_check(&s, (struct view){ bent, sizeof bent }, client, MADE), COOKIE_INVALID);
	}
	/* Reserved octets of another server may say something, as in appendix A.3. */
	assert_int_equal(cookie_check(&s, from_hex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"),
				 address_of("203.0.113.203"), 0x5cf78f71),
		COOKIE_VALID);
}

/* Seconds of 32 bits run over in 2106; a cookie made just before is good just after. */
static void time_is_a_serial_number(void **state)
{
	(void)state;
	struct cookie_secrets s = secrets_of("e5e973e5a6b2a43f48e7dc849e37bfcf", NULL);
	struct view client = address_of("192.0.2.1");
	struct view cookie = from_hex(made(&s, "2464c4abcf10c957", "192.0.2.1", UINT32_MAX - 9));
	assert_int_equal(cookie_check(&s, cookie, client, 10), COOKIE_VALID);
	assert_int_equal(cookie_check(&s, cookie, client, 1900), COOKIE_AGED);
	assert_int_equal(cookie_check(&s, cookie, client, 3700), COOKIE_INVALID);
}

static void secrets_roll_over(void **state)
{
	(void)state;
	enum { NOW = 1559741817 };
	struct view cookie = from_hex("22681ab97d52c298010000005cf7c57926556bd0934c72f8");
	struct view client = address_of("2001:db8:220:1:59de:d0f4:8769:82b8");
	struct cookie_secrets before = secrets_of("dd3bdf9344b678b185a6f5cb60fca715", NULL);
	struct cookie_secrets both = secrets_of("445536bcd2513298075a5d379663c962", "dd3bdf9344b678b185a6f5cb60fca715");
	struct cookie_secrets after = secrets_of("445536bcd2513298075a5d379663c962", NULL);
	assert_int_equal(cookie_check(&before, cookie, client, NOW), COOKIE_VALID);
	assert_int_equal(cookie_check(&both, cookie, client, NOW), COOKIE_AGED);
	assert_int_equal(cookie_check(&after, cookie, client, NOW), COOKIE_INVALID);
}

static void lengths_are_those_of_rfc_7873(void **state)
{
	(void)state;
	struct cookie_secrets s = secrets_of("e5e973e5a6b2a43f48e7dc849e37bfcf", NULL);
	char octets[64] = { 0 };
	for (size_t length = 0; length < sizeof octets; length++)
		assert_int_equal(cookie_check(&s, (struct view){ octets, length }, address_of("192.0.2.1"), 0),
			length == 8			   ? COOKIE_CLIENT_ONLY :
			length >= 16 && length <= 40 ? COOKIE_INVALID :
						       COOKIE_MALFORMED);
}

/* --- the plugin --- */

#define SECRET "e5e973e5a6b2a43f48e7dc849e37bfcf"

/* Asks with this option (NULL: an OPT without); gives the reply's option, empty if there is none. */
static struct view ask(struct bed *b, const struct view *option, enum transport transport)
{
	struct query *q = bed_query(b, "a.example", TYPE_A);
	struct view got;
	q->transport = transport;
	q->worker = 0;
	q->request.edns = (struct edns){ .present = true, .udp_size = 1232 };
	if (option)
		edns_option_add(&q->request.edns, b->arena, OPTION_COOKIE, *option);
	q->reply = NULL;
	bed_run(b);
	reply_finish_edns(q);
	return edns_option_find(&q->reply->edns, OPTION_COOKIE, &got) ? got : VIEW("");
}

static struct bed *bed_with(const char *block)
{
	char corefile[512];
	snprintf(corefile, sizeof corefile, ".:53 {\n%s\nanswer\n}\n", block);
	struct bed *b = bed_new(corefile);
	assert_string_equal(bed_complaint(b), "");
	struct plugin *p = block_plugin(b->config->blocks, "cookie");
	if (!p->worker_states) {
		p->worker_states = arena_array(b->arena, 1, sizeof *p->worker_states);
		p->worker_states[0] = arena_octets(b->arena, p->type->worker_size);
		memset(p->worker_states[0], 0, p->type->worker_size);
	}
	return b;
}

static void plugin_gives_cookies_that_it_takes(void **state)
{
	(void)state;
	struct bed *b = bed_with("cookie {\nsecret " SECRET "\n}");
	struct cookie_secrets s = secrets_of(SECRET, NULL);
	struct view client = VIEW("12345678"), got = ask(b, &client, TRANSPORT_UDP);
	assert_int_equal(b->q.reply->rcode, RCODE_NOERROR);
	assert_int_equal(b->q.reply->section[SECTION_ANSWER].count, 1);
	assert_int_equal(got.length, COOKIE_OCTETS);
	assert_memory_equal(got.at, client.at, client.length);
	assert_int_equal(
		cookie_check(&s, got, address_of("127.0.0.1"), (uint32_t)clock_wall_seconds()), COOKIE_VALID);
	struct view again = ask(b, &got, TRANSPORT_UDP);
	assert_true(view_equal(got, again));
	/* One that has become old is answered by another one. */
	uint8_t old[COOKIE_OCTETS];
	cookie_make(&s, client, address_of("127.0.0.1"), (uint32_t)clock_wall_seconds() - 2000, old);
	got = ask(b, &(struct view){ (char *)old, sizeof old }, TRANSPORT_UDP);
	assert_int_equal(b->q.reply->rcode, RCODE_NOERROR);
	assert_int_equal(
		cookie_check(&s, got, address_of("127.0.0.1"), (uint32_t)clock_wall_seconds()), COOKIE_VALID);
	assert_int_equal(ask(b, NULL, TRANSPORT_UDP).length, 0);
	bed_free(b);
}

/* Answers as an upstream with cookies of its own does, and notes whether it saw the client's. */
static bool saw_cookie;
static int upstream(struct query *q)
{
	struct view data;
	saw_cookie = edns_option_find(&q->request.edns, OPTION_COOKIE, &data);
	struct message *r = reply_new(q, RCODE_NOERROR, 0);
	r->edns = (struct edns){ .present = true, .udp_size = 1232 };
	edns_option_add(&r->edns, q->arena, OPTION_COOKIE, VIEW("upstream"));
	return RCODE_NOERROR;
}

static int refused(struct query *q)
{
	return query_fail(q, RCODE_REFUSED, "no");
}

static void cookies_stay_between_client_and_server(void **state)
{
	(void)state;
	struct bed *b = bed_with("cookie");
	struct view client = VIEW("12345678");
	bed_answer = upstream;
	saw_cookie = true;
	struct view got = ask(b, &client, TRANSPORT_UDP);
	assert_false(saw_cookie);
	assert_int_equal(got.length, COOKIE_OCTETS);
	assert_memory_equal(got.at, client.at, client.length);
	assert_int_equal(ask(b, NULL, TRANSPORT_UDP).length, 0);
	bed_answer = refused;
	assert_int_equal(ask(b, &client, TRANSPORT_UDP).length, COOKIE_OCTETS);
	assert_int_equal(b->q.reply->rcode, RCODE_REFUSED);
	bed_free(b);
}

static void wrong_lengths_are_formerr(void **state)
{
	(void)state;
	struct bed *b = bed_with("cookie");
	static const size_t lengths[] = { 0, 7, 9, 15, 41 };
	char octets[64] = { 0 };
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct view got = ask(b, &(struct view){ octets, lengths[i] }, TRANSPORT_TCP);
		assert_int_equal(b->q.reply->rcode, RCODE_FORMERR);
		assert_int_equal(got.length, 0);
	}
	bed_free(b);
}

static void require_is_for_udp_with_a_cookie(void **state)
{
	(void)state;
	struct bed *b = bed_with("cookie {\nrequire\n}");
	struct view client = VIEW("12345678"), forged = VIEW("12345678\1\0\0\0aaaabbbbbbbb");
	struct view got = ask(b, &forged, TRANSPORT_UDP);
	assert_int_equal(b->q.reply->rcode, RCODE_BADCOOKIE);
	assert_int_equal(b->q.reply->section[SECTION_ANSWER].count, 0);
	got = ask(b, &got, TRANSPORT_UDP);
	assert_int_equal(b->q.reply->rcode, RCODE_NOERROR);
	assert_int_equal(got.length, COOKIE_OCTETS);
	ask(b, &client, TRANSPORT_UDP);
	assert_int_equal(b->q.reply->rcode, RCODE_BADCOOKIE);
	ask(b, &client, TRANSPORT_TCP);
	assert_int_equal(b->q.reply->rcode, RCODE_NOERROR);
	ask(b, NULL, TRANSPORT_UDP);
	assert_int_equal(b->q.reply->rcode, RCODE_NOERROR);
	bed_free(b);
}

static void drawn_secrets_outlive_a_reload(void **state)
{
	(void)state;
	struct view client = VIEW("12345678");
	struct bed *b = bed_with("cookie");
	struct view got = ask(b, &client, TRANSPORT_UDP);
	char kept[COOKIE_OCTETS];
	memcpy(kept, got.at, sizeof kept);
	bed_free(b);
	b = bed_with("cookie {\nrequire\n}");
	ask(b, &(struct view){ kept, sizeof kept }, TRANSPORT_UDP);
	assert_int_equal(b->q.reply->rcode, RCODE_NOERROR);
	bed_free(b);
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	assert_refused("cookie {\nsecret abc\n}",
		"plugin/cookie: Corefile:3 - Error during parsing: a secret has 32 hexadecimal digits");
	assert_refused("cookie {\nsecret " SECRET "00\n}",
		"plugin/cookie: Corefile:3 - Error during parsing: a secret has 32 hexadecimal digits");
	assert_refused("cookie {\nsecret " SECRET " " SECRET " " SECRET " " SECRET " " SECRET "\n}",
		"plugin/cookie: Corefile:3 - Error during parsing: more than 4 secrets");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_is_that_of_the_reference),
		cmocka_unit_test(cookies_are_those_of_the_rfc),
		cmocka_unit_test(cookies_are_taken_in_their_hour),
		cmocka_unit_test(time_is_a_serial_number),
		cmocka_unit_test(secrets_roll_over),
		cmocka_unit_test(lengths_are_those_of_rfc_7873),
		cmocka_unit_test(plugin_gives_cookies_that_it_takes),
		cmocka_unit_test(cookies_stay_between_client_and_server),
		cmocka_unit_test(wrong_lengths_are_formerr),
		cmocka_unit_test(require_is_for_udp_with_a_cookie),
		cmocka_unit_test(drawn_secrets_outlive_a_reload),
		cmocka_unit_test(says_what_is_wrong),
	};
	arena = arena_new(65536);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(arena);
	return failed;
}
