/* In which order the records of a section go out: the policies of `loadbalance`, as functions on a
 * section. */
#ifndef ISTHMUS_PLUGINS_LOADBALANCE_ORDER_H
#define ISTHMUS_PLUGINS_LOADBALANCE_ORDER_H

#include "net/prefix.h"
#include "plugins/loadbalance/weights.h"

/* CNAMEs first, then the rest, then addresses and MX in random order each; a section of addresses
 * of one type is shuffled. */
void order_shuffle(struct section *s, struct arena *arena);

/* CNAMEs, addresses (those in the first prefix before those in the second, those in none last), MX,
 * the rest. */
void order_prefer(
	struct section *s, struct arena *arena, const struct prefix *prefer, size_t count);

/* CNAMEs, the rest, addresses, MX; the first address is drawn by weight, `draw` giving a number
 * below its argument. A section without addresses stays as it is. */
void order_weighted(struct section *s, struct arena *arena, const struct weights *w,
	uint32_t (*draw)(uint32_t below));

#endif
