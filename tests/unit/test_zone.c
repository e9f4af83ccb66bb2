/* src/zone: building zones and looking names up in them, without DNSSEC. */
#include "zone/zone_walk.h"
#include "zone_text.h"

static struct arena *arena;
static struct zone *zone;

/* One zone for most tests: `example.`, whose records are those of RFC 4592 2.2.1 and what else
 * lookups meet. */
static const char text[] =
	"@ 3600 SOA ns1.example. h.example. 7 2 3 4 300\n"
	"@ 3600 NS ns1\n"
	"ns1 A 192.0.2.1\n"
	"*.rfc TXT wildcard\n"
	"*.rfc MX 10 host1.rfc\n"
	"sub.*.rfc TXT none\n"
	"host1.rfc A 192.0.2.2\n"
	"_ssh._tcp.host1.rfc SRV 1 2 22 host1.rfc\n"
	"_ssh._tcp.host2.rfc SRV 1 2 22 host2.rfc\n"
	"subdel.rfc NS ns.subdel.rfc\n"
	"subdel.rfc NS ns1\n"
	"ns.subdel.rfc A 192.0.2.3\n"
	"sub DS 1 13 2 0d6fce3382a1cb2bd2cf2e2d4a12bdd2ffbf6fc0fc1d0f8b7aa1ec09d8c1d6b5\n"
	"sub NS NS.Sub\n"
	"ns.sub AAAA 2001:db8::1\n"
	"alias CNAME Chain\n"
	"chain CNAME host1.rfc\n"
	"gone CNAME nothing\n"
	"empty CNAME rfc\n"
	"cut CNAME www.sub\n"
	"wild CNAME x.rfc\n"
	"out CNAME www.example.net.\n"
	"l1 CNAME l2\n"
	"l2 CNAME l1\n"
	"d DNAME rfc\n"
	"*.cw CNAME host1.rfc\n"
	"*.ent.deep A 192.0.2.4\n"
	"svc HTTPS 1 .\n"
	"svc A 192.0.2.5\n"
	"host1.rfc A 192.0.2.6\n"
	"host1.rfc A 192.0.2.2\n"
	"host1.rfc 60 A 192.0.2.7\n";

#define SOA "! example. 300 IN SOA ns1.example. h.example. 7 2 3 4 300\n"
#define NS "! example. 3600 IN NS ns1.example.\n"
#define HOST1(sign)                                                                                \
	sign " host1.rfc.example. 60 IN A 192.0.2.2\n" sign                                        \
	     " host1.rfc.example. 60 IN A 192.0.2.6\n" sign                                        \
	     " host1.rfc.example. 60 IN A 192.0.2.7\n"

static void gives(const char *question, const char *answer)
{
	assert_string_equal(zone_ask(zone, arena, question, SHOW_ALL), answer);
}

static void existing_names(void **state)
{
	(void)state;
	gives("ns1.example. A", "NOERROR aa\n= ns1.example. 3600 IN A 192.0.2.1\n" NS);
	gives("ns1.example. AAAA", "NOERROR aa\n" SOA);
	gives("example. SOA",
		"NOERROR aa\n= example. 3600 IN SOA ns1.example. h.example. 7 2 3 4 300\n" NS);
	gives("example. NS", "NOERROR aa\n= example. 3600 IN NS ns1.example.\n+ ns1.example. 3600 "
			     "IN A 192.0.2.1\n");
	gives("example. TXT", "NOERROR aa\n" SOA);
	gives("nothing.example. A", "NXDOMAIN aa\n" SOA);
	gives("x.ns1.example. A", "NXDOMAIN aa\n" SOA);
}

/* Records that come late join those of their name; a repeated one counts once, and the lowest TTL
 * for all. */
static void scattered_records_are_one_rrset(void **state)
{
	(void)state;
	gives("host1.rfc.example. A", "NOERROR aa\n" HOST1("=") NS);
}

