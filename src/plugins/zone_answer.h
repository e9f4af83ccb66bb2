/* Answering a query from a zone: what `file` and `auto`, and whatever else keeps zones, have in
 * common. */
#ifndef ISTHMUS_PLUGINS_ZONE_ANSWER_H
#define ISTHMUS_PLUGINS_ZONE_ANSWER_H

#include "server/plugin.h"
#include "zone/zone.h"

/*
 * Serves q from the zone (NULL: known, but not loaded), whose origin q->name is under. What has no
 * record in it is passed on where `fallthrough` says so; NULL: nowhere. Aliases that lead out of
 * the zone are looked up through the server. Gives what serve() is to give.
 */
int zone_answer(struct plugin *self, struct query *q, const struct zone *z,
	const struct fallthrough *fallthrough);

#endif
