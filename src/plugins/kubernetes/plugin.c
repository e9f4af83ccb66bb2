/* The plugins `kubernetes` and `kubernetai`: one cluster, or several that are asked in turn. */
#include "plugins/kubernetes/instance.h"
#include "plugins/kubernetes/merge.h"
#include "plugins/kubernetes/serve.h"

#include "server/block.h"

static const uint64_t look_interval = 5 * NS_PER_MS;
static const uint64_t say_interval = 500 * NS_PER_MS;

static const struct kube_instances *instances_of(const struct plugin *self)
{
	return self->state;
}

static bool all_synced(struct plugin *self)
{
	for (const struct kube_instance *k = instances_of(self)->first; k; k = k->next) {
		if (!kube_source_synced(k->source))
			return false;
	}
	return true;
}

/* Whether what is served comes from the API servers themselves, and from no disk. */
static bool all_fresh(struct plugin *self)
{
	for (const struct kube_instance *k = instances_of(self)->first; k; k = k->next) {
		if (!kube_source_synced(k->source) || kube_source_stale_since(k->source))
			return false;
	}
	return true;
}

static const char *kubernetes_remark(struct plugin *self)
{
	return all_fresh(self) ? NULL : "answers from the state on disk: the API server has not been heard yet";
}

static uint64_t longest_timeout(const struct plugin *self)
{
	int64_t longest = 0;
	for (const struct kube_instance *k = instances_of(self)->first; k; k = k->next) {
		if (k->startup_timeout > longest)
			longest = k->startup_timeout;
	}
	return (uint64_t)longest;
}

/*
 * Waits for the first answers of all clusters at once: a server that begins without them denies nothing, but says SERVFAIL. At a
 * start the state on disk is enough; at a reload the configuration that serves meanwhile has a better one.
 */
static void wait_for_clusters(struct plugin *self, bool reload)
{
	bool (*enough)(struct plugin *self) = reload ? all_fresh : all_synced;
	uint64_t began = clock_now(), said = began, end = began + longest_timeout(self);
	while (!enough(self)) {
		uint64_t now = clock_now();
		if (now >= end) {
			plugin_warning(self, "starting server with unsynced Kubernetes API");
			return;
		}
		if (now - said >= say_interval) {
			said = now;
			plugin_info(self, "waiting for Kubernetes API before starting server");
		}
		if (fiber_sleep(look_interval) == WAIT_STOPPED)
			return;
	}
}

static bool kubernetes_start(struct plugin *self, struct plugin *before)
{
	const char *why;
	for (const struct kube_instance *k = instances_of(self)->first; k; k = k->next) {
		if (!kube_source_start(k->source, self->block->config->arena, &why))
			return start_error(self, "%s", why);
	}
	wait_for_clusters(self, before != NULL);
	return true;
}

/* Asks those that `merge` and are healthy, or those that do and are not. */
static void ask_merging(const struct kube_instances *all, bool healthy, struct query *q, struct kube_merge *m)
{
	for (const struct kube_instance *k = all->first; k; k = k->next) {
		if (k->merge && kube_source_healthy(k->source) == healthy)
			kube_merge_add(m, q, kube_serve(&k->rules, kube_source_cluster(k->source), q));
	}
}

/* All clusters that `merge` as one. What a cluster knew that is out of reach counts where no other has the name. */
static enum kube_served serve_merged(const struct kube_instances *all, struct query *q)
{
	struct kube_merge merge = { 0 };
	ask_merging(all, true, q, &merge);
	if (!merge.found)
		ask_merging(all, false, q, &merge);
	return kube_merge_end(&merge, q);
}

/*
 * While a cluster is not known yet, others may know the name. Their denials do not count then, and nobody else is asked: a denial
 * from there would stay in caches.
 */
static int kubernetes_serve(struct plugin *self, struct query *q)
{
	const struct kube_instances *all = instances_of(self);
	struct message *unknown = NULL;
	bool merging = kube_merge_applies(q), merged = false;
	for (const struct kube_instance *k = all->first; k; k = k->next) {
		if (merging && k->merge && merged)
			continue;
		bool merge = merging && k->merge;
		merged |= merge;
		switch (merge ? serve_merged(all, q) : kube_serve(&k->rules, kube_source_cluster(k->source), q)) {
		case KUBE_ANSWERED:
			if (unknown && q->reply->rcode == RCODE_NXDOMAIN)
				q->reply = unknown;
			return RCODE_NOERROR;
		case KUBE_REFUSED:
			return RCODE_REFUSED;
		case KUBE_UNKNOWN:
			unknown = q->reply;
			break;
		case KUBE_PASSED_ON:
			break;
		}
	}
	q->reply = unknown;
	return unknown ? RCODE_NOERROR : next(self, q);
}

