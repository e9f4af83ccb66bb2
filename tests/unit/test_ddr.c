/* Discovery of Designated Resolvers (RFC 9462). */
#include "test.h"

#include "plugin_bed.h"
#include "server/block.h"

/* The records of a section, a line each, without TTL and class. */
static const char *section_text(const struct bed *b, enum section_id id)
{
	const struct section *s = &b->q.reply->section[id];
	struct text t = { 0 };
	for (size_t i = 0; i < s->count; i++) {
		const struct record *r = &s->records[i];
		char type[MNEMONIC_MAX];
		text_printf(&t, "%s %s ", name_text(b->arena, r->owner), type_print(r->type, type));
		rdata_print(&t, r->type, record_rdata(r));
		text_add_char(&t, '\n');
	}
	const char *kept = arena_string(b->arena, text_view(&t));
	text_free(&t);
	return kept;
}

#define DOORS(ddr) \
	".:53 {\n" ddr "\nanswer\n}\n" \
	"tls://.:853 quic://.:853 {\ntls cert key\nbind 192.0.2.1 2001:db8::1\nanswer\n}\n" \
	"https://. https3://. {\ntls cert key\nanswer\n}\n" \
	"https://.:8443 {\ntls cert key\nanswer\n}\n" \
	"tls://example.org:8853 {\ntls cert key\nanswer\n}\n" \
	"tls://.:9853 {\nanswer\n}\n" \
	"grpc://.:443 {\ntls cert key\nanswer\n}\n"

#define SOA "resolver.arpa. SOA resolver.arpa. nobody.invalid. 1 3600 1200 604800 10800\n"

static void doors_are_told(void **state)
{
	(void)state;
	struct bed *b = bed_build(DOORS("ddr DNS.example"), true);
	assert_non_null(b->config);
	assert_int_equal(bed_ask(b, "_DNS.resolver.arpa", TYPE_SVCB), RCODE_NOERROR);
	assert_string_equal(section_text(b, SECTION_ANSWER),
		"_DNS.resolver.arpa. SVCB 1 dns.example. alpn=\"dot,doq\" port=\"853\" "
		"ipv4hint=\"192.0.2.1\" ipv6hint=\"2001:db8::1\"\n"
		"_DNS.resolver.arpa. SVCB 2 dns.example. alpn=\"h2,h3\" port=\"443\" "
		"dohpath=\"/dns-query{?dns}\"\n"
		"_DNS.resolver.arpa. SVCB 3 dns.example. alpn=\"h2\" port=\"8443\" "
		"dohpath=\"/dns-query{?dns}\"\n");
	assert_string_equal(section_text(b, SECTION_ADDITIONAL),
		"dns.example. A 192.0.2.1\ndns.example. AAAA 2001:db8::1\n");
	assert_int_equal(b->q.reply->flags & FLAG_AA, FLAG_AA);
	bed_free(b);
}

static void addresses_may_be_given(void **state)
{
	(void)state;
	struct bed *b = bed_build(
		".:53 tls://.:853 {\ntls cert key\nddr dns.example {\naddress 192.0.2.7 192.0.2.8\n}\nanswer\n}\n", true);
	assert_non_null(b->config);
	bed_ask(b, "_dns.resolver.arpa", TYPE_SVCB);
	assert_string_equal(section_text(b, SECTION_ANSWER),
		"_dns.resolver.arpa. SVCB 1 dns.example. alpn=\"dot\" port=\"853\" "
		"ipv4hint=\"192.0.2.7,192.0.2.8\"\n");
	assert_string_equal(
		section_text(b, SECTION_ADDITIONAL), "dns.example. A 192.0.2.7\ndns.example. A 192.0.2.8\n");
	bed_free(b);
}

static void the_rest_of_the_zone_is_empty(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		int rcode;
		const char *answer;
	} rows[] = {
		{ "_dns.resolver.arpa", TYPE_A, RCODE_NOERROR, "" },
		{ "resolver.arpa", TYPE_SVCB, RCODE_NOERROR, "" },
		{ "resolver.arpa", TYPE_NS, RCODE_NOERROR, "resolver.arpa. NS resolver.arpa.\n" },
		{ "resolver.arpa", TYPE_SOA, RCODE_NOERROR, SOA },
		{ "x.resolver.arpa", TYPE_SVCB, RCODE_NXDOMAIN, "" },
		{ "x._dns.resolver.arpa", TYPE_SVCB, RCODE_NXDOMAIN, "" },
	};
	(void)state;
	struct bed *b = bed_build(DOORS("ddr dns.example"), true);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(bed_ask(b, rows[i].name, rows[i].type), rows[i].rcode);
		assert_string_equal(section_text(b, SECTION_ANSWER), rows[i].answer);
		assert_string_equal(section_text(b, SECTION_AUTHORITY), rows[i].answer[0] ? "" : SOA);
	}
	bed_ask(b, "xresolver.arpa", TYPE_A);
	assert_string_equal(section_text(b, SECTION_ANSWER), "xresolver.arpa. A 192.0.2.1\n");
	bed_ask(b, "arpa", TYPE_A);
	assert_string_equal(section_text(b, SECTION_ANSWER), "arpa. A 192.0.2.1\n");
	bed_free(b);
}

static void without_doors_there_is_nothing(void **state)
{
	(void)state;
	struct bed *b = bed_build(
		".:53 tls://example.org:853 {\ntls cert key\nddr dns.example\nanswer\n}\n", true);
	assert_string_equal(bed_complaint(b),
		"plugin/ddr: there is nothing to discover: no encrypted listener serves the zone '.'");
	assert_int_equal(bed_ask(b, "_dns.resolver.arpa", TYPE_SVCB), RCODE_NOERROR);
	assert_string_equal(section_text(b, SECTION_ANSWER), "");
	assert_string_equal(section_text(b, SECTION_AUTHORITY), SOA);
	bed_free(b);
}

static void what_is_wrong_is_told(void **state)
{
	(void)state;
	assert_refused("ddr", "plugin/ddr: Corefile:2 - Error during parsing: Wrong argument count or "
			      "unexpected line ending after 'ddr'");
	assert_refused("ddr a..b", "plugin/ddr: Corefile:2 - Error during parsing: not a domain name: 'a..b'");
	assert_refused("ddr a {\naddress 192.0.2.300\n}",
		"plugin/ddr: Corefile:3 - Error during parsing: not an IP address: '192.0.2.300'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doors_are_told),
		cmocka_unit_test(addresses_may_be_given),
		cmocka_unit_test(the_rest_of_the_zone_is_empty),
		cmocka_unit_test(without_doors_there_is_nothing),
		cmocka_unit_test(what_is_wrong_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