static void empty_nonterminals_exist(void **state)
{
	(void)state;
	gives("_tcp.host1.rfc.example. A", "NOERROR aa\n" SOA);
	gives("host2.rfc.example. A", "NOERROR aa\n" SOA);
	gives("rfc.example. MX", "NOERROR aa\n" SOA);
	gives("deep.example. A", "NOERROR aa\n" SOA);
	gives("x.deep.example. A", "NXDOMAIN aa\n" SOA);
}

/* The questions of RFC 4592 2.2.1. */
static void wildcards(void **state)
{
	(void)state;
	gives("host3.rfc.example. MX",
		"NOERROR aa\n= host3.rfc.example. 3600 IN MX 10 host1.rfc.example.\n" NS HOST1(
			"+"));
	gives("host3.rfc.example. A", "NOERROR aa\n" SOA);
	gives("foo.bar.rfc.example. TXT",
		"NOERROR aa\n= foo.bar.rfc.example. 3600 IN TXT \"wildcard\"\n" NS);
	gives("host1.rfc.example. MX", "NOERROR aa\n" SOA);
	gives("sub.*.rfc.example. MX", "NOERROR aa\n" SOA);
	gives("_telnet._tcp.host1.rfc.example. SRV", "NXDOMAIN aa\n" SOA);
	gives("ghost.*.rfc.example. MX", "NXDOMAIN aa\n" SOA);
	gives("*.rfc.example. TXT", "NOERROR aa\n= *.rfc.example. 3600 IN TXT \"wildcard\"\n" NS);
	gives("x.ent.deep.example. A",
		"NOERROR aa\n= x.ent.deep.example. 3600 IN A 192.0.2.4\n" NS);
}

static void an_empty_wildcard_covers_names(void **state)
{
	(void)state;
	struct zone *z = zone_from_text(arena, "example.",
		"@ 3600 SOA ns1 h 1 2 3 4 300\n@ NS ns1\nf.*.e A 192.0.2.1\nt.e A "
		"192.0.2.2\nreal.deep.e A 192.0.2.3\n");
	const char *nodata =
		"NOERROR aa\n! example. 300 IN SOA ns1.example. h.example. 1 2 3 4 300\n";
	const char *nxdomain =
		"NXDOMAIN aa\n! example. 300 IN SOA ns1.example. h.example. 1 2 3 4 300\n";
	assert_string_equal(zone_ask(z, arena, "something.e.example. A", SHOW_ALL), nodata);
	assert_string_equal(
		zone_ask(z, arena, "something.somewhere.e.example. A", SHOW_ALL), nodata);
	assert_string_equal(zone_ask(z, arena, "missing.*.e.example. A", SHOW_ALL), nxdomain);
	assert_string_equal(zone_ask(z, arena, "missing.deep.e.example. A", SHOW_ALL), nxdomain);
	zone_free(z);
}

static void referrals(void **state)
{
	(void)state;
	const char *subdel = "NOERROR\n! subdel.rfc.example. 3600 IN NS ns.subdel.rfc.example.\n"
			     "! subdel.rfc.example. 3600 IN NS ns1.example.\n"
			     "+ ns.subdel.rfc.example. 3600 IN A 192.0.2.3\n+ ns1.example. 3600 IN "
			     "A 192.0.2.1\n";
	gives("host.subdel.rfc.example. A", subdel);
	gives("subdel.rfc.example. NS", subdel);
	gives("ns.subdel.rfc.example. A", subdel);
	gives("subdel.rfc.example. DS", "NOERROR aa\n" SOA);
	gives("sub.example. ANY", "NOERROR\n! sub.example. 3600 IN NS ns.sub.example.\n+ "
				  "ns.sub.example. 3600 IN AAAA 2001:db8::1\n");
	gives("sub.example. DS",
		"NOERROR aa\n= sub.example. 3600 IN DS 1 13 2 "
		"0D6FCE3382A1CB2BD2CF2E2D4A12BDD2FFBF6FC0FC1D0F8B7AA1EC09D8C1D6B5\n" NS);
	gives("x.sub.example. DS", "NOERROR\n! sub.example. 3600 IN NS ns.sub.example.\n+ "
				   "ns.sub.example. 3600 IN AAAA 2001:db8::1\n");
}

