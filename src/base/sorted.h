/*
 * A sorted map that is changed without disturbing who reads it: a crit-bit tree over octets whose versions share what is the same
 * in both, as those of base/trie.h do, with the same edits. Keys stand in the order of memcmp, a shorter one before those that
 * begin with it; all keys with a prefix stand together.
 *
 * A version is a struct sorted, copied by value into a snapshot. One thread writes. Values are heap blocks of their own.
 */
#ifndef ISTHMUS_BASE_SORTED_H
#define ISTHMUS_BASE_SORTED_H

#include "base/trie.h"
#include "base/view.h"

enum { SORTED_KEY_MAX = 65535 };

/* Zeroed is empty. */
struct sorted {
	void *root;
	size_t count;
};

/* The key of a value: at most SORTED_KEY_MAX octets. */
typedef struct view sorted_key(const void *value);

/* The value with this key, or NULL. */
void *sorted_find(const struct sorted *s, sorted_key *key_of, struct view key);

/* Puts a value in, in place of the one with the same key; gives that one, which the caller discards, or NULL. */
void *sorted_put(struct sorted *s, sorted_key *key_of, struct trie_edit *e, void *value);

/* Takes the value with this key out; gives it, or NULL. */
void *sorted_remove(struct sorted *s, sorted_key *key_of, struct trie_edit *e, struct view key);

/* The first value whose key begins with `prefix`, or NULL. */
void *sorted_first(const struct sorted *s, sorted_key *key_of, struct view prefix);

/* The value behind the one with this key, which is there; NULL: that was the last. */
void *sorted_next(const struct sorted *s, struct view key);

/* Frees the nodes, and each value by free_value(): nobody may see any version that shares them. */
void sorted_free(struct sorted *s, void (*free_value)(void *value));

#endif
