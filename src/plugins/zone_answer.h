/* Answering a query from a zone: what `file` and `auto`, and whatever else keeps zones, have in
 * common. */
#ifndef ISTHMUS_PLUGINS_ZONE_ANSWER_H
#define ISTHMUS_PLUGINS_ZONE_ANSWER_H

#include "server/plugin.h"
#include "zone/zone.h"

/* The zone of the plugin's that would answer for a name, or NULL. */
typedef const struct zone *zone_finder(const struct plugin *self, struct name qname);

/*
 * Serves q from the zone (NULL: known, but not loaded), whose origin q->name is under. What has no
 * record in it is passed on where `fallthrough` says so; NULL: nowhere. Aliases that lead out of
 * the zone, or below it into another one of the plugin's or of the server's, are looked up through
 * the server. Gives what serve() is to give.
 */
int zone_answer(struct plugin *self, struct query *q, const struct zone *z, zone_finder *zone_of,
	const struct fallthrough *fallthrough);

/* --- its steps, for who has several zones to choose from --- */

/* Whether the message is no question to a zone; *rcode says what it is answered with. */
bool zone_answer_refuses(const struct query *q, int *rcode);

/* Looks q->name up and puts what there is into a new q->reply. */
struct zone_result zone_answer_find(const struct plugin *self, struct query *q, const struct zone *z,
	zone_finder *zone_of, uint16_t type);

/* Does with q->reply what zone_answer() does once it has looked. */
int zone_answer_end(struct plugin *self, struct query *q, const struct zone *z,
	const struct zone_result *found, const struct fallthrough *fallthrough);

/* --- transfers, and fetching ahead --- */

/* All records of the zone (NULL: known, but not loaded), as plugin_type.transfer() gives them. */
enum transfer_outcome zone_answer_transfer(const struct zone *z, struct record_sink *to);

/* Fetches what their lookups take into the CPU's cache (see plugin_type.foresee). */
void zone_answer_foresee(const struct plugin *self, zone_finder *zone_of,
	const struct foreseen *questions, unsigned count);

#endif
