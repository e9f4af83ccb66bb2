/* rewrite: what it changes in queries and replies, and what it says of rules that are none. */
#include "test.h"

#include "base/number.h"
#include "base/text.h"
#include "plugin_bed.h"

/* What `answer` has seen of the last query. */
static char seen_name[NAME_TEXT_MAX];
static uint16_t seen_type, seen_class;
static struct edns seen_edns;

static void see(struct query *q)
{
	name_print(q->request.question.name, seen_name);
	seen_type = query_type(q);
	seen_class = query_class(q);
	seen_edns = q->request.edns;
}

static void add(
	struct query *q, enum section_id s, const char *owner, uint16_t type, struct view rdata)
{
	reply_add(q, s, name_from_text(q->arena, view_of(owner)), type, 60, rdata);
}

static struct view name_data(struct query *q, const char *name)
{
	return rdata_of_name(q->arena, name_from_text(q->arena, view_of(name)));
}

static int address(struct query *q)
{
	static const uint8_t octets[4] = { 192, 0, 2, 1 };
	see(q);
	reply_new(q, RCODE_NOERROR, 0);
	reply_add(
		q, SECTION_ANSWER, q->request.question.name, TYPE_A, 60, rdata_a(q->arena, octets));
	return RCODE_NOERROR;
}

static struct bed *bed_of(const char *rules, int (*answer)(struct query *q))
{
	static char corefile[4096]; /* the words of the configuration lie in it */
	snprintf(corefile, sizeof corefile, ".:53 {\n%s\nanswer\n}\n", rules);
	struct bed *b = bed_new(corefile);
	if (!b->config)
		fail_msg("%s: %s", rules, bed_complaint(b));
	bed_answer = answer;
	return b;
}

static const struct record *record_at(const struct bed *b, enum section_id s, size_t n)
{
	assert_true(n < b->q.reply->section[s].count);
	return &b->q.reply->section[s].records[n];
}

static void assert_owner(const struct bed *b, enum section_id s, size_t n, const char *owner)
{
	assert_string_equal(name_text(b->arena, record_at(b, s, n)->owner), owner);
}

/* The name in a record's data. */
static void assert_value(const struct bed *b, enum section_id s, size_t n, const char *name)
{
	const struct record *r = record_at(b, s, n);
	struct name value;
	assert_true(rdata_name(r->type, record_rdata(r), 0, &value));
	assert_string_equal(name_text(b->arena, value), name);
}

/* What a name becomes for the plugins behind; the client gets its own question back. */
static void assert_rewritten(const char *rules, const char *from, const char *to)
{
	struct bed *b = bed_of(rules, address);
	assert_int_equal(bed_ask(b, from, TYPE_A), RCODE_NOERROR);
	assert_string_equal(seen_name, to);
	assert_string_equal(name_text(b->arena, b->q.reply->question.name), from);
	/* what log and the like say */
	assert_string_equal(name_text(b->arena, b->q.request.question.name), to);
	bed_free(b);
}

static void names_by_every_kind_of_match(void **state)
{
	(void)state;
	assert_rewritten("rewrite name a.test b.test", "a.test.", "b.test.");
	assert_rewritten("rewrite name a.test b.test", "A.Test.", "b.test.");
	assert_rewritten("rewrite name a.test b.test", "x.a.test.", "x.a.test.");
	assert_rewritten("rewrite name prefix foo bar", "foo.test.", "bar.test.");
	assert_rewritten("rewrite name prefix foo bar", "foox.test.", "foox.test.");
	assert_rewritten("rewrite name suffix .com .org", "a.com.", "a.org.");
	assert_rewritten(
		"rewrite name suffix .ingress.test nginx.test", "a.ingress.test.", "anginx.test.");
	assert_rewritten("rewrite name substring foo bar", "a.foo.b.foo.", "a.bar.b.bar.");
	assert_rewritten("rewrite name substring foo bar", "xfoo.", "xbar.");
	assert_rewritten("rewrite name regex ^(.*)-([a-z]+)\\.test\\.$ {2}.{1}.Other",
		"web-eu.test.", "eu.web.other.");
	assert_rewritten("rewrite STOP {\nNAME exact\na.test b.test\n}", "a.test.", "b.test.");
}

