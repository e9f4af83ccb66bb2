/* Finding names: the hash table, and the way down from the apex. */
#include "base/hash.h"
#include "base/memory.h"
#include "zone/zone_node.h"

#include <stdlib.h>

enum { CACHE_LINE = 64 };

_Static_assert(sizeof(struct bucket) == CACHE_LINE, "a bucket is a cache line");

/* Where the upper half of a hash falls among the buckets; the lowest octet is the tag. */
static uint32_t bucket_of(const struct zone *z, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * z->bucket_count >> 32);
}

static bool node_is(const struct node *n, const uint8_t *labels, size_t length)
{
	return n->name_length == length + 1 && memcmp(n->name, labels, length) == 0;
}

const struct node *zone_find_relative(const struct zone *z, const uint8_t *labels, size_t length)
{
	if (length == 0)
		return z->apex;
	uint64_t hash = hash_bytes(labels, length);
	uint8_t tag = (uint8_t)hash;
	uint32_t at = bucket_of(z, hash);
	for (;;) {
		const struct bucket *b = &z->buckets[at];
		for (unsigned i = 0; i < b->count; i++) {
			if (b->tags[i] != tag)
				continue;
			const struct node *n = zone_at(z, b->nodes[i]);
			if (node_is(n, labels, length))
				return n;
		}
		if (!b->overflowed)
			return NULL;
		at = at + 1 == z->bucket_count ? 0 : at + 1;
	}
}

struct zone_ahead zone_foresee(const struct zone *z, struct name qname)
{
	struct zone_ahead ahead = { z, hash_bytes_nocase(qname.octets, relative_length(z, qname)) };
	__builtin_prefetch(&z->buckets[bucket_of(z, ahead.hash)]);
	return ahead;
}

void zone_go_ahead(struct zone_ahead ahead)
{
	const struct zone *z = ahead.zone;
	const struct bucket *b = &z->buckets[bucket_of(z, ahead.hash)];
	for (unsigned i = 0; i < b->count; i++) {
		if (b->tags[i] != (uint8_t)ahead.hash)
			continue;
		const char *node = zone_at(z, b->nodes[i]);
		__builtin_prefetch(node);
		__builtin_prefetch(node + CACHE_LINE);
	}
}

/* Three quarters full: one bucket in twelve then overflows. */
void zone_table_make(struct zone *z, size_t nodes)
{
	size_t count = nodes / (BUCKET_NODES * 3 / 4) + 1;
	free(z->bucket_memory);
	z->bucket_memory = memory_array(count + 1, sizeof(struct bucket));
	z->buckets = (struct bucket *)(((uintptr_t)z->bucket_memory + CACHE_LINE - 1) &
				       ~(uintptr_t)(CACHE_LINE - 1));
	z->bucket_count = (uint32_t)count;
}

void zone_table_insert(struct zone *z, uint32_t place)
{
	const struct node *n = zone_at(z, place);
	uint64_t hash = hash_bytes(n->name, n->name_length - 1u);
	uint32_t at = bucket_of(z, hash);
	while (z->buckets[at].count == BUCKET_NODES) {
		z->buckets[at].overflowed = true;
		at = at + 1 == z->bucket_count ? 0 : at + 1;
	}
	struct bucket *b = &z->buckets[at];
	b->tags[b->count] = (uint8_t)hash;
	b->nodes[b->count++] = place;
}

const struct rrset *node_set(const struct zone *z, const struct node *n, uint16_t type)
{
	for (const struct rrset *s = zone_sets(z, n); s; s = rrset_next(z, s)) {
		if (s->type == type)
			return s;
	}
	return NULL;
}

const struct rrset *node_signatures(const struct zone *z, const struct node *n, uint16_t covers)
{
	for (const struct rrset *s = zone_sets(z, n); s; s = rrset_next(z, s)) {
		if (s->type == TYPE_RRSIG && rrset_covers(s) == covers)
			return s;
	}
	return NULL;
}

struct name node_name(const struct zone *z, const struct node *n, struct name_buffer *to)
{
	size_t labels = n->name_length - 1u;
	memcpy(to->octets, n->name, labels);
	memcpy(to->octets + labels, z->origin.octets, z->origin.length);
	to->length = labels + z->origin.length;
	return name_of(to);
}

/* The cut or DNAME that occludes what is below it: the only one on the way up that is not occluded
 * itself. */
static void find_boundary(const struct zone *z, struct match *m, struct name from)
{
	for (;; from = name_parent(from)) {
		const struct node *n = zone_find(z, from);
		if (n && n->flags & (NODE_CUT | NODE_DNAME) && !(n->flags & NODE_OCCLUDED)) {
			m->boundary = n;
			m->boundary_name = from;
			return;
		}
		if (n == z->apex)
			return;
	}
}

struct match zone_match(const struct zone *z, struct name qname)
{
	struct match m = { .node = zone_find(z, qname), .encloser_name = qname };
	m.encloser = m.node;
	while (!m.encloser) {
		m.encloser_name = name_parent(m.encloser_name);
		m.encloser = zone_find(z, m.encloser_name);
	}
	unsigned stops = NODE_OCCLUDED | NODE_CUT | (m.node ? 0u : NODE_DNAME);
	if (m.encloser->flags & stops)
		find_boundary(z, &m, m.encloser_name);
	return m;
}

const struct node *zone_wildcard(
	const struct zone *z, const struct match *m, struct name_buffer *to)
{
	if (!(m->encloser->flags & NODE_WILDCARD) || !name_prepend(VIEW("*"), m->encloser_name, to))
		return NULL;
	return zone_find(z, name_of(to));
}
