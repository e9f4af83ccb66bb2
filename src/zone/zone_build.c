/* Building a zone: records go into memory in the order in which they come. */
#include "zone/zone_build.h"
#include "base/memory.h"
#include "dns/rdata.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	RECORD_OVERHEAD = 12
}; /* of a record in a message: compressed owner, type, class, TTL, length */

void builder_refuse(struct zone_builder *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(b->error, sizeof b->error, format, args);
	va_end(args);
}

const char *zone_builder_error(const struct zone_builder *b)
{
	return b->error;
}

void builder_reserve(struct zone_builder *b, size_t octets)
{
	struct zone *z = b->zone;
	if (octets <= z->capacity - z->used)
		return;
	size_t grown = z->capacity + z->capacity / 2;
	z->capacity = grown > z->used + octets ? grown : z->used + octets;
	z->memory = memory_resize(z->memory, z->capacity, 1);
}

/* Takes zeroed octets at a place of their own; 0 when places have run out. */
static uint32_t take(struct zone_builder *b, size_t octets)
{
	struct zone *z = b->zone;
	size_t start = (z->used + 3) & ~(size_t)3;
	if (start / 4 > UINT32_MAX) {
		builder_refuse(b, "the zone is larger than 16 GiB");
		return 0;
	}
	builder_reserve(b, start - z->used + octets);
	memset(z->memory + z->used, 0, start - z->used + octets);
	z->used = start + octets;
	return (uint32_t)(start / 4);
}

uint32_t builder_node(struct zone_builder *b, struct name relative, unsigned flags)
{
	uint32_t place = take(b, offsetof(struct node, name) + relative.length);
	if (!place)
		return 0;
	struct node *n = zone_at(b->zone, place);
	n->flags = (uint8_t)flags;
	n->name_length = (uint8_t)relative.length;
	memcpy(n->name, relative.octets, relative.length);
	if (b->node_count == b->node_capacity) {
		b->node_capacity = b->node_capacity ? b->node_capacity * 2 : 64;
		b->nodes = memory_resize(b->nodes, b->node_capacity, sizeof *b->nodes);
	}
	b->nodes[b->node_count++] = place;
	return place;
}

uint32_t builder_set(struct zone_builder *b, uint16_t type, uint32_t ttl)
{
	uint32_t place = take(b, offsetof(struct rrset, records));
	if (!place)
		return 0;
	struct rrset *s = zone_at(b->zone, place);
	s->type = type;
	s->ttl = ttl;
	b->set_octets = 0;
	return place;
}

static bool has_record(const struct rrset *s, struct view rdata)
{
	const uint8_t *at = s->records;
	for (unsigned i = 0; i < s->count; i++) {
		if (view_equal(rrset_record(&at), rdata))
			return true;
	}
	return false;
}

bool builder_append(struct zone_builder *b, uint32_t set, struct view rdata, uint32_t ttl)
{
	struct rrset *s = zone_at(b->zone, set);
	if (ttl < s->ttl)
		s->ttl = ttl;
	if (has_record(s, rdata))
		return true;
	b->set_octets += RECORD_OVERHEAD + rdata.length;
	if (b->set_octets > MESSAGE_MAX - HEADER_SIZE) {
		char type[MNEMONIC_MAX];
		builder_refuse(b, "an RRset of type %s is larger than a message",
			type_print(s->type, type));
		return false;
	}
	uint16_t length = (uint16_t)rdata.length;
	builder_reserve(b, sizeof length + length);
	uint8_t *to = b->zone->memory + b->zone->used;
	memcpy(to, &length, sizeof length);
	memcpy(to + sizeof length, rdata.at, length);
	b->zone->used += sizeof length + length;
	s = zone_at(b->zone, set);
	s->count++;
	return true;
}

struct zone_builder *zone_builder_new(struct name origin)
{
	struct zone_builder *b = memory_array(1, sizeof *b);
	struct zone *z = memory_array(1, sizeof *z);
	b->zone = z;
	z->origin = name_lower(origin, &z->origin_room);
	z->capacity = 512;
	z->memory = memory_alloc(z->capacity);
	memset(z->memory, 0, 4);
	z->used = 4;
	b->node = builder_node(b, name_root, 0);
	return b;
}

void zone_builder_free(struct zone_builder *b)
{
	zone_free(b->zone);
	free(b->nodes);
	free(b);
}

void zone_free(void *zone)
{
	struct zone *z = zone;
	if (!z)
		return;
	free(z->memory);
	place_table_free(&z->table);
	zone_ready_free(z);
	free(z->order);
	free(z);
}

