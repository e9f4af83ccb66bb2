/* The small plugins: what they take from a Corefile, and what they do with a query. */
#include "test.h"

#include "plugin_bed.h"
#include "server/block.h"

/* --- header, minimal, any, nsid, bufsize, cancel --- */

static void header_changes_query_and_reply(void **state)
{
	(void)state;
	struct bed *b = bed_new(".:53 {\nheader {\nquery CLEAR rd\nResponse set ra\nresponse clear "
				"aa\n}\nanswer\n}\n");
	assert_non_null(b->config);
	bed_ask(b, "a.example", TYPE_A);
	assert_int_equal(b->q.reply->flags, FLAG_QR | FLAG_RA);
	bed_free(b);
	b = bed_new(".:53 {\nheader {\nresponse set ra\n}\nheader {\nresponse clear "
		    "aa\n}\nanswer\n}\n");
	assert_int_equal(b->complaints.warnings, 1);
	bed_ask(b, "a.example", TYPE_A);
	assert_int_equal(b->q.reply->flags, FLAG_QR | FLAG_RD | FLAG_RA | FLAG_AA);
	bed_free(b);
}

static void header_says_what_is_wrong(void **state)
{
	(void)state;
	assert_refused("header {\nfoo set ra\n}",
		"plugin/header: setting up rule: invalid selector=foo should be query or response");
	assert_refused(
		"header {\nquery\n}", "plugin/header: setting up rule: no flag action provided");
	assert_refused("header {\nquery foo\n}", "plugin/header: setting up rule: invalid length "
						 "for flags, at least one should be provided");
	assert_refused("header {\nquery foo ra\n}",
		"plugin/header: setting up rule: unknown flag action=foo, should be set or clear");
	assert_refused("header {\nquery set ad\n}",
		"plugin/header: setting up rule: unknown/unsupported flag=ad");
}

static int delegation(struct query *q)
{
	reply_new(q, RCODE_NOERROR, 0);
	reply_add(q, SECTION_AUTHORITY, q->name, TYPE_NS, 60, rdata_of_name(q->arena, name_root));
	return RCODE_NOERROR;
}

static int full_answer(struct query *q)
{
	static const uint8_t address[4] = { 192, 0, 2, 1 };
	delegation(q);
	reply_add(q, SECTION_ANSWER, q->name, TYPE_A, 60, rdata_a(q->arena, address));
	reply_add(q, SECTION_ADDITIONAL, q->name, TYPE_A, 60, rdata_a(q->arena, address));
	q->reply->edns = (struct edns){ .present = true, .udp_size = 700 };
	return RCODE_NOERROR;
}

static int nothing(struct query *q)
{
	(void)q;
	return RCODE_NOERROR;
}

static void minimal_empties_positive_answers_alone(void **state)
{
	(void)state;
	struct bed *b = bed_new(".:53 {\nminimal\nanswer\n}\n");
	bed_answer = full_answer;
	bed_ask(b, "a.example", TYPE_A);
	assert_int_equal(b->q.reply->section[SECTION_ANSWER].count, 1);
	assert_int_equal(b->q.reply->section[SECTION_AUTHORITY].count, 0);
	assert_int_equal(b->q.reply->section[SECTION_ADDITIONAL].count, 0);
	assert_false(b->q.reply->edns.present);
	bed_answer = delegation;
	bed_ask(b, "a.example", TYPE_A);
	assert_int_equal(b->q.reply->section[SECTION_AUTHORITY].count, 1);
	bed_answer = nothing;
	bed_ask(b, "a.example", TYPE_A);
	assert_null(b->q.reply);
	bed_free(b);
}

static void any_gives_the_record_of_rfc_8482(void **state)
{
	(void)state;
	struct bed *b = bed_new(".:53 {\nany\nanswer\n}\n");
	bed_ask(b, "A.example", TYPE_ANY);
	assert_int_equal(b->q.reply->section[SECTION_ANSWER].count, 1);
	const struct record *r = b->q.reply->section[SECTION_ANSWER].records;
	assert_int_equal(r->type, TYPE_HINFO);
	assert_int_equal(r->ttl, 8482);
	assert_string_equal(name_text(b->arena, r->owner), "A.example.");
	assert_int_equal(r->rdata_length, 27);
	bed_ask(b, "a.example", TYPE_A);
	assert_int_equal(b->q.reply->section[SECTION_ANSWER].records->type, TYPE_A);
	bed_free(b);
	assert_refused("any x", "plugin/any: Corefile:2 - Error during parsing: "
				"Wrong argument count or unexpected line ending after 'x'");
}

