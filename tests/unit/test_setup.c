/* Reading a directive by its plugin's table, and durations. */
#include "test.h"

#include "base/hash.h"
#include "base/text.h"
#include "server/block.h"
#include "server/registry.h"
#include "server/setup.h"

/* A plugin that takes a bit of everything. */
struct sample {
	bool on;
	int64_t number, duration;
	uint32_t size;
	struct view name, other;
	struct fallthrough through;
	struct name *zones;
	size_t zone_count;
	unsigned lines;
};

static bool read_number(struct setup *s)
{
	return arg_integer(s, &((struct sample *)s->state)->number);
}

static bool read_size(struct setup *s)
{
	return arg_unsigned(s, &((struct sample *)s->state)->size) && arg_end(s);
}

static bool read_time(struct setup *s)
{
	return arg_duration(s, &((struct sample *)s->state)->duration);
}

static bool read_through(struct setup *s)
{
	return args_fallthrough(s, &((struct sample *)s->state)->through);
}

static bool read_other(struct setup *s)
{
	((struct sample *)s->state)->other = s->directive->words[s->at].text;
	return true;
}

static const struct option sample_options[] = {
	{ "switch", .offset = offsetof(struct sample, on) },
	{ "number", "N", .read = read_number },
	{ "size", "N", .read = read_size },
	{ "time", "DURATION", .read = read_time },
	{ "fallthrough", "[ZONES...]", .read = read_through },
	{ 0 },
};

static const struct option open_options[] = {
	{ "switch", .offset = offsetof(struct sample, on) },
	{ "*", "WORD", .read = read_other },
	{ 0 },
};

static bool sample_setup(struct setup *s)
{
	struct sample *state = s->state;
	state->lines++;
	return arg_need(s, &state->name) && args_zones(s, &state->zones, &state->zone_count);
}

static const struct plugin_type sample = {
	.name = "cache",
	.arguments = "NAME [ZONES...]",
	.options = sample_options,
	.setup = sample_setup,
	.state_size = sizeof(struct sample),
};
static const struct plugin_type once = { .name = "cache", .once = true, .options = sample_options };
static const struct plugin_type bare = { .name = "cache" };
static const struct plugin_type open = { .name = "cache", .options = open_options };

static const struct plugin_entry names[] = { { "cache", NULL } };

static struct arena *arena;
static struct complaints complaints;
static struct sample state;

/* Sets `type` up from the body of a block "example.org a.b { ... }" whose first line is line 2. */
static bool set_up_from(const struct plugin_type *type, const char *body)
{
	struct text t = { 0 };
	text_printf(&t, "example.org a.b {\n%s\n}\n", body);
	complaints_init(&complaints, arena);
	struct corefile *c = corefile_parse(
		arena, arena_copy(arena, text_view(&t)), "Corefile", "53", &complaints);
	text_free(&t);
	assert_non_null(c);

	const struct directive *list[8];
	size_t count = 0;
	for (const struct directive *d = c->blocks->directives; d; d = d->next)
		list[count++] = d;
	struct name zones[2] = { c->blocks->keys[0].zone, c->blocks->keys[1].zone };
	struct block block = { .zones = zones, .zone_count = 2 };
	struct plugin self = { .type = type };
	memset(&state, 0, sizeof state);
	struct setup s = { .self = &self,
		.block = &block,
		.arena = arena,
		.state = &state,
		.complaints = &complaints,
		.checking = true };
	return setup_plugin(&s, list, count);
}

static void expect_error(const struct plugin_type *type, const char *body, const char *error)
{
	assert_false(set_up_from(type, body));
	assert_string_equal(complaints.first->text, error);
}

static void options_are_read(void **unused)
{
	(void)unused;
	assert_true(set_up_from(&sample, "cache x {\nswitch\nnumber -7\nsize 9\ntime "
					 "1m30s\nfallthrough A.org 10.0.0.0/15\n}"));
	assert_true(state.on);
	assert_int_equal(state.number, -7);
	assert_int_equal(state.size, 9);
	assert_int_equal(state.duration, 90000000000);
	assert_int_equal(state.through.count, 3);
	assert_string_equal(name_text(arena, state.through.zones[0]), "a.org.");
	assert_string_equal(name_text(arena, state.through.zones[2]), "1.10.in-addr.arpa.");
	assert_true(set_up_from(&sample, "cache x { switch number 3 }"));
	assert_true(state.on);
	assert_int_equal(state.number, 3);
	assert_true(set_up_from(&sample, "cache x {\n}"));
	assert_true(set_up_from(&sample, "cache x"));
}

