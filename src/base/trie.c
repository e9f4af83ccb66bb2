/*
 * A hash array mapped trie: five bits of the hash a level, nodes without empty slots. A slot is a value or a node below; values
 * whose hashes are the same to the last bit share a node that has no bits left, and are told apart by their keys.
 */
#include "base/trie.h"

#include "base/epoch.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum {
	BITS = 5,
	FANOUT = 1 << BITS,
	LEVELS = 13, /* 65 bits: more than a hash has */
	SPARE = 2,   /* slots that a node of the running edit is given beyond its need */
};

struct node {
	uint64_t generation : TRIE_GENERATION_BITS; /* of the edit that made it */
	uint64_t capacity : 64 - TRIE_GENERATION_BITS;
	uint32_t present; /* by the hash's bits; below the last level: how many */
	uint32_t below;   /* those of them that are nodes */
	void *slots[];
};

static unsigned level_bits(uint64_t hash, unsigned level)
{
	return (unsigned)(hash >> (level * BITS)) & (FANOUT - 1);
}

static unsigned ones(uint32_t bits)
{
	return (unsigned)__builtin_popcount(bits);
}

static unsigned slot_index(const struct node *n, uint32_t bit)
{
	return ones(n->present & (bit - 1));
}

static unsigned slot_count(const struct node *n, unsigned level)
{
	return level < LEVELS ? ones(n->present) : n->present;
}

/* --- finding --- */

static void *find_in_last(
	const struct node *n, const struct trie_type *type, const void *key, unsigned *index)
{
	for (unsigned i = 0; i < n->present; i++) {
		if (type->matches(n->slots[i], key)) {
			*index = i;
			return n->slots[i];
		}
	}
	return NULL;
}

void *trie_find(const struct trie *t, const struct trie_type *type, uint64_t hash, const void *key)
{
	const struct node *n = t->root;
	unsigned index;
	for (unsigned level = 0; n && level < LEVELS; level++) {
		uint32_t bit = 1u << level_bits(hash, level);
		if (!(n->present & bit))
			return NULL;
		void *slot = n->slots[slot_index(n, bit)];
		if (!(n->below & bit))
			return type->matches(slot, key) ? slot : NULL;
		n = slot;
	}
	return n ? find_in_last(n, type, key, &index) : NULL;
}

/* --- nodes --- */

/* An odd number of slots leaves no room in what malloc gives. */
static struct node *node_new(const struct trie_edit *e, unsigned slots)
{
	slots |= 1;
	struct node *n = memory_alloc(sizeof *n + slots * sizeof n->slots[0]);
	n->generation = e->generation & TRIE_GENERATION_MASK;
	n->present = n->below = 0;
	n->capacity = slots & TRIE_REST_MASK;
	return n;
}

/* The node as one that may be changed, with room for `slots`, and put where `at` points. */
static struct node *node_own(
	struct trie_edit *e, void **at, unsigned used, unsigned slots)
{
	struct node *n = *at;
	if (n->generation == e->generation && n->capacity >= slots)
		return n;
	bool grows = slots > used;
	struct node *own = node_new(e, grows ? slots + (slots > 2 ? SPARE : 0) : slots);
	own->present = n->present;
	own->below = n->below;
	memcpy(own->slots, n->slots, used * sizeof n->slots[0]);
	if (n->generation == e->generation)
		free(n);
	else
		trie_edit_discard(e, n);
	return *at = own;
}

static void slot_insert(struct node *n, unsigned index, unsigned used, void *slot)
{
	memmove(n->slots + index + 1, n->slots + index, (used - index) * sizeof n->slots[0]);
	n->slots[index] = slot;
}

static void slot_delete(struct node *n, unsigned index, unsigned used)
{
	memmove(n->slots + index, n->slots + index + 1, (used - index - 1) * sizeof n->slots[0]);
}

/* --- putting --- */

/* A node at `level` that holds these two values, whose hashes are the same up to there. */
static void *node_of_two(const struct trie_edit *e, unsigned level, uint64_t first_hash,
	void *first, uint64_t second_hash, void *second)
{
	void *top = NULL, **at = &top;
	for (; level < LEVELS; level++) {
		unsigned a = level_bits(first_hash, level), b = level_bits(second_hash, level);
		struct node *n = *at = node_new(e, a == b ? 1 : 2);
		n->present = 1u << a | 1u << b;
		if (a != b) {
			n->slots[a > b] = first;
			n->slots[a < b] = second;
			return top;
		}
		n->below = n->present;
		at = &n->slots[0];
	}
	struct node *n = *at = node_new(e, 2);
	n->present = 2;
	n->slots[0] = first;
	n->slots[1] = second;
	return top;
}

static void *put_in_last(struct trie *t, const struct trie_type *type, struct trie_edit *e,
	void **at, const void *key, void *value)
{
	struct node *n = *at;
	unsigned index = 0, used = n->present;
	void *old = find_in_last(n, type, key, &index);
	n = node_own(e, at, used, old ? used : used + 1);
	if (old) {
		n->slots[index] = value;
		return old;
	}
	n->slots[used] = value;
	n->present++;
	t->count++;
	return NULL;
}

