/* DNS over QUIC without connections: how messages stand on streams, and the table of connection
 * ids. */
#include "test.h"

#include "base/hash.h"
#include "net/quic/doq_framing.h"
#include "net/quic/ids.h"

#include <string.h>

enum { OWNERS = 500 };

static void frames_are_found(void **state)
{
	static const struct {
		struct view octets;
		bool ended;
		enum doq_frame frame;
		size_t length;
	} cases[] = {
		{ VIEW(""), false, DOQ_PARTIAL, 0 },
		{ VIEW(""), true, DOQ_BROKEN, 0 },
		{ VIEW("\0"), false, DOQ_PARTIAL, 0 },
		{ VIEW("\0"), true, DOQ_BROKEN, 0 },
		{ VIEW("\0\0"), false, DOQ_BROKEN, 0 },
		{ VIEW("\0\4"), false, DOQ_PARTIAL, 0 },
		{ VIEW("\0\4"), true, DOQ_BROKEN, 0 },
		{ VIEW("\0\4\0\0\1"), false, DOQ_PARTIAL, 0 },
		{ VIEW("\0\4\0\0\1"), true, DOQ_BROKEN, 0 },
		{ VIEW("\0\4\0\0\1\2"), false, DOQ_WHOLE, 4 },
		{ VIEW("\0\4\0\0\1\2"), true, DOQ_WHOLE, 4 },
		{ VIEW("\0\4\0\0\1\2more"), true, DOQ_WHOLE, 4 },
		{ VIEW("\0\4\0\7"), false, DOQ_BROKEN, 0 }, /* an id, before the rest is there */
		{ VIEW("\0\4\1\0\1\2"), true, DOQ_BROKEN, 0 },
		{ VIEW("\0\1\5"), true, DOQ_WHOLE,
			1 }, /* the server says what is too short for a message */
		{ VIEW("\0\1\5\5"), true, DOQ_WHOLE, 1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct view message = { 0 };
		assert_int_equal(
			doq_frame_read(cases[i].octets, cases[i].ended, &message), cases[i].frame);
		assert_int_equal(message.length, cases[i].length);
		if (message.length)
			assert_ptr_equal(message.at, cases[i].octets.at + DOQ_PREFIX);
	}
}

static void id_of(unsigned owner, unsigned n, uint8_t id[static QUIC_ID_MAX])
{
	memset(id, (int)(n + 1), QUIC_ID_MAX);
	memcpy(id, &owner, sizeof owner);
}

static void ids_lead_to_their_owner(void **state)
{
	struct quic_ids ids = { 0 };
	static struct quic_id *lists[OWNERS];
	static int owners[OWNERS];
	uint8_t id[QUIC_ID_MAX];
	(void)state;
	assert_null(quic_ids_find(&ids, (const uint8_t *)"nobody", 6));
	for (unsigned i = 0; i < OWNERS; i++) {
		for (unsigned n = 0; n < 3; n++) {
			id_of(i, n, id);
			quic_ids_add(&ids, &owners[i], &lists[i], id, 8 + 6 * n);
		}
	}
	assert_int_equal(ids.count, 3 * OWNERS);
	for (unsigned i = 0; i < OWNERS; i++) {
		id_of(i, 1, id);
		assert_ptr_equal(quic_ids_find(&ids, id, 14), &owners[i]);
		assert_null(quic_ids_find(&ids, id, 13)); /* part of an id is not the id */
		quic_ids_remove(&ids, &lists[i], id, 14);
		quic_ids_remove(&ids, &lists[i], id, 14);
		assert_null(quic_ids_find(&ids, id, 14));
		id_of(i, 2, id);
		assert_ptr_equal(quic_ids_find(&ids, id, 20), &owners[i]);
		if (i % 2)
			quic_ids_remove_all(&ids, &lists[i]);
		assert_true(quic_ids_find(&ids, id, 20) == (i % 2 ? NULL : &owners[i]));
	}
	for (unsigned i = 0; i < OWNERS; i++)
		quic_ids_remove_all(&ids, &lists[i]);
	assert_int_equal(ids.count, 0);
	quic_ids_free(&ids);
}

static int set_up(void **state)
{
	(void)state;
	hash_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_found),
		cmocka_unit_test(ids_lead_to_their_owner),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