static int refuse(struct query *q)
{
	return query_fail(q, RCODE_REFUSED, "no");
}

static void nsid_is_told_to_who_asks(void **state)
{
	(void)state;
	struct bed *b = bed_new(".:53 {\nnsid node 7\nanswer\n}\n");
	struct view data;
	bed_ask(b, "a.example", TYPE_A);
	assert_false(b->q.reply->edns.present);
	struct query *q = bed_query(b, "a.example", TYPE_A);
	q->request.edns = (struct edns){ .present = true, .udp_size = 700 };
	edns_option_add(&q->request.edns, b->arena, OPTION_NSID, VIEW(""));
	struct edns asked = q->request.edns;
	bed_run(b);
	assert_true(edns_option_find(&q->reply->edns, OPTION_NSID, &data));
	assert_true(view_is(data, "node 7"));
	assert_int_equal(q->reply->edns.udp_size, 700);
	assert_int_equal(q->reply->edns.flags, 0);
	bed_answer = refuse;
	bed_query(b, "a.example", TYPE_A)->request.edns = asked;
	assert_int_equal(bed_run(b), RCODE_REFUSED);
	assert_int_equal(q->reply->rcode, RCODE_REFUSED);
	assert_true(edns_option_find(&q->reply->edns, OPTION_NSID, &data));
	bed_free(b);
	assert_refused("nsid a\nnsid b",
		"plugin/nsid: this plugin can only be used once per Server Block");
}

/* Snippets and blocks may both bring one. */
static void reload_may_stand_twice(void **state)
{
	(void)state;
	struct bed *b = bed_new(".:53 {\nreload 5s 1s\nreload 10s\nanswer\n}\n");
	assert_non_null(b->config);
	assert_int_equal(b->complaints.warnings, 1);
	bed_free(b);
	assert_refused("reload 5s\nreload 1s",
		"plugin/reload: interval value must be greater or equal to 2s");
}

static void bufsize_lowers_what_is_larger(void **state)
{
	(void)state;
	struct bed *b = bed_new(".:53 {\nbufsize 600\nbufsize 700\nanswer\n}\n");
	static const uint16_t sizes[][2] = { { 4096, 600 }, { 600, 600 }, { 512, 512 }, { 0, 0 } };
	for (size_t i = 0; i < 4; i++) {
		struct query *q = bed_query(b, "a.example", TYPE_A);
		q->request.edns = (struct edns){ .present = true, .udp_size = sizes[i][0] };
		bed_run(b);
		assert_int_equal(q->request.edns.udp_size, sizes[i][1]);
	}
	bed_free(b);
	static const char *const bad[] = { "511", "4097", "x", "-1", "600 7" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char body[64];
		snprintf(body, sizeof body, ".:53 {\nbufsize %s\n}\n", bad[i]);
		b = bed_new(body);
		assert_null(b->config);
		assert_non_null(strstr(bed_complaint(b), "Wrong argument count"));
		bed_free(b);
	}
}

static void cancel_sets_the_deadline(void **state)
{
	(void)state;
	struct bed *b = bed_new(".:53 {\ncancel 1m\nanswer\n}\n");
	bed_query(b, "a.example", TYPE_A)->started = 7;
	bed_run(b);
	assert_int_equal(b->q.deadline, 60000000007);
	bed_free(b);
	b = bed_new(".:53 {\ncancel\nanswer\n}\n");
	bed_query(b, "a.example", TYPE_A)->started = 7;
	bed_run(b);
	assert_int_equal(b->q.deadline, 5001000007);
	bed_free(b);
	assert_refused("cancel 5",
		"plugin/cancel: Corefile:2 - Error during parsing: invalid duration: \"5\"");
	assert_refused("cancel 0s", "plugin/cancel: Corefile:2 - Error during parsing: invalid "
				    "negative duration: \"0s\"");
}

/* --- acl --- */

/* The rcode of the answer, -2 for none, from this client. */
static int acl_answer(struct bed *b, const char *name, uint16_t type, const char *client)
{
	struct query *q = bed_query(b, name, type);
	assert_true(endpoint_parse_ip(view_of(client), 1, &q->client));
	int rcode = bed_run(b);
	return rcode == SERVE_DROP			 ? -2
	       : q->reply->section[SECTION_ANSWER].count ? 100
							 : (int)q->reply->rcode;
}

