/* Formats of log lines: what is a placeholder, and what each of them shows. */
#include "test.h"

#include "plugins/log/format.h"
#include "server/listener.h"

static struct arena *arena;
static struct query query;
static struct listener listener;
static struct message reply;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(4096);
	endpoint_parse_ip(VIEW("::"), 53, &listener.local);
	endpoint_parse_ip(VIEW("2001:db8::1"), 5353, &query.client);
	endpoint_parse_ip(VIEW("192.0.2.1"), 53, &query.local);
	query.arena = arena;
	query.listener = &listener;
	query.started = clock_batch();
	query.request.id = 4711;
	query.request.has_question = true;
	query_set_question(&query, name_from_text(arena, VIEW("WWW.example.org")), 65280, CLASS_CH);
	reply.rcode = RCODE_NXDOMAIN;
	reply.flags = FLAG_QR | FLAG_AA | FLAG_CD;
	reply.has_question = true;
	reply.question = query.request.question;
	metadata_set(&query, "view/name", VIEW("inside"));
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void check(const char *format, const struct message *r, const char *expected)
{
	const struct log_format *f = log_format_read(arena, view_of(format));
	struct view line = log_format_write(f, &query, query.name, r);
	assert_string_equal(arena_string(arena, line), expected);
}

static void test_placeholders(void **state)
{
	(void)state;
	check("{type} {class} {name} {proto} {size}", &reply,
		"TYPE65280 CH www.example.org. udp 33");
	check("{remote} {port} {local} {>id} {>opcode}", &reply, "[2001:db8::1] 5353 [::] 4711 0");
	check("{>do} {>bufsize}", &reply, "false 512");
	check("{rcode} {>rflags} {rsize}", &reply, "NXDOMAIN qr,aa,cd 33");
	check("{rcode} {>rflags} {rsize}", NULL, "- - 0");
	check("{/view/name} {/no/such}", &reply, "inside -");
	check("{answers}", NULL, "-");
	check("{answers}", &reply, "-");
	struct record answers[] = { { .owner = query.name, .type = TYPE_TXT, .rdata = (const uint8_t *)"\3a\nb", .rdata_length = 4 },
		{ .owner = query.name, .type = TYPE_A, .rdata = (const uint8_t *)"\300\0\2\1", .rdata_length = 4 } };
	reply.section[SECTION_ANSWER] = (struct section){ answers, 2, 2 };
	check("<{answers}>", &reply, "<TXT \"a\\010b\", A 192.0.2.1>");
	reply.section[SECTION_ANSWER].count = 0;
	query.transport = TRANSPORT_TCP;
	query.request.edns = (struct edns){ .present = true, .udp_size = 1232, .flags = EDNS_DO };
	check("{proto} {local} {size} {>do} {>bufsize}", &reply, "tcp 192.0.2.1 44 true 65535");
	query.transport = TRANSPORT_UDP;
	check("{>bufsize}", &reply, "1232");
	query.request.edns = (struct edns){ 0 };
}

static void test_braces(void **state)
{
	(void)state;
	check("", &reply, "");
	check("no placeholder", &reply, "no placeholder");
	check("{{}} }{", &reply, "{{}} }{");
	check("{unknown} {rcode", &reply, "{unknown} {rcode");
	check("{{rcode}}", &reply, "{NXDOMAIN}");
	check("{rcode}{rcode}", &reply, "NXDOMAINNXDOMAIN");
	check("{/}", &reply, "-");
}

static void test_named_formats(void **state)
{
	(void)state;
	const struct log_format *f = log_format_read(arena, VIEW("<{combined}>"));
	struct view line = log_format_write(f, &query, query.name, &reply);
	const char *text = arena_string(arena, line);
	const char *front =
		"<[2001:db8::1]:5353 - 4711 \"TYPE65280 CH www.example.org. udp 33 false 512\" "
		"NXDOMAIN qr,aa,cd 33 0";
	assert_memory_equal(text, front, strlen(front));
	assert_string_equal(text + line.length - 6, "s \"0\">");
	assert_false(log_format_shows(f, VIEW("log/class")));
	f = log_format_read(arena, VIEW("{/log/class}"));
	assert_true(log_format_shows(f, VIEW("log/class")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placeholders),
		cmocka_unit_test(test_braces),
		cmocka_unit_test(test_named_formats),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
