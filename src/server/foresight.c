/*
 * A name's data is in memory that nobody has touched for long: waiting for it twice (table, then
 * node) takes as long as all else that the server itself does for a query. So the questions of a
 * batch are looked at before it is answered, and all that waiting is done at once.
 */
#include "server/foresight.h"

#include "dns/message.h"
#include "dns/reader.h"
#include "server/listener.h"

/* Names for one plugin. */
struct foreseen {
	struct plugin *plugin;
	unsigned count;
	struct name names[FORESEEN_MAX];
};

static void tell(struct foreseen *f)
{
	if (f->count)
		f->plugin->type->foresee(f->plugin, f->names, f->count);
	f->count = 0;
}

static void add(struct foreseen *f, struct plugin *p, struct name qname)
{
	if (p != f->plugin || f->count == FORESEEN_MAX)
		tell(f);
	f->plugin = p;
	f->names[f->count++] = qname;
}

/* The question's name; of length 0 if there is none to be read. */
static struct name question_name(struct view datagram)
{
	struct reader r = {
		.base = (const uint8_t *)datagram.at,
		.at = HEADER_SIZE,
		.end = datagram.length,
	};
	if (datagram.length <= HEADER_SIZE)
		return (struct name){ 0 };
	return (struct name){ r.base + HEADER_SIZE, read_plain_name(&r) };
}

/* With several blocks (views) for one zone the first is as good a guess as any. */
static struct plugin *plugin_for(const struct endpoint_group *g, struct name qname)
{
	const struct zone_entry *e = zone_map_longest(&g->zones, qname, NAME_MAP_ANY);
	return e ? e->blocks[0]->foreseer : NULL;
}

void foresee(void *listener, const struct view *datagrams, unsigned count)
{
	const struct listener *l = listener;
	const struct endpoint_group *g = atomic_load_explicit(&l->group, memory_order_acquire);
	if (!g->foresees)
		return;
	struct foreseen f;
	f.plugin = NULL;
	f.count = 0;
	for (unsigned i = 0; i < count; i++) {
		struct name qname = question_name(datagrams[i]);
		struct plugin *p = qname.length ? plugin_for(g, qname) : NULL;
		if (p)
			add(&f, p, qname);
	}
	tell(&f);
}