static void modes(void **state)
{
	(void)state;
	assert_rewritten(
		"rewrite name a.test b.test\nrewrite name b.test c.test", "a.test.", "b.test.");
	assert_rewritten("rewrite continue name a.test b.test\nrewrite name b.test c.test",
		"a.test.", "c.test.");
	assert_rewritten(
		"rewrite continue name prefix a b\nrewrite type TXT A", "a.test.", "b.test.");
}

static void classes_and_types(void **state)
{
	(void)state;
	struct bed *b = bed_of("rewrite continue type any hinfo\nrewrite class IN ch", address);
	bed_ask(b, "a.test", TYPE_ANY);
	assert_int_equal(seen_type, TYPE_HINFO);
	assert_int_equal(seen_class, CLASS_CH);
	assert_int_equal(b->q.reply->question.type, TYPE_ANY);
	assert_int_equal(b->q.reply->question.class, CLASS_IN);
	bed_free(b);
}

static int refuse(struct query *q)
{
	see(q);
	return query_fail(q, RCODE_REFUSED, "no");
}

static void names_that_are_none_fail(void **state)
{
	(void)state;
	struct bed *b = bed_of("rewrite name regex ^(whole.*)$ {1}", address);
	assert_int_equal(bed_ask(b, "whole.test", TYPE_A), RCODE_SERVFAIL);
	assert_null(b->q.reply);
	assert_string_equal(b->q.error, "invalid name after rewrite: whole.test..");
	assert_string_equal(name_text(b->arena, b->q.request.question.name), "whole.test.");
	bed_free(b);
}

static void codes_of_bare_errors_are_changed(void **state)
{
	(void)state;
	struct bed *b = bed_of("rewrite rcode prefix a REFUSED 3", refuse);
	assert_int_equal(bed_ask(b, "a.test", TYPE_A), RCODE_NOERROR);
	assert_int_equal(b->q.reply->rcode, RCODE_NXDOMAIN);
	assert_string_equal(b->q.error, "no");
	assert_int_equal(bed_ask(b, "b.test", TYPE_A), RCODE_REFUSED);
	assert_null(b->q.reply);
	bed_free(b);
	b = bed_of("rewrite continue name a.test b.test", refuse);
	bed_ask(b, "a.test", TYPE_A);
	assert_string_equal(seen_name, "b.test.");
	assert_string_equal(name_text(b->arena, b->q.reply->question.name), "a.test.");
	bed_free(b);
}

/* Owners and every kind of data with a name in it, at, below and beside the name that was asked
 * for. */
static int everything(struct query *q)
{
	struct name host = name_from_text(q->arena, VIEW("h.back.test."));
	see(q);
	reply_new(q, RCODE_NOERROR, 0);
	add(q, SECTION_ANSWER, "back.test.", TYPE_CNAME, name_data(q, "x.back.test."));
	add(q, SECTION_ANSWER, "x.back.test.", TYPE_MX, rdata_mx(q->arena, 10, host));
	add(q, SECTION_ANSWER, "notback.test.", TYPE_SRV, rdata_srv(q->arena, 1, 2, 3, host));
	add(q, SECTION_AUTHORITY, "back.test.", TYPE_NS, name_data(q, "ns.other.test."));
	add(q, SECTION_AUTHORITY, "back.test.", TYPE_SOA,
		rdata_soa(q->arena, host, host, 1, 2, 3, 4, 5));
	add(q, SECTION_ADDITIONAL, "h.back.test.", TYPE_TXT,
		rdata_txt(q->arena, VIEW("back.test.")));
	return RCODE_NOERROR;
}

