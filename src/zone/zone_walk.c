/* Walking through a zone. Its order is made for the walk, and goes with it: transfers are rare. */
#include "zone/zone_walk.h"

#include "base/memory.h"
#include "zone/zone_node.h"
#include <stdlib.h>

struct walk {
	const struct zone *zone;
	bool (*visit)(const struct record *r, void *data);
	void *data;
};

static bool visit_set(const struct walk *w, struct name owner, const struct rrset *s)
{
	const uint8_t *at = s->records;
	for (unsigned i = 0; i < s->count; i++) {
		struct view rdata = rrset_record(&at);
		struct record r = { .owner = owner,
			.rdata = (const uint8_t *)rdata.at,
			.rdata_length = (uint16_t)rdata.length,
			.ttl = s->ttl,
			.type = s->type,
			.class = CLASS_IN };
		if (!w->visit(&r, w->data))
			return false;
	}
	return true;
}

/* Whether the set was visited with the apex already. */
static bool is_first(const struct zone *z, const struct rrset *s)
{
	return s == z->soa || s == z->soa_signatures || s == z->ns || s == z->ns_signatures;
}

static bool visit_node(const struct walk *w, const struct node *n)
{
	struct name_buffer room;
	struct name owner = node_name(w->zone, n, &room);
	for (const struct rrset *s = zone_sets(w->zone, n); s; s = rrset_next(w->zone, s)) {
		if (!is_first(w->zone, s) && !visit_set(w, owner, s))
			return false;
	}
	return true;
}

static bool visit_first(const struct walk *w)
{
	const struct zone *z = w->zone;
	const struct rrset *const sets[] = { z->soa, z->soa_signatures, z->ns, z->ns_signatures };
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
		if (sets[i] && !visit_set(w, z->origin, sets[i]))
			return false;
	}
	return true;
}

static bool visit_places(const struct walk *w, const uint32_t *places, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!visit_node(w, zone_at(w->zone, places[i])))
			return false;
	}
	return true;
}

/* The places of all nodes that the table has: the apex is in none. */
static uint32_t *sorted_places(const struct zone *z, size_t *count)
{
	size_t room = (size_t)z->table.bucket_count * PLACE_BUCKET, at = 0;
	uint32_t *places = memory_array(room, sizeof *places);
	*count = 0;
	for (uint32_t place; (place = place_table_step(&z->table, &at)) != 0;)
		places[(*count)++] = place;
	zone_sort(z, places, *count);
	return places;
}

bool zone_walk(const struct zone *z, bool (*visit)(const struct record *r, void *data), void *data)
{
	struct walk w = { z, visit, data };
	size_t count;
	if (!visit_first(&w) || !visit_node(&w, z->apex))
		return false;
	uint32_t *places = sorted_places(z, &count);
	bool whole = visit_places(&w, places, count);
	free(places);
	if (whole && z->denial == DENIAL_NSEC3)
		whole = visit_places(&w, z->order, z->order_count);
	return whole;
}