void *trie_put(struct trie *t, const struct trie_type *type, struct trie_edit *e, uint64_t hash,
	const void *key, void *value)
{
	void **at = &t->root;
	if (!*at)
		*at = node_new(e, 1);
	for (unsigned level = 0; level < LEVELS; level++) {
		uint32_t bit = 1u << level_bits(hash, level);
		struct node *n = *at;
		unsigned used = slot_count(n, level), index = slot_index(n, bit);
		bool taken = (n->present & bit) != 0;
		n = node_own(e, at, used, taken ? used : used + 1);
		if (!taken) {
			slot_insert(n, index, used, value);
			n->present |= bit;
			t->count++;
			return NULL;
		}
		if (!(n->below & bit)) {
			void *old = n->slots[index];
			if (type->matches(old, key)) {
				n->slots[index] = value;
				return old;
			}
			n->slots[index] =
				node_of_two(e, level + 1, type->hash(old), old, hash, value);
			n->below |= bit;
			t->count++;
			return NULL;
		}
		at = &n->slots[index];
	}
	return put_in_last(t, type, e, at, key, value);
}

/* --- removing --- */

struct path {
	void **at[LEVELS + 1];
	uint32_t bits[LEVELS];
	unsigned depth; /* of the node that holds the value */
};

/* Takes nodes that have become empty out of those above them. */
static void prune(struct trie_edit *e, const struct path *p)
{
	for (unsigned level = p->depth;; level--) {
		struct node *empty = *p->at[level];
		if (empty->present)
			return;
		*p->at[level] = NULL;
		trie_edit_discard(e, empty);
		if (level == 0)
			return;
		struct node *above = *p->at[level - 1];
		uint32_t bit = p->bits[level - 1];
		slot_delete(above, slot_index(above, bit), slot_count(above, level - 1));
		above->present &= ~bit;
		above->below &= ~bit;
	}
}

void *trie_remove(struct trie *t, const struct trie_type *type, struct trie_edit *e, uint64_t hash,
	const void *key)
{
	void *found = trie_find(t, type, hash, key);
	if (!found)
		return NULL;
	struct path p = { .at = { &t->root } };
	for (unsigned level = 0;; level++) {
		struct node *n = *p.at[level];
		unsigned used = slot_count(n, level), index = 0;
		p.depth = level;
		n = node_own(e, p.at[level], used, used);
		if (level == LEVELS) {
			find_in_last(n, type, key, &index);
			slot_delete(n, index, used);
			n->present--;
			break;
		}
		uint32_t bit = p.bits[level] = 1u << level_bits(hash, level);
		index = slot_index(n, bit);
		if (!(n->below & bit)) {
			slot_delete(n, index, used);
			n->present &= ~bit;
			break;
		}
		p.at[level + 1] = &n->slots[index];
	}
	t->count--;
	prune(e, &p);
	return found;
}

/* --- all of it --- */

/* Walks over all values (and nodes, if `leave` is given, when they are left). A path is its own stack: the depth is bounded. */
static void walk(void *root, void (*visit)(void *value, void *data),
	void (*leave)(void *node, void *data), void *data)
{
	struct {
		struct node *node;
		uint32_t bits;
		unsigned index;
	} stack[LEVELS + 1];
	unsigned level = 0;
	if (!root)
		return;
	stack[0].node = root;
	stack[0].bits = stack[0].node->present;
	stack[0].index = 0;
	for (;;) {
		struct node *n = stack[level].node;
		if (stack[level].index == slot_count(n, level)) {
			if (leave)
				leave(n, data);
			if (level-- == 0)
				return;
			continue;
		}
		void *slot = n->slots[stack[level].index++];
		uint32_t bit = stack[level].bits & (0 - stack[level].bits);
		stack[level].bits &= ~bit;
		if (level == LEVELS || !(n->below & bit)) {
			visit(slot, data);
			continue;
		}
		level++;
		stack[level].node = slot;
		stack[level].bits = stack[level].node->present;
		stack[level].index = 0;
	}
}

void trie_each(const struct trie *t, void (*visit)(void *value, void *data), void *data)
{
	walk(t->root, visit, NULL, data);
}

static void discard_visited(void *block, void *data)
{
	trie_edit_discard(data, block);
}

void trie_discard(struct trie *t, struct trie_edit *e)
{
	walk(t->root, discard_visited, discard_visited, e);
	*t = (struct trie){ 0 };
}

/* --- edits --- */

void trie_edit_discard(struct trie_edit *e, void *block)
{
	if (!block)
		return;
	if (e->discarded_count == e->discarded_capacity) {
		e->discarded_capacity = e->discarded_capacity ? 2 * e->discarded_capacity : 64;
		e->discarded = memory_resize(
			e->discarded, e->discarded_capacity, sizeof e->discarded[0]);
	}
	e->discarded[e->discarded_count++] = block;
}

struct waste {
	void **blocks;
	size_t count;
};

static void waste_free(void *data)
{
	struct waste *w = data;
	for (size_t i = 0; i < w->count; i++)
		free(w->blocks[i]);
	free(w->blocks);
	free(w);
}

void trie_edit_publish(struct trie_edit *e)
{
	uint64_t generation = (e->generation + 1) & TRIE_GENERATION_MASK;
	if (e->discarded_count) {
		struct waste *w = memory_alloc(sizeof *w);
		*w = (struct waste){ e->discarded, e->discarded_count };
		epoch_retire(w, waste_free);
	} else {
		free(e->discarded);
	}
	*e = (struct trie_edit){ .generation = generation };
}