static void zones_default_to_the_blocks(void **unused)
{
	(void)unused;
	assert_true(set_up_from(&sample, "cache x"));
	assert_int_equal(state.zone_count, 2);
	assert_string_equal(name_text(arena, state.zones[1]), "a.b.");
	assert_true(set_up_from(&sample, "cache x tls://B.C:853 . {\n}"));
	assert_int_equal(state.zone_count, 2);
	assert_string_equal(name_text(arena, state.zones[0]), "b.c.");
	assert_true(set_up_from(&sample, "cache x a..b"));
	assert_int_equal(state.zone_count, 0);
	assert_int_equal(complaints.warnings, 1);
}

static void fallthrough_alone_is_everywhere(void **unused)
{
	(void)unused;
	assert_true(set_up_from(&sample, "cache x {\nswitch\n}"));
	assert_false(fallthrough_applies(
		&state.through, name_from_text(arena, VIEW("www.example.org"))));
	assert_true(set_up_from(&sample, "cache x {\nfallthrough\n}"));
	assert_true(fallthrough_applies(
		&state.through, name_from_text(arena, VIEW("www.example.org"))));
	assert_true(set_up_from(&sample, "cache x {\nfallthrough Example.org\n}"));
	assert_true(fallthrough_applies(
		&state.through, name_from_text(arena, VIEW("www.example.org"))));
	assert_false(
		fallthrough_applies(&state.through, name_from_text(arena, VIEW("example.com"))));
}

static void the_longest_zone_matches(void **unused)
{
	(void)unused;
	const struct name zones[] = { name_from_text(arena, VIEW("org")), name_root,
		name_from_text(arena, VIEW("a.org")) };
	struct name zone;
	assert_true(zones_match(zones, 3, name_from_text(arena, VIEW("x.A.org")), &zone));
	assert_string_equal(name_text(arena, zone), "a.org.");
	assert_true(zones_match(zones, 3, name_from_text(arena, VIEW("com")), &zone));
	assert_true(name_is_root(zone));
	assert_false(zones_match(zones, 1, name_from_text(arena, VIEW("com")), &zone));
	assert_false(zones_match(zones, 0, name_root, &zone));
}

static void occurrences_are_read_one_after_the_other(void **unused)
{
	(void)unused;
	assert_true(set_up_from(&sample, "cache x {\nswitch\n}\ncache y {\nnumber 3\n}"));
	assert_int_equal(state.lines, 2);
	assert_true(state.on);
	assert_true(view_is(state.name, "y"));
	expect_error(&once, "cache {\n}\ncache",
		"plugin/cache: this plugin can only be used once per Server Block");
}

static void a_star_takes_all_other_words(void **unused)
{
	(void)unused;
	assert_true(set_up_from(&open, "cache {\nswitch\nwhatever\n}"));
	assert_true(state.on);
	assert_true(view_is(state.other, "whatever"));
}

static void wrong_words_are_said_so(void **unused)
{
	(void)unused;
	expect_error(&sample, "cache",
		"plugin/cache: Corefile:2 - Error during parsing: Wrong argument count or "
		"unexpected line "
		"ending after 'cache'");
	expect_error(&bare, "cache x",
		"plugin/cache: Corefile:2 - Error during parsing: Wrong argument count or "
		"unexpected line "
		"ending after 'x'");
	expect_error(&bare, "cache {\n}",
		"plugin/cache: Corefile:2 - Error during parsing: Unexpected token '{', expecting "
		"argument");
	expect_error(&sample, "cache x\n{\nswitch\n}",
		"plugin/cache: Corefile:3 - Error during parsing: Unexpected token '{', expecting "
		"argument");
	expect_error(&sample, "cache x {\nswitch\n} y",
		"plugin/cache: Corefile:4 - Error during parsing: Wrong argument count or "
		"unexpected line "
		"ending after 'y'");
	expect_error(&sample, "cache x {\nswich\n}",
		"plugin/cache: Corefile:3 - Error during parsing: unknown property 'swich' (did "
		"you mean "
		"'switch'?)");
	expect_error(&sample, "cache x {\nzzz\n}",
		"plugin/cache: Corefile:3 - Error during parsing: unknown property 'zzz'");
	expect_error(&sample, "cache x {\nnumber 3 4\n}",
		"plugin/cache: Corefile:3 - Error during parsing: unknown property '4'");
	expect_error(&sample, "cache x {\nsize 3 4\n}",
		"plugin/cache: Corefile:3 - Error during parsing: Wrong argument count or "
		"unexpected line "
		"ending after '4'");
	expect_error(&sample, "cache x {\nnumber\n}",
		"plugin/cache: Corefile:3 - Error during parsing: Wrong argument count or "
		"unexpected line "
		"ending after 'number'");
}

