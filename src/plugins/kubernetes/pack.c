/* Packing objects. Each is measured first, so that its block is taken once and has no room to spare. */
#include "plugins/kubernetes/pack.h"

#include "base/hash.h"
#include "base/memory.h"
#include "plugins/kubernetes/entry.h"

enum {
	NAME_MAX_LENGTH = 253, /* of a name in the API: a DNS subdomain */
	LABEL_MAX_LENGTH = 63,
	TEXT_MAX = UINT16_MAX,
};

static const struct kube_port no_port = { .number = -1 };

uint64_t kube_version(struct view version)
{
	return hash_bytes(version.at, version.length);
}

static struct view at_most(struct view v, size_t most)
{
	return v.length <= most ? v : VIEW("");
}

bool kube_has_key(const struct kube_object *o)
{
	return o->namespace.length <= LABEL_MAX_LENGTH && o->name.length && o->name.length <= NAME_MAX_LENGTH;
}

struct kube_key *kube_pack_key(struct view namespace, struct view name)
{
	struct kube_key *k = memory_alloc(sizeof *k + namespace.length + name.length);
	k->hash = kube_hash(namespace, name);
	k->namespace_length = (uint8_t)namespace.length;
	k->name_length = (uint8_t)name.length;
	if (namespace.length)
		memcpy(k->text, namespace.at, namespace.length);
	if (name.length)
		memcpy(k->text + namespace.length, name.at, name.length);
	return k;
}

/* --- texts at a block's end --- */

struct packing {
	char *text;
	uint32_t length;
};

static struct kube_text pack_text(struct packing *p, struct view v)
{
	struct kube_text t = { p->length, (uint16_t)v.length };
	if (v.length)
		memcpy(p->text + p->length, v.at, v.length);
	p->length += (uint32_t)v.length;
	return t;
}

static struct kube_text pack_lower(struct packing *p, struct view v)
{
	struct kube_text t = pack_text(p, v);
	for (char *c = p->text + t.at; c < p->text + p->length; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + ('a' - 'A'));
	}
	return t;
}

static size_t ports_length(const struct kube_port *ports, size_t count)
{
	size_t length = 0;
	for (size_t i = 0; i < count; i++)
		length += at_most(ports[i].name, LABEL_MAX_LENGTH).length +
			  at_most(ports[i].protocol, LABEL_MAX_LENGTH).length;
	return length;
}

static void pack_ports(struct packing *p, struct kube_known_port *to, const struct kube_port *ports,
	size_t count)
{
	for (size_t i = 0; i < count; i++) {
		to[i].number = ports[i].number;
		to[i].name = pack_text(p, at_most(ports[i].name, LABEL_MAX_LENGTH));
		to[i].protocol = pack_text(p, at_most(ports[i].protocol, LABEL_MAX_LENGTH));
	}
}

/* --- services --- */

static enum kube_service_type service_type(const struct kube_object *o)
{
	bool import = o->kind == KUBE_IMPORT;
	if (import ? view_is(o->type, "Headless")
		   : o->address_count && view_is(o->addresses[0], "None"))
		return KUBE_HEADLESS;
	return !import && view_is(o->type, "ExternalName") ? KUBE_EXTERNAL_NAME : KUBE_CLUSTER_IP;
}

static size_t external_length(const struct kube_object *o)
{
	size_t length = 0;
	for (size_t i = 0; i < o->external_count; i++)
		length += at_most(o->external[i], NAME_MAX_LENGTH).length;
	return length;
}

/* "None", and an address that is not given out yet, are no addresses. */
static void pack_addresses(struct kube_service_data *s, const struct kube_object *o)
{
	for (size_t i = 0; i < o->address_count; i++) {
		if (kube_address_parse(o->addresses[i], &s->addresses[s->address_count]))
			s->address_count++;
	}
}

struct kube_service_data *kube_pack_service(const struct kube_object *o)
{
	const struct kube_port *ports = o->port_count ? o->ports : &no_port;
	size_t port_count = o->port_count ? o->port_count : 1;
	struct view external_name = at_most(o->external_name, NAME_MAX_LENGTH + 1);
	size_t addresses = o->address_count * sizeof(struct kube_address);
	size_t text = ports_length(ports, port_count) + external_length(o) + external_name.length;
	struct kube_service_data *s = memory_array(1,
		sizeof *s + addresses + port_count * sizeof *s->ports +
			o->external_count * sizeof *s->external + text);
	struct kube_known_port *to = (struct kube_known_port *)(s->addresses + o->address_count);
	struct kube_text *external = (struct kube_text *)(to + port_count);
	struct packing p = { (char *)(external + o->external_count), 0 };
	s->version = kube_version(o->version);
	s->type = service_type(o);
	s->ports = to;
	s->port_count = (uint32_t)port_count;
	s->external = external;
	s->external_count = (uint32_t)o->external_count;
	s->text = p.text;
	pack_addresses(s, o);
	pack_ports(&p, to, ports, port_count);
	for (size_t i = 0; i < o->external_count; i++)
		external[i] = pack_text(&p, at_most(o->external[i], NAME_MAX_LENGTH));
	s->external_name = pack_text(&p, external_name);
	s->text_length = p.length;
	return s;
}

