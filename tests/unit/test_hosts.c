/* plugins/hosts/table and dns/reverse: hosts files as tables. */
#include "test.h"

#include "base/hash.h"
#include "base/text.h"
#include "dns/reverse.h"
#include "plugins/hosts/table.h"

static struct arena *arena;

static struct name parse(const char *text)
{
	return name_from_text(arena, view_of(text));
}

static struct hosts_table *read_text(const char *text, bool reverse)
{
	struct name *zones = arena_array(arena, 1, sizeof *zones);
	zones[0] = name_root;
	struct hosts_rules rules = { zones, 1, reverse };
	return hosts_table_read(view_of(text), &rules);
}

/* The last octets of a name's addresses: "1 2 ". */
static const char *addresses(const struct hosts_table *t, const char *name, size_t octets)
{
	struct hosts_cursor c = hosts_find_addresses(t, parse(name), octets);
	struct view address;
	char *text = arena_printf(arena, "%s", "");
	while (hosts_next_address(&c, &address)) {
		assert_int_equal(address.length, octets);
		text = arena_printf(arena, "%s%u ", text, (unsigned char)address.at[octets - 1]);
	}
	return text;
}

static const char *names(const struct hosts_table *t, const char *reverse)
{
	uint8_t address[16];
	size_t octets = reverse_address(parse(reverse), address);
	struct hosts_cursor c = hosts_find_names(t, address, octets);
	struct name n;
	char *text = arena_printf(arena, "%s", "");
	while (hosts_next_name(&c, &n))
		text = arena_printf(arena, "%s%s ", text, name_text(arena, n));
	return text;
}

static void lines_become_entries_in_order(void **state)
{
	(void)state;
	struct hosts_table *t = read_text("192.0.2.2 A.example b.example # c.example\n"
					  "# 192.0.2.9 a.example\n"
					  "\t192.0.2.1\ta.example\r\n"
					  "fe80::3%eth0 a.example\n"
					  "::ffff:192.0.2.4 a.example\n"
					  "192.0.2 bad.example\n192.0.02.5 bad.example\n192.0.2.6\n"
					  "192.0.2.7 last.example",
		true);
	assert_string_equal(addresses(t, "a.example.", 4), "2 1 4 ");
	assert_string_equal(addresses(t, "a.example.", 16), "3 ");
	assert_string_equal(addresses(t, "b.example.", 4), "2 ");
	assert_string_equal(addresses(t, "c.example.", 4), "");
	assert_string_equal(addresses(t, "bad.example.", 4), "");
	assert_string_equal(addresses(t, "last.example.", 4), "7 ");
	assert_string_equal(names(t, "2.2.0.192.in-addr.arpa."), "a.example. b.example. ");
	assert_string_equal(names(t, "6.2.0.192.in-addr.arpa."), "");
	assert_int_equal(hosts_table_entries(t), 12);
	hosts_table_free(t);
}

static void wildcards_stand_for_one_label_and_family(void **state)
{
	(void)state;
	struct hosts_table *t = read_text("192.0.2.1 *.example\n2001:db8::2 *.example\n192.0.2.3 foo.example\n", true);
	assert_string_equal(addresses(t, "bar.example.", 4), "1 ");
	assert_string_equal(addresses(t, "foo.example.", 4), "3 ");
	assert_string_equal(addresses(t, "foo.example.", 16), "2 ");
	assert_string_equal(addresses(t, "deep.foo.example.", 4), "");
	assert_string_equal(addresses(t, "example.", 4), "");
	assert_string_equal(names(t, "1.2.0.192.in-addr.arpa."), "");
	hosts_table_free(t);
	t = read_text("192.0.2.3 foo.example\n", false);
	assert_string_equal(names(t, "3.2.0.192.in-addr.arpa."), "");
	hosts_table_free(t);
}

static void holds_many_names_and_one_address_with_many(void **state)
{
	(void)state;
	enum { COUNT = 5000 };
	struct text text = { 0 };
	for (int i = 0; i < COUNT; i++)
		text_printf(&text, "10.%d.%d.%d host%d.example shared.example\n", i >> 16 & 255, i >> 8 & 255, i & 255, i);
	struct name zone = parse("example.");
	struct hosts_rules rules = { &zone, 1, true };
	struct hosts_table *t = hosts_table_read(text_view(&text), &rules);
	assert_int_equal(hosts_table_entries(t), 4 * COUNT);
	assert_string_equal(addresses(t, "host4999.example.", 4), "135 ");
	assert_string_equal(names(t, "135.19.0.10.in-addr.arpa."), "host4999.example. shared.example. ");
	hosts_table_free(t);
	text_free(&text);
}

static void reverse_names_are_whole_addresses(void **state)
{
	(void)state;
	uint8_t a[16];
	assert_int_equal(reverse_address(parse("4.3.2.1.in-addr.arpa."), a), 4);
	assert_memory_equal(a, "\1\2\3\4", 4);
	assert_int_equal(reverse_address(parse("4.3.2.1.IN-ADDR.arpa."), a), 4);
	const char *const none[] = { "3.2.1.in-addr.arpa.", "5.4.3.2.1.in-addr.arpa.", "256.3.2.1.in-addr.arpa.",
		"04.3.2.1.in-addr.arpa.", "x.3.2.1.in-addr.arpa.", "4.3.2.1.in-addr.example.", "ip6.arpa.", "." };
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_int_equal(reverse_address(parse(none[i]), a), 0);
	assert_int_equal(reverse_address(parse("f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.d.0.1.0.0.2.ip6.arpa."), a), 16);
	assert_memory_equal(a, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x0f", 16);
	assert_int_equal(reverse_address(parse("ff.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."), a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_entries_in_order),
		cmocka_unit_test(wildcards_stand_for_one_label_and_family),
		cmocka_unit_test(holds_many_names_and_one_address_with_many),
		cmocka_unit_test(reverse_names_are_whole_addresses),
	};
	hash_init();
	arena = arena_new(65536);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(arena);
	return failed;
}