static void answers_are_mapped_back(void **state)
{
	(void)state;
	struct bed *b = bed_of("rewrite name front.test back.test", everything);
	bed_ask(b, "Front.test", TYPE_A);
	assert_owner(b, SECTION_ANSWER, 0, "front.test.");
	assert_value(b, SECTION_ANSWER, 0, "x.front.test.");
	assert_owner(b, SECTION_ANSWER, 1, "x.front.test.");
	assert_value(b, SECTION_ANSWER, 1, "h.front.test.");
	assert_owner(b, SECTION_ANSWER, 2, "notback.test.");
	assert_value(b, SECTION_ANSWER, 2, "h.front.test.");
	assert_int_equal(rdata_u16(record_rdata(record_at(b, SECTION_ANSWER, 2)), 4), 3);
	assert_value(b, SECTION_AUTHORITY, 0, "ns.other.test.");
	assert_value(b, SECTION_AUTHORITY, 1, "h.front.test.");
	struct name rname;
	const struct record *soa = record_at(b, SECTION_AUTHORITY, 1);
	assert_true(rdata_name(TYPE_SOA, record_rdata(soa), 1, &rname));
	assert_string_equal(name_text(b->arena, rname), "h.back.test.");
	assert_int_equal(rdata_u32(record_rdata(soa), soa->rdata_length - 4u), 5);
	bed_free(b);
}

static void answers_are_changed_by_option(void **state)
{
	(void)state;
	struct bed *b = bed_of("rewrite name suffix .front.test .test answer auto", everything);
	bed_ask(b, "back.front.test", TYPE_A);
	assert_string_equal(seen_name, "back.test.");
	assert_owner(b, SECTION_ANSWER, 0, "back.front.test.");
	assert_owner(b, SECTION_ANSWER, 2, "notback.front.test.");
	bed_free(b);
	b = bed_of("rewrite name prefix a b", everything);
	bed_ask(b, "a.test", TYPE_A);
	assert_owner(b, SECTION_ANSWER, 0, "back.test.");
	bed_free(b);
	b = bed_of("rewrite name regex ^a\\. back answer name (.*)\\.back\\.test {1}.names.test "
		   "answer value "
		   "^x(.*)\\.$ y{1}",
		everything);
	bed_ask(b, "a.test", TYPE_A);
	assert_owner(b, SECTION_ANSWER, 0, "back.test.");
	assert_value(b, SECTION_ANSWER, 0, "y.back.test.");
	assert_owner(b, SECTION_ANSWER, 1, "x.names.test.");
	assert_value(b, SECTION_ANSWER, 1, "h.back.test.");
	bed_free(b);
}

/* What others may have in a cache or a zone is not touched. */
static struct message *shared_reply;

static int shared(struct query *q)
{
	q->reply = shared_reply;
	return RCODE_NOERROR;
}

static void replies_of_others_are_left_alone(void **state)
{
	(void)state;
	struct bed *b =
		bed_of("rewrite continue name front.test back.test\nrewrite ttl back.test 5\n"
		       "rewrite rcode back.test 0 3",
			shared);
	bed_query(b, "back.test", TYPE_A);
	everything(&b->q);
	shared_reply = b->q.reply;
	for (int id = 0; id < SECTION_COUNT; id++)
		assert_int_equal(shared_reply->section[id].records[0].ttl, 60);
	bed_ask(b, "front.test", TYPE_A);
	assert_ptr_not_equal(b->q.reply, shared_reply);
	assert_int_equal(record_at(b, SECTION_ANSWER, 0)->ttl, 5);
	assert_int_equal(shared_reply->section[SECTION_ANSWER].records[0].ttl, 60);
	assert_string_equal(
		name_text(b->arena, shared_reply->section[SECTION_ANSWER].records[0].owner),
		"back.test.");
	bed_free(b);
}

