/* server/zone_map: the longest zone above a name. */
#include "test.h"

#include "base/hash.h"
#include "server/zone_map.h"

static struct block blocks[8];

static struct name parse(struct arena *a, const char *text)
{
	return name_from_text(a, view_of(text));
}

static const struct block *found(const struct name_map *m, struct arena *a, const char *qname)
{
	const struct zone_entry *e = zone_map_longest(m, parse(a, qname), NAME_MAP_ANY);
	return e ? e->blocks[0] : NULL;
}

static void longest_zone_wins(void **state)
{
	(void)state;
	struct arena *a = arena_new(4096);
	struct name_map m = { 0 };
	zone_map_add(&m, a, parse(a, "example.org."), &blocks[0]);
	zone_map_add(&m, a, parse(a, "a.b.example.org."), &blocks[1]);
	zone_map_add(&m, a, parse(a, "org."), &blocks[2]);
	assert_ptr_equal(found(&m, a, "www.example.org."), &blocks[0]);
	assert_ptr_equal(found(&m, a, "WWW.EXAMPLE.ORG."), &blocks[0]);
	assert_ptr_equal(found(&m, a, "b.example.org."), &blocks[0]);
	assert_ptr_equal(found(&m, a, "x.a.b.example.org."), &blocks[1]);
	assert_ptr_equal(found(&m, a, "example.com.org."), &blocks[2]);
	assert_null(found(&m, a, "example.com."));
	assert_null(found(&m, a, "."));
	zone_map_add(&m, a, name_root, &blocks[3]);
	assert_ptr_equal(found(&m, a, "example.com."), &blocks[3]);
	assert_ptr_equal(found(&m, a, "."), &blocks[3]);
	arena_free(a);
}

static void goes_on_with_the_next_shorter_zone(void **state)
{
	(void)state;
	struct arena *a = arena_new(4096);
	struct name_map m = { 0 };
	zone_map_add(&m, a, name_root, &blocks[0]);
	zone_map_add(&m, a, parse(a, "org."), &blocks[1]);
	zone_map_add(&m, a, parse(a, "www.example.org."), &blocks[2]);
	struct name qname = parse(a, "x.www.example.org.");
	const struct zone_entry *e = zone_map_longest(&m, qname, NAME_MAP_ANY);
	assert_ptr_equal(e->blocks[0], &blocks[2]);
	e = zone_map_longest(&m, qname, name_labels(e->zone));
	assert_ptr_equal(e->blocks[0], &blocks[1]);
	e = zone_map_longest(&m, qname, name_labels(e->zone));
	assert_ptr_equal(e->blocks[0], &blocks[0]);
	assert_null(zone_map_longest(&m, qname, name_labels(e->zone)));
	arena_free(a);
}

static void holds_many_zones_and_views(void **state)
{
	(void)state;
	enum { COUNT = 2000 };
	struct arena *a = arena_new(65536);
	struct name_map m = { 0 };
	for (int i = 0; i < COUNT; i++)
		zone_map_add(&m, a, parse(a, arena_printf(a, "z%d.example.", i)), &blocks[i % 8]);
	zone_map_add(&m, a, parse(a, "z7.example."), &blocks[0]);
	assert_int_equal(m.count, COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_ptr_equal(found(&m, a, arena_printf(a, "www.z%d.example.", i)), &blocks[i % 8]);
	const struct zone_entry *e = zone_map_exact(&m, parse(a, "Z7.Example."));
	assert_int_equal(e->block_count, 2);
	assert_ptr_equal(e->blocks[0], &blocks[7]);
	assert_ptr_equal(e->blocks[1], &blocks[0]);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_zone_wins),
		cmocka_unit_test(goes_on_with_the_next_shorter_zone),
		cmocka_unit_test(holds_many_zones_and_views),
	};
	hash_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
