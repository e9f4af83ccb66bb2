/*
 * From a query to the block that answers it: the longest zone above the qname, then the block's filters, then its
 * chain; and the bare replies for what no block takes.
 */
#include "server/dispatch.h"

#include "server/accounting.h"
#include "server/bare_reply.h"
#include "server/chain.h"

/* What asking one zone's blocks came to. */
enum taken {
	TAKEN,
	NOT_TAKEN,   /* every block's filter said no: the next shorter zone is asked */
	NO_HANDLERS, /* a block without plugins: refused */
};

/* A block that collects begins with none: what a block before it collected, whose filter then said no, is gone. */
static void collect_metadata(struct query *q, const struct block *b)
{
	struct name zone;
	if (!b->collects_metadata)
		return;
	q->metadata = NULL;
	if (!zones_match(b->metadata_zones, b->metadata_zone_count, q->name, &zone))
		return;
	for (struct plugin *p = b->plugins; p; p = p->sibling) {
		if (p->type->metadata)
			p->type->metadata(p, q);
	}
}

/* Whatever the plugins made of the question, the client gets its own back. */
static void run_chain(struct query *q, const struct block *b)
{
	const struct question asked = q->request.question;
	const struct name name = q->name;
	int rcode = chain_serve(b->chain, q);
	if (q->reply || !serve_is_error(rcode))
		return;
	q->request.question = asked;
	q->name = name;
	bare_reply(q, (uint16_t)rcode);
}

static enum taken ask_blocks(struct query *q, const struct zone_entry *e)
{
	for (size_t i = 0; i < e->block_count; i++) {
		const struct block *b = e->blocks[i];
		q->block = b;
		if (!b->chain)
			return NO_HANDLERS;
		collect_metadata(q, b);
		if (b->filter && !chain_filter(b->filter, q))
			continue;
		run_chain(q, b);
		return TAKEN;
	}
	q->block = NULL;
	return NOT_TAKEN;
}

/* DS lives on the parent's side of a cut (RFC 4035 3.1.4.1): the zone itself is asked only where no other is above it. */
static const struct zone_entry *zone_for_ds(const struct name_map *zones, struct query *q)
{
	const struct zone_entry *e = zone_map_longest(zones, q->name, NAME_MAP_ANY);
	if (!e || !name_equal(e->zone, q->name))
		return e;
	const struct zone_entry *parent = zone_map_longest(zones, q->name, name_labels(e->zone));
	return parent ? parent : e;
}

static void refuse(struct query *q)
{
	bare_reply(q, RCODE_REFUSED);
	account_dropped(q);
}

static void ask_zones(struct query *q, const struct name_map *zones)
{
	const struct zone_entry *e = query_type(q) == TYPE_DS
					     ? zone_for_ds(zones, q)
					     : zone_map_longest(zones, q->name, NAME_MAP_ANY);
	for (; e; e = zone_map_longest(zones, q->name, name_labels(e->zone))) {
		switch (ask_blocks(q, e)) {
		case TAKEN:
			return;
		case NO_HANDLERS:
			refuse(q);
			return;
		case NOT_TAKEN:
			break;
		}
	}
	refuse(q);
}

void dispatch(struct query *q, const struct endpoint_group *group)
{
	if (!q->request.has_question) {
		bare_reply(q, RCODE_SERVFAIL);
		account_dropped(q);
		return;
	}
	if (query_class(q) != CLASS_IN && !group->takes_any_class) {
		refuse(q);
		return;
	}
	if (q->request.edns.present && q->request.edns.version != 0) {
		bad_version_reply(q);
		return;
	}
	ask_zones(q, &group->zones);
}
