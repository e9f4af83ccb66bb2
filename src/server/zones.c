/* Lists of zones as plugins have them: which of them a name is under. */
#include "server/block.h"

bool zones_match(const struct name *zones, size_t count, struct name qname, struct name *zone)
{
	const struct name *longest = NULL;
	for (size_t i = 0; i < count; i++) {
		if ((!longest || zones[i].length > longest->length) &&
			name_is_under(qname, zones[i]))
			longest = &zones[i];
	}
	if (!longest)
		return false;
	*zone = *longest;
	return true;
}

bool fallthrough_applies(const struct fallthrough *f, struct name qname)
{
	struct name zone;
	return zones_match(f->zones, f->count, qname, &zone);
}

void zone_changed(const struct plugin *self, struct name zone)
{
	for (struct plugin *p = self->block->plugins; p; p = p->sibling) {
		if (p->type->zone_changed)
			p->type->zone_changed(p, self, zone);
	}
}
