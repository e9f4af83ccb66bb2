/* The plugin `k8s_external`: a cluster's services by their external addresses, in zones of their own. */
#include "plugins/kubernetes/external.h"

#include "server/block.h"

enum { TTL_DEFAULT = 5 };

/* --- set-up --- */

static void external_init(struct setup *s)
{
	struct external *e = s->state;
	e->apex = VIEW("dns");
	e->ttl = TTL_DEFAULT;
}

static bool external_setup(struct setup *s)
{
	struct external *e = s->state;
	return args_zones(s, &e->zones, &e->zone_count);
}

static bool read_apex(struct setup *s)
{
	struct external *e = s->state;
	struct view *words;
	if (!args_rest(s, &words))
		return setup_argument_error(s);
	e->apex = words[0];
	return true;
}

static bool read_ttl(struct setup *s)
{
	return kube_read_ttl(s, &((struct external *)s->state)->ttl);
}

static bool read_fallthrough(struct setup *s)
{
	return args_fallthrough(s, &((struct external *)s->state)->fallthrough);
}

static bool external_start(struct plugin *self, struct plugin *before)
{
	struct external *e = self->state;
	const struct plugin *kubernetes = block_plugin(self->block, "kubernetes");
	(void)before;
	if (!kubernetes)
		kubernetes = block_plugin(self->block, "kubernetai");
	if (!kubernetes)
		return start_error(self, "kubernetes plugin not loaded");
	e->cluster = ((const struct kube_instances *)kubernetes->state)->first;
	return true;
}

static int external_serve(struct plugin *self, struct query *q)
{
	const struct external *e = self->state;
	struct name zone;
	bool never_falls;
	if (!zones_match(e->zones, e->zone_count, q->name, &zone) || query_type(q) == TYPE_AXFR ||
		query_type(q) == TYPE_IXFR)
		return next(self, q);
	struct external_lookup l = external_lookup_of(e, q, zone, query_type(q));
	reply_new(q, RCODE_NOERROR, REPLY_AA);
	enum kube_outcome outcome = external_resolve(&l, &never_falls);
	if (outcome == KUBE_FOUND)
		return RCODE_NOERROR;
	bool known = external_is_known(&l);
	if (outcome == KUBE_NO_NAME && known && !never_falls && fallthrough_applies(&e->fallthrough, q->name)) {
		q->reply = NULL;
		return next(self, q);
	}
	if (outcome == KUBE_NO_NAME)
		q->reply->rcode = known ? RCODE_NXDOMAIN : RCODE_SERVFAIL;
	external_add_soa(&l, SECTION_AUTHORITY);
	return RCODE_NOERROR;
}

PLUGIN(k8s_external) = {
	.name = "k8s_external",
	.arguments = "[ZONES...]",
	.help = "answers with the external addresses of a cluster's services",
	.about = "SERVICE.NAMESPACE in one of ZONES has the external addresses of that service, and those of its load balancer. The cluster "
		 "is that of the block's `kubernetes` (the first one of `kubernetai`).",
	.options =
		(const struct option[]){
			{ .name = "apex",
				.arguments = "LABEL",
				.fallback = "dns",
				.help = "the label below which the zone's name server stands",
				.read = read_apex },
			{ .name = "ttl",
				.arguments = "SECONDS",
				.fallback = "5",
				.help = "of addresses and of denials, 0 to 3600",
				.read = read_ttl },
			{ .name = "headless",
				.help = "answers with the endpoints of headless services that have no external addresses",
				.offset = offsetof(struct external, headless) },
			{ .name = "fallthrough",
				.arguments = "[ZONES...]",
				.help = "passes names that no service has to the next plugin",
				.read = read_fallthrough },
			{ 0 },
		},
	.state_size = sizeof(struct external),
	.init = external_init,
	.setup = external_setup,
	.start = external_start,
	.serve = external_serve,
	.transfer = external_transfer,
};
