/* clouddns and azure: from pages of JSON to the records of a zone. */
#include "test.h"

#include "cloud_page.h"
#include "dns/rdata.h"
#include <stdlib.h>

static int set_up(void **state)
{
	*state = page_bed_new();
	return 0;
}

static int tear_down(void **state)
{
	page_bed_free(*state);
	return 0;
}

static bool add_line(const struct record *r, void *data)
{
	struct text line = { 0 };
	record_print(&line, r);
	for (char *c = line.at; *c; c++)
		*c = *c == '\t' ? ' ' : *c;
	text_printf(data, "%s\n", line.at);
	text_free(&line);
	return true;
}

/* The zone as text, in canonical order of the owners. */
static const char *zone_of(struct page_bed *b)
{
	struct text t = { 0 };
	b->zone = mirror_intake_seal(&b->intake);
	if (!b->zone)
		fail_msg("%s", b->listing.error);
	zone_walk(b->zone, add_line, &t);
	const char *text = arena_string(b->arena, text_view(&t));
	text_free(&t);
	return text;
}

/* --- Cloud DNS --- */

#define GOOGLE_SOA "{\"name\":\"example.org.\",\"type\":\"SOA\",\"ttl\":60,\"rrdatas\":[\"a. b. 1 2 3 4 5\"]}"

static bool feed_google(struct page_bed *b, const char *page, size_t piece)
{
	struct clouddns_sets *sets = clouddns_sets_new(&b->listing);
	bool whole = page_feed(b, &clouddns_page_kind, sets, view_of(page), piece);
	clouddns_sets_free(sets);
	return whole;
}

static void google_pages_make_a_zone(void **state)
{
	struct page_bed *b = *state;
	static const char first[] =
		"{\"kind\":\"x\",\"rrsets\":[" GOOGLE_SOA ",{\"rrdatas\":[\"192.0.2.1\",\"192.0.2.2\"],\"ttl\":300,\"kind\":{\"name\":\"no\"},"
		"\"signatureRrdatas\":[\"x\"],\"type\":\"A\",\"name\":\"www.example.org.\"}],\"nextPageToken\":\"tok/1\"}";
	static const char second[] =
		"{\"rrsets\":[{\"name\":\"*.example.org\",\"type\":\"TXT\",\"ttl\":1,\"rrdatas\":[\"\\\"a b\\\" \\\"c;\\\"\"]},"
		"{\"name\":\"alias.example.org.\",\"type\":\"CNAME\",\"ttl\":2,\"rrdatas\":[\"WWW.example.org\"]}]}";
	assert_true(feed_google(b, first, 1));
	assert_true(view_is(text_view(&b->page.next), "tok/1"));
	assert_true(feed_google(b, second, 7));
	assert_int_equal(b->page.next.length, 0);
	assert_string_equal(zone_of(b), "example.org. 60 IN SOA a. b. 1 2 3 4 5\n"
					"*.example.org. 1 IN TXT \"a b\" \"c;\"\n"
					"alias.example.org. 2 IN CNAME www.example.org.\n"
					"www.example.org. 300 IN A 192.0.2.1\n"
					"www.example.org. 300 IN A 192.0.2.2\n");
	assert_int_equal(b->listing.complaints, 0);
}

static void a_bad_google_record_is_left_out_alone(void **state)
{
	struct page_bed *b = *state;
	static const char page[] =
		"{\"rrsets\":[" GOOGLE_SOA ",{\"name\":\"a.example.org.\",\"type\":\"A\",\"ttl\":1,\"rrdatas\":[\"1.2.3\",\"192.0.2.1\"]},"
		"{\"name\":\"b.example.org.\",\"type\":\"TEA\",\"ttl\":1,\"rrdatas\":[\"x\"]},"
		"{\"name\":\"c..example.org.\",\"type\":\"A\",\"ttl\":1,\"rrdatas\":[\"192.0.2.1\"]},"
		"{\"name\":\"d.example.org.\",\"type\":\"A\",\"ttl\":-1,\"rrdatas\":[\"192.0.2.1\"]},"
		"{\"name\":\"e.example.org.\",\"type\":\"A\",\"ttl\":1,\"routingPolicy\":{\"wrr\":{\"items\":[{\"rrdatas\":[\"192.0.2.1\"]}]}}},"
		"{\"name\":\"f.example.org.\",\"type\":\"A\",\"ttl\":1,\"rrdatas\":[\"192.0.2.1\\nwww.example.org. A 192.0.2.9\"]},"
		"{\"name\":\"g.example.org.\",\"type\":\"A\",\"ttl\":1,\"rrdatas\":[\"192.0.2.7\"]}]}";
	assert_true(feed_google(b, page, sizeof page));
	assert_int_equal(b->listing.complaints, 6);
	assert_string_equal(zone_of(b), "example.org. 60 IN SOA a. b. 1 2 3 4 5\n"
					"a.example.org. 1 IN A 192.0.2.1\n"
					"g.example.org. 1 IN A 192.0.2.7\n");
}