/* --- slices --- */

static struct view endpoint_name(const struct kube_endpoint *e, const struct kube_keeping *keeping)
{
	if (e->hostname.length)
		return at_most(e->hostname, LABEL_MAX_LENGTH);
	return keeping->pod_names ? at_most(e->pod, LABEL_MAX_LENGTH) : VIEW("");
}

static struct view endpoint_zone(const struct kube_endpoint *e, const struct kube_keeping *keeping)
{
	return keeping->zones ? at_most(e->zone, NAME_MAX_LENGTH) : VIEW("");
}

/* Slices of names are no endpoints: nobody can be sent there by address. */
static bool is_taken(const struct kube_object *o, const struct kube_endpoint *e)
{
	return e->ready && !view_is(o->type, "FQDN");
}

struct kube_slice *kube_pack_slice(
	const struct kube_object *o, struct kube_key *key, const struct kube_keeping *keeping)
{
	const struct kube_port *ports = o->port_count ? o->ports : &no_port;
	size_t port_count = o->port_count ? o->port_count : 1, addresses = 0;
	struct view service = at_most(o->service, NAME_MAX_LENGTH);
	struct view cluster = at_most(o->cluster, LABEL_MAX_LENGTH);
	size_t text = ports_length(ports, port_count) + service.length + cluster.length;
	for (size_t i = 0; i < o->endpoint_count; i++) {
		const struct kube_endpoint *e = &o->endpoints[i];
		if (!is_taken(o, e))
			continue;
		addresses += e->address_count;
		text += endpoint_name(e, keeping).length + endpoint_zone(e, keeping).length;
	}
	struct kube_slice *s = memory_array(1, sizeof *s + addresses * sizeof *s->endpoints +
						       port_count * sizeof *s->ports + text);
	struct kube_known_port *to = (struct kube_known_port *)(s->endpoints + addresses);
	struct packing p = { (char *)(to + port_count), 0 };
	s->key = key;
	s->version = kube_version(o->version);
	s->service_hash = kube_hash(kube_key_namespace(key), service);
	s->ports = to;
	s->port_count = (uint32_t)port_count;
	s->text = p.text;
	s->service = pack_text(&p, service);
	s->cluster = pack_text(&p, cluster);
	pack_ports(&p, to, ports, port_count);
	for (size_t i = 0; i < o->endpoint_count; i++) {
		const struct kube_endpoint *e = &o->endpoints[i];
		if (!is_taken(o, e))
			continue;
		struct kube_text name = pack_text(&p, endpoint_name(e, keeping));
		struct kube_text zone = pack_lower(&p, endpoint_zone(e, keeping));
		for (size_t j = 0; j < e->address_count; j++) {
			struct kube_known_endpoint *known = &s->endpoints[s->endpoint_count];
			if (!kube_address_parse(e->addresses[j], &known->address))
				continue;
			known->name = name;
			known->zone = zone;
			s->endpoint_count++;
		}
	}
	s->text_length = p.length;
	return s;
}

/* --- pods --- */

struct kube_pod *kube_pack_pod(
	const struct kube_object *o, struct kube_key *key, const struct kube_keeping *keeping)
{
	size_t label_count = keeping->labels ? o->label_count : 0, text = 0;
	for (size_t i = 0; i < label_count; i++)
		text += at_most(o->labels[i].key, TEXT_MAX).length +
			at_most(o->labels[i].value, TEXT_MAX).length;
	struct kube_pod *pod = memory_array(1, sizeof *pod + o->address_count * sizeof *pod->addresses +
							2 * label_count * sizeof *pod->labels + text);
	struct kube_text *labels = (struct kube_text *)(pod->addresses + o->address_count);
	struct packing p = { (char *)(labels + 2 * label_count), 0 };
	pod->key = key;
	pod->version = kube_version(o->version);
	pod->labels = labels;
	pod->label_count = (uint32_t)label_count;
	pod->text = p.text;
	for (size_t i = 0; i < label_count; i++) {
		labels[2 * i] = pack_text(&p, at_most(o->labels[i].key, TEXT_MAX));
		labels[2 * i + 1] = pack_text(&p, at_most(o->labels[i].value, TEXT_MAX));
	}
	for (size_t i = 0; i < o->address_count; i++) {
		if (kube_address_parse(o->addresses[i], &pod->addresses[pod->address_count]))
			pod->address_count++;
	}
	return pod;
}