static void aliases(void **state)
{
	(void)state;
	gives("alias.example. A",
		"NOERROR aa\n= alias.example. 3600 IN CNAME chain.example.\n= chain.example. 3600 "
		"IN CNAME host1.rfc.example.\n" HOST1("=") NS);
	gives("alias.example. CNAME",
		"NOERROR aa\n= alias.example. 3600 IN CNAME chain.example.\n" NS);
	gives("alias.example. ANY",
		"NOERROR aa\n= alias.example. 3600 IN CNAME chain.example.\n" NS);
	gives("chain.example. MX",
		"NOERROR aa\n= chain.example. 3600 IN CNAME host1.rfc.example.\n" SOA);
	gives("gone.example. A",
		"NXDOMAIN aa\n= gone.example. 3600 IN CNAME nothing.example.\n" SOA);
	gives("empty.example. A", "NOERROR aa\n= empty.example. 3600 IN CNAME rfc.example.\n" SOA);
	gives("wild.example. TXT", "NOERROR aa\n= wild.example. 3600 IN CNAME x.rfc.example.\n= "
				   "x.rfc.example. 3600 IN TXT \"wildcard\"\n" NS);
	gives("x.cw.example. A",
		"NOERROR aa\n= x.cw.example. 3600 IN CNAME host1.rfc.example.\n" HOST1("=") NS);
	gives("cut.example. A", "NOERROR aa\n= cut.example. 3600 IN CNAME www.sub.example.\n! "
				"sub.example. 3600 IN NS ns.sub.example.\n"
				"+ ns.sub.example. 3600 IN AAAA 2001:db8::1\n");
	gives("out.example. A", "NOERROR aa\n= out.example. 3600 IN CNAME www.example.net.\n" NS);
	gives("l1.example. A", "NOERROR aa\n= l1.example. 3600 IN CNAME l2.example.\n= l2.example. "
			       "3600 IN CNAME l1.example.\n" NS);
}

static void an_alias_that_leaves_says_where_to(void **state)
{
	(void)state;
	struct message reply = { 0 };
	struct zone_result r = zone_lookup(
		zone, name_from_text(arena, VIEW("out.example.")), TYPE_A, false, &reply, arena);
	assert_int_equal(r.outcome, ZONE_LEAVES);
	assert_string_equal(name_text(arena, r.target), "www.example.net.");
}

static bool has_rfc(const struct zone_neighbours *n, struct name target)
{
	(void)n;
	struct name rfc = NAME_LITERAL("\3rfc\7example");
	return name_is_under(target, rfc);
}

/* A longer zone that is served, too, is the nearest one for its names, whatever stands here. */
static void an_alias_leaves_for_a_neighbour(void **state)
{
	(void)state;
	static const struct zone_neighbours neighbours = { has_rfc };
	static const struct {
		const char *qname, *target;
	} cases[] = { { "alias.example.", "host1.rfc.example." }, { "x.cw.example.", "host1.rfc.example." },
		{ "host1.d.example.", "host1.rfc.example." }, { "wild.example.", "x.rfc.example." },
		{ "gone.example.", "nothing.example." }, { "chain.example.", "host1.rfc.example." },
		{ "host1.rfc.example.", NULL }, { "l1.example.", NULL } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct message reply = { 0 };
		struct zone_result r = zone_lookup_among(&neighbours, zone,
			name_from_text(arena, view_of(cases[i].qname)), TYPE_A, false, &reply, arena);
		assert_int_equal(r.outcome == ZONE_LEAVES, cases[i].target != NULL);
		if (cases[i].target)
			assert_string_equal(name_text(arena, r.target), cases[i].target);
	}
}

static void dnames(void **state)
{
	(void)state;
	gives("host1.d.example. A",
		"NOERROR aa\n= d.example. 3600 IN DNAME rfc.example.\n= host1.d.example. 3600 IN "
		"CNAME host1.rfc.example.\n" HOST1("=") NS);
	gives("host1.d.example. CNAME", "NOERROR aa\n= d.example. 3600 IN DNAME rfc.example.\n= "
					"host1.d.example. 3600 IN CNAME host1.rfc.example.\n" NS);
	gives("d.example. A", "NOERROR aa\n" SOA);
	gives("d.example. DNAME", "NOERROR aa\n= d.example. 3600 IN DNAME rfc.example.\n" NS);
}

