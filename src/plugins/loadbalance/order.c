/* Reordering of sections. */
#include "plugins/loadbalance/order.h"

#include "base/random.h"

/* What a policy tells apart. */
enum kind {
	KIND_CNAME,
	KIND_ADDRESS,
	KIND_MX,
	KIND_OTHER,
	KIND_COUNT,
};

static enum kind kind_of(const struct record *r)
{
	switch (r->type) {
	case TYPE_CNAME:
		return KIND_CNAME;
	case TYPE_A:
	case TYPE_AAAA:
		return KIND_ADDRESS;
	case TYPE_MX:
		return KIND_MX;
	default:
		return KIND_OTHER;
	}
}

/* A run of records inside a section. */
struct run {
	struct record *records;
	size_t count;
};

/* Sorts the section by kind, in this order of kinds, without changing the order within one; runs[]
 * say where each is. */
static void gather(struct section *s, struct arena *arena, const enum kind order[static KIND_COUNT],
	struct run runs[static KIND_COUNT])
{
	struct record *sorted = arena_array(arena, s->count, sizeof *sorted);
	size_t at = 0;
	for (size_t k = 0; k < KIND_COUNT; k++) {
		size_t first = at;
		for (size_t i = 0; i < s->count; i++) {
			if (kind_of(&s->records[i]) == order[k])
				sorted[at++] = s->records[i];
		}
		runs[order[k]] = (struct run){ s->records + first, at - first };
	}
	memcpy(s->records, sorted, s->count * sizeof *sorted);
}

/* Every order as likely as any other (Fisher and Yates). */
static void shuffle(struct run r)
{
	for (size_t i = r.count; i > 1; i--) {
		size_t j = random_below((uint32_t)i);
		struct record swapped = r.records[i - 1];
		r.records[i - 1] = r.records[j];
		r.records[j] = swapped;
	}
}

static bool all_of_one_address_type(const struct section *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->records[i].type != s->records[0].type)
			return false;
	}
	return kind_of(&s->records[0]) == KIND_ADDRESS;
}

void order_shuffle(struct section *s, struct arena *arena)
{
	static const enum kind order[] = { KIND_CNAME, KIND_OTHER, KIND_ADDRESS, KIND_MX };
	struct run runs[KIND_COUNT];
	if (s->count < 2)
		return;
	if (all_of_one_address_type(s)) {
		shuffle((struct run){ s->records, s->count });
		return;
	}
	gather(s, arena, order, runs);
	shuffle(runs[KIND_ADDRESS]);
	shuffle(runs[KIND_MX]);
}

static bool is_in(const struct prefix *p, const struct record *r)
{
	struct endpoint e = { .any = { .sa_family = r->type == TYPE_A ? AF_INET : AF_INET6 } };
	if (r->type == TYPE_A)
		memcpy(&e.v4.sin_addr, r->rdata, sizeof e.v4.sin_addr);
	else
		memcpy(&e.v6.sin6_addr, r->rdata, sizeof e.v6.sin6_addr);
	return prefix_contains(p, &e);
}

/* Which of the prefixes is the first that has the address; `count` if none has. */
static size_t preference(const struct record *r, const struct prefix *prefer, size_t count)
{
	size_t i = 0;
	while (i < count && !is_in(&prefer[i], r))
		i++;
	return i;
}

void order_prefer(struct section *s, struct arena *arena, const struct prefix *prefer, size_t count)
{
	static const enum kind order[] = { KIND_CNAME, KIND_ADDRESS, KIND_MX, KIND_OTHER };
	struct run runs[KIND_COUNT];
	if (s->count < 2)
		return;
	gather(s, arena, order, runs);
	struct run addresses = runs[KIND_ADDRESS];
	size_t *rank = arena_array(arena, addresses.count, sizeof *rank);
	for (size_t i = 0; i < addresses.count; i++)
		rank[i] = preference(&addresses.records[i], prefer, count);
	struct record *sorted = arena_array(arena, addresses.count, sizeof *sorted);
	size_t at = 0;
	for (size_t p = 0; p <= count && at < addresses.count; p++) {
		for (size_t i = 0; i < addresses.count; i++) {
			if (rank[i] == p)
				sorted[at++] = addresses.records[i];
		}
	}
	if (at)
		memcpy(addresses.records, sorted, at * sizeof *sorted);
}

/* An address and its weight, for the draw. */
struct candidate {
	size_t index;
	unsigned weight;
};

/* By weight, the heaviest first; equal ones in the order of the section. Short lists: by insertion.
 */
static void sort_candidates(struct candidate *c, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct candidate moving = c[i];
		size_t j = i;
		for (; j > 0 && c[j - 1].weight < moving.weight; j--)
			c[j] = c[j - 1];
		c[j] = moving;
	}
}

/* The index of the address that the draw falls on. */
static size_t draw_first(struct run addresses, struct arena *arena, const struct weights *w,
	uint32_t (*draw)(uint32_t below))
{
	struct candidate *c = arena_array(arena, addresses.count, sizeof *c);
	uint32_t total = 0;
	for (size_t i = 0; i < addresses.count; i++) {
		c[i] = (struct candidate){ i, weights_of(w, &addresses.records[i]) };
		total += c[i].weight;
	}
	sort_candidates(c, addresses.count);
	uint32_t drawn = draw(total), sum = 0;
	for (size_t i = 0; i < addresses.count; i++) {
		sum += c[i].weight;
		if (drawn < sum)
			return c[i].index;
	}
	return 0;
}

void order_weighted(struct section *s, struct arena *arena, const struct weights *w,
	uint32_t (*draw)(uint32_t below))
{
	static const enum kind order[] = { KIND_CNAME, KIND_OTHER, KIND_ADDRESS, KIND_MX };
	struct run runs[KIND_COUNT];
	bool any = false;
	for (size_t i = 0; i < s->count && !any; i++)
		any = kind_of(&s->records[i]) == KIND_ADDRESS;
	if (!any)
		return;
	gather(s, arena, order, runs);
	struct run addresses = runs[KIND_ADDRESS];
	size_t first = draw_first(addresses, arena, w, draw);
	struct record swapped = addresses.records[0];
	addresses.records[0] = addresses.records[first];
	addresses.records[first] = swapped;
}