/* What of the name lies in front of the origin, in lower case, as a name of its own. */
static struct name relative_name(const struct zone *z, struct name owner, struct name_buffer *to)
{
	name_lower(owner, to);
	to->length = relative_length(z, owner);
	to->octets[to->length++] = 0;
	return name_of(to);
}

static uint16_t covered_type(const struct record *r)
{
	return r->type == TYPE_RRSIG && r->rdata_length >= 2 ? rdata_u16(record_rdata(r), 0) : 0;
}

static bool is_nsec3(const struct record *r)
{
	return r->type == TYPE_NSEC3 || covered_type(r) == TYPE_NSEC3;
}

static unsigned flags_of(uint16_t type, bool apex)
{
	switch (type) {
	case TYPE_NS:
		return apex ? 0 : NODE_CUT;
	case TYPE_DNAME:
		return NODE_DNAME;
	case TYPE_CNAME:
		return NODE_CNAME;
	default:
		return 0;
	}
}

/* Makes the record's owner the node that grows. */
static bool go_to_owner(struct zone_builder *b, struct name owner, bool nsec3)
{
	const struct node *n = zone_at(b->zone, b->node);
	struct name now = node_relative(n);
	bool same_kind = nsec3 == ((n->flags & NODE_NSEC3) != 0);
	if (same_kind && now.length == owner.length &&
		memcmp(now.octets, owner.octets, now.length) == 0)
		return true;
	b->node = builder_node(b, owner, nsec3 ? NODE_NSEC3 : 0);
	b->set = 0;
	return b->node != 0;
}

static bool set_takes(const struct rrset *s, const struct record *r)
{
	return s->type == r->type && rrset_covers(s) == covered_type(r);
}

/* A new set of the growing node for the record. */
static bool start_set(struct zone_builder *b, const struct record *r)
{
	struct zone *z = b->zone;
	struct node *n = zone_at(z, b->node);
	for (const struct rrset *s = zone_sets(z, n); s; s = rrset_next(z, s)) {
		if (set_takes(s, r))
			n->flags |= NODE_SCATTERED;
	}
	uint32_t set = builder_set(b, r->type, r->ttl);
	if (!set)
		return false;
	if (b->set)
		((struct rrset *)zone_at(z, b->set))->next = set;
	else
		((struct node *)zone_at(z, b->node))->sets = set;
	b->set = set;
	return true;
}

static void fold(uint8_t *rdata, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (rdata[i] >= 'A' && rdata[i] <= 'Z')
			rdata[i] = (uint8_t)(rdata[i] + 'a' - 'A');
	}
}

/*
 * The record's data with its names in lower case, in `room`, for the types whose names are served
 * so; all of them have folded names in signatures, too (RFC 4034 6.2). Lengths of labels are less
 * than 'A'.
 */
static struct view folded_rdata(
	const struct record *r, uint8_t room[static 2 * NAME_OCTETS_MAX + 20])
{
	size_t from = 0, to = r->rdata_length;
	switch (r->type) {
	case TYPE_NS:
	case TYPE_CNAME:
		break;
	case TYPE_MX:
		from = 2;
		break;
	case TYPE_SOA:
		to -= 20;
		break;
	default:
		return record_rdata(r);
	}
	memcpy(room, r->rdata, r->rdata_length);
	fold(room, from, to);
	return (struct view){ (const char *)room, r->rdata_length };
}

static bool is_apex(const struct zone *z, struct name owner)
{
	return owner.length == z->origin.length;
}

enum zone_add_result zone_add(struct zone_builder *b, const struct record *r)
{
	struct zone *z = b->zone;
	if (b->error[0])
		return ZONE_REFUSED;
	if (r->class != CLASS_IN || !name_is_under(r->owner, z->origin) ||
		(r->type == TYPE_SOA && !is_apex(z, r->owner)))
		return ZONE_OUTSIDE;

	struct name_buffer relative;
	struct name owner = relative_name(z, r->owner, &relative);
	if (!go_to_owner(b, owner, is_nsec3(r)))
		return ZONE_REFUSED;
	if (!b->set || !set_takes(zone_at(z, b->set), r)) {
		if (!start_set(b, r))
			return ZONE_REFUSED;
	}
	unsigned flags = flags_of(r->type, is_apex(z, r->owner));
	((struct node *)zone_at(z, b->node))->flags |= (uint8_t)flags;
	if (flags & (NODE_CUT | NODE_DNAME))
		b->has_boundaries = true;
	uint8_t room[2 * NAME_OCTETS_MAX + 20];
	return builder_append(b, b->set, folded_rdata(r, room), r->ttl) ? ZONE_ADDED : ZONE_REFUSED;
}
