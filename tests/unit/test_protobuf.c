/* Reading and writing protocol buffers' wire format. */
#include "test.h"

#include "base/protobuf.h"

static struct protobuf_field only(struct view octets)
{
	struct protobuf_reader r = protobuf_reader(octets);
	struct protobuf_field f, none;
	assert_true(protobuf_next(&r, &f));
	assert_false(protobuf_next(&r, &none));
	assert_false(r.failed);
	return f;
}

static bool fails(struct view octets)
{
	struct protobuf_reader r = protobuf_reader(octets);
	struct protobuf_field f;
	while (protobuf_next(&r, &f))
		;
	assert_false(protobuf_next(&r, &f));
	return r.failed;
}

static void fields_are_read(void **state)
{
	(void)state;
	struct protobuf_field f = only(VIEW("\x08\x96\x01")); /* the encoding guide's example */
	assert_true(protobuf_is_number(&f, 1) && !protobuf_is_octets(&f, 1));
	assert_int_equal(f.value, 150);
	f = only(VIEW("\x12\7testing"));
	assert_true(protobuf_is_octets(&f, 2) && view_is(f.octets, "testing"));
	f = only(VIEW("\x1d\1\2\3\4"));
	assert_true(f.type == PROTOBUF_FIXED32 && f.value == 0x04030201);
	f = only(VIEW("\x21\1\2\3\4\5\6\7\x88"));
	assert_true(f.type == PROTOBUF_FIXED64 && f.value == 0x8807060504030201);
	f = only(VIEW("\xf8\xff\xff\xff\x0f\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"));
	assert_true(f.number == (1u << 29) - 1 && f.value == UINT64_MAX);
	assert_int_equal(protobuf_zigzag(3), -2);
	assert_int_equal(protobuf_zigzag(4), 2);
	assert_int_equal(protobuf_zigzag(UINT64_MAX), INT64_MIN);
}

static void malformed_fields_are_refused(void **state)
{
	(void)state;
	assert_true(fails(VIEW("\x08")));
	assert_true(fails(VIEW("\x08\x96")));
	assert_true(fails(VIEW("\x00\x01")));	     /* number 0 */
	assert_true(fails(VIEW("\x12\x08testing"))); /* longer than what is there */
	assert_true(fails(VIEW("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\1")));
	assert_true(fails(VIEW("\x0b\x0c"))); /* groups */
	assert_true(fails(VIEW("\x0e")));
	assert_true(fails(VIEW("\x1d\1\2\3")));
	assert_true(fails(VIEW("\x21\1\2\3\4\5\6\7")));
	assert_true(fails(VIEW("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\2")));	    /* 65 bits */
	assert_true(fails(VIEW("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\0"))); /* 11 octets */
	assert_true(fails(VIEW("\xf8\xff\xff\xff\x1f\1"))); /* number 2^29 */
	assert_false(fails(VIEW("")));
}

static void packed_numbers_are_read(void **state)
{
	(void)state;
	struct protobuf_field f = only(VIEW("\x22\6\3\x8e\2\x9e\xa7\5"));
	struct protobuf_reader r = protobuf_reader(f.octets);
	uint64_t value, sum = 0;
	while (protobuf_next_packed(&r, &value))
		sum += value;
	assert_false(r.failed);
	assert_int_equal(sum, 3 + 270 + 86942);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	uint8_t room[32];
	struct protobuf_writer w = { .to = room, .room = sizeof room };
	protobuf_write_number(&w, 1, 150);
	protobuf_write_octets(&w, 2, VIEW("testing"));
	protobuf_write_head(&w, 3, 0);
	assert_false(w.failed);
	assert_true(view_equal(
		(struct view){ (char *)room, w.length }, VIEW("\x08\x96\x01\x12\7testing\x1a\0")));
	w = (struct protobuf_writer){ .to = room, .room = 8 };
	protobuf_write_octets(&w, 2, VIEW("testing"));
	assert_true(w.failed && w.length <= 8);
	protobuf_write_number(&w, 1, 1);
	assert_true(w.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_read),
		cmocka_unit_test(malformed_fields_are_refused),
		cmocka_unit_test(packed_numbers_are_read),
		cmocka_unit_test(what_is_written_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
