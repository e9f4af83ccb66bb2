/* An instance of the plugin, and what its parts do for a query. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_KUBERNETES_H
#define ISTHMUS_PLUGINS_KUBERNETES_KUBERNETES_H

#include "plugins/kubernetes/grammar.h"
#include "plugins/kubernetes/index.h"
#include "server/plugin.h"

enum kube_pods {
	KUBE_PODS_DISABLED,
	KUBE_PODS_INSECURE, /* any address is answered */
	KUBE_PODS_VERIFIED, /* those of pods that are there */
};

/* How a cluster is shown in DNS: what the Corefile says, immutable. */
struct kube_rules {
	struct name *zones;
	size_t zone_count;
	struct name primary; /* the first zone that is not a reverse one: where PTR records lead */
	struct name *imported_zones;
	size_t imported_zone_count;
	uint32_t ttl;
	enum kube_pods pods;
	bool ignore_empty, zonal;
	struct view *namespaces; /* only these; none: all */
	size_t namespace_count;
	struct fallthrough fallthrough;
	unsigned watched; /* bit by kind: until all of it was listed once, nothing is denied */
	struct kube_address *local; /* the server's own addresses */
	size_t local_count;
};

/* One question in one zone. */
struct kube_lookup {
	const struct kube_rules *rules;
	const struct kube_cluster *cluster;
	const struct kube_directory *directory;
	struct query *q;
	struct name owner; /* of the answer: the question's name, or where an alias led */
	struct name zone;  /* the end of the question's name, in its letters */
	bool imported;
	uint16_t type;
	struct kube_request request;
};

enum kube_outcome {
	KUBE_FOUND,   /* the reply has records */
	KUBE_NODATA,  /* the name is there */
	KUBE_NO_NAME,
};

/* Answers from the cluster's data; adds to q->reply. Its zone is in l->zone, the name in l->owner and q->name. */
enum kube_outcome kube_resolve(struct kube_lookup *l);

/* Services and their endpoints: service.c */
enum kube_outcome kube_answer_service(struct kube_lookup *l);

/* A name at which a service of type ExternalName stands: its alias, followed. alias.c */
const struct kube_service_data *kube_alias_at(const struct kube_lookup *l);
enum kube_outcome kube_answer_alias(struct kube_lookup *l, const struct kube_service_data *alias);

/* A reverse zone's names: pointer.c */
enum kube_outcome kube_answer_pointer(struct kube_lookup *l);

/* NS at the apex and addresses at ns.dns: name_server.c */
enum kube_outcome kube_answer_name_servers(struct kube_lookup *l);
enum kube_outcome kube_answer_name_server_addresses(struct kube_lookup *l);

/* Calls visit for each service that one of the server's own addresses is an endpoint of. False if no slice has any of them:
 * the server is not in the cluster. */
bool kube_each_local_service(const struct kube_rules *rules, const struct kube_directory *d,
	void (*visit)(const struct kube_service *s, void *data), void *data);

/* Whether DNS shows this namespace. */
bool kube_is_exposed(
	const struct kube_rules *rules, const struct kube_cluster *c, struct view namespace);

/* The SOA of the lookup's zone. */
void kube_add_soa(struct kube_lookup *l, enum section_id section);

/* An A or AAAA record of 4 or 16 octets, which must live as long as the query. */
void kube_add_address(
	struct kube_lookup *l, enum section_id section, struct name owner, struct view octets);

/* The weight of each of so many SRV records, at least one: they share 100. */
static inline uint16_t kube_weight(size_t records)
{
	return records < 100 ? (uint16_t)(100 / records) : 1;
}

/* The type of an address record of so many octets. */
uint16_t kube_address_type(struct view octets);

/* A name in q's arena: these labels (empty ones left out) in front of `parent`. Of length 0 if it would be too long. */
struct name kube_name(
	struct arena *a, const struct view *labels, size_t count, struct name parent);

enum { KUBE_ENDPOINT_LABEL_MAX = 48 };

/* What an endpoint is called: its name, or its address with dashes, in `room`. */
struct view kube_endpoint_label(
	const struct kube_slice *s, uint32_t index, char room[static KUBE_ENDPOINT_LABEL_MAX]);

/* The name of an endpoint: ENDPOINT[.CLUSTER].SERVICE.NS.svc.ZONE, of a service: SERVICE.NS.svc.ZONE. */
struct name kube_endpoint_name(struct arena *a, const struct kube_slice *s, uint32_t index,
	bool imported, struct name zone);
struct name kube_service_name(struct arena *a, const struct kube_key *service, struct name zone);

/* "_port._protocol" in front of a service's name, in lower case; of length 0 if the port has no name. */
struct name kube_port_name(
	struct arena *a, const struct kube_ports *ports, uint32_t index, struct name service);

/* Labels in wire form (without the root's) as a text with dots between them. */
struct view kube_labels_text(struct arena *a, struct view labels);

#endif
