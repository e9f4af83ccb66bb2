/* What a name below a zone asks for, by the grammar of the Kubernetes DNS specification: services, endpoints, ports, pods. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_GRAMMAR_H
#define ISTHMUS_PLUGINS_KUBERNETES_GRAMMAR_H

#include "dns/name.h"

enum kube_place {
	KUBE_PLACE_NONE,       /* no name of the grammar */
	KUBE_PLACE_APEX,
	KUBE_PLACE_EMPTY,      /* svc, pod, dns: there for what is below them */
	KUBE_PLACE_NAME_SERVER, /* ns.dns */
	KUBE_PLACE_VERSION,    /* dns-version */
	KUBE_PLACE_NAMESPACE,  /* NS.svc */
	KUBE_PLACE_POD_NAMESPACE, /* NS.pod */
	KUBE_PLACE_SERVICE,    /* SERVICE.NS.svc */
	KUBE_PLACE_ENDPOINT,   /* ENDPOINT.SERVICE.NS.svc, and with CLUSTER behind it for imports */
	KUBE_PLACE_PROTOCOL,   /* _PROTOCOL.SERVICE.NS.svc: there for the ports below it */
	KUBE_PLACE_PORT,       /* _PORT._PROTOCOL.SERVICE.NS.svc */
	KUBE_PLACE_ZONE,       /* ZONE.pin._zone.SERVICE.NS.svc, or prefer */
	KUBE_PLACE_POD,        /* ADDRESS.NS.pod */
};

/* Views into the name; labels that the place does not have are empty, as are `port` and `protocol` of their underscores. */
struct kube_request {
	enum kube_place place;
	struct view namespace, service, endpoint, cluster, port, protocol, pod;
	struct view zone; /* of the `zonal` option: its labels in wire form, without the root's */
	bool prefers;     /* all endpoints if none is in the zone */
};

struct kube_grammar {
	bool imported; /* endpoints have their cluster's name behind them */
	bool zonal;
};

/* qname is in lower case and under `zone`. */
struct kube_request kube_request_parse(
	struct name qname, struct name zone, const struct kube_grammar *grammar);

/* The labels left of the zone, the one beside it first, as many as there is room for; gives how many there are. */
unsigned kube_labels(struct name qname, struct name zone, struct view *to, unsigned room);

/* A port's or protocol's label without its underscore, if it has one. */
struct view kube_without_underscore(struct view label);

/* The address that a pod's label stands for: dashes for dots or colons. False if it stands for none. */
bool kube_pod_address(struct view label, uint8_t address[static 16], size_t *octets);

#endif
