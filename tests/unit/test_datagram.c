/* The pool of datagrams: what is taken is nobody else's, also after memory was given back. */
#include "test.h"

#include "net/datagram.h"

#include <string.h>

enum { COUNT = 300 };

static void take_all(struct datagram_pool *p, struct datagram **taken)
{
	for (unsigned i = 0; i < COUNT; i++) {
		taken[i] = datagram_take(p);
		memset(taken[i]->wire, (int)(i & 0xff), DATAGRAM_MAX);
		memset(&taken[i]->peer, (int)(i & 0xff), sizeof taken[i]->peer);
	}
}

static void datagrams_do_not_overlap(void **state)
{
	(void)state;
	struct datagram_pool p = { 0 };
	struct datagram *taken[COUNT];
	for (int round = 0; round < 3; round++) {
		take_all(&p, taken);
		for (unsigned i = 0; i < COUNT; i++) {
			assert_int_equal(taken[i]->wire[0], i & 0xff);
			assert_int_equal(taken[i]->wire[DATAGRAM_MAX - 1], i & 0xff);
			assert_int_equal(((uint8_t *)&taken[i]->peer)[0], i & 0xff);
			if (i != 100) /* its slab stays, the others may go */
				datagram_put(&p, taken[i]);
		}
		datagram_pool_trim(&p);
		assert_int_equal(taken[100]->wire[777], 100);
		datagram_put(&p, taken[100]);
	}
	datagram_pool_trim(&p);
	datagram_put(&p, datagram_take(&p));
	datagram_pool_free(&p);
	assert_null(p.slabs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_do_not_overlap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