static void acl_decides_by_the_first_match(void **state)
{
	(void)state;
	struct bed *b =
		bed_new(".:53 {\n"
			"acl a.example {\nallow type A AAAA net 10.0.0.0/8 192.0.2.1\nBLOCK type A "
			"NET 10.0.0.0/8 type MX\nfilter type * net ::/0\n}\n"
			"acl {\ndrop type TXT\n}\n"
			"acl b.example {\nblock net *\n}\nanswer\n}\n");
	struct view data;
	assert_string_equal(bed_complaint(b), "");
	assert_int_equal(acl_answer(b, "x.a.example", TYPE_A, "10.1.2.3"), 100);
	assert_int_equal(acl_answer(b, "x.a.example", TYPE_A, "192.0.2.1"), 100);
	assert_int_equal(acl_answer(b, "a.example", TYPE_MX, "10.1.2.3"), RCODE_REFUSED);
	assert_int_equal(b->q.reply->edns.udp_size, 4096);
	assert_true(edns_option_find(&b->q.reply->edns, OPTION_EXTENDED_ERROR, &data));
	assert_int_equal(data.at[1], 15);
	assert_int_equal(acl_answer(b, "a.example", TYPE_MX, "11.1.2.3"), 100);
	assert_int_equal(acl_answer(b, "a.example", TYPE_MX, "2001:db8::1"), RCODE_NOERROR);
	assert_int_equal(acl_answer(b, "a.example", TYPE_TXT, "10.1.2.3"), -2);
	assert_int_equal(acl_answer(b, "b.example", TYPE_TXT, "10.1.2.3"), -2);
	assert_int_equal(acl_answer(b, "b.example", TYPE_A, "10.1.2.3"), RCODE_REFUSED);
	assert_int_equal(acl_answer(b, "c.example", TYPE_A, "10.1.2.3"), 100);
	bed_free(b);
}

static void acl_says_what_is_wrong(void **state)
{
	(void)state;
	assert_refused("acl {\nblck\n}",
		"plugin/acl: Corefile:3 - Error during parsing: unexpected token \"blck\"; "
		"expect 'allow', 'block', 'filter' or 'drop'");
	assert_refused("acl {\nblock A\n}", "plugin/acl: Corefile:3 - Error during parsing: "
					    "unexpected token \"A\"; expect 'type | net'");
	assert_refused("acl {\nblock type\n}", "plugin/acl: Corefile:3 - Error during parsing: no "
					       "token specified in \"type\" section");
	assert_refused("acl {\nblock type ABC\n}", "plugin/acl: Corefile:3 - Error during parsing: "
						   "unexpected token \"ABC\"; expect legal QTYPE");
	assert_refused("acl {\nblock type a\n}", "plugin/acl: Corefile:3 - Error during parsing: "
						 "unexpected token \"a\"; expect legal QTYPE");
	assert_refused(
		"acl {\nblock net 1.1.1.1.1\n}", "plugin/acl: Corefile:3 - Error during parsing: "
						 "illegal CIDR notation \"1.1.1.1.1/32\"");
}

/* --- local, chaos --- */

static const struct record *only_answer(const struct bed *b)
{
	assert_int_equal(b->q.reply->section[SECTION_ANSWER].count, 1);
	return b->q.reply->section[SECTION_ANSWER].records;
}

static const char *soa_owner(const struct bed *b)
{
	assert_int_equal(b->q.reply->section[SECTION_ANSWER].count, 0);
	assert_int_equal(b->q.reply->section[SECTION_AUTHORITY].count, 1);
	return name_text(b->arena, b->q.reply->section[SECTION_AUTHORITY].records->owner);
}

static void local_answers_for_this_host(void **state)
{
	(void)state;
	struct bed *b = bed_new(".:53 {\nlocal\nanswer\n}\n");
	assert_int_equal(bed_ask(b, "LocalHost", TYPE_AAAA), RCODE_NOERROR);
	assert_int_equal(only_answer(b)->rdata[15], 1);
	assert_int_equal(only_answer(b)->ttl, 604800);
	assert_int_equal(b->q.reply->flags, FLAG_QR | FLAG_RD);
	bed_ask(b, "localhost.example.net", TYPE_MX);
	assert_string_equal(soa_owner(b), "localhost.example.net.");
	bed_ask(b, "x.LOCALHOST", TYPE_A);
	assert_memory_equal(only_answer(b)->rdata, "\177\0\0\1", 4);
	assert_int_equal(bed_ask(b, "2.0.0.127.IN-addr.arpa", TYPE_PTR), RCODE_NXDOMAIN);
	assert_string_equal(soa_owner(b), "127.IN-addr.arpa.");
	bed_ask(b, "1.0.0.127.in-addr.arpa", TYPE_PTR);
	assert_int_equal(only_answer(b)->type, TYPE_PTR);
	bed_ask(b, "255.in-addr.arpa", TYPE_A);
	assert_string_equal(soa_owner(b), "255.in-addr.arpa.");
	bed_ask(b, "10.in-addr.arpa", TYPE_PTR);
	assert_int_equal(only_answer(b)->type, TYPE_A);
	bed_free(b);
	b = bed_new(".:53 {\nlocal {\nlocalhost_prefix off\n}\nanswer\n}\n");
	bed_ask(b, "localhost.example.net", TYPE_A);
	assert_int_equal(only_answer(b)->ttl, 60);
	bed_free(b);
	assert_refused("local {\nlocalhost_prefix x\n}",
		"plugin/local: Corefile:3 - Error during parsing: localhost_prefix expects 'on' or "
		"'off', got \"x\"");
}

