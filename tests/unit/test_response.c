/* Response classes and metadata. */
#include "test.h"

#include "server/query.h"
#include <stdlib.h>

struct fixture {
	struct arena *arena;
	struct message m;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	f->arena = arena_new(1024);
	f->m.has_question = true;
	f->m.question = (struct question){ name_root, TYPE_A, CLASS_IN };
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

static void add(
	struct fixture *f, enum section_id s, uint16_t type, const void *rdata, size_t length)
{
	section_add(&f->m.section[s], f->arena,
		(struct record){ .owner = name_root,
			.type = type,
			.rdata = rdata,
			.rdata_length = (uint16_t)length });
}

static void plain_answers_go_by_rcode_and_sections(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(response_classify(NULL, 0), RESPONSE_OTHERERROR);
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_NOERROR);
	f->m.rcode = RCODE_NXDOMAIN;
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_NXDOMAIN);
	f->m.rcode = RCODE_SERVFAIL;
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_SERVERERROR);
	f->m.rcode = RCODE_NOTIMP;
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_SERVERERROR);
	f->m.rcode = RCODE_REFUSED;
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_OTHERERROR);
	f->m.rcode = RCODE_NOERROR;
	add(f, SECTION_AUTHORITY, TYPE_NS, "", 1);
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_DELEGATION);
	add(f, SECTION_AUTHORITY, TYPE_SOA, "", 1);
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_NODATA);
	add(f, SECTION_ANSWER, TYPE_CNAME, "", 1);
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_NOERROR);
	f->m.rcode = RCODE_NXDOMAIN;
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_OTHERERROR);
}

static void transfers_and_other_opcodes_are_no_lookups(void **state)
{
	struct fixture *f = *state;
	f->m.question.type = TYPE_IXFR;
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_META);
	f->m.question.type = TYPE_A;
	f->m.opcode = OPCODE_NOTIFY;
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_META);
	f->m.opcode = OPCODE_UPDATE;
	assert_int_equal(response_classify(&f->m, 0), RESPONSE_UPDATE);
}

static void signatures_count_with_do_alone_and_by_serial_numbers(void **state)
{
	struct fixture *f = *state;
	/* Expires at 0x10, begins at 0xfffffff0: over the end of the 32 bits. */
	static const uint8_t rrsig[19] = { [11] = 0x10, [12] = 0xff, 0xff, 0xff, 0xf0 };
	add(f, SECTION_ANSWER, TYPE_RRSIG, rrsig, sizeof rrsig);
	int64_t wrap = (int64_t)1 << 32;
	assert_int_equal(response_classify(&f->m, wrap + 0x11), RESPONSE_NOERROR);
	f->m.edns = (struct edns){ .present = true, .flags = EDNS_DO };
	assert_int_equal(response_classify(&f->m, wrap + 0x11), RESPONSE_OTHERERROR);
	assert_int_equal(response_classify(&f->m, wrap + 0x10), RESPONSE_NOERROR);
	assert_int_equal(response_classify(&f->m, wrap - 0x10), RESPONSE_NOERROR);
	assert_int_equal(response_classify(&f->m, wrap - 0x11), RESPONSE_OTHERERROR);
	add(f, SECTION_ADDITIONAL, TYPE_RRSIG, rrsig, 17); /* too short for a signature */
	assert_int_equal(response_classify(&f->m, wrap), RESPONSE_OTHERERROR);
}

static void metadata_gives_the_last_value(void **state)
{
	struct fixture *f = *state;
	struct query q = { .arena = f->arena };
	struct view value;
	assert_false(metadata_get(&q, VIEW("view/name"), &value));
	metadata_set(&q, "view/name", VIEW("one"));
	metadata_set(&q, "log/type", VIEW(""));
	metadata_set(&q, "view/name", VIEW("two"));
	assert_true(metadata_get(&q, VIEW("view/name"), &value));
	assert_true(view_is(value, "two"));
	assert_true(metadata_get(&q, VIEW("log/type"), &value));
	assert_int_equal(value.length, 0);
	assert_false(metadata_get(&q, VIEW("view/nam"), &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			plain_answers_go_by_rcode_and_sections, setup, teardown),
		cmocka_unit_test_setup_teardown(
			transfers_and_other_opcodes_are_no_lookups, setup, teardown),
		cmocka_unit_test_setup_teardown(
			signatures_count_with_do_alone_and_by_serial_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(metadata_gives_the_last_value, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
