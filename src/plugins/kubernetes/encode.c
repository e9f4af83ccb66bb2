/* Encoding objects. Field numbers are those of the API's messages, as in decode_protobuf.c. */
#include "plugins/kubernetes/encode.h"

#include "base/address.h"
#include "base/protobuf.h"

enum { HEAD_MAX = 16 };

static const struct view magic = { "k8s", 4 };

/* --- fields --- */

static void add_number(struct text *to, uint32_t number, uint64_t value)
{
	uint8_t room[HEAD_MAX];
	struct protobuf_writer w = { .to = room, .room = sizeof room };
	protobuf_write_number(&w, number, value);
	text_add(to, (struct view){ (const char *)room, w.length });
}

static void add_octets(struct text *to, uint32_t number, struct view octets)
{
	uint8_t room[HEAD_MAX];
	struct protobuf_writer w = { .to = room, .room = sizeof room };
	protobuf_write_head(&w, number, octets.length);
	text_add(to, (struct view){ (const char *)room, w.length });
	text_add(to, octets);
}

/* A string that may be absent. */
static void add_string(struct text *to, uint32_t number, struct view string)
{
	if (string.length)
		add_octets(to, number, string);
}

/* Moves a message that is complete into the one around it. */
static void close_part(struct text *to, uint32_t number, struct text *part)
{
	add_octets(to, number, text_view(part));
	text_clear(part);
}

static void add_address(struct text *to, uint32_t number, struct view octets)
{
	char text[IPV6_TEXT_MAX];
	const uint8_t *at = (const uint8_t *)octets.at;
	size_t length = octets.length == IPV4_OCTETS ? ipv4_print(at, text) : ipv6_print(at, text);
	add_octets(to, number, (struct view){ text, length });
}

/* --- what kinds have in common --- */

/* A label or annotation of the metadata in `part`: {1 key, 2 value}. */
static void add_label(struct kube_encoder *e, struct view key, struct view value)
{
	add_octets(&e->inner, 1, key);
	add_octets(&e->inner, 2, value);
	close_part(&e->part, 11, &e->inner);
}

/* Metadata: {1 name, 3 namespace}, and what is added until it is closed as field 1. */
static void begin_metadata(struct kube_encoder *e, const struct kube_key *key)
{
	add_octets(&e->part, 1, kube_key_name(key));
	add_string(&e->part, 3, kube_key_namespace(key));
}

/* Ports: {1 name, 2 protocol, 3 number}; what stands for having none is left out. */
static void add_ports(struct kube_encoder *e, struct text *to, uint32_t number, const struct kube_ports *ports)
{
	for (uint32_t i = 0; i < ports->count; i++) {
		const struct kube_known_port *p = &ports->at[i];
		struct view name = kube_port_text(ports, p->name), protocol = kube_port_text(ports, p->protocol);
		if (p->number < 0 && !name.length && !protocol.length)
			continue;
		add_string(&e->inner, 1, name);
		add_string(&e->inner, 2, protocol);
		if (p->number >= 0)
			add_number(&e->inner, 3, (uint64_t)p->number);
		close_part(to, number, &e->inner);
	}
}

static void end_item(struct kube_encoder *e)
{
	uint8_t room[HEAD_MAX];
	struct protobuf_writer w = { .to = room, .room = sizeof room };
	protobuf_write_head(&w, 2, e->item.length);
	e->write(e->owner, (struct view){ (const char *)room, w.length });
	e->write(e->owner, text_view(&e->item));
	e->written += w.length + e->item.length;
	text_clear(&e->item);
}

/* --- kinds --- */

static struct view type_name(const struct kube_service_data *s)
{
	switch ((enum kube_service_type)s->type) {
	case KUBE_EXTERNAL_NAME:
		return VIEW("ExternalName");
	case KUBE_HEADLESS:
		return VIEW("Headless"); /* of imports; services have it by their address */
	case KUBE_CLUSTER_IP:
		break;
	}
	return VIEW("ClusterIP");
}

