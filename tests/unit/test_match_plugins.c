/* view and template: which queries they take, and what they say of what they cannot read. */
#include "test.h"

#include "plugin_bed.h"

static int fail_with_nothing(struct query *q)
{
	return query_fail(q, RCODE_REFUSED, "passed on");
}

static struct bed *bed_of(const char *body)
{
	static char corefile[4096]; /* the words of the configuration lie in it */
	snprintf(corefile, sizeof corefile, ".:53 {\n%s\nanswer\n}\n", body);
	struct bed *b = bed_new(corefile);
	if (!b->config)
		fail_msg("%s: %s", body, bed_complaint(b));
	bed_answer = fail_with_nothing;
	return b;
}

/* --- view --- */

static bool takes(struct bed *b, const char *name, uint16_t type)
{
	bed_query(b, name, type);
	return chain_filter(b->config->blocks->filter, &b->q);
}

static void view_takes_what_all_expressions_hold_for(void **state)
{
	(void)state;
	struct bed *b = bed_of("view v {\nexpr type() == 'AAAA'\nexpr name() endsWith '.org.'\n}");
	assert_true(takes(b, "a.ORG", TYPE_AAAA));
	assert_false(takes(b, "a.org", TYPE_A));
	assert_false(takes(b, "a.net", TYPE_AAAA));
	assert_true(view_is(b->config->blocks->view_name, "v"));
	bed_free(b);
	b = bed_of("view v");
	assert_true(takes(b, "a.org", TYPE_A));
	bed_free(b);
	b = bed_of("view v {\nexpr incidr(name(), 'nonsense')\n}");
	assert_false(takes(b, "a.org", TYPE_A));
	bed_free(b);
}

static void view_warns_of_what_is_never_true(void **state)
{
	(void)state;
	struct bed *b = bed_of("view v {\nexpr size()\n}");
	assert_int_equal(b->complaints.warnings, 1);
	assert_string_equal(
		bed_complaint(b), "plugin/view: 'size()' gives int: only true lets queries in");
	assert_false(takes(b, "a.org", TYPE_A));
	bed_free(b);
}

static void view_says_what_is_wrong(void **state)
{
	(void)state;
	assert_refused("view a\nview b",
		"plugin/view: this plugin can only be used once per Server Block");
	assert_refused("view", "plugin/view: Corefile:2 - Error during parsing: "
			       "Wrong argument count or unexpected line ending after 'view'");
	assert_refused("view a b", "plugin/view: Corefile:2 - Error during parsing: "
				   "Wrong argument count or unexpected line ending after 'b'");
	assert_refused(
		"view a {\nexpr foo()\n}", "plugin/view: unknown name foo (1:1)\n | foo()\n | ^");
}

/* The steps of a trace say who did not take the query, and why. */
static void a_trace_says_why_a_view_refuses(void **state)
{
	(void)state;
	struct bed *b = bed_of("view v {\nexpr type() == 'AAAA'\n}");
	struct trace t = { .last = &t.first };
	bed_query(b, "a.org", TYPE_A);
	b->q.trace = &t;
	assert_false(chain_filter(b->config->blocks->filter, &b->q));
	assert_non_null(t.first);
	assert_string_equal(t.first->why, "the expression 'type() == 'AAAA'' does not hold");
	assert_false(t.first->passed_on);
	assert_null(t.first->next);
	bed_query(b, "a.org", TYPE_AAAA);
	t = (struct trace){ .last = &t.first };
	b->q.trace = &t;
	assert_true(chain_filter(b->config->blocks->filter, &b->q));
	assert_null(t.first);
	assert_ptr_equal(t.last, &t.first);
	bed_free(b);
}

/* --- template --- */

static const struct record *answer(const struct bed *b, size_t n)
{
	assert_non_null(b->q.reply);
	assert_true(n < b->q.reply->section[SECTION_ANSWER].count);
	return &b->q.reply->section[SECTION_ANSWER].records[n];
}

