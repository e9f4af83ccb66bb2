/* Reading names from the zone on to the left. */
#include "plugins/kubernetes/grammar.h"

#include "base/address.h"

enum { LABELS_READ = 6 }; /* of the right-hand ones; whatever has more is of `zonal` or nothing */

/* The labels left of the zone, the one beside it first. */
struct labels {
	unsigned count;
	struct view at[LABELS_READ];
	struct name qname;
};

unsigned kube_labels(struct name qname, struct name zone, struct view *to, unsigned room)
{
	unsigned count = name_labels(qname) - name_labels(zone);
	for (unsigned i = count; i-- > 0; qname = name_parent(qname)) {
		if (i < room)
			to[i] = name_first_label(qname);
	}
	return count;
}

static bool has_underscore(struct view label)
{
	return label.length && label.at[0] == '_';
}

struct view kube_without_underscore(struct view label)
{
	return has_underscore(label) ? view_skip(label, 1) : label;
}

/* The labels from the name's first up to this one, as wire form has them. */
static struct view labels_before(struct name from, struct view label)
{
	const char *first = (const char *)from.octets;
	return (struct view){ first, (size_t)(label.at - 1 - first) };
}

/* ZONE.pin._zone.SERVICE.NS.svc */
static bool parse_zonal(const struct labels *l, struct kube_request *r)
{
	if (l->count < 6 || !view_is(l->at[3], "_zone"))
		return false;
	r->prefers = view_is(l->at[4], "prefer");
	if (!r->prefers && !view_is(l->at[4], "pin"))
		return false;
	r->place = KUBE_PLACE_ZONE;
	r->zone = labels_before(l->qname, l->at[4]);
	return true;
}

static enum kube_place parse_five(
	const struct labels *l, const struct kube_grammar *grammar, struct kube_request *r)
{
	if (grammar->imported && !has_underscore(l->at[3]) && !has_underscore(l->at[4])) {
		r->cluster = l->at[3];
		r->endpoint = l->at[4];
		return KUBE_PLACE_ENDPOINT;
	}
	r->protocol = kube_without_underscore(l->at[3]);
	r->port = kube_without_underscore(l->at[4]);
	return KUBE_PLACE_PORT;
}

static void parse_service(
	const struct labels *l, const struct kube_grammar *grammar, struct kube_request *r)
{
	r->namespace = l->count > 1 ? l->at[1] : VIEW("");
	r->service = l->count > 2 ? l->at[2] : VIEW("");
	switch (l->count) {
	case 1:
		r->place = KUBE_PLACE_EMPTY;
		return;
	case 2:
		r->place = KUBE_PLACE_NAMESPACE;
		return;
	case 3:
		r->place = KUBE_PLACE_SERVICE;
		return;
	case 4:
		r->place = has_underscore(l->at[3]) ? KUBE_PLACE_PROTOCOL : KUBE_PLACE_ENDPOINT;
		if (r->place == KUBE_PLACE_PROTOCOL)
			r->protocol = kube_without_underscore(l->at[3]);
		else
			r->endpoint = l->at[3];
		return;
	case 5:
		r->place = parse_five(l, grammar, r);
		return;
	default:
		if (!grammar->zonal || grammar->imported || !parse_zonal(l, r))
			r->place = KUBE_PLACE_NONE;
		return;
	}
}

static void parse_pod(const struct labels *l, struct kube_request *r)
{
	static const enum kube_place places[] = { KUBE_PLACE_NONE, KUBE_PLACE_EMPTY,
		KUBE_PLACE_POD_NAMESPACE, KUBE_PLACE_POD };
	r->place = l->count <= 3 ? places[l->count] : KUBE_PLACE_NONE;
	r->namespace = l->count > 1 ? l->at[1] : VIEW("");
	r->pod = l->count > 2 ? l->at[2] : VIEW("");
}

struct kube_request kube_request_parse(
	struct name qname, struct name zone, const struct kube_grammar *grammar)
{
	struct kube_request r = { .place = KUBE_PLACE_NONE };
	struct labels l = { .qname = qname };
	l.count = kube_labels(qname, zone, l.at, LABELS_READ);
	if (l.count == 0)
		r.place = KUBE_PLACE_APEX;
	else if (view_is(l.at[0], "svc"))
		parse_service(&l, grammar, &r);
	else if (view_is(l.at[0], "pod"))
		parse_pod(&l, &r);
	else if (view_is(l.at[0], "dns") && l.count == 1)
		r.place = KUBE_PLACE_EMPTY;
	else if (view_is(l.at[0], "dns") && l.count == 2 && view_is(l.at[1], "ns"))
		r.place = KUBE_PLACE_NAME_SERVER;
	else if (view_is(l.at[0], "dns-version") && l.count == 1)
		r.place = KUBE_PLACE_VERSION;
	return r;
}

bool kube_pod_address(struct view label, uint8_t address[static 16], size_t *octets)
{
	char text[LABEL_OCTETS_MAX];
	unsigned dashes = 0;
	bool run = false;
	for (size_t i = 0; i < label.length; i++) {
		dashes += label.at[i] == '-';
		run |= i && label.at[i] == '-' && label.at[i - 1] == '-';
	}
	bool v4 = dashes == 3 && !run;
	for (size_t i = 0; i < label.length && i < sizeof text; i++)
		text[i] = label.at[i] != '-' ? label.at[i] : v4 ? '.' : ':';
	struct view v = { text, label.length < sizeof text ? label.length : sizeof text };
	*octets = v4 ? IPV4_OCTETS : IPV6_OCTETS;
	return v4 ? ipv4_parse(v, address) : ipv6_parse(v, address);
}