static void chaos_tells_version_and_authors(void **state)
{
	(void)state;
	struct bed *b =
		bed_new(".:53 {\nchaos V1 z@example a@example z@example\nchaos V2\nanswer\n}\n");
	assert_true(b->config->blocks->takes_any_class);
	query_set_question(bed_query(b, "a.", TYPE_TXT),
		name_from_text(b->arena, VIEW("Version.bind")), TYPE_TXT, CLASS_CH);
	bed_run(b);
	assert_memory_equal(only_answer(b)->rdata, "\2V1", 3);
	assert_int_equal(only_answer(b)->class, CLASS_CH);
	query_set_question(bed_query(b, "a.", TYPE_TXT),
		name_from_text(b->arena, VIEW("authors.bind")), TYPE_TXT, CLASS_CH);
	bed_run(b);
	assert_int_equal(b->q.reply->section[SECTION_ANSWER].count, 2);
	bed_ask(b, "version.bind", TYPE_TXT); /* class IN */
	assert_int_equal(only_answer(b)->type, TYPE_A);
	bed_free(b);
}

/* --- directives that write into the block --- */

static void block_settings_are_read(void **state)
{
	(void)state;
	struct bed *b =
		bed_new("example.org:53 {\nroot /\nmetadata sub.example.org\ndebug\nmultisocket 3\n"
			"timeouts {\nread 2s\nidle 3\nmaxtcpqueries 7\n}\n"
			"bind 127.0.0.1\nbind 127.0.0.2 127.0.0.3 {\nexcept 127.0.0.3 "
			"127.0.0.1\n}\nanswer\n}\n");
	assert_string_equal(bed_complaint(b), "");
	const struct block *block = b->config->blocks;
	assert_string_equal(block->root, "/");
	assert_true(block->debug && block->collects_metadata);
	assert_int_equal(block->metadata_zone_count, 1);
	assert_int_equal(block->sockets, 3);
	assert_int_equal(block->read_timeout, 2000000000);
	assert_int_equal(block->write_timeout, 0);
	assert_int_equal(block->idle_timeout, 3000000000);
	assert_int_equal(block->queries_max, 7);
	assert_int_equal(block->bind_count, 2);
	assert_true(view_is(block->bind[0], "127.0.0.1") && view_is(block->bind[1], "127.0.0.2"));
	bed_free(b);
	b = bed_new(".:53 {\nbind lo {\nexcept ::1\n}\nanswer\n}\n");
	assert_true(view_is(b->config->blocks->bind[0], "127.0.0.1"));
	bed_free(b);
}

static void block_settings_say_what_is_wrong(void **state)
{
	(void)state;
	assert_refused("bind", "plugin/bind: at least one address or interface name is expected");
	assert_refused("bind no-such-name",
		"plugin/bind: not a valid IP address or interface name: \"no-such-name\"");
	assert_refused("bind ::1 {\nexcept\n}", "plugin/bind: at least one address or interface "
						"must be given to except subdirective");
	assert_refused("bind ::1 {\nother\n}", "plugin/bind: invalid option \"other\"");
	assert_refused("bind ::1 {\nexcept ::1\n}",
		"plugin/bind: every address is excepted, none is left to listen on");
	assert_refused(
		"multisocket 0", "plugin/multisocket: num sockets can not be zero or negative: 0");
	assert_refused(
		"multisocket 2000", "plugin/multisocket: num sockets exceeds maximum (1024): 2000");
	assert_refused("multisocket x", "plugin/multisocket: invalid num sockets: strconv.Atoi: "
					"parsing \"x\": invalid syntax");
	assert_refused("timeouts {\nmaxtcpqueries -2\n}",
		"plugin/timeouts: Corefile:3 - Error during parsing: maxtcpqueries provided '-2' "
		"needs to be -1 (unlimited) "
		"or a positive integer");
	assert_refused("timeouts {\nread 500ms\n}",
		"plugin/timeouts: Corefile:3 - Error during parsing: timeout provided '500ms' "
		"needs to be between 1 second and "
		"24 hours");
	assert_refused("root", "plugin/root: Corefile:2 - Error during parsing: "
			       "Wrong argument count or unexpected line ending after 'root'");
}

