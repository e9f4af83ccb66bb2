/* Packing objects. Each is measured first, so that its block is taken once and has no room to spare. */
#include "plugins/kubernetes/pack.h"

#include "base/address.h"
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

static size_t ports_length(const struct kube_port *ports, size_t count)
{
	size_t length = 0;
	for (size_t i = 0; i < count; i++)
		length += at_most(ports[i].name, LABEL_MAX_LENGTH).length +
			  at_most(ports[i].protocol, LABEL_MAX_LENGTH).length;
	return length;
}

struct kube_ports *kube_pack_ports(const struct kube_object *o)
{
	const struct kube_port *ports = o->port_count ? o->ports : &no_port;
	size_t count = o->port_count ? o->port_count : 1, text = ports_length(ports, count);
	struct kube_ports *to = memory_array(1, sizeof *to + count * sizeof to->at[0] + text);
	struct packing p = { (char *)(to->at + count), 0 };
	to->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		to->at[i].number = ports[i].number;
		to->at[i].name = pack_text(&p, at_most(ports[i].name, LABEL_MAX_LENGTH));
		to->at[i].protocol = pack_text(&p, at_most(ports[i].protocol, LABEL_MAX_LENGTH));
	}
	to->text_length = p.length;
	return to;
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

/* How many addresses there are: "None", and one that is not given out yet, are none. */
static uint16_t count_addresses(const struct kube_object *o)
{
	struct kube_address a;
	uint16_t count = 0;
	for (size_t i = 0; i < o->address_count && count < UINT16_MAX; i++)
		count = (uint16_t)(count + kube_address_parse(o->addresses[i], &a));
	return count;
}

static void pack_addresses(struct kube_service_data *s, const struct kube_object *o)
{
	uint16_t count = 0;
	for (size_t i = 0; count < s->address_count; i++)
		count = (uint16_t)(count + kube_address_parse(o->addresses[i], &s->addresses[count]));
}

struct kube_service_data *kube_pack_service(const struct kube_object *o, struct kube_ports *ports)
{
	struct view external_name = at_most(o->external_name, NAME_MAX_LENGTH + 1);
	uint16_t addresses = count_addresses(o);
	struct kube_service_data *s =
		memory_array(1, sizeof *s + addresses * sizeof s->addresses[0] +
					o->external_count * sizeof(struct kube_text) +
					external_length(o) + external_name.length);
	s->version = kube_version(o->version);
	s->ports = ports;
	s->type = service_type(o);
	s->address_count = addresses;
	s->external_count = (uint32_t)o->external_count;
	s->external_name_length = (uint16_t)external_name.length;
	pack_addresses(s, o);
	struct packing p = { kube_service_text(s), 0 };
	pack_text(&p, external_name);
	for (size_t i = 0; i < o->external_count; i++)
		kube_service_externals(s)[i] = pack_text(&p, at_most(o->external[i], NAME_MAX_LENGTH));
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

/* What is in the room that a slice takes. */
struct measure {
	uint32_t endpoints;
	size_t text;
	bool names, zones, wide; /* wide: not all addresses are IPv4 */
};

static struct measure measure_slice(const struct kube_object *o, const struct kube_keeping *keeping)
{
	struct measure m = { 0 };
	struct kube_address a;
	for (size_t i = 0; i < o->endpoint_count; i++) {
		const struct kube_endpoint *e = &o->endpoints[i];
		struct view name = endpoint_name(e, keeping), zone = endpoint_zone(e, keeping);
		if (!is_taken(o, e))
			continue;
		for (size_t j = 0; j < e->address_count; j++) {
			if (!kube_address_parse(e->addresses[j], &a))
				continue;
			m.endpoints++;
			m.wide |= kube_address_octets(&a).length != IPV4_OCTETS;
		}
		m.names |= name.length != 0;
		m.zones |= zone.length != 0;
		m.text += (name.length ? 1 + name.length : 0) + (zone.length ? 1 + zone.length : 0);
	}
	return m;
}

/* A text with its length in front. */
static uint32_t pack_counted(struct packing *p, struct view v)
{
	uint32_t at = p->length;
	if (!v.length)
		return 0;
	p->text[p->length++] = (char)v.length;
	pack_text(p, v);
	return at;
}

static void lower(char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] + ('a' - 'A'));
	}
}

static void pack_endpoints(struct kube_slice *s, struct packing *p, const struct kube_object *o,
	const struct kube_keeping *keeping)
{
	uint8_t *octets = kube_slice_octets(s);
	uint32_t *name_at = s->places, *zone_at = s->places + s->has_names * s->endpoint_count;
	for (size_t i = 0; i < o->endpoint_count; i++) {
		const struct kube_endpoint *e = &o->endpoints[i];
		struct kube_address a;
		if (!is_taken(o, e))
			continue;
		uint32_t name = pack_counted(p, endpoint_name(e, keeping));
		uint32_t zone = pack_counted(p, endpoint_zone(e, keeping));
		lower(p->text + zone + 1, (uint8_t)p->text[zone]);
		for (size_t j = 0; j < e->address_count; j++) {
			if (!kube_address_parse(e->addresses[j], &a))
				continue;
			memcpy(octets, a.octets + KUBE_ADDRESS_OCTETS - s->address_octets, s->address_octets);
			octets += s->address_octets;
			if (s->has_names)
				*name_at++ = name;
			if (s->has_zones)
				*zone_at++ = zone;
		}
	}
}

struct kube_slice *kube_pack_slice(const struct kube_object *o, struct kube_key *key,
	struct kube_ports *ports, const struct kube_keeping *keeping)
{
	struct view service = at_most(o->service, NAME_MAX_LENGTH);
	struct view cluster = at_most(o->cluster, LABEL_MAX_LENGTH);
	struct measure m = measure_slice(o, keeping);
	size_t address = m.wide ? KUBE_ADDRESS_OCTETS : IPV4_OCTETS;
	size_t places = (size_t)(m.names + m.zones) * m.endpoints;
	struct kube_slice *s = memory_array(1, sizeof *s + places * sizeof s->places[0] +
						       m.endpoints * address + 1 + service.length +
						       cluster.length + m.text);
	s->key = key;
	s->version = kube_version(o->version);
	s->ports = ports;
	s->endpoint_count = m.endpoints;
	s->service_length = (uint8_t)service.length;
	s->cluster_length = (uint8_t)cluster.length;
	s->address_octets = (uint8_t)address;
	s->has_names = m.names;
	s->has_zones = m.zones;
	struct packing p = { kube_slice_text(s), 1 };
	pack_text(&p, service);
	pack_text(&p, cluster);
	pack_endpoints(s, &p, o, keeping);
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
