/* The plugin `etcd`: names out of etcd, as SkyDNS keeps them there. */
#include "plugins/etcd/etcd.h"

#include "server/block.h"

static const uint64_t start_wait = 5 * NS_PER_S, start_look = 5 * NS_PER_MS;

/* Waits for the first listing, so that what is in etcd is answered from the first query on; not for an etcd that is away. */
static void wait_for_listing(const struct etcd_source *source)
{
	uint64_t end = clock_now() + start_wait;
	while (!etcd_source_synced(source) && !etcd_source_failed(source) && clock_now() < end) {
		if (fiber_sleep(start_look) == WAIT_STOPPED)
			return;
	}
}

static bool etcd_start(struct plugin *self, struct plugin *before)
{
	const struct etcd *e = self->state, *old = before ? before->state : NULL;
	struct arena *arena = self->block->config->arena;
	const char *why;
	bool started = e->live ? etcd_source_open(e->source, arena, &why)
			       : etcd_source_start(e->source, old && !old->live ? old->source : NULL, arena, &why);
	if (!started)
		return start_error(self, "%s", why);
	if (!e->live)
		wait_for_listing(e->source);
	return true;
}

/* What is not known cannot be denied, nor passed on: another's denial would stay in caches. */
static int deny(struct plugin *self, struct etcd_lookup *l, enum etcd_outcome outcome)
{
	const struct etcd *e = l->e;
	struct query *q = l->q;
	if (outcome == ETCD_NO_NAME && fallthrough_applies(&e->fallthrough, q->name)) {
		query_why(q, "etcd has no key for the name");
		q->reply = NULL;
		return next(self, q);
	}
	if (outcome == ETCD_NO_NAME && !name_equal(q->name, l->zone))
		q->reply->rcode = RCODE_NXDOMAIN;
	if (outcome == ETCD_UNKNOWN) {
		q->reply->rcode = RCODE_SERVFAIL;
		q->error = l->error;
		query_why(q, "%s", l->error);
	}
	etcd_add_soa(l, SECTION_AUTHORITY);
	return RCODE_NOERROR;
}

static int etcd_serve(struct plugin *self, struct query *q)
{
	const struct etcd *e = self->state;
	struct name zone;
	if (!zones_match(e->zones, e->zone_count, q->name, &zone))
		return next(self, q);
	if (query_type(q) == TYPE_AXFR || query_type(q) == TYPE_IXFR)
		return RCODE_REFUSED;
	struct etcd_lookup l = { .self = self, .e = e, .q = q, .zone = zone, .type = query_type(q) };
	l.known = e->live ? NULL : etcd_source_services(e->source);
	reply_new(q, RCODE_NOERROR, REPLY_AA);
	enum etcd_outcome outcome = etcd_answer(&l);
	return outcome == ETCD_FOUND ? RCODE_NOERROR : deny(self, &l, outcome);
}

static const char *etcd_source_text(const struct plugin *self, struct query *q)
{
	const struct etcd *e = self->state;
	const struct sorted *known = e->live ? NULL : etcd_source_services(e->source);
	struct name zone;
	if (!zones_match(e->zones, e->zone_count, q->name, &zone))
		return NULL;
	if (e->live)
		return arena_printf(q->arena, "asked of %s", e->endpoints[0]);
	return known ? arena_printf(q->arena, "%zu keys of %s, watched", known->count, e->endpoints[0])
		     : arena_printf(q->arena, "%s: not listed yet", e->endpoints[0]);
}

PLUGIN(etcd) = {
	.name = "etcd",
	.arguments = "[ZONES...]",
	.help = "answers with the records that SkyDNS keeps in etcd",
	.about = "The name a.b.example.org has the record of the key PATH/org/example/b/a, and of all keys below it: JSON with `host`, `port`, "
		 "`priority`, `weight`, `text`, `mail`, `ttl`, `targetstrip` and `group`. A label `*` or `any` of a question stands for any "
		 "part of a key.\n\n"
		 "All keys below PATH are listed once and watched from there on: a change is answered within milliseconds, and an etcd that is away "
		 "changes no answer. Until it has been heard once, names are answered with SERVFAIL.",
	.options = etcd_options,
	.state_size = sizeof(struct etcd),
	.once = true,
	.init = etcd_init,
	.setup = etcd_setup,
	.finish = etcd_finish,
	.start = etcd_start,
	.serve = etcd_serve,
	.source = etcd_source_text,
};