/* The specification: {1 ports, 4 type, 5 external, 10 name elsewhere, 18 addresses}. */
static void encode_service(void *value, void *data)
{
	struct kube_encoder *e = data;
	const struct kube_service *service = value;
	const struct kube_service_data *s = service->data;
	if (!s)
		return;
	begin_metadata(e, service->key);
	close_part(&e->item, 1, &e->part);
	add_ports(e, &e->part, 1, s->ports);
	add_octets(&e->part, 4, type_name(s));
	for (uint32_t i = 0; i < s->external_count; i++)
		add_octets(&e->part, 5, kube_service_external(s, i));
	add_string(&e->part, 10, kube_service_external_name(s));
	if (s->type == KUBE_HEADLESS)
		add_octets(&e->part, 18, VIEW("None"));
	for (uint32_t i = 0; i < s->address_count; i++)
		add_address(&e->part, 18, kube_address_octets(&s->addresses[i]));
	close_part(&e->item, 2, &e->part);
	end_item(e);
}

/* {2 endpoints {1 address, 3 name, 7 zone}, 3 ports}; those that are kept are ready. */
static void encode_endpoints(struct kube_encoder *e, const struct kube_slice *s)
{
	for (uint32_t i = 0; i < s->endpoint_count; i++) {
		struct kube_address a = kube_endpoint_address(s, i);
		add_address(&e->part, 1, kube_address_octets(&a));
		add_string(&e->part, 3, kube_endpoint_hostname(s, i));
		add_string(&e->part, 7, kube_endpoint_zone(s, i));
		close_part(&e->item, 2, &e->part);
	}
	add_ports(e, &e->item, 3, s->ports);
	end_item(e);
}

static void encode_slice(void *value, void *data)
{
	struct kube_encoder *e = data;
	const struct kube_slice *s = value;
	begin_metadata(e, s->key);
	if (s->service_length)
		add_label(e, VIEW("kubernetes.io/service-name"), kube_slice_service(s));
	close_part(&e->item, 1, &e->part);
	encode_endpoints(e, s);
}

static void encode_import_slice(void *value, void *data)
{
	struct kube_encoder *e = data;
	const struct kube_slice *s = value;
	begin_metadata(e, s->key);
	if (s->service_length)
		add_label(e, VIEW("multicluster.kubernetes.io/service-name"), kube_slice_service(s));
	if (s->cluster_length)
		add_label(e, VIEW("multicluster.kubernetes.io/source-cluster"), kube_slice_cluster(s));
	close_part(&e->item, 1, &e->part);
	encode_endpoints(e, s);
}

/* The status: {12 addresses {1 address}}. */
static void encode_pod(void *value, void *data)
{
	struct kube_encoder *e = data;
	const struct kube_pod *p = value;
	begin_metadata(e, p->key);
	for (uint32_t i = 0; i < p->label_count; i++)
		add_label(e, kube_text_view(p->text, p->labels[2 * i]), kube_text_view(p->text, p->labels[2 * i + 1]));
	close_part(&e->item, 1, &e->part);
	for (uint32_t i = 0; i < p->address_count; i++) {
		add_address(&e->inner, 1, kube_address_octets(&p->addresses[i]));
		close_part(&e->part, 12, &e->inner);
	}
	close_part(&e->item, 3, &e->part);
	end_item(e);
}

static void encode_namespace(void *value, void *data)
{
	struct kube_encoder *e = data;
	begin_metadata(e, ((const struct kube_namespace *)value)->key);
	close_part(&e->item, 1, &e->part);
	end_item(e);
}

void kube_encode_items(struct kube_encoder *e, const struct kube_cluster *c, enum kube_kind kind)
{
	switch (kind) {
	case KUBE_SERVICE:
		trie_each(&c->own.services, encode_service, e);
		return;
	case KUBE_SLICE:
		trie_each(&c->own.slices, encode_slice, e);
		return;
	case KUBE_NAMESPACE:
		trie_each(&c->namespaces, encode_namespace, e);
		return;
	case KUBE_POD:
		trie_each(&c->pods, encode_pod, e);
		return;
	case KUBE_IMPORT:
		trie_each(&c->imported.services, encode_service, e);
		return;
	case KUBE_IMPORT_SLICE:
		trie_each(&c->imported.slices, encode_import_slice, e);
		return;
	case KUBE_KINDS:
		return;
	}
}

struct view kube_list_head(char room[static KUBE_LIST_HEAD_MAX], uint64_t length)
{
	struct protobuf_writer w = { .to = (uint8_t *)room + magic.length, .room = KUBE_LIST_HEAD_MAX - magic.length };
	memcpy(room, magic.at, magic.length);
	protobuf_write_head(&w, 2, length);
	return (struct view){ room, magic.length + w.length };
}

void kube_encoder_end(struct kube_encoder *e)
{
	text_free(&e->item);
	text_free(&e->part);
	text_free(&e->inner);
}
