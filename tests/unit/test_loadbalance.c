/* The orders of loadbalance, and its weight file. */
#include "test.h"

#include "base/hash.h"
#include "dns/rdata.h"
#include "plugins/loadbalance/order.h"
#include <stdlib.h>

struct fixture {
	struct arena *arena;
	struct section s;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	hash_init();
	f->arena = arena_new(4096);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	arena_free(f->arena);
	free(f);
	return 0;
}

/* A record with one octet of rdata that tells it from others; addresses by add_address. */
static void add(struct fixture *f, uint16_t type, const char *mark)
{
	section_add(&f->s, f->arena,
		(struct record){ .owner = name_root,
			.type = type,
			.rdata = (const uint8_t *)mark,
			.rdata_length = 1 });
}

static void add_address(struct fixture *f, const char *owner, const char *ip)
{
	struct endpoint e;
	assert_true(endpoint_parse_ip(view_of(ip), 0, &e));
	struct view octets = arena_copy(f->arena, endpoint_address(&e));
	section_add(&f->s, f->arena,
		(struct record){ .owner = name_from_text(f->arena, view_of(owner)),
			.type = endpoint_is_v6(&e) ? TYPE_AAAA : TYPE_A,
			.rdata = (const uint8_t *)octets.at,
			.rdata_length = (uint16_t)octets.length });
}

static unsigned last_octet(const struct record *r)
{
	return r->rdata[r->rdata_length - 1];
}

/* Each record's last octet, as text: "c1x". */
static const char *marks(const struct fixture *f)
{
	static char text[64];
	for (size_t i = 0; i < f->s.count; i++) {
		unsigned mark = last_octet(&f->s.records[i]);
		text[i] = (char)(mark < 10 ? '0' + mark : mark);
	}
	text[f->s.count] = 0;
	return text;
}

static void shuffling_makes_every_order(void **state)
{
	struct fixture *f = *state;
	unsigned seen = 0;
	add_address(f, "a.", "192.0.2.1");
	add_address(f, "a.", "192.0.2.2");
	add_address(f, "a.", "192.0.2.3");
	for (int i = 0; i < 500; i++) {
		order_shuffle(&f->s, f->arena);
		const char *m = marks(f);
		seen |= 1u << ((m[0] - '1') * 3 + (m[1] - '1'));
	}
	assert_int_equal(__builtin_popcount(seen), 6);
}

static void shuffling_puts_cnames_first_and_mx_last(void **state)
{
	struct fixture *f = *state;
	add(f, TYPE_MX, "m");
	add_address(f, "a.", "192.0.2.1");
	add(f, TYPE_TXT, "t");
	add(f, TYPE_CNAME, "c");
	add(f, TYPE_RRSIG, "s");
	add(f, TYPE_CNAME, "d");
	for (int i = 0; i < 20; i++) {
		order_shuffle(&f->s, f->arena);
		assert_string_equal(marks(f), "cdts1m");
	}
}

static void preferred_networks_come_first(void **state)
{
	struct fixture *f = *state;
	struct prefix prefer[2];
	assert_true(prefix_parse(VIEW("2001:db8::/32"), &prefer[0]));
	assert_true(prefix_parse(VIEW("10.0.0.0/8"), &prefer[1]));
	add(f, TYPE_TXT, "t");
	add_address(f, "a.", "192.0.2.1");
	add_address(f, "a.", "10.0.0.2");
	add(f, TYPE_MX, "m");
	add_address(f, "a.", "2001:db8::3");
	add_address(f, "a.", "10.0.0.4");
	add(f, TYPE_CNAME, "c");
	order_prefer(&f->s, f->arena, prefer, 2);
	assert_string_equal(marks(f), "c3241mt");
}

static uint32_t drawn, drawn_below;

static uint32_t draw(uint32_t below)
{
	drawn_below = below;
	return drawn;
}

static const char weight_file[] = "# weights\n\n  domain1.example\n192.0.2.2   5\n192.0.2.1 2\n\n"
				  "Domain2.Example.\n2001:db8::2 4\n2001:db8::1 3\n";

static void the_first_address_is_drawn_by_weight(void **state)
{
	struct fixture *f = *state;
	/* .2 weighs 5, ::2 weighs 4, ::1 weighs 3, .1 weighs 2, .3 is not in the file. Address
	 * marks: 1 2 3, 4 and 5 for v6. */
	static const char expected[] = "222224444555113";
	const char *why;
	struct weights *w = weights_read(VIEW(weight_file), "w", f->arena, &why);
	assert_non_null(w);
	for (drawn = 0; drawn < 15; drawn++) {
		section_clear(&f->s);
		add_address(f, "domain1.example.", "192.0.2.1");
		add_address(f, "domain1.example.", "192.0.2.2");
		add_address(f, "domain1.example.", "192.0.2.3");
		add_address(f, "domain2.example.", "2001:db8::1");
		add_address(f, "domain2.example.", "2001:db8::2");
		add(f, TYPE_CNAME, "c");
		order_weighted(&f->s, f->arena, w, draw);
		assert_int_equal(drawn_below, 15);
		const struct record *first = &f->s.records[1];
		char mark = (char)('0' + last_octet(first));
		if (first->type == TYPE_AAAA)
			mark = last_octet(first) == 2 ? '4' : '5';
		assert_int_equal(mark, expected[drawn]);
		assert_int_equal(f->s.records[0].type, TYPE_CNAME);
	}
	weights_free(w);
}

static void sections_without_addresses_stay_as_they_are(void **state)
{
	struct fixture *f = *state;
	static const struct weights none;
	add(f, TYPE_MX, "m");
	add(f, TYPE_CNAME, "c");
	order_weighted(&f->s, f->arena, &none, draw);
	assert_string_equal(marks(f), "mc");
}

static void assert_malformed(struct fixture *f, const char *text, const char *expected)
{
	const char *why = NULL;
	assert_null(weights_read(view_of(text), "w", f->arena, &why));
	assert_string_equal(why, expected);
}

static void malformed_weight_files_say_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	assert_malformed(f, "192.0.2.1\n",
		"wrong domain name:\"192.0.2.1\" in weight file w. (Maybe a missing weight "
		"value?)");
	assert_malformed(f, "192.0.2.1 3\n", "missing domain name in weight file w");
	assert_malformed(f, "a.\n192.0.2 3\n", "wrong IP address:\"192.0.2\" in weight file w");
	assert_malformed(f, "a.\n192.0.2.1 0\n", "wrong weight value:\"0\" in weight file w");
	assert_malformed(f, "a.\n192.0.2.1 256\n", "wrong weight value:\"256\" in weight file w");
	assert_malformed(f, "a.\n192.0.2.1 -1\n", "wrong weight value:\"-1\" in weight file w");
	assert_malformed(f, "a b c\n", "could not parse weight line:\"a b c\" in weight file w");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shuffling_makes_every_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
			shuffling_puts_cnames_first_and_mx_last, setup, teardown),
		cmocka_unit_test_setup_teardown(preferred_networks_come_first, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_first_address_is_drawn_by_weight, setup, teardown),
		cmocka_unit_test_setup_teardown(
			sections_without_addresses_stay_as_they_are, setup, teardown),
		cmocka_unit_test_setup_teardown(
			malformed_weight_files_say_what_is_wrong, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
