/* Blocks of addresses with who has them. A change makes another block; one that no reader has seen is freed at once. */
#include "plugins/kubernetes/holders.h"

#include "base/memory.h"
#include "plugins/kubernetes/entry.h"
#include <stdlib.h>

enum { BLOCK_BITS = 4, COUNT_MAX = TRIE_REST_MASK };

/* Behind the keys: the place of each. They are ascending by it. */
struct block {
	struct kube_address first; /* the last bits are 0 */
	uint64_t generation : TRIE_GENERATION_BITS; /* of the edit that made it */
	uint64_t count : 64 - TRIE_GENERATION_BITS;
	const struct kube_key *keys[];
};

/* A place is the address's last bits, and whether the holder is a slice: services come first. */
static uint8_t place_of(const struct kube_address *a, bool is_slice)
{
	unsigned last = a->octets[KUBE_ADDRESS_OCTETS - 1] & ((1u << BLOCK_BITS) - 1);
	return (uint8_t)(last << 1 | is_slice);
}

static uint8_t *places_of(const struct block *b)
{
	return (uint8_t *)(uintptr_t)(b->keys + b->count);
}

static struct kube_address first_of(const struct kube_address *a)
{
	struct kube_address first = *a;
	first.octets[KUBE_ADDRESS_OCTETS - 1] &= (uint8_t)~((1u << BLOCK_BITS) - 1);
	return first;
}

static uint64_t hash_of_block(const void *value)
{
	return kube_address_hash(&((const struct block *)value)->first);
}

static bool block_matches(const void *value, const void *key)
{
	return kube_address_equal(&((const struct block *)value)->first, key);
}

static const struct trie_type blocks = { hash_of_block, block_matches };

static struct block *find_block(const struct trie *holders, const struct kube_address *first)
{
	return trie_find(holders, &blocks, kube_address_hash(first), first);
}

/* Where places from this one on begin. */
static uint32_t index_of_place(const struct block *b, uint8_t place)
{
	uint32_t i = 0;
	while (b && i < b->count && places_of(b)[i] < place)
		i++;
	return i;
}

struct kube_holder kube_find_holder(const struct trie *holders, const struct kube_address *a)
{
	struct kube_address first = first_of(a);
	const struct block *b = find_block(holders, &first);
	if (!b)
		return (struct kube_holder){ 0 };
	uint8_t services = place_of(a, false), slices = place_of(a, true);
	uint32_t begin = index_of_place(b, services), middle = index_of_place(b, slices);
	return (struct kube_holder){ b->keys + begin, middle - begin,
		index_of_place(b, (uint8_t)(slices + 1)) - middle };
}

/* --- changing --- */

static struct block *block_new(
	const struct trie_edit *e, const struct kube_address *first, uint32_t count)
{
	struct block *b = memory_alloc(sizeof *b + count * (sizeof b->keys[0] + 1));
	b->first = *first;
	b->generation = e->generation & TRIE_GENERATION_MASK;
	b->count = count & TRIE_REST_MASK;
	return b;
}

static void block_discard(struct trie_edit *e, struct block *b)
{
	if (b && b->generation == e->generation)
		free(b);
	else
		trie_edit_discard(e, b);
}

/* Copies the entries from `at` of one block (NULL has none) to `to` of the other. */
static void copy_entries(
	struct block *into, uint32_t to, const struct block *from, uint32_t at, uint32_t count)
{
	if (!from)
		return;
	memcpy(into->keys + to, from->keys + at, count * sizeof into->keys[0]);
	memcpy(places_of(into) + to, places_of(from) + at, count);
}

static void put(struct trie *holders, struct trie_edit *e, struct block *b)
{
	block_discard(
		e, trie_put(holders, &blocks, e, kube_address_hash(&b->first), &b->first, b));
}

static bool holds(const struct kube_holder *h, const struct kube_key *key)
{
	for (uint32_t i = 0; i < h->service_count + h->slice_count; i++) {
		if (h->keys[i] == key)
			return true;
	}
	return false;
}

void kube_holders_add(struct trie *holders, struct trie_edit *e, const struct kube_address *a,
	const struct kube_key *key, bool is_service)
{
	struct kube_address first = first_of(a);
	struct kube_holder h = kube_find_holder(holders, a);
	const struct block *old = find_block(holders, &first);
	uint32_t count = old ? (uint32_t)old->count : 0;
	uint8_t place = place_of(a, !is_service);
	uint32_t at = index_of_place(old, (uint8_t)(place + 1));
	if (holds(&h, key) || count == COUNT_MAX)
		return;
	struct block *b = block_new(e, &first, count + 1);
	copy_entries(b, 0, old, 0, at);
	b->keys[at] = key;
	places_of(b)[at] = place;
	copy_entries(b, at + 1, old, at, count - at);
	put(holders, e, b);
}

void kube_holders_remove(struct trie *holders, struct trie_edit *e, const struct kube_address *a,
	const struct kube_key *key)
{
	struct kube_address first = first_of(a);
	struct kube_holder h = kube_find_holder(holders, a);
	struct block *old = find_block(holders, &first);
	if (!holds(&h, key))
		return;
	uint32_t at = (uint32_t)(h.keys - old->keys), count = (uint32_t)old->count;
	while (old->keys[at] != key)
		at++;
	if (count == 1) {
		trie_remove(holders, &blocks, e, kube_address_hash(&first), &first);
		block_discard(e, old);
		return;
	}
	struct block *b = block_new(e, &first, count - 1);
	copy_entries(b, 0, old, 0, at);
	copy_entries(b, at, old, at + 1, count - 1 - at);
	put(holders, e, b);
}
