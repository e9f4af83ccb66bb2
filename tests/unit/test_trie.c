/* base/trie: versions that share what is the same in both. */
#include "test.h"

#include "base/epoch.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/trie.h"
#include <stdlib.h>
#include <string.h>

struct number {
	uint64_t key, hash;
	unsigned value;
};

static uint64_t number_hash(const void *value)
{
	return ((const struct number *)value)->hash;
}

static bool number_matches(const void *value, const void *key)
{
	return ((const struct number *)value)->key == *(const uint64_t *)key;
}

static const struct trie_type numbers = { number_hash, number_matches };

/* The hash under which a key stands: a good one, or one of few that differ late or never. */
static uint64_t good(uint64_t key)
{
	return hash_bytes(&key, sizeof key);
}

static uint64_t crowded(uint64_t key)
{
	return key % 3 << 62;
}

static void put(struct trie *t, struct trie_edit *e, uint64_t (*hash)(uint64_t), uint64_t key,
	unsigned value)
{
	struct number *n = memory_alloc(sizeof *n);
	*n = (struct number){ key, hash(key), value };
	trie_edit_discard(e, trie_put(t, &numbers, e, n->hash, &key, n));
}

static unsigned get(const struct trie *t, uint64_t (*hash)(uint64_t), uint64_t key)
{
	const struct number *n = trie_find(t, &numbers, hash(key), &key);
	return n ? n->value : 0;
}

static void take(struct trie *t, struct trie_edit *e, uint64_t (*hash)(uint64_t), uint64_t key)
{
	trie_edit_discard(e, trie_remove(t, &numbers, e, hash(key), &key));
}

static void count_value(void *value, void *data)
{
	size_t *sum = data;
	*sum += ((struct number *)value)->value;
}

static size_t sum(const struct trie *t)
{
	size_t all = 0;
	trie_each(t, count_value, &all);
	return all;
}

/* As many changes as there are, beside an array that says what must be there. */
static void follows_a_model(uint64_t (*hash)(uint64_t), unsigned keys, unsigned changes)
{
	struct trie t = { 0 };
	struct trie_edit e = { 0 };
	unsigned *model = memory_array(keys, sizeof *model), state = 1;
	for (unsigned i = 0; i < changes; i++) {
		state = state * 1664525u + 1013904223u;
		uint64_t key = (state >> 8) % keys;
		unsigned value = state & 64 ? i + 1 : 0;
		if (value)
			put(&t, &e, hash, key, value);
		else
			take(&t, &e, hash, key);
		model[key] = value;
		if (i % 7 == 0)
			trie_edit_publish(&e);
	}
	size_t count = 0, total = 0;
	for (unsigned key = 0; key < keys; key++) {
		assert_int_equal(get(&t, hash, key), model[key]);
		count += model[key] != 0;
		total += model[key];
	}
	assert_int_equal(t.count, count);
	assert_int_equal(sum(&t), total);
	for (unsigned key = 0; key < keys; key++)
		take(&t, &e, hash, key);
	assert_int_equal(t.count, 0);
	assert_null(t.root);
	trie_edit_publish(&e);
	epoch_drain();
	free(model);
}

static void holds_what_was_put_in(void **state)
{
	(void)state;
	follows_a_model(good, 5000, 60000);
}

static void tells_equal_hashes_apart(void **state)
{
	(void)state;
	follows_a_model(crowded, 40, 4000);
}

static void an_older_version_stays_as_it_was(void **state)
{
	(void)state;
	struct trie t = { 0 };
	struct trie_edit e = { 0 };
	epoch_register();
	uint64_t reading = epoch_enter();
	for (uint64_t key = 0; key < 1000; key++)
		put(&t, &e, good, key, 1);
	struct trie before = t;
	trie_edit_publish(&e);
	for (uint64_t key = 0; key < 1000; key += 2)
		put(&t, &e, good, key, 2);
	for (uint64_t key = 1; key < 1000; key += 4)
		take(&t, &e, good, key);
	for (uint64_t key = 1000; key < 1500; key++)
		put(&t, &e, good, key, 3);
	trie_edit_publish(&e);
	epoch_reclaim();
	for (uint64_t key = 0; key < 1500; key++)
		assert_int_equal(get(&before, good, key), key < 1000 ? 1 : 0);
	assert_int_equal(before.count, 1000);
	assert_int_equal(sum(&t), 500 * 2 + 250 + 500 * 3);
	epoch_leave(reading);
	epoch_unregister();
	trie_discard(&t, &e);
	trie_edit_publish(&e);
	epoch_drain();
}

int main(void)
{
	hash_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_what_was_put_in),
		cmocka_unit_test(tells_equal_hashes_apart),
		cmocka_unit_test(an_older_version_stays_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
