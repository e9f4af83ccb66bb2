/*
 * A map that is changed without disturbing who reads it: a hash trie whose versions share what is the same in both. A
 * change copies the path to one value, not the world; readers hold the version that they found.
 *
 * A version is a struct trie, two words, copied by value into a snapshot. One thread writes: it changes its own copy
 * within an edit. Nodes that the edit itself has made are changed in place, those of versions before it are copied, and what is no
 * longer reached goes to the edit, which retires all of it at once when the new version has been published. Values are
 * heap blocks of their own and go the same way.
 */
#ifndef ISTHMUS_BASE_TRIE_H
#define ISTHMUS_BASE_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is empty. */
struct trie {
	void *root;
	size_t count;
};

/* What the values of a trie are. */
struct trie_type {
	uint64_t (*hash)(const void *value); /* the hash of its key, under the process's key */
	bool (*matches)(const void *value, const void *key);
};

/* Enough for a publication every millisecond over thirty years. */
enum { TRIE_GENERATION_BITS = 40 };
#define TRIE_GENERATION_MASK ((UINT64_C(1) << TRIE_GENERATION_BITS) - 1)
#define TRIE_REST_MASK ((UINT64_C(1) << (64 - TRIE_GENERATION_BITS)) - 1) /* what a word has beside a generation */

/* Changes that are not published yet. Zeroed is empty. What has the edit's generation was never seen by a reader. */
struct trie_edit {
	uint64_t generation;
	void **discarded;
	size_t discarded_count, discarded_capacity;
};

/* The value with this key, or NULL. */
void *trie_find(
	const struct trie *t, const struct trie_type *type, uint64_t hash, const void *key);

/* Puts a value in, in place of the one with the same key; gives that one, which the caller discards, or NULL. */
void *trie_put(struct trie *t, const struct trie_type *type, struct trie_edit *e, uint64_t hash,
	const void *key, void *value);

/* Takes the value with this key out; gives it, or NULL. */
void *trie_remove(struct trie *t, const struct trie_type *type, struct trie_edit *e, uint64_t hash,
	const void *key);

/* Calls visit(value, data) for each value, in no order. The trie must not change meanwhile. */
void trie_each(const struct trie *t, void (*visit)(void *value, void *data), void *data);

/* Gives the whole trie up within an edit, its values too. */
void trie_discard(struct trie *t, struct trie_edit *e);

/* Frees a heap block when nobody can see it any more; NULL is allowed. */
void trie_edit_discard(struct trie_edit *e, void *block);

/* The versions that the edit made are published: what it discarded is retired, and the next edit begins. */
void trie_edit_publish(struct trie_edit *e);

#endif