static void other_json_is_no_page(void **state)
{
	static const char *const bad[] = { "", "{", "[]", "{\"rrsets\":{}}", "{\"rrsets\":[1]}", "{\"rrsets\":[[]]}", "{\"rrsets\":\"\"}",
		"{\"rrsets\":[{\"name\":\"a\"", "{\"rrsets\":[]}{}", "{\"nextPageToken\":{}}", "{\"rrsets\":[]} x", "<html>" };
	struct page_bed *b = *state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(feed_google(b, bad[i], 1));
	assert_true(feed_google(b, "{}", 1));
	assert_true(feed_google(b, "{\"rrsets\":null,\"x\":[{\"y\":[{}]}]}", 1));
}

/* --- Azure --- */

static bool feed_azure(struct page_bed *b, const char *page, size_t piece)
{
	struct azure_sets *sets = azure_sets_new(&b->listing);
	bool whole = page_feed(b, &azure_page_kind, sets, view_of(page), piece);
	azure_sets_free(sets);
	return whole;
}

#define AZURE_SOA \
	"{\"properties\":{\"TTL\":60,\"fqdn\":\"example.org.\",\"SOARecord\":{\"host\":\"a.\",\"email\":\"b\",\"serialNumber\":1," \
	"\"refreshTime\":2,\"retryTime\":3,\"expireTime\":4,\"minimumTTL\":5}}}"

static void azure_pages_make_a_zone(void **state)
{
	struct page_bed *b = *state;
	static const char page[] =
		"{\"value\":[" AZURE_SOA ",{\"id\":\"x\",\"name\":\"www\",\"type\":\"t\",\"properties\":{\"ARecords\":[{\"ipv4Address\":\"192.0.2.1\"},"
		"{\"ipv4Address\":\"192.0.2.2\"}],\"metadata\":{\"fqdn\":\"no\"},\"fqdn\":\"www.example.org.\",\"TTL\":300}},"
		"{\"properties\":{\"ttl\":1,\"fqdn\":\"srv.example.org.\",\"srvRecords\":[{\"target\":\"www.example.org\",\"port\":80,\"weight\":2,\"priority\":1}]}},"
		"{\"properties\":{\"ttl\":1,\"fqdn\":\"mx.example.org.\",\"mxRecords\":[{\"preference\":10,\"exchange\":\"m.example.org\"}]}},"
		"{\"properties\":{\"ttl\":1,\"fqdn\":\"txt.example.org.\",\"txtRecords\":[{\"value\":[\"a \\\"b\",\"c\"]},{\"value\":[\"\"]}]}},"
		"{\"properties\":{\"ttl\":1,\"fqdn\":\"c.example.org.\",\"cnameRecord\":{\"cname\":\"www.example.net\"}}},"
		"{\"properties\":{\"ttl\":1,\"fqdn\":\"ptr.example.org.\",\"ptrRecords\":[{\"ptrdname\":\"h.example.org\"}]}},"
		"{\"properties\":{\"ttl\":1,\"fqdn\":\"v6.example.org.\",\"aaaaRecords\":[{\"ipv6Address\":\"2001:db8::1\"}]}},"
		"{\"properties\":{\"ttl\":1,\"fqdn\":\"sub.example.org.\",\"NSRecords\":[{\"nsdname\":\"ns.example.net.\"}]}},"
		"{\"properties\":{\"ttl\":1,\"fqdn\":\"caa.example.org.\",\"caaRecords\":[{\"flags\":128,\"tag\":\"issue\",\"value\":\"ca.example\"}]}}],"
		"\"nextLink\":\"https://management.azure.com/next?$skiptoken=1\"}";
	assert_true(feed_azure(b, page, 1));
	assert_true(view_is(text_view(&b->page.next), "https://management.azure.com/next?$skiptoken=1"));
	assert_string_equal(zone_of(b), "example.org. 60 IN SOA a. b. 1 2 3 4 5\n"
					"c.example.org. 1 IN CNAME www.example.net.\n"
					"caa.example.org. 1 IN CAA 128 issue \"ca.example\"\n"
					"mx.example.org. 1 IN MX 10 m.example.org.\n"
					"ptr.example.org. 1 IN PTR h.example.org.\n"
					"srv.example.org. 1 IN SRV 1 2 80 www.example.org.\n"
					"sub.example.org. 1 IN NS ns.example.net.\n"
					"txt.example.org. 1 IN TXT \"a \\\"b\" \"c\"\n"
					"txt.example.org. 1 IN TXT \"\"\n"
					"v6.example.org. 1 IN AAAA 2001:db8::1\n"
					"www.example.org. 300 IN A 192.0.2.1\n"
					"www.example.org. 300 IN A 192.0.2.2\n");
	assert_int_equal(b->listing.complaints, 0);
}