static void assert_text(const struct bed *b, const char *expected)
{
	const struct record *r = answer(b, 0);
	assert_int_equal(r->type, TYPE_TXT);
	struct view text = view_skip(record_rdata(r), 1);
	if (!view_is(text, expected))
		fail_msg("%.*s, not %s", VIEW_ARGS(text), expected);
}

static void template_takes_class_type_zone_and_pattern(void **state)
{
	(void)state;
	struct bed *b = bed_of(
		"template IN TXT org {\nmatch ^a ^b\nanswer \"{{ .Name }} TXT {{ .Zone }}\"\n}");
	assert_int_equal(bed_ask(b, "B.Example.org", TYPE_TXT), RCODE_NOERROR);
	assert_text(b, "org.");
	assert_int_equal(b->q.reply->flags & FLAG_AA, FLAG_AA);
	assert_string_equal(name_text(b->arena, answer(b, 0)->owner), "b.example.org.");
	assert_int_equal(answer(b, 0)->ttl, 3600);
	assert_int_equal(bed_ask(b, "a.example.org", TYPE_ANY), RCODE_NOERROR);
	assert_int_equal(bed_ask(b, "a.example.org", TYPE_A), RCODE_REFUSED);
	assert_int_equal(bed_ask(b, "a.example.net", TYPE_TXT), RCODE_REFUSED);
	assert_int_equal(bed_ask(b, "c.example.org", TYPE_TXT), RCODE_SERVFAIL);
	assert_null(b->q.error);
	bed_free(b);
}

static void template_passes_on_where_it_may(void **state)
{
	(void)state;
	struct bed *b = bed_of(
		"template IN TXT {\nmatch ^a\nanswer \"{{ .Name }} TXT one\"\nfallthrough\n}\n"
		"template IN TXT {\nmatch ^b\nanswer \"{{ .Name }} TXT two\"\nfallthrough net\n}");
	bed_ask(b, "a.org", TYPE_TXT);
	assert_text(b, "one");
	bed_ask(b, "b.org", TYPE_TXT);
	assert_text(b, "two");
	assert_int_equal(bed_ask(b, "c.net", TYPE_TXT), RCODE_REFUSED);
	assert_int_equal(bed_ask(b, "c.org", TYPE_TXT), RCODE_SERVFAIL);
	bed_free(b);
}

static void template_sees_the_query(void **state)
{
	(void)state;
	struct bed *b = bed_of("template IN TXT {\nmatch ^(?P<host>[a-z]+)-(\\d+)\\.\nvar n "
			       "int(group(2)) * 2\nexpr n < 100\n"
			       "answer \"{{ .Name }} TXT \\\"{{ .Group.host }} {{ index .Group `2` "
			       "}} {{ .Var.n }} {{ .Remote }} "
			       "{{ .Question.Name }} {{ .Message.RecursionDesired }} {{ .Meta "
			       "`a/b` }} {{ len .Match }}\\\"\"\n}");
	bed_query(b, "Web-21.org", TYPE_TXT);
	metadata_set(&b->q, "a/b", VIEW("meta"));
	assert_int_equal(bed_run(b), RCODE_NOERROR);
	assert_text(b, "web 21 42 127.0.0.1 Web-21.org. true meta 3");
	assert_int_equal(bed_ask(b, "web-60.org", TYPE_TXT), RCODE_SERVFAIL);
	bed_free(b);
}

