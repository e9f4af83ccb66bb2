/* Names that are made of what is known of a cluster. */
#include "plugins/kubernetes/kubernetes.h"

#include "base/address.h"

_Static_assert((int)KUBE_ENDPOINT_LABEL_MAX > (int)IPV6_TEXT_MAX, "an address with a final 0 fits");

struct name kube_name(struct arena *a, const struct view *labels, size_t count, struct name parent)
{
	struct name_buffer *room = arena_new_object(a, struct name_buffer), other;
	memcpy(room->octets, parent.octets, parent.length);
	room->length = parent.length;
	for (size_t i = count; i-- > 0;) {
		if (!labels[i].length)
			continue;
		other = *room;
		if (!name_prepend(labels[i], name_of(&other), room))
			return (struct name){ NULL, 0 };
	}
	return name_of(room);
}

/* "10-0-0-1", "fd00--1"; a final 0 behind what would end in a dash. */
static struct view dashed(struct view octets, char room[static KUBE_ENDPOINT_LABEL_MAX])
{
	const uint8_t *at = (const uint8_t *)octets.at;
	size_t length = octets.length == IPV4_OCTETS ? ipv4_print(at, room) : ipv6_print(at, room);
	for (size_t i = 0; i < length; i++) {
		if (room[i] == '.' || room[i] == ':')
			room[i] = '-';
	}
	if (room[length - 1] == '-')
		room[length++] = '0';
	return (struct view){ room, length };
}

struct view kube_endpoint_label(
	const struct kube_slice *s, uint32_t index, char room[static KUBE_ENDPOINT_LABEL_MAX])
{
	struct view name = kube_endpoint_hostname(s, index);
	return name.length ? name : dashed(kube_endpoint_octets(s, index), room);
}

struct name kube_endpoint_name(struct arena *a, const struct kube_slice *s, uint32_t index,
	bool imported, struct name zone)
{
	char room[KUBE_ENDPOINT_LABEL_MAX];
	struct view labels[] = {
		kube_endpoint_label(s, index, room),
		imported ? kube_slice_cluster(s) : VIEW(""),
		kube_slice_service(s),
		kube_key_namespace(s->key),
		VIEW("svc"),
	};
	return kube_name(a, labels, sizeof labels / sizeof labels[0], zone);
}

struct name kube_service_name(struct arena *a, const struct kube_key *service, struct name zone)
{
	struct view labels[] = { kube_key_name(service), kube_key_namespace(service),
		VIEW("svc") };
	return kube_name(a, labels, sizeof labels / sizeof labels[0], zone);
}

struct name kube_port_name(
	struct arena *a, const struct kube_ports *ports, uint32_t index, struct name service)
{
	const struct kube_known_port *port = &ports->at[index];
	struct view name = kube_port_text(ports, port->name);
	struct view protocol = kube_port_text(ports, port->protocol);
	if (!name.length || !protocol.length)
		return (struct name){ NULL, 0 };
	struct view labels[] = { view_of(arena_printf(a, "_%.*s", VIEW_ARGS(name))),
		view_of(arena_printf(a, "_%.*s", VIEW_ARGS(protocol))) };
	struct name n = kube_name(a, labels, 2, service);
	return n.length ? name_copy_lower(a, n) : n;
}

struct view kube_labels_text(struct arena *a, struct view labels)
{
	struct view text = arena_copy(a, labels);
	char *c = (char *)text.at;
	for (size_t at = 0, length; at < text.length; at += length + 1) {
		length = (unsigned char)labels.at[at];
		c[at] = '.';
	}
	return text.length ? view_skip(text, 1) : text;
}