static void a_bad_azure_record_is_left_out_alone(void **state)
{
	struct page_bed *b = *state;
	static const char page[] =
		"{\"value\":[" AZURE_SOA ",{\"properties\":{\"TTL\":1,\"ARecords\":[{\"ipv4Address\":\"192.0.2.1\"}]}},"
		"{\"properties\":{\"fqdn\":\"a.example.org.\",\"TTL\":1,\"ARecords\":[{\"ipv4Address\":\"1.2\"},{},{\"ipv4Address\":\"192.0.2.2\"}]}},"
		"{\"properties\":{\"fqdn\":\"b.example.org.\",\"TTL\":1,\"MXRecords\":[{\"preference\":65536,\"exchange\":\"m\"},{\"exchange\":\"m\"}]}},"
		"{\"properties\":{\"fqdn\":\"c.example.org.\",\"TTL\":\"x\",\"ARecords\":[{\"ipv4Address\":\"192.0.2.1\"}]}},"
		"{\"properties\":{\"fqdn\":\"d.example.org.\",\"ARecords\":[{\"ipv4Address\":\"192.0.2.1\"}]}},"
		"{\"properties\":{\"fqdn\":\"e.example.org.\",\"TTL\":1,\"provisioningState\":\"Succeeded\"}}]}";
	assert_true(feed_azure(b, page, 3));
	assert_int_equal(b->listing.complaints, 6);
	assert_string_equal(zone_of(b), "example.org. 60 IN SOA a. b. 1 2 3 4 5\n"
					"a.example.org. 1 IN A 192.0.2.2\n"
					"d.example.org. 0 IN A 192.0.2.1\n");
}

static void long_texts_are_cut_into_strings(void **state)
{
	struct page_bed *b = *state;
	struct text page = { 0 };
	text_add_string(&page, "{\"value\":[" AZURE_SOA ",{\"properties\":{\"TTL\":1,\"fqdn\":\"t.example.org.\",\"TXTRecords\":[{\"value\":[\"");
	for (int i = 0; i < 300; i++)
		text_add_char(&page, 'x');
	text_add_string(&page, "\"]}]}}]}");
	assert_true(feed_azure(b, page.at, 50));
	const char *zone = zone_of(b), *txt = strstr(zone, "TXT \"");
	assert_non_null(txt);
	assert_int_equal(strcspn(txt + 5, "\""), 255);
	assert_int_equal(strcspn(txt + 5 + 255 + 3, "\""), 45);
	text_free(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(google_pages_make_a_zone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_bad_google_record_is_left_out_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_json_is_no_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(azure_pages_make_a_zone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_bad_azure_record_is_left_out_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_texts_are_cut_into_strings, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("cloud records", tests, NULL, NULL);
}