static void a_dname_that_overflows(void **state)
{
	(void)state;
	struct text name = { 0 };
	for (int i = 0; i < 3; i++)
		text_add_string(
			&name, "0123456789012345678901234567890123456789012345678901234567890.");
	const char *target = arena_string(arena, text_view(&name));
	struct zone *z = zone_from_text(arena, "example.",
		arena_printf(arena, "@ 3600 SOA ns1 h 1 2 3 4 300\n@ NS ns1\nd DNAME %sexample.\n",
			target));
	const char *question = arena_printf(arena, "%sd.example. A", target);
	assert_string_equal(zone_ask(z, arena, question, SHOW_OWNER_AND_TYPE),
		"YXDOMAIN aa\n= d.example. DNAME\n");
	zone_free(z);
	text_free(&name);
}

static void any_gives_one_rrset(void **state)
{
	(void)state;
	gives("svc.example. ANY", "NOERROR aa\n= svc.example. 3600 IN HTTPS 1 .\n" NS
				  "+ svc.example. 3600 IN A 192.0.2.5\n");
	gives("rfc.example. ANY", "NOERROR aa\n" SOA);
}

/* What is below a DNAME or a cut is not seen, however deep. */
static void occluded_data(void **state)
{
	(void)state;
	struct zone *z = zone_from_text(arena, "example.",
		"a.b.d 3600 A 192.0.2.1\nd DNAME e\na.b.e A 192.0.2.2\n@ 3600 SOA ns1 h 1 2 3 4 300\n@ "
		"NS ns1\n"
		"x.y.c A 192.0.2.3\ny.c NS ns.x.y.c\nc NS x.y.c\n");
	assert_string_equal(zone_ask(z, arena, "a.b.d.example. A", SHOW_OWNER_AND_TYPE),
		"NOERROR aa\n= d.example. DNAME\n= a.b.d.example. CNAME\n= a.b.e.example. A\n! "
		"example. NS\n");
	assert_string_equal(zone_ask(z, arena, "x.y.c.example. A", SHOW_OWNER_AND_TYPE),
		"NOERROR\n! c.example. NS\n+ x.y.c.example. A\n");
	zone_free(z);
}

static void what_is_not_the_zones_is_left_out(void **state)
{
	(void)state;
	struct zone_builder *b = zone_builder_new(name_from_text(arena, VIEW("example.")));
	struct record r = { .owner = name_from_text(arena, VIEW("www.example.net.")),
		.type = TYPE_A,
		.class = CLASS_IN,
		.rdata = (const uint8_t *)"\1\2\3\4",
		.rdata_length = 4 };
	assert_int_equal(zone_add(b, &r), ZONE_OUTSIDE);
	r.owner = name_from_text(arena, VIEW("www.example."));
	r.class = CLASS_CH;
	assert_int_equal(zone_add(b, &r), ZONE_OUTSIDE);
	assert_null(zone_seal(b));
	assert_string_equal(zone_builder_error(b), "the zone has no SOA record");
	zone_builder_free(b);
}

static void an_rrset_must_fit_a_message(void **state)
{
	(void)state;
	struct zone_builder *b = zone_builder_new(name_from_text(arena, VIEW("example.")));
	uint8_t rdata[1000] = { 0 };
	struct record r = { .owner = name_from_text(arena, VIEW("www.example.")),
		.type = 65280,
		.class = CLASS_IN,
		.rdata = rdata,
		.rdata_length = sizeof rdata };
	for (unsigned i = 0; i < 64; i++) {
		rdata[0] = (uint8_t)i;
		assert_int_equal(zone_add(b, &r), ZONE_ADDED);
	}
	rdata[0] = 64;
	assert_int_equal(zone_add(b, &r), ZONE_REFUSED);
	assert_string_equal(
		zone_builder_error(b), "an RRset of type TYPE65280 is larger than a message");
	assert_null(zone_seal(b));
	zone_builder_free(b);
}

