/* A question to `k8s_external`, and what its parts do for it. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_EXTERNAL_H
#define ISTHMUS_PLUGINS_KUBERNETES_EXTERNAL_H

#include "plugins/kubernetes/instance.h"
#include "plugins/seen.h"

struct external {
	struct name *zones;
	size_t zone_count;
	struct view apex; /* the label of name servers and hostmaster */
	uint32_t ttl;
	bool headless;
	struct fallthrough fallthrough;
	const struct kube_instance *cluster; /* of the block's `kubernetes` */
};

/* One question in one zone. */
struct external_lookup {
	const struct external *e;
	const struct kube_rules *rules; /* the cluster's own */
	const struct kube_cluster *cluster;
	struct query *q;
	struct name zone;
	uint16_t type;
	struct view namespace, service, endpoint, port, protocol;
	bool of_port;
	struct seen seen, seen_additional;
};

/* One address or host name with a port. */
struct external_item {
	struct view octets; /* of the address */
	struct view host;   /* in place of the address */
	const struct kube_ports *ports;
	const struct kube_known_port *port;
	const struct kube_slice *slice; /* NULL: the service's own address */
	uint32_t endpoint;              /* of the slice */
};

/* `all`: how many there are. */
typedef void external_visitor(struct external_lookup *l, const struct external_item *i, size_t all);

/* Whether what answers depend on was listed once. */
bool external_is_known(const struct external_lookup *l);

/* Answers from the cluster's data; adds to q->reply. *never_falls: the name is the zone's own, whatever `fallthrough` says. */
enum kube_outcome external_resolve(struct external_lookup *l, bool *never_falls);

/* Calls visit (which may be NULL) for what there is of the lookup's service: external addresses, or the endpoints of a headless
 * one. Gives how many. */
size_t external_each_item(
	struct external_lookup *l, const struct kube_service *s, external_visitor *visit, size_t all);

/* Add records to the answer: an address, at the question's name; SRV, with addresses in the additional section. */
void external_add_answer(struct external_lookup *l, const struct external_item *i, size_t all);
void external_add_service_record(struct external_lookup *l, const struct external_item *i, size_t all);

void external_add_soa(struct external_lookup *l, enum section_id section);
void external_add_address(
	struct external_lookup *l, enum section_id section, struct name owner, struct view octets);

/* The zone's NS record, its addresses in the additional section. */
void external_add_name_servers(struct external_lookup *l, enum section_id section);

/* All records of one of the plugin's zones: external_transfer.c. */
enum transfer_outcome external_transfer(struct plugin *self, struct name zone, struct record_sink *to);

/* A lookup in a zone of the plugin's. */
struct external_lookup external_lookup_of(
	const struct external *e, struct query *q, struct name zone, uint16_t type);

#endif