/* "cluster 10.0.0.1:443: changed 12s ago", and so on for each that serves the name's zone. */
static const char *kubernetes_source(const struct plugin *self, struct query *q)
{
	const char *text = NULL;
	struct name zone;
	for (const struct kube_instance *k = instances_of(self)->first; k; k = k->next) {
		const struct kube_cluster *c = kube_source_cluster(k->source);
		if (!zones_match(k->rules.zones, k->rules.zone_count, q->name, &zone))
			continue;
		int64_t age = (int64_t)clock_wall_seconds() - c->serial;
		const char *state = !kube_source_synced(k->source) ? "not listed yet"
				    : !c->serial		   ? "never changed"
								   : arena_printf(q->arena, "changed %s ago",
								     duration_print(q->arena, age * (int64_t)NS_PER_S));
		text = arena_printf(q->arena, "%s%scluster %s: %s", text ? text : "", text ? ", " : "",
			kube_source_host(k->source), state);
	}
	return text;
}

/* The first cluster that has the zone gives it; zones of several are not made one. */
static enum transfer_outcome kubernetes_transfer(
	struct plugin *self, struct name zone, struct record_sink *to)
{
	for (const struct kube_instance *k = instances_of(self)->first; k; k = k->next) {
		enum transfer_outcome outcome =
			kube_transfer(&k->rules, kube_source_cluster(k->source), zone, to);
		if (outcome != TRANSFER_NOT_SERVED)
			return outcome;
	}
	return TRANSFER_NOT_SERVED;
}

/* What follows the cluster's own names: the host's list, and the name as it is. */
static size_t end_path(const struct kube_instances *all, struct name *to, size_t count, size_t room)
{
	for (size_t i = 0; count && i < all->search_count && count + 1 < room; i++)
		to[count++] = all->search[i];
	if (count && count < room)
		to[count++] = name_root;
	return count;
}

static size_t kubernetes_search_path(struct plugin *self, struct query *q, struct name *to, size_t room)
{
	const struct kube_instances *all = instances_of(self);
	const struct kube_instance *k = all->first;
	struct name zone;
	if (room < 3 || !zones_match(k->rules.zones, k->rules.zone_count, q->name, &zone))
		return 0;
	size_t count = kube_search_path(&k->rules, kube_source_cluster(k->source), q, zone, to);
	return end_path(all, to, count, room);
}

/* Puts the names of one more zone in front of those that are there. */
static size_t prepend_zone(const struct kube_instance *k, struct query *q, struct name zone, struct name *to,
	size_t count, size_t room)
{
	struct name three[3];
	if (count + 3 > room || !kube_search_path(&k->rules, kube_source_cluster(k->source), q, zone, three))
		return count;
	memmove(to + 3, to, count * sizeof *to);
	memcpy(to, three, sizeof three);
	return count + 3;
}

/* Of all clusters that know the client: the last one's last zone comes first, as in CoreDNS's plugin. */
static size_t kubernetai_search_path(struct plugin *self, struct query *q, struct name *to, size_t room)
{
	const struct kube_instances *all = instances_of(self);
	size_t count = 0;
	bool served = false;
	struct name zone;
	for (const struct kube_instance *k = all->first; k; k = k->next) {
		served |= zones_match(k->rules.zones, k->rules.zone_count, q->name, &zone);
		for (size_t i = 0; i < k->rules.zone_count; i++)
			count = prepend_zone(k, q, k->rules.zones[i], to, count, room);
	}
	return served ? end_path(all, to, count, room) : 0;
}

static void kubernetes_metadata(struct plugin *self, struct query *q)
{
	for (const struct kube_instance *k = instances_of(self)->first; k; k = k->next)
		kube_set_metadata(&k->rules, kube_source_cluster(k->source), q);
}

#define KUBERNETES_PLUGIN \
	.arguments = "[ZONES...]", .options = kube_options, .metrics = kube_metrics, \
	.state_size = sizeof(struct kube_instances), .init = kube_instances_init, \
	.setup = kube_instances_setup, .finish = kube_instances_finish, .start = kubernetes_start, \
	.serve = kubernetes_serve, .transfer = kubernetes_transfer, .metadata = kubernetes_metadata, .ready = all_synced, \
	.remark = kubernetes_remark, \
	.source = kubernetes_source

PLUGIN(kubernetes) = {
	.name = "kubernetes",
	.help = "answers for the services, endpoints and pods of a Kubernetes cluster",
	.about = "Names are those of the Kubernetes DNS specification, below each of ZONES. The cluster's objects are watched "
		 "apart from queries: an API server that is away changes no answer. Until it has been heard once, names that "
		 "are not known are answered with SERVFAIL.\n\n"
		 "In a pod the service account's credentials are used; `endpoint` or `kubeconfig` reach a cluster from outside.",
	.once = true,
	.search_path = kubernetes_search_path,
	KUBERNETES_PLUGIN,
};

PLUGIN(kubernetai) = {
	.name = "kubernetai",
	.help = "answers for several Kubernetes clusters, one after the other",
	.about = "Each occurrence is a cluster of its own, with the options of `kubernetes`. They are asked in the order of the "
		 "Corefile: the first whose zones hold the name answers, and what it does not have goes on to the next where "
		 "`fallthrough` says so. A cluster that is down neither slows nor breaks the others.\n\n"
		 "Those with `merge` are asked together: a service's addresses and SRV records are those of all of them that have it. "
		 "One that has not been heard for a minute, and cannot be reached, is left out as long as another has the name.",
	.search_path = kubernetai_search_path,
	KUBERNETES_PLUGIN,
};
