/* In which order upstreams are tried. */
#include "base/random.h"
#include "plugins/forward/forward.h"

static void shuffle(uint16_t *order, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_below((uint32_t)i);
		uint16_t swapped = order[i - 1];
		order[i - 1] = order[j];
		order[j] = swapped;
	}
}

void policy_order(struct forward *f, uint16_t *order)
{
	for (size_t i = 0; i < f->count; i++)
		order[i] = (uint16_t)i;
	if (f->count == 1)
		return;
	if (f->policy == POLICY_RANDOM) {
		shuffle(order, f->count);
	} else if (f->policy == POLICY_ROUND_ROBIN) {
		uint32_t turn = atomic_fetch_add_explicit(&f->turn, 1, memory_order_relaxed) + 1;
		size_t first = turn % f->count;
		for (size_t i = first; i > 0; i--)
			order[i] = order[i - 1];
		order[0] = (uint16_t)first;
	}
}
