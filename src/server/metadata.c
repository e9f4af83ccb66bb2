/* What plugins tell each other of a query: a short list of labels, the one that was set last first.
 */
#include "server/query.h"

bool metadata_get(const struct query *q, struct view label, struct view *value)
{
	for (const struct metadata *m = q->metadata; m; m = m->next) {
		if (view_is(label, m->label)) {
			*value = m->value;
			return true;
		}
	}
	return false;
}

void metadata_set(struct query *q, const char *label, struct view value)
{
	struct metadata *m = arena_new_object(q->arena, struct metadata);
	*m = (struct metadata){ q->metadata, label, value };
	q->metadata = m;
}
