/* Answering from mirrored zones: several hosted zones of one name, and aliases that a provider resolves. */
#ifndef ISTHMUS_PLUGINS_MIRROR_ANSWER_H
#define ISTHMUS_PLUGINS_MIRROR_ANSWER_H

#include "plugins/zone_answer.h"
#include "sync/mirror.h"

/*
 * Serves q from the hosted zones of one origin that q->name is under, `first` and those that follow: from the first that has an
 * answer, or the name without such records. Where none has, a referral counts before a name that only has others below it, and
 * that before a denial, of which the last zone's is given. Gives what serve() is to give.
 */
int mirror_answer(struct plugin *self, struct query *q, const struct mirror_zone *first,
	zone_finder *zone_of, const struct fallthrough *fallthrough);

#endif
