/*
 * An answer is made from memory that nobody has touched for long: waiting for it twice (table, then
 * node) takes as long as all else that the server itself does for a query. So the questions of a
 * batch are looked at before it is answered, and all that waiting is done at once.
 */
#include "server/foresight.h"

#include "dns/message.h"
#include "dns/reader.h"
#include "server/listener.h"

/* Questions for one plugin. */
struct ahead {
	struct plugin *plugin;
	unsigned count;
	struct foreseen questions[FORESEEN_MAX];
};

static void tell(struct ahead *a)
{
	if (a->count)
		a->plugin->type->foresee(a->plugin, a->questions, a->count);
	a->count = 0;
}

static void add(struct ahead *a, struct plugin *p, const struct foreseen *question)
{
	if (p != a->plugin || a->count == FORESEEN_MAX)
		tell(a);
	a->plugin = p;
	a->questions[a->count++] = *question;
}

/* DO of an OPT right behind the question, where nearly all are. */
static bool opt_wants_dnssec(struct reader *r)
{
	if (r->at == r->end || read_u8(r) != 0 || read_u16(r) != TYPE_OPT)
		return false;
	read_skip(r, 4); /* size, rcode, version */
	return read_u16(r) & EDNS_DO;
}

/* What a datagram asks; false if there is nothing to be read. */
static bool question_of(struct view datagram, struct foreseen *question)
{
	struct reader r = { .base = (const uint8_t *)datagram.at, .end = datagram.length };
	read_skip(&r, FLAGS_AT);
	question->checking_disabled = read_u16(&r) & FLAG_CD;
	read_skip(&r, HEADER_SIZE - COUNTS_AT + 2);
	question->name.octets = r.base + r.at;
	question->name.length = read_plain_name(&r);
	uint32_t type_class = read_u32(&r);
	question->type = (uint16_t)(type_class / 65536);
	question->class = (uint16_t)(type_class % 65536);
	question->wants_dnssec = opt_wants_dnssec(&r);
	return question->name.length > 0 && !r.failed;
}

/* With several blocks (views) for one zone the first is as good a guess as any; with one zone there is none to make. */
static struct plugin *plugin_for(const struct endpoint_group *g, struct name qname)
{
	const struct zone_entry *e = g->zones.count == 1 ? g->zones.entries[0].value :
							   zone_map_longest(&g->zones, qname, NAME_MAP_ANY);
	return e ? e->blocks[0]->foreseer : NULL;
}

void foresee(void *listener, const struct view *datagrams, unsigned count)
{
	const struct listener *l = listener;
	const struct endpoint_group *g = atomic_load_explicit(&l->group, memory_order_acquire);
	if (!g->foresees)
		return;
	struct ahead a;
	a.plugin = NULL;
	a.count = 0;
	for (unsigned i = 0; i < count; i++) {
		struct foreseen question;
		if (!question_of(datagrams[i], &question))
			continue;
		struct plugin *p = plugin_for(g, question.name);
		if (p)
			add(&a, p, &question);
	}
	tell(&a);
}