static void template_failures_are_told_to_the_log(void **state)
{
	(void)state;
	struct bed *b = bed_of("template IN A {\nanswer \"{{ .Name }} A {{ index .Match 1 }}\"\n}\n"
			       "template IN TXT {\nanswer \"{{ .Name }} TXT\"\n}\n"
			       "template IN MX {\nanswer \"{{ if false }}x{{ end }}\"\n}");
	assert_int_equal(bed_ask(b, "a.org", TYPE_A), RCODE_SERVFAIL);
	assert_null(b->q.reply);
	assert_string_equal(b->q.error, "template: answer:1:17: executing \"answer\" at <index "
					".Match 1>: error calling index: index out "
					"of range: 1");
	assert_int_equal(bed_ask(b, "a.org", TYPE_TXT), RCODE_SERVFAIL);
	assert_non_null(b->q.error);
	assert_int_equal(bed_ask(b, "a.org", TYPE_MX), RCODE_SERVFAIL);
	assert_non_null(b->q.error);
	bed_free(b);
}

static void template_codes_and_extended_errors(void **state)
{
	(void)state;
	struct bed *b = bed_of("template IN A {\nrcode REFUSED\nederror 21 \"not here\"\n}\n"
			       "template IN TXT {\nrcode SERVFAIL\nanswer \"x TXT x\"\n}");
	struct view data;
	assert_int_equal(bed_ask(b, "a.org", TYPE_A), RCODE_REFUSED);
	assert_int_equal(b->q.reply->rcode, RCODE_REFUSED);
	assert_true(edns_option_find(&b->q.reply->edns, OPTION_EXTENDED_ERROR, &data));
	assert_true(view_equal(data, VIEW("\0\x15not here")));
	assert_int_equal(bed_ask(b, "a.org", TYPE_TXT), RCODE_SERVFAIL);
	assert_null(b->q.reply);
	bed_free(b);
}

static void template_says_what_is_wrong(void **state)
{
	(void)state;
	static const char *const cases[][3] = {
		{ "in A", "2", "invalid query class in" },
		{ "IN a", "2", "invalid RR class a" },
		{ "IN TYPE65280", "2", "invalid RR class TYPE65280" },
		{ "IN A {\nrcode nxdomain\n}", "3", "unknown rcode nxdomain" },
		{ "IN A {\nmatch (\n}", "3",
			"could not parse regex: (, error parsing regexp: missing closing ): `(`" },
		{ "IN A {\nanswer {{\n}", "3",
			"could not compile template: {{, template: answer:1: unclosed action" },
		{ "IN A {\nederror x\n}", "3",
			"error parsing extended DNS error code x, strconv.ParseUint: parsing "
			"\"x\": invalid "
			"syntax" },
		{ "IN A {\nvar 1a 2\n}", "3", "invalid variable name \"1a\"" },
		{ "IN A {\nvar name 2\n}", "3", "variable name \"name\" is reserved" },
		{ "IN A {\nvar a 2\nvar a 3\n}", "4", "variable name \"a\" is reserved" },
		{ "IN A {\nvar a b\n}", "3",
			"could not compile expression: a, unknown name b (1:1)\n | b\n | ^" },
		{ "IN A {\nexpr 1 + 'a'\n}", "3",
			"could not compile expression: invalid operation: + (mismatched types int "
			"and "
			"string) (1:3)\n | 1 + 'a'\n | ..^" },
		{ "IN A {\nmatch\n}", "3",
			"Wrong argument count or unexpected line ending after 'match'" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char body[256], complaint[512];
		snprintf(body, sizeof body, "template %s", cases[i][0]);
		snprintf(complaint, sizeof complaint,
			"plugin/template: Corefile:%s - Error during parsing: %s", cases[i][1],
			cases[i][2]);
		assert_refused(body, complaint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(view_takes_what_all_expressions_hold_for),
		cmocka_unit_test(view_warns_of_what_is_never_true),
		cmocka_unit_test(view_says_what_is_wrong),
		cmocka_unit_test(a_trace_says_why_a_view_refuses),
		cmocka_unit_test(template_takes_class_type_zone_and_pattern),
		cmocka_unit_test(template_passes_on_where_it_may),
		cmocka_unit_test(template_sees_the_query),
		cmocka_unit_test(template_failures_are_told_to_the_log),
		cmocka_unit_test(template_codes_and_extended_errors),
		cmocka_unit_test(template_says_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