static void assert_ttl(const char *range, uint32_t expected)
{
	struct bed *b = bed_of("answer", address);
	bed_free(b);
	char rule[128];
	snprintf(rule, sizeof rule, "rewrite ttl a.test %s", range);
	b = bed_of(rule, address);
	bed_ask(b, "a.test", TYPE_A);
	assert_int_equal(record_at(b, SECTION_ANSWER, 0)->ttl, expected);
	bed_free(b);
}

static void ttls_are_brought_into_a_range(void **state)
{
	(void)state;
	assert_ttl("30", 30);
	assert_ttl("0", 0);
	assert_ttl("10-20", 20);
	assert_ttl("70-90", 70);
	assert_ttl("50-90", 60);
	assert_ttl("-20", 20);
	assert_ttl("100-", 100);
}

/* --- EDNS --- */

static struct view option_seen(uint16_t code)
{
	struct view data;
	return edns_option_find(&seen_edns, code, &data) ? data : VIEW("none");
}

static void options_are_set(void **state)
{
	(void)state;
	struct bed *b = bed_of("rewrite continue edns0 local set 0xffee hello\n"
			       "rewrite continue edns0 local append 65003 0x0aFf\n"
			       "rewrite continue edns0 local replace 65004 nothing\n"
			       "rewrite continue edns0 local set 65005 {qtype}\n"
			       "rewrite continue edns0 local set 65006 {client_ip}\n"
			       "rewrite continue edns0 local set 65007 {no/label}\n"
			       "rewrite continue edns0 nsid set\nrewrite edns0 subnet set 20 56",
		address);
	bed_ask(b, "a.test", TYPE_MX);
	assert_true(seen_edns.present);
	assert_int_equal(seen_edns.udp_size, 4096);
	assert_true(view_is(option_seen(0xffee), "hello"));
	assert_true(view_equal(option_seen(65003), VIEW("\x0a\xff")));
	assert_true(view_is(option_seen(65004), "none"));
	assert_true(view_equal(option_seen(65005), VIEW("\0\x0f")));
	assert_true(view_equal(option_seen(65006), VIEW("\x7f\0\0\1")));
	assert_true(view_is(option_seen(65007), "none"));
	assert_true(view_is(option_seen(OPTION_NSID), ""));
	assert_true(view_equal(option_seen(OPTION_SUBNET), VIEW("\0\1\x14\0\x7f\0\0")));
	assert_true(edns_code_registered(65003));
	bed_free(b);
}

static void subnets_end_at_their_bits(void **state)
{
	(void)state;
	struct bed *b = bed_of("rewrite edns0 subnet set 4 50", address);
	struct query *q = bed_query(b, "a.test", TYPE_A);
	endpoint_parse_ip(VIEW("2001:db8:ffff:ffff::1"), 53, &q->client);
	bed_run(b);
	assert_true(
		view_equal(option_seen(OPTION_SUBNET), VIEW("\0\2\x32\0\x20\1\r\xb8\xff\xff\xc0")));
	bed_free(b);
}

static void reverted_options_are_not_shown(void **state)
{
	(void)state;
	struct bed *b = bed_of("rewrite continue edns0 local set 65003 new revert\n"
			       "rewrite continue edns0 local set 65004 kept\n"
			       "rewrite continue edns0 local set 65005 added revert",
		address);
	struct query *q = bed_query(b, "a.test", TYPE_A);
	struct view data;
	q->request.edns = (struct edns){ .present = true, .udp_size = 1232 };
	edns_option_add(&q->request.edns, b->arena, 65003, VIEW("old"));
	bed_run(b);
	assert_true(view_is(option_seen(65003), "new"));
	assert_true(view_is(option_seen(65005), "added"));
	assert_true(edns_option_find(&q->request.edns, 65003, &data) && view_is(data, "old"));
	assert_true(edns_option_find(&q->request.edns, 65004, &data) && view_is(data, "kept"));
	assert_false(edns_option_find(&q->request.edns, 65005, &data));
	bed_free(b);
}