static void numbers_are_checked(void **unused)
{
	(void)unused;
	expect_error(&sample, "cache x {\nnumber ten\n}",
		"plugin/cache: strconv.Atoi: parsing \"ten\": invalid syntax");
	expect_error(&sample, "cache x {\nnumber 9223372036854775808\n}",
		"plugin/cache: strconv.Atoi: parsing \"9223372036854775808\": value out of range");
	expect_error(&sample, "cache x {\nsize -1\n}",
		"plugin/cache: strconv.ParseUint: parsing \"-1\": invalid syntax");
	expect_error(&sample, "cache x {\nsize 4294967296\n}",
		"plugin/cache: strconv.ParseUint: parsing \"4294967296\": value out of range");
	expect_error(&sample, "cache x {\ntime 5\n}",
		"plugin/cache: time: missing unit in duration \"5\"");
	assert_true(set_up_from(&sample, "cache x {\nnumber -9223372036854775808\n}"));
	assert_int_equal(state.number, INT64_MIN);
	assert_true(set_up_from(&sample, "cache x {\nnumber +5\n}"));
	assert_int_equal(state.number, 5);
}

static void check_finds_all_errors(void **unused)
{
	(void)unused;
	assert_false(set_up_from(&sample, "cache x {\nnumber ten\nzzz 1 2\nsize -1\n}\ncache"));
	assert_int_equal(complaints.errors, 4);
	assert_int_equal(complaints.first->next->line, 4);
}

static void expect_duration(const char *text, int64_t ns, const char *printed)
{
	int64_t got = 0;
	const char *why = NULL;
	assert_true(duration_parse(arena, view_of(text), &got, &why));
	assert_true(got == ns);
	assert_string_equal(duration_print(arena, got), printed);
}

static void expect_no_duration(const char *text, const char *error)
{
	int64_t got = 0;
	const char *why = NULL;
	assert_false(duration_parse(arena, view_of(text), &got, &why));
	assert_string_equal(why, error);
}

static void durations(void **unused)
{
	(void)unused;
	expect_duration("0", 0, "0s");
	expect_duration("-0", 0, "0s");
	expect_duration("5s", 5000000000, "5s");
	expect_duration("1m", 60000000000, "1m0s");
	expect_duration("1h20m", 4800000000000, "1h20m0s");
	expect_duration("0.5s", 500000000, "500ms");
	expect_duration("1.5s", 1500000000, "1.5s");
	expect_duration("100ms", 100000000, "100ms");
	expect_duration("1.25ms", 1250000, "1.25ms");
	expect_duration("15us", 15000, "15\xc2\xb5s");
	expect_duration("15\xc2\xb5s", 15000, "15\xc2\xb5s");
	expect_duration("15\xce\xbcs", 15000, "15\xc2\xb5s");
	expect_duration("7ns", 7, "7ns");
	expect_duration("-1.5h", -5400000000000, "-1h30m0s");
	expect_duration("+.5s", 500000000, "500ms");
	expect_duration("5.s", 5000000000, "5s");
	expect_duration("9223372036854775807ns", INT64_MAX, "2562047h47m16.854775807s");
	expect_duration("-9223372036854775808ns", INT64_MIN, "-2562047h47m16.854775808s");
	expect_no_duration("", "time: invalid duration \"\"");
	expect_no_duration("x", "time: invalid duration \"x\"");
	expect_no_duration(".s", "time: invalid duration \".s\"");
	expect_no_duration("-", "time: invalid duration \"-\"");
	expect_no_duration("5", "time: missing unit in duration \"5\"");
	expect_no_duration("5x", "time: unknown unit \"x\" in duration \"5x\"");
	expect_no_duration("1s5", "time: missing unit in duration \"1s5\"");
	expect_no_duration(
		"9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\"");
	expect_no_duration("3000000h", "time: invalid duration \"3000000h\"");
}

static int begin(void **unused)
{
	(void)unused;
	hash_init();
	registry_set(names, 1);
	arena = arena_new(4096);
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(zones_default_to_the_blocks),
		cmocka_unit_test(fallthrough_alone_is_everywhere),
		cmocka_unit_test(the_longest_zone_matches),
		cmocka_unit_test(occurrences_are_read_one_after_the_other),
		cmocka_unit_test(a_star_takes_all_other_words),
		cmocka_unit_test(wrong_words_are_said_so),
		cmocka_unit_test(numbers_are_checked),
		cmocka_unit_test(check_finds_all_errors),
		cmocka_unit_test(durations),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