/* Enough names for the table to overflow and grow, most of them with empty non-terminals; each is
 * found again. */
static void many_names(void **state)
{
	(void)state;
	enum { NAMES = 20000 };
	struct zone_builder *b = zone_builder_new(name_from_text(arena, VIEW("example.")));
	zone_text_add(b, arena, "example.", "@ 3600 SOA ns1 h 1 2 3 4 300\n@ NS ns1\n");
	struct arena *scratch = arena_new(4096);
	for (uint32_t i = 0; i < NAMES; i++) {
		struct name owner = name_from_text(
			scratch, view_of(arena_printf(scratch, "a.b%u.c%u.example.", i, i % 5000)));
		struct record r = { .owner = owner,
			.type = TYPE_A,
			.class = CLASS_IN,
			.rdata = (const uint8_t *)&i,
			.rdata_length = 4 };
		assert_int_equal(zone_add(b, &r), ZONE_ADDED);
		arena_reset(scratch);
	}
	struct zone *z = zone_seal(b);
	zone_builder_free(b);
	assert_int_equal(zone_name_count(z), NAMES + 1);
	assert_int_equal(zone_record_count(z), NAMES + 2);
	for (uint32_t i = 0; i < NAMES; i++) {
		struct message reply = { 0 };
		struct name owner = name_from_text(
			scratch, view_of(arena_printf(scratch, "a.b%u.c%u.example.", i, i % 5000)));
		assert_int_equal(
			zone_lookup(z, owner, TYPE_A, false, &reply, scratch).outcome, ZONE_ANSWER);
		assert_memory_equal(reply.section[SECTION_ANSWER].records[0].rdata, &i, 4);
		assert_int_equal(
			zone_lookup(z, name_parent(owner), TYPE_A, false, &reply, scratch).outcome,
			ZONE_NODATA);
		owner = name_from_text(
			scratch, view_of(arena_printf(scratch, "b.b%u.c%u.example.", i, i % 5000)));
		assert_int_equal(zone_lookup(z, owner, TYPE_A, false, &reply, scratch).outcome,
			ZONE_NXDOMAIN);
		arena_reset(scratch);
	}
	arena_free(scratch);
	zone_free(z);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(4096);
	zone = zone_from_text(arena, "example.", arena_printf(arena, "$TTL 3600\n%s", text));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	zone_free(zone);
	arena_free(arena);
	return 0;
}

static bool count_record(const struct record *r, void *data)
{
	(void)r;
	++*(size_t *)data;
	return true;
}

/* A walk meets every record once, also those at the apex beside SOA and NS, wherever in the file they stood. */
static void a_walk_meets_all_records(void **state)
{
	(void)state;
	struct arena *a = arena_new(4096);
	struct zone *z = zone_from_text(a, "example.org.",
		"@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\n@ 60 MX 1 a\na 60 A 192.0.2.1\n@ 60 TXT x\n@ 60 TXT y\n*.w 60 A 192.0.2.1\n");
	size_t records = 0;
	assert_true(zone_walk(z, count_record, &records));
	assert_int_equal(records, 7);
	assert_int_equal(zone_record_count(z), 7);
	zone_free(z);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_meets_all_records),
		cmocka_unit_test(existing_names),
		cmocka_unit_test(scattered_records_are_one_rrset),
		cmocka_unit_test(empty_nonterminals_exist),
		cmocka_unit_test(wildcards),
		cmocka_unit_test(an_empty_wildcard_covers_names),
		cmocka_unit_test(referrals),
		cmocka_unit_test(aliases),
		cmocka_unit_test(an_alias_that_leaves_says_where_to),
		cmocka_unit_test(an_alias_leaves_for_a_neighbour),
		cmocka_unit_test(dnames),
		cmocka_unit_test(a_dname_that_overflows),
		cmocka_unit_test(any_gives_one_rrset),
		cmocka_unit_test(occluded_data),
		cmocka_unit_test(what_is_not_the_zones_is_left_out),
		cmocka_unit_test(an_rrset_must_fit_a_message),
		cmocka_unit_test(many_names),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