/* --- loadbalance, on: what they take --- */

static void loadbalance_says_what_is_wrong(void **state)
{
	(void)state;
	assert_refused("loadbalance foo", "plugin/loadbalance: unknown policy: foo");
	assert_refused("loadbalance weighted", "plugin/loadbalance: Corefile:2 - Error during "
					       "parsing: missing weight file argument");
	assert_refused("loadbalance weighted f g",
		"plugin/loadbalance: Corefile:2 - Error during parsing: unexpected argument(s)");
	assert_refused("loadbalance weighted f {\nreload\n}",
		"plugin/loadbalance: Corefile:3 - Error during parsing: reload duration value is "
		"missing");
	assert_refused("loadbalance weighted f {\nreload a\n}",
		"plugin/loadbalance: Corefile:3 - Error during parsing: invalid reload duration "
		"'a'");
	assert_refused("loadbalance weighted f {\nfoo\n}",
		"plugin/loadbalance: Corefile:3 - Error during parsing: unknown property 'foo'");
	assert_refused(
		"loadbalance {\nreload 3s\n}", "plugin/loadbalance: Corefile:3 - Error during "
					       "parsing: unknown property for round_robin");
	assert_refused("loadbalance {\nprefer 10.0.0.0\n}",
		"plugin/loadbalance: Corefile:3 - Error during parsing: invalid CIDR \"10.0.0.0\": "
		"invalid CIDR address: 10.0.0.0");
}

static void on_says_what_is_wrong(void **state)
{
	(void)state;
	assert_refused("on start true", "plugin/on: Corefile:2 - Error during parsing: Wrong event "
					"name or event not supported: 'start'");
	assert_refused("on startup &",
		"plugin/on: Corefile:2 - Error during parsing: no command contained in ''");
	assert_refused("on STARTUP 'a", "plugin/on: Corefile:2 - Error during parsing: error "
					"parsing command: EOF found when expecting closing quote");
}

static void erratic_hits_by_number(void **state)
{
	(void)state;
	struct bed *b = bed_new(".:53 {\nerratic {\ntruncate 3\n}\n}\n");
	for (int i = 0; i < 7; i++) {
		assert_int_equal(bed_ask(b, "a.example", TYPE_A), RCODE_NOERROR);
		assert_int_equal(b->q.reply->flags & FLAG_TC, i % 3 == 0 ? FLAG_TC : 0);
	}
	bed_free(b);
	b = bed_new(".:53 {\nerratic\n}\n");
	assert_int_equal(bed_ask(b, "a.example", TYPE_A), SERVE_DROP);
	assert_int_equal(bed_ask(b, "a.example", TYPE_AXFR), RCODE_NOERROR);
	assert_int_equal(b->q.reply->section[SECTION_ANSWER].count, 6);
	assert_int_equal(bed_ask(b, "a.example", TYPE_A), SERVE_DROP);
	assert_int_equal(bed_ask(b, "a.example", TYPE_MX), RCODE_SERVFAIL);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_changes_query_and_reply),
		cmocka_unit_test(header_says_what_is_wrong),
		cmocka_unit_test(minimal_empties_positive_answers_alone),
		cmocka_unit_test(any_gives_the_record_of_rfc_8482),
		cmocka_unit_test(nsid_is_told_to_who_asks),
		cmocka_unit_test(reload_may_stand_twice),
		cmocka_unit_test(bufsize_lowers_what_is_larger),
		cmocka_unit_test(cancel_sets_the_deadline),
		cmocka_unit_test(acl_decides_by_the_first_match),
		cmocka_unit_test(acl_says_what_is_wrong),
		cmocka_unit_test(local_answers_for_this_host),
		cmocka_unit_test(chaos_tells_version_and_authors),
		cmocka_unit_test(block_settings_are_read),
		cmocka_unit_test(block_settings_say_what_is_wrong),
		cmocka_unit_test(loadbalance_says_what_is_wrong),
		cmocka_unit_test(on_says_what_is_wrong),
		cmocka_unit_test(erratic_hits_by_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
