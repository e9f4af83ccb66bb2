/* Finding names: the hash table, and the way down from the apex. */
#include "base/hash.h"
#include "zone/zone_node.h"

enum { CACHE_LINE = 64 };

static bool node_is(const struct node *n, const uint8_t *labels, size_t length)
{
	return n->name_length == length + 1 && memcmp(n->name, labels, length) == 0;
}

const struct node *zone_find_relative(const struct zone *z, const uint8_t *labels, size_t length)
{
	if (length == 0)
		return z->apex;
	struct place_search search = place_search(&z->table, hash_own(labels, length));
	for (uint32_t place; (place = place_next(&search)) != 0;) {
		const struct node *n = zone_at(z, place);
		if (node_is(n, labels, length))
			return n;
	}
	return NULL;
}

struct zone_ahead zone_foresee(const struct zone *z, struct name qname)
{
	struct zone_ahead ahead = { z, hash_own_nocase(qname.octets, relative_length(z, qname)) };
	place_table_foresee(&z->table, ahead.hash);
	return ahead;
}

void zone_go_ahead(struct zone_ahead ahead)
{
	struct place_search search = place_search(&ahead.zone->table, ahead.hash);
	uint32_t place = place_next(&search); /* nearly always the one, where there is one */
	if (!place)
		return;
	const char *node = zone_at(ahead.zone, place);
	__builtin_prefetch(node);
	__builtin_prefetch(node + CACHE_LINE);
}

void zone_table_make(struct zone *z, size_t nodes)
{
	place_table_free(&z->table);
	z->table = place_table_new(nodes);
}

void zone_table_insert(struct zone *z, uint32_t place)
{
	const struct node *n = zone_at(z, place);
	place_table_put(&z->table, hash_own(n->name, n->name_length - 1u), place);
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
