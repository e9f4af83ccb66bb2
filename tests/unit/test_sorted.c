/* Sorted maps with shared structure: against a plain array, and versions that stay what they were. */
#include "test.h"

#include "base/hash.h"
#include "base/sorted.h"
#include <stdio.h>
#include <stdlib.h>

enum { VALUES = 600, ROUNDS = 20000 };

struct value {
	char key[24];
	unsigned number;
};

static struct view key_of(const void *value)
{
	return view_of(((const struct value *)value)->key);
}

static struct value *value_new(const char *key, unsigned number)
{
	struct value *v = calloc(1, sizeof *v);
	snprintf(v->key, sizeof v->key, "%s", key);
	v->number = number;
	return v;
}

static void put(struct sorted *s, struct trie_edit *e, const char *key, unsigned number)
{
	trie_edit_discard(e, sorted_put(s, key_of, e, value_new(key, number)));
}

static void keys_are_in_order(void **state)
{
	(void)state;
	static const char *const keys[] = { "b", "a/b", "a", "", "a/", "a/bc", "a0", "\xff", "a/b/c" };
	static const char *const order[] = { "", "a", "a/", "a/b", "a/b/c", "a/bc", "a0", "b", "\xff" };
	struct sorted s = { 0 };
	struct trie_edit e = { 0 };
	for (size_t i = 0; i < 9; i++)
		put(&s, &e, keys[i], (unsigned)i);
	assert_int_equal(s.count, 9);
	struct value *v = sorted_first(&s, key_of, VIEW(""));
	for (size_t i = 0; i < 9; i++, v = sorted_next(&s, view_of(v->key))) {
		assert_string_equal(v->key, order[i]);
		if (i == 8)
			break;
	}
	assert_null(sorted_next(&s, view_of(v->key)));
	assert_string_equal(((struct value *)sorted_first(&s, key_of, VIEW("a/")))->key, "a/");
	assert_string_equal(((struct value *)sorted_first(&s, key_of, VIEW("a/b/")))->key, "a/b/c");
	assert_null(sorted_first(&s, key_of, VIEW("a/c")));
	assert_null(sorted_find(&s, key_of, VIEW("a/b/")));
	trie_edit_publish(&e);
	sorted_free(&s, free);
}

/* The model: numbers by key, 0 for those that are not there. */
static void agrees(const struct sorted *s, const unsigned *model)
{
	size_t there = 0;
	char key[24];
	struct value *v = sorted_first(s, key_of, VIEW(""));
	for (unsigned k = 0; k < VALUES; k++) {
		if (!model[k])
			continue;
		there++;
		snprintf(key, sizeof key, "k%04u", k);
		assert_non_null(v);
		assert_string_equal(v->key, key);
		assert_int_equal(v->number, model[k]);
		v = sorted_next(s, view_of(v->key));
	}
	assert_null(v);
	assert_int_equal(s->count, there);
}

static void versions_stay(void **state)
{
	(void)state;
	static unsigned model[VALUES], kept_model[VALUES];
	struct sorted s = { 0 }, kept = { 0 };
	struct trie_edit e = { 0 };
	char key[24];
	srand(7);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		unsigned k = (unsigned)rand() % VALUES;
		snprintf(key, sizeof key, "k%04u", k);
		if (rand() % 3) {
			put(&s, &e, key, round);
			model[k] = round;
		} else {
			struct value *gone = sorted_remove(&s, key_of, &e, view_of(key));
			assert_int_equal(gone != NULL, model[k] != 0);
			trie_edit_discard(&e, gone);
			model[k] = 0;
		}
		/* Within one edit an older version is not kept: what it shares is changed in place. */
		if (round % 500 == 1) {
			agrees(&kept, kept_model);
			trie_edit_publish(&e);
			kept = s;
			memcpy(kept_model, model, sizeof model);
		}
	}
	agrees(&s, model);
	trie_edit_publish(&e);
	sorted_free(&s, free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_in_order),
		cmocka_unit_test(versions_stay),
	};
	hash_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
