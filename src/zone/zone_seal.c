/* Making a built zone ready for lookups: one node a name, one set a type, every name in between,
 * marks, order. */
#include "base/memory.h"
#include "dns/rdata.h"
#include "zone/zone_build.h"

#include <stdlib.h>

static struct node *node_at(const struct zone *z, uint32_t place)
{
	return zone_at(z, place);
}

/* A node that a lookup gave, to be changed. */
static struct node *own(const struct zone *z, const struct node *n)
{
	return (struct node *)(z->memory + ((const uint8_t *)n - z->memory));
}

/* Gives n's sets to an earlier node of the same name. */
static void merge(struct zone *z, struct node *into, struct node *n)
{
	uint32_t *end = &into->sets;
	while (*end)
		end = &((struct rrset *)zone_at(z, *end))->next;
	*end = n->sets;
	into->flags |= n->flags | NODE_SCATTERED;
	n->flags |= NODE_MERGED;
}

/* Puts all nodes but the apex and owners of NSEC3 into the table; a name that came twice becomes
 * one. */
static void fill_table(struct zone_builder *b)
{
	struct zone *z = b->zone;
	zone_table_make(z, b->node_count);
	z->apex = node_at(z, b->nodes[0]);
	for (size_t i = 1; i < b->node_count; i++) {
		struct node *n = node_at(z, b->nodes[i]);
		if (n->flags & NODE_NSEC3)
			continue;
		const struct node *same = zone_find_relative(z, n->name, n->name_length - 1u);
		if (same)
			merge(z, own(z, same), n);
		else
			zone_table_insert(z, b->nodes[i]);
	}
}

/* The same for owners of NSEC3, which are in no table: those whose records came apart are
 * neighbours when sorted. */
static void merge_nsec3(struct zone_builder *b)
{
	struct zone *z = b->zone;
	uint32_t *places = memory_array(b->node_count, sizeof *places);
	size_t count = 0;
	for (size_t i = 1; i < b->node_count; i++) {
		if (node_at(z, b->nodes[i])->flags & NODE_NSEC3)
			places[count++] = b->nodes[i];
	}
	zone_sort(z, places, count);
	struct node *first = count ? node_at(z, places[0]) : NULL;
	for (size_t i = 1; i < count; i++) {
		struct node *n = node_at(z, places[i]);
		if (name_equal(node_relative(first), node_relative(n)))
			merge(z, first, n);
		else
			first = n;
	}
	free(places);
}

static bool same_key(const struct rrset *a, const struct rrset *b)
{
	return a->type == b->type && rrset_covers(a) == rrset_covers(b);
}

/* Octets of all records of first's type in the chain from there on. */
static size_t records_size(const struct zone *z, const struct rrset *first)
{
	size_t size = 0;
	for (const struct rrset *s = first; s; s = rrset_next(z, s)) {
		const uint8_t *end = s->records;
		for (unsigned i = 0; same_key(s, first) && i < s->count; i++)
			rrset_record(&end);
		size += (size_t)(end - s->records);
	}
	return size;
}

/* One set, at the end of memory, with the records of all sets of first's type from there on; 0 when
 * it is refused. */
static uint32_t gather_set(struct zone_builder *b, uint32_t first)
{
	struct zone *z = b->zone;
	builder_reserve(b, records_size(z, zone_at(z, first)) + sizeof(struct rrset) + 4);
	const struct rrset *s = zone_at(z, first);
	uint32_t gathered = builder_set(b, s->type, s->ttl);
	for (const struct rrset *from = s; gathered && from; from = rrset_next(z, from)) {
		const uint8_t *at = from->records;
		for (unsigned i = 0; same_key(s, from) && i < from->count; i++) {
			if (!builder_append(b, gathered, rrset_record(&at), from->ttl))
				return 0;
		}
	}
	return gathered;
}

/* Whether a set of s's type stands before it in the chain from `first`. */
static bool gathered_before(const struct zone *z, uint32_t first, uint32_t s)
{
	for (uint32_t at = first; at != s; at = ((struct rrset *)zone_at(z, at))->next) {
		if (same_key(zone_at(z, at), zone_at(z, s)))
			return true;
	}
	return false;
}

/* Builds a node's chain anew, with one set for each type. */
static bool gather(struct zone_builder *b, uint32_t node)
{
	struct zone *z = b->zone;
	uint32_t first = node_at(z, node)->sets, last = 0;
	node_at(z, node)->sets = 0;
	for (uint32_t at = first; at; at = ((struct rrset *)zone_at(z, at))->next) {
		if (gathered_before(z, first, at))
			continue;
		uint32_t set = gather_set(b, at);
		if (!set)
			return false;
		if (last)
			((struct rrset *)zone_at(z, last))->next = set;
		else
			node_at(z, node)->sets = set;
		last = set;
	}
	node_at(z, node)->flags &= (uint8_t)~NODE_SCATTERED;
	return true;
}

static bool gather_all(struct zone_builder *b)
{
	struct zone *z = b->zone;
	for (size_t i = 0; i < b->node_count; i++) {
		unsigned flags = node_at(z, b->nodes[i])->flags;
		if (flags & NODE_SCATTERED && !(flags & NODE_MERGED) && !gather(b, b->nodes[i]))
			return false;
	}
	z->apex = node_at(z, b->nodes[0]);
	return true;
}

static bool same_parent(struct name a, struct name b)
{
	struct name pa = name_parent(a), pb = name_parent(b);
	return pa.length == pb.length && memcmp(pa.octets, pb.octets, pa.length) == 0;
}

/* Puts the newest node into the table, which is made anew when names in between have filled it up.
 */
