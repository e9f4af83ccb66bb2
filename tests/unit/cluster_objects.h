/* Objects of a cluster made in few words, for tests of what is known of it. */
#ifndef ISTHMUS_TEST_CLUSTER_OBJECTS_H
#define ISTHMUS_TEST_CLUSTER_OBJECTS_H

#include "plugins/kubernetes/index.h"
#include <stdio.h>

enum { PARTS_MAX = 16 };

/* The words of a text. */
static inline size_t words_of(const char *text, struct view *to)
{
	struct view rest = view_of(text), word;
	size_t count = 0;
	while (count < PARTS_MAX && (word = view_word(&rest)).length)
		to[count++] = word;
	return count;
}

/* "http/TCP/80 /UDP/53": name, protocol, number of each port. */
static inline size_t ports_of(const char *text, struct kube_port *to)
{
	struct view words[PARTS_MAX];
	size_t count = words_of(text, words);
	for (size_t i = 0; i < count; i++) {
		size_t first = view_find(words[i], '/');
		struct view rest = view_skip(words[i], first + 1);
		size_t second = view_find(rest, '/');
		to[i].name = view_first(words[i], first);
		to[i].protocol = view_first(rest, second);
		view_integer(view_skip(rest, second + 1), &to[i].number);
	}
	return count;
}

/* A version that no object had before. */
static inline struct view next_version(void)
{
	static char text[16];
	static unsigned version;
	snprintf(text, sizeof text, "%u", ++version);
	return view_of(text);
}

static inline void put_namespace(struct kube_index *x, const char *name)
{
	struct kube_object o = {
		.kind = KUBE_NAMESPACE, .name = view_of(name), .version = next_version()
	};
	kube_index_put(x, &o);
}

/* addresses: cluster IPs, or "None". */
static inline void put_service(struct kube_index *x, enum kube_kind kind, const char *namespace,
	const char *name, const char *type, const char *addresses, const char *ports)
{
	struct view a[PARTS_MAX];
	struct kube_port p[PARTS_MAX];
	struct kube_object o = { .kind = kind,
		.namespace = view_of(namespace),
		.name = view_of(name),
		.version = next_version(),
		.type = view_of(type),
		.addresses = a,
		.address_count = words_of(addresses, a),
		.ports = p,
		.port_count = ports_of(ports, p) };
	kube_index_put(x, &o);
}

static inline void put_alias(
	struct kube_index *x, const char *namespace, const char *name, const char *target)
{
	struct kube_object o = { .kind = KUBE_SERVICE,
		.namespace = view_of(namespace),
		.name = view_of(name),
		.version = next_version(),
		.type = VIEW("ExternalName"),
		.external_name = view_of(target) };
	kube_index_put(x, &o);
}

/* endpoints: "10.0.0.1 10.0.0.2=hostname 10.0.0.3=-" (not ready), "10.0.0.4=@zone". */
static inline void put_slice(struct kube_index *x, enum kube_kind kind, const char *namespace,
	const char *name, const char *service, const char *endpoints, const char *ports)
{
	struct view words[PARTS_MAX], addresses[PARTS_MAX];
	struct kube_endpoint e[PARTS_MAX] = { 0 };
	struct kube_port p[PARTS_MAX];
	size_t count = words_of(endpoints, words);
	for (size_t i = 0; i < count; i++) {
		size_t split = view_find(words[i], '=');
		struct view more = split < words[i].length ? view_skip(words[i], split + 1) : VIEW("");
		addresses[i] = view_first(words[i], split);
		e[i].addresses = &addresses[i];
		e[i].address_count = 1;
		e[i].ready = !view_is(more, "-");
		if (more.length && more.at[0] == '@')
			e[i].zone = view_skip(more, 1);
		else
			e[i].hostname = more;
	}
	struct kube_object o = { .kind = kind,
		.namespace = view_of(namespace),
		.name = view_of(name),
		.version = next_version(),
		.service = view_of(service),
		.cluster = kind == KUBE_IMPORT_SLICE ? VIEW("c1") : VIEW(""),
		.type = VIEW("IPv4"),
		.endpoints = e,
		.endpoint_count = count,
		.ports = p,
		.port_count = ports_of(ports, p) };
	kube_index_put(x, &o);
}

static inline void put_pod(struct kube_index *x, const char *namespace, const char *name,
	const char *addresses, bool deleting)
{
	struct view a[PARTS_MAX];
	struct kube_object o = { .kind = KUBE_POD,
		.namespace = view_of(namespace),
		.name = view_of(name),
		.version = next_version(),
		.deleting = deleting,
		.addresses = a,
		.address_count = words_of(addresses, a) };
	kube_index_put(x, &o);
}

static inline void delete_object(
	struct kube_index *x, enum kube_kind kind, const char *namespace, const char *name)
{
	struct kube_object o = { .kind = kind, .namespace = view_of(namespace), .name = view_of(name) };
	kube_index_delete(x, &o);
}

#endif
