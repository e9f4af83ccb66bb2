/*
 * A crit-bit tree. A node stands for the first bit in which the keys below it differ; the bits of a key are nine for each octet, the
 * first of which says that the octet is there, so that a key's end sorts before whatever goes on. Values are told from nodes by the
 * lowest bit of the pointer.
 */
#include "base/sorted.h"

#include "base/memory.h"
#include <stdlib.h>

enum { BITS = 9, PRESENT = 1 << 8 };

struct node {
	uint64_t generation; /* of the edit that made it */
	void *below[2];      /* values are marked */
	uint32_t bit;
};

static void *marked(void *value)
{
	return (char *)value + 1;
}

static bool is_value(const void *slot)
{
	return ((uintptr_t)slot & 1) != 0;
}

static void *value_in(void *slot)
{
	return (char *)slot - 1;
}

static unsigned symbol_at(struct view key, size_t octet)
{
	return octet < key.length ? PRESENT | (unsigned char)key.at[octet] : 0;
}

static unsigned bit_of(struct view key, uint32_t bit)
{
	return symbol_at(key, bit / BITS) >> (BITS - 1 - bit % BITS) & 1;
}

/* The first bit in which two keys differ; false if they do not. */
static bool first_difference(struct view a, struct view b, uint32_t *bit)
{
	size_t shorter = a.length < b.length ? a.length : b.length, octet = 0;
	while (octet < shorter && a.at[octet] == b.at[octet])
		octet++;
	unsigned differ = symbol_at(a, octet) ^ symbol_at(b, octet);
	if (!differ)
		return false;
	unsigned highest = 31u - (unsigned)__builtin_clz(differ);
	*bit = (uint32_t)octet * BITS + BITS - 1 - highest;
	return true;
}

/* The value that a search for the key ends at: the one with this key, if it is there. */
static void *nearest(const struct sorted *s, struct view key)
{
	void *slot = s->root;
	while (!is_value(slot)) {
		const struct node *n = slot;
		slot = n->below[bit_of(key, n->bit)];
	}
	return value_in(slot);
}

void *sorted_find(const struct sorted *s, sorted_key *key_of, struct view key)
{
	if (!s->root)
		return NULL;
	void *value = nearest(s, key);
	return view_equal(key_of(value), key) ? value : NULL;
}

/* --- changes --- */

static struct node *node_new(const struct trie_edit *e)
{
	struct node *n = memory_alloc(sizeof *n);
	n->generation = e->generation;
	return n;
}

/* The node at this place as one that may be changed. */
static struct node *own(struct trie_edit *e, void **at)
{
	struct node *n = *at;
	if (n->generation == e->generation)
		return n;
	struct node *copy = memory_alloc(sizeof *copy);
	*copy = *n;
	copy->generation = e->generation;
	trie_edit_discard(e, n);
	return *at = copy;
}

static void insert(struct sorted *s, struct trie_edit *e, struct view key, uint32_t bit, void *value)
{
	void **at = &s->root;
	while (!is_value(*at) && ((const struct node *)*at)->bit < bit) {
		struct node *n = own(e, at);
		at = &n->below[bit_of(key, n->bit)];
	}
	struct node *n = node_new(e);
	unsigned side = bit_of(key, bit);
	n->bit = bit;
	n->below[side] = marked(value);
	n->below[!side] = *at;
	*at = n;
	s->count++;
}

void *sorted_put(struct sorted *s, sorted_key *key_of, struct trie_edit *e, void *value)
{
	struct view key = key_of(value);
	uint32_t bit;
	if (!s->root) {
		s->root = marked(value);
		s->count = 1;
		return NULL;
	}
	void *old = nearest(s, key), **at = &s->root;
	if (first_difference(key, key_of(old), &bit)) {
		insert(s, e, key, bit, value);
		return NULL;
	}
	while (!is_value(*at)) {
		struct node *n = own(e, at);
		at = &n->below[bit_of(key, n->bit)];
	}
	*at = marked(value);
	return old;
}

void *sorted_remove(struct sorted *s, sorted_key *key_of, struct trie_edit *e, struct view key)
{
	void *found = sorted_find(s, key_of, key);
	if (!found)
		return NULL;
	void **at = &s->root, **above = NULL;
	unsigned side = 0;
	while (!is_value(*at)) {
		struct node *n = own(e, at);
		side = bit_of(key, n->bit);
		above = at;
		at = &n->below[side];
	}
	s->count--;
	if (!above) {
		s->root = NULL;
		return found;
	}
	struct node *last = *above;
	*above = last->below[!side];
	trie_edit_discard(e, last);
	return found;
}

/* --- order --- */

static void *leftmost(void *slot)
{
	while (!is_value(slot))
		slot = ((const struct node *)slot)->below[0];
	return value_in(slot);
}

void *sorted_first(const struct sorted *s, sorted_key *key_of, struct view prefix)
{
	void *slot = s->root;
	if (!slot)
		return NULL;
	while (!is_value(slot)) {
		const struct node *n = slot;
		if (n->bit >= prefix.length * BITS)
			break;
		slot = n->below[bit_of(prefix, n->bit)];
	}
	void *value = leftmost(slot);
	return view_starts(key_of(value), prefix) ? value : NULL;
}

void *sorted_next(const struct sorted *s, struct view key)
{
	void *slot = s->root, *right = NULL;
	while (!is_value(slot)) {
		const struct node *n = slot;
		unsigned side = bit_of(key, n->bit);
		if (!side)
			right = n->below[1];
		slot = n->below[side];
	}
	return right ? leftmost(right) : NULL;
}

/* Turns each node so that a value comes to stand on its left, which then can go. */
void sorted_free(struct sorted *s, void (*free_value)(void *value))
{
	void *slot = s->root;
	while (slot && !is_value(slot)) {
		struct node *n = slot;
		if (is_value(n->below[0])) {
			free_value(value_in(n->below[0]));
			slot = n->below[1];
			free(n);
			continue;
		}
		struct node *left = n->below[0];
		n->below[0] = left->below[1];
		left->below[1] = n;
		slot = left;
	}
	if (slot)
		free_value(value_in(slot));
	*s = (struct sorted){ 0 };
}
