/* From a query to a reply: zone, outcome, denial. */
#include "plugins/kubernetes/serve.h"

#include "dns/reverse.h"

/* The zone in the letters of the question. */
static struct name zone_as_asked(const struct query *q, struct name zone)
{
	return name_suffix(q->request.question.name, name_labels(zone));
}

bool kube_is_imported_zone(const struct kube_rules *rules, struct name zone)
{
	for (size_t i = 0; i < rules->imported_zone_count; i++) {
		if (name_equal(rules->imported_zones[i], zone))
			return true;
	}
	return false;
}

static struct kube_lookup lookup_in(const struct kube_rules *rules,
	const struct kube_cluster *cluster, struct query *q, struct name zone)
{
	bool imported = kube_is_imported_zone(rules, zone);
	return (struct kube_lookup){
		.rules = rules,
		.cluster = cluster,
		.directory = imported ? &cluster->imported : &cluster->own,
		.q = q,
		.owner = q->request.question.name,
		.zone = zone_as_asked(q, zone),
		.imported = imported,
		.type = query_type(q),
	};
}

static bool is_known(const struct kube_lookup *l)
{
	unsigned needed = l->imported ? 1u << KUBE_IMPORT | 1u << KUBE_IMPORT_SLICE
				      : 1u << KUBE_SERVICE | 1u << KUBE_SLICE;
	if (l->request.place == KUBE_PLACE_POD)
		needed = 1u << KUBE_POD;
	needed = (needed | 1u << KUBE_NAMESPACE) & l->rules->watched;
	return (l->cluster->listed & needed) == needed;
}

/* Names that are not there: passed on, or denied. A cluster that is not known yet denies nothing. */
static enum kube_served deny(struct kube_lookup *l, struct name zone)
{
	struct query *q = l->q;
	bool known = is_known(l), falls = fallthrough_applies(&l->rules->fallthrough, q->name);
	if (falls && (known || name_is_reverse(zone))) {
		query_why(q, "the cluster has nothing of this name");
		q->reply = NULL;
		return KUBE_PASSED_ON;
	}
	q->reply->rcode = known ? RCODE_NXDOMAIN : RCODE_SERVFAIL;
	kube_add_soa(l, SECTION_AUTHORITY);
	return falls ? KUBE_UNKNOWN : KUBE_ANSWERED;
}

enum kube_served kube_serve(
	const struct kube_rules *rules, const struct kube_cluster *cluster, struct query *q)
{
	struct name zone;
	if (!zones_match(rules->zones, rules->zone_count, q->name, &zone))
		return KUBE_PASSED_ON;
	if (query_type(q) == TYPE_AXFR || query_type(q) == TYPE_IXFR)
		return KUBE_REFUSED;
	struct kube_lookup l = lookup_in(rules, cluster, q, zone);
	reply_new(q, RCODE_NOERROR, REPLY_AA);
	switch (kube_resolve(&l)) {
	case KUBE_FOUND:
		return KUBE_ANSWERED;
	case KUBE_NODATA:
		kube_add_soa(&l, SECTION_AUTHORITY);
		return KUBE_ANSWERED;
	case KUBE_NO_NAME:
		break;
	}
	return deny(&l, zone);
}

/* --- metadata --- */

static const struct kube_pod *client_pod(
	const struct kube_rules *rules, const struct kube_cluster *c, const struct query *q)
{
	struct view octets = endpoint_address(&q->client);
	struct kube_address a = kube_address_of((const uint8_t *)octets.at, octets.length);
	const struct kube_pod_holder *h =
		rules->pods == KUBE_PODS_VERIFIED ? kube_find_pods(c, &a) : NULL;
	return h ? h->pods[0] : NULL;
}

static void set_client(const struct kube_rules *rules, const struct kube_cluster *c, struct query *q)
{
	const struct kube_pod *pod = client_pod(rules, c, q);
	if (!pod)
		return;
	metadata_set(q, "kubernetes/client-namespace", kube_key_namespace(pod->key));
	metadata_set(q, "kubernetes/client-pod-name", kube_key_name(pod->key));
	for (uint32_t i = 0; i < pod->label_count; i++) {
		struct view key = kube_text_view(pod->text, pod->labels[2 * i]);
		metadata_set(q,
			arena_printf(q->arena, "kubernetes/client-label/%.*s", VIEW_ARGS(key)),
			kube_text_view(pod->text, pod->labels[2 * i + 1]));
	}
}

static const char *kind_of(enum kube_place place)
{
	switch (place) {
	case KUBE_PLACE_POD:
	case KUBE_PLACE_POD_NAMESPACE:
		return "pod";
	case KUBE_PLACE_APEX:
		return "";
	default:
		return "svc";
	}
}

void kube_set_metadata(const struct kube_rules *rules, const struct kube_cluster *cluster, struct query *q)
{
	struct name zone;
	set_client(rules, cluster, q);
	if (!zones_match(rules->zones, rules->zone_count, q->name, &zone))
		return;
	struct kube_grammar grammar = { .imported = kube_is_imported_zone(rules, zone),
		.zonal = rules->zonal };
	struct kube_request r = kube_request_parse(q->name, zone, &grammar);
	if (r.place == KUBE_PLACE_NONE || r.place == KUBE_PLACE_NAME_SERVER ||
		r.place == KUBE_PLACE_VERSION || name_is_reverse(zone)) {
		metadata_set(q, "kubernetes/parse-error", VIEW("invalid query name"));
		return;
	}
	metadata_set(q, "kubernetes/port-name", r.port);
	metadata_set(q, "kubernetes/protocol", r.protocol);
	metadata_set(q, "kubernetes/endpoint", r.endpoint);
	metadata_set(q, "kubernetes/service", r.place == KUBE_PLACE_POD ? r.pod : r.service);
	metadata_set(q, "kubernetes/namespace", r.namespace);
	metadata_set(q, "kubernetes/kind", view_of(kind_of(r.place)));
	if (grammar.imported)
		metadata_set(q, "kubernetes/cluster", r.cluster);
	if (rules->zonal)
		metadata_set(q, "kubernetes/zone", kube_labels_text(q->arena, r.zone));
}

/* --- the search path --- */

size_t kube_search_path(const struct kube_rules *rules, const struct kube_cluster *cluster, struct query *q,
	struct name zone, struct name to[static 3])
{
	const struct kube_pod *pod = client_pod(rules, cluster, q);
	if (!pod || name_is_reverse(zone))
		return 0;
	struct view labels[] = { kube_key_namespace(pod->key), VIEW("svc") };
	to[0] = kube_name(q->arena, labels, 2, zone);
	to[1] = kube_name(q->arena, labels + 1, 1, zone);
	to[2] = zone;
	return to[0].length ? 3 : 0;
}
