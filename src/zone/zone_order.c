/* Order, for the zones whose denials need it: the owners of NSEC by canonical order, those of NSEC3
 * by hash. */
#include "base/memory.h"
#include "dns/crypto.h"
#include "zone/zone_node.h"

#include <stdlib.h>

static const struct node *node_in_order(const struct zone *z, size_t i)
{
	return zone_at(z, z->order[i]);
}

static int compare_places(const void *a, const void *b, void *zone)
{
	const struct node *na = zone_at(zone, *(const uint32_t *)a);
	const struct node *nb = zone_at(zone, *(const uint32_t *)b);
	return name_compare(node_relative(na), node_relative(nb));
}

/* Signed zones mostly come sorted: then one pass says so. */
static bool is_sorted(const struct zone *z, const uint32_t *places, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (compare_places(&places[i - 1], &places[i], (void *)z) > 0)
			return false;
	}
	return true;
}

void zone_sort(const struct zone *z, uint32_t *places, size_t count)
{
	if (!is_sorted(z, places, count))
		qsort_r(places, count, sizeof *places, compare_places, (void *)z);
}

static void add(struct zone *z, uint32_t place)
{
	z->order[z->order_count++] = place;
}

static void order_nsec(struct zone *z, const uint32_t *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct node *n = zone_at(z, nodes[i]);
		if (!(n->flags & (NODE_MERGED | NODE_NSEC3 | NODE_OCCLUDED)) &&
			node_set(z, n, TYPE_NSEC))
			add(z, nodes[i]);
	}
	zone_sort(z, z->order, z->order_count);
}

/* Whether the node has an NSEC3 of the zone's parameters: its first, since a hash of other
 * parameters is another owner. */
static bool in_chain(const struct zone *z, const struct node *n)
{
	struct nsec3_parameters p;
	const struct rrset *s = node_set(z, n, TYPE_NSEC3);
	return s && n->name_length == 1 + NSEC3_LABEL_OCTETS + 1 &&
	       n->name[0] == NSEC3_LABEL_OCTETS && nsec3_parameters_read(rrset_first(s), &p) &&
	       nsec3_parameters_equal(&p, &z->nsec3);
}

static void order_nsec3(struct zone *z, const uint32_t *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct node *n = zone_at(z, nodes[i]);
		if (n->flags & NODE_NSEC3 && !(n->flags & NODE_MERGED) && in_chain(z, n))
			add(z, nodes[i]);
	}
	zone_sort(z, z->order, z->order_count);
}

/* A zone is served with the chain that its first NSEC3PARAM names (RFC 5155 4, 7.3). */
static bool read_nsec3_parameters(struct zone *z, const struct rrset *s)
{
	return nsec3_parameters_read(rrset_first(s), &z->nsec3) &&
	       z->nsec3.algorithm == NSEC3_SHA1 && z->nsec3.iterations <= NSEC3_ITERATIONS_MAX &&
	       crypto_ready();
}

bool zone_order_build(struct zone *z, const uint32_t *nodes, size_t count)
{
	const struct rrset *parameters = node_set(z, z->apex, TYPE_NSEC3PARAM);
	bool nsec = node_set(z, z->apex, TYPE_NSEC) != NULL;
	if (!nsec && !parameters)
		return true;
	if (!nsec && !read_nsec3_parameters(z, parameters))
		return false;
	z->order = memory_array(count, sizeof *z->order);
	if (nsec)
		order_nsec(z, nodes, count);
	else
		order_nsec3(z, nodes, count);
	if (z->order_count == 0)
		return true;
	z->order = memory_resize(z->order, z->order_count, sizeof *z->order);
	z->denial = nsec ? DENIAL_NSEC : DENIAL_NSEC3;
	return true;
}

/* The last one at or before n in the order; the very last one if n stands before all (the chain is
 * a ring). */
static const struct node *at_or_before(const struct zone *z, struct name n, bool *equal)
{
	size_t from = 0, to = z->order_count; /* order[from - 1] <= n < order[to] */
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int c = name_compare(node_relative(node_in_order(z, middle)), n);
		if (c == 0) {
			*equal = true;
			return node_in_order(z, middle);
		}
		if (c < 0)
			from = middle + 1;
		else
			to = middle;
	}
	*equal = false;
	return node_in_order(z, (from ? from : z->order_count) - 1);
}

const struct node *zone_nsec_at(const struct zone *z, struct name n)
{
	struct name_buffer relative = { .length = relative_length(z, n) };
	memcpy(relative.octets, n.octets, relative.length);
	relative.octets[relative.length++] = 0;
	bool equal;
	return at_or_before(z, name_of(&relative), &equal);
}

const struct node *zone_nsec3_at(const struct zone *z, struct name n, bool *matches)
{
	uint8_t owner[1 + NSEC3_LABEL_OCTETS + 1] = { NSEC3_LABEL_OCTETS };
	nsec3_label(&z->nsec3, n, owner + 1);
	return at_or_before(z, (struct name){ owner, sizeof owner }, matches);
}