static void a_rule_without_effect_does_not_stop(void **state)
{
	(void)state;
	struct bed *b =
		bed_of("rewrite edns0 local replace 65003 x\nrewrite edns0 local set 65004 y\n"
		       "rewrite edns0 local set 65005 z",
			address);
	bed_ask(b, "a.test", TYPE_A);
	assert_true(view_is(option_seen(65004), "y"));
	assert_true(view_is(option_seen(65005), "none"));
	bed_free(b);
}

/* --- what is refused --- */

static void mistakes_are_named(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "", "no rule type specified for rewrite" },
		{ "stop", "stop rule must begin with a rule type" },
		{ "continue", "continue rule must begin with a rule type" },
		{ "foo a b", "invalid rule type \"foo\"" },
		{ "stop foo a", "invalid rule type \"stop\"" },
		{ "answer auto x", "response rewrites must begin with a name rule" },
		{ "class IN", "class rules must have exactly two arguments" },
		{ "class FOO IN", "invalid class \"FOO\"" },
		{ "type A", "type rules must have exactly two arguments" },
		{ "type A FOO", "invalid type \"FOO\"" },
		{ "name a", "too few arguments for a name rule" },
		{ "name a b c", "name rule supports only exact, prefix, suffix, substring, and "
				"regex name matching, "
				"received: a" },
		{ "name regex ( b", "invalid regex matching pattern: (" },
		{ "name regex a {1}", "the rewrite regex pattern ({1}) uses more subexpressions "
				      "than its corresponding "
				      "matching regex pattern (a)" },
		{ "name exact foo *.bar", "invalid regex matching pattern: *.bar." },
		{ "name suffix a b c", "invalid arguments for suffix rule" },
		{ "name suffix a b c d", "exceeded the number of arguments for a non-answer rule "
					 "argument for suffix rule" },
		{ "name suffix a b answer auto answer",
			"type missing for answer rule for suffix rule" },
		{ "name suffix a b answer x",
			"invalid type \"x\" for answer rule for suffix rule" },
		{ "name suffix a b answer name x",
			"name answer rule for suffix rule: 2 arguments required" },
		{ "name suffix a b answer value ( x",
			"value answer rule for suffix rule: invalid regex matching pattern: (" },
		{ "name suffix a b answer auto answer name x y",
			"auto name answer rule cannot be combined with explicit name anwer rules" },
		{ "ttl a", "too few (1) arguments for a ttl rule" },
		{ "ttl a b", "invalid TTL 'b' for a ttl rule" },
		{ "ttl a -", "invalid TTL '-' for a ttl rule" },
		{ "ttl a 5-10-20", "invalid TTL '5-10-20' for a ttl rule" },
		{ "ttl a 10-5", "invalid TTL '10-5' for a ttl rule" },
		{ "ttl a 4294967296", "invalid TTL '4294967296' for a ttl rule" },
		{ "ttl exact a 5 x", "invalid TTL '' for a ttl rule" },
		{ "ttl x a 5", "ttl rule supports only exact, prefix, suffix, substring, and regex "
			       "name matching" },
		{ "ttl regex ( 5", "invalid regex pattern in a ttl rule: (" },
		{ "rcode a 0", "too few (2) arguments for a rcode rule" },
		{ "rcode a x 0", "invalid matching RCODE 'x' for a rcode rule" },
		{ "rcode a 0 24", "invalid replacement RCODE '24' for a rcode rule" },
		{ "cname a", "too few (1) arguments for a cname rule" },
		{ "cname foo a b", "unknown cname rewrite type: foo" },
		{ "edns0 local", "too few arguments for an EDNS0 rule" },
		{ "edns0 local foo 1 2", "invalid action: \"foo\"" },
		{ "edns0 foo set 1 2", "invalid rule type \"foo\"" },
		{ "edns0 local set 1", "EDNS0 local rules require three or four args" },
		{ "edns0 local set x y", "strconv.ParseUint: parsing \"x\": invalid syntax" },
		{ "edns0 local set 65536 y",
			"strconv.ParseUint: parsing \"65536\": value out of range" },
		{ "edns0 local set 1 {foo}", "unsupported variable name \"{foo}\"" },
		{ "edns0 local set 1 0xzz", "encoding/hex: invalid byte: U+007A 'z'" },
		{ "edns0 local set 1 0xabc", "encoding/hex: odd length hex string" },
		{ "edns0 local unset 1 2", "local unset action requires exactly two arguments" },
		{ "edns0 nsid set x", "EDNS0 NSID rules can accept no more than one arg" },
		{ "edns0 nsid unset x", "nsid unset action requires exactly one argument" },
		{ "edns0 subnet set 24", "EDNS0 subnet rules require three or four args" },
		{ "edns0 subnet set 33 56", "invalid IPv4 bit mask length 33" },
		{ "edns0 subnet set 24 129", "invalid IPv6 bit mask length 129" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char body[256], complaint[512];
		snprintf(body, sizeof body, "rewrite %s", cases[i][0]);
		snprintf(complaint, sizeof complaint, "plugin/rewrite: %s", cases[i][1]);
		assert_refused(body, complaint);
	}
}