static void index_newest(struct zone_builder *b)
{
	struct zone *z = b->zone;
	if (b->node_count < place_table_holds(&z->table)) {
		zone_table_insert(z, b->nodes[b->node_count - 1]);
		return;
	}
	zone_table_make(z, b->node_count + b->node_count / 4);
	for (size_t i = 1; i < b->node_count; i++) {
		if (!(node_at(z, b->nodes[i])->flags & (NODE_NSEC3 | NODE_MERGED)))
			zone_table_insert(z, b->nodes[i]);
	}
}

/* Adds the names between n and the apex that own nothing. */
static bool add_parents(struct zone_builder *b, const struct name_buffer *n)
{
	struct name up = name_parent(name_of(n));
	for (; !name_is_root(up); up = name_parent(up)) {
		if (zone_find_relative(b->zone, up.octets, up.length - 1))
			return true;
		if (!builder_node(b, up, 0))
			return false;
		index_newest(b);
	}
	return true;
}

static bool add_empty_nonterminals(struct zone_builder *b)
{
	struct zone *z = b->zone;
	size_t owners = b->node_count;
	struct name_buffer last = { .length = 1 };
	for (size_t i = 1; i < owners; i++) {
		const struct node *n = node_at(z, b->nodes[i]);
		if (n->flags & (NODE_NSEC3 | NODE_MERGED) ||
			same_parent(node_relative(n), name_of(&last)))
			continue;
		/* A copy: adding nodes moves the memory. */
		memcpy(last.octets, n->name, n->name_length);
		last.length = n->name_length;
		if (!add_parents(b, &last))
			return false;
	}
	z->apex = node_at(z, b->nodes[0]);
	return true;
}

/* Whether a cut or DNAME stands above the name. */
static bool is_occluded(const struct zone *z, struct name relative)
{
	while (!name_is_root(relative)) {
		relative = name_parent(relative);
		const struct node *up = zone_find_relative(z, relative.octets, relative.length - 1);
		if (up && up->flags & (NODE_CUT | NODE_DNAME))
			return true;
	}
	return false;
}

static void mark_occluded(struct zone_builder *b)
{
	struct zone *z = b->zone;
	struct name last = { 0 };
	bool below = false;
	for (size_t i = 1; i < b->node_count; i++) {
		struct node *n = node_at(z, b->nodes[i]);
		if (n->flags & (NODE_NSEC3 | NODE_MERGED))
			continue;
		if (!last.length || !same_parent(node_relative(n), last))
			below = is_occluded(z, node_relative(n));
		last = node_relative(n);
		if (below)
			n->flags |= NODE_OCCLUDED;
	}
}

static void mark_wildcards(struct zone_builder *b)
{
	struct zone *z = b->zone;
	for (size_t i = 1; i < b->node_count; i++) {
		const struct node *n = node_at(z, b->nodes[i]);
		if (n->flags & (NODE_NSEC3 | NODE_MERGED) || n->name[0] != 1 || n->name[1] != '*')
			continue;
		struct name parent = name_parent(node_relative(n));
		const struct node *up = zone_find_relative(z, parent.octets, parent.length - 1);
		own(z, up)->flags |= NODE_WILDCARD;
	}
}

/* Drops what growing has taken too much, before pointers into the memory are kept. */
static void trim(struct zone_builder *b)
{
	struct zone *z = b->zone;
	z->memory = memory_resize(z->memory, z->used, 1);
	z->capacity = z->used;
	z->apex = node_at(z, b->nodes[0]);
}

static bool read_apex(struct zone_builder *b)
{
	struct zone *z = b->zone;
	z->soa = node_set(z, z->apex, TYPE_SOA);
	if (!z->soa || z->soa->count != 1) {
		builder_refuse(b,
			z->soa ? "the zone has several SOA records" : "the zone has no SOA record");
		return false;
	}
	z->soa_signatures = node_signatures(z, z->apex, TYPE_SOA);
	z->ns = node_set(z, z->apex, TYPE_NS);
	z->ns_signatures = node_signatures(z, z->apex, TYPE_NS);
	struct view soa = rrset_first(z->soa);
	z->serial = rdata_u32(soa, soa.length - 20);
	uint32_t minimum = rdata_u32(soa, soa.length - 4);
	z->negative_ttl = minimum < z->soa->ttl ? minimum : z->soa->ttl;
	zone_ready_authority(z);
	return true;
}

static void count(struct zone_builder *b)
{
	struct zone *z = b->zone;
	for (size_t i = 0; i < b->node_count; i++) {
		const struct node *n = node_at(z, b->nodes[i]);
		if (n->flags & NODE_MERGED || !n->sets)
			continue;
		z->name_count++;
		for (const struct rrset *s = zone_sets(z, n); s; s = rrset_next(z, s))
			z->record_count += s->count;
	}
}

struct zone *zone_seal(struct zone_builder *b)
{
	if (b->error[0])
		return NULL;
	fill_table(b);
	merge_nsec3(b);
	if (!gather_all(b) || !add_empty_nonterminals(b))
		return NULL;
	trim(b);
	mark_wildcards(b);
	if (b->has_boundaries)
		mark_occluded(b);
	if (!read_apex(b))
		return NULL;
	if (!zone_order_build(b->zone, b->nodes, b->node_count)) {
		builder_refuse(b, "the zone's NSEC3 parameters cannot be used");
		return NULL;
	}
	count(b);
	struct zone *z = b->zone;
	b->zone = NULL;
	return z;
}

struct name zone_origin(const struct zone *z)
{
	return z->origin;
}

uint32_t zone_serial(const struct zone *z)
{
	return z->serial;
}

size_t zone_record_count(const struct zone *z)
{
	return z->record_count;
}

size_t zone_name_count(const struct zone *z)
{
	return z->name_count;
}