static void numbers_are_read_in_every_base(void **state)
{
	(void)state;
	uint64_t n;
	assert_int_equal(number_read(VIEW("0xffEE"), 0, UINT16_MAX, &n), NUMBER_GOOD);
	assert_int_equal(n, 0xffee);
	assert_int_equal(number_read(VIEW("0b101"), 0, UINT16_MAX, &n), NUMBER_GOOD);
	assert_int_equal(n, 5);
	assert_int_equal(number_read(VIEW("0o17"), 0, UINT16_MAX, &n), NUMBER_GOOD);
	assert_int_equal(n, 15);
	assert_int_equal(number_read(VIEW("017"), 0, UINT16_MAX, &n), NUMBER_GOOD);
	assert_int_equal(n, 15);
	assert_int_equal(number_read(VIEW("65535"), 10, UINT16_MAX, &n), NUMBER_GOOD);
	assert_int_equal(number_read(VIEW("65536"), 10, UINT16_MAX, &n), NUMBER_RANGE);
	assert_int_equal(
		number_read(VIEW("99999999999999999999999"), 10, UINT64_MAX, &n), NUMBER_RANGE);
	assert_int_equal(
		number_read(VIEW("18446744073709551615"), 10, UINT64_MAX, &n), NUMBER_GOOD);
	assert_true(n == UINT64_MAX);
	assert_int_equal(number_read(VIEW("99999x"), 10, 10, &n), NUMBER_SYNTAX);
	assert_int_equal(number_read(VIEW("0x"), 0, 10, &n), NUMBER_SYNTAX);
	assert_int_equal(number_read(VIEW(""), 10, 10, &n), NUMBER_SYNTAX);
	assert_int_equal(number_read(VIEW("8"), 8, 10, &n), NUMBER_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_by_every_kind_of_match),
		cmocka_unit_test(modes),
		cmocka_unit_test(classes_and_types),
		cmocka_unit_test(names_that_are_none_fail),
		cmocka_unit_test(codes_of_bare_errors_are_changed),
		cmocka_unit_test(answers_are_mapped_back),
		cmocka_unit_test(answers_are_changed_by_option),
		cmocka_unit_test(replies_of_others_are_left_alone),
		cmocka_unit_test(ttls_are_brought_into_a_range),
		cmocka_unit_test(options_are_set),
		cmocka_unit_test(subnets_end_at_their_bits),
		cmocka_unit_test(reverted_options_are_not_shown),
		cmocka_unit_test(a_rule_without_effect_does_not_stop),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(numbers_are_read_in_every_base),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
