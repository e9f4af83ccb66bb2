/*
 * Taking objects in. What readers see is never changed: each change makes new blocks for what it touches, puts them into the
 * next version's tries, and leaves the old ones to the edit.
 */
#include "plugins/kubernetes/index.h"

#include "base/epoch.h"
#include "base/hash.h"
#include "base/memory.h"
#include "plugins/kubernetes/entry.h"
#include "plugins/kubernetes/holders.h"
#include <stdatomic.h>
#include <stdlib.h>

enum { SHARED_PORTS = 64 };

struct kube_index {
	struct kube_keeping keeping;
	struct kube_ports *ports[SHARED_PORTS]; /* what was seen last, by hash */
	struct kube_cluster next; /* what will be published */
	_Atomic(struct kube_cluster *) live;
	struct trie_edit edit;
	uint32_t round[KUBE_KINDS];
	size_t count[KUBE_KINDS];
	bool changed; /* anything */
	bool answers_changed, external_changed, imported_changed;
};

struct kube_index *kube_index_new(const struct kube_keeping *keeping)
{
	struct kube_index *x = memory_array(1, sizeof *x);
	x->keeping = *keeping;
	atomic_init(&x->live, memory_array(1, sizeof(struct kube_cluster)));
	return x;
}

const struct kube_cluster *kube_index_cluster(const struct kube_index *x)
{
	return atomic_load_explicit(&x->live, memory_order_acquire);
}

size_t kube_index_count(const struct kube_index *x, enum kube_kind kind)
{
	return x->count[kind];
}

static bool is_imported(enum kube_kind kind)
{
	return kind == KUBE_IMPORT || kind == KUBE_IMPORT_SLICE;
}

static struct kube_directory *directory_of(struct kube_index *x, enum kube_kind kind)
{
	return is_imported(kind) ? &x->next.imported : &x->next.own;
}

/* Answers of the kind's zones have changed. */
static void touch(struct kube_index *x, enum kube_kind kind)
{
	x->changed = true;
	*(is_imported(kind) ? &x->imported_changed : &x->answers_changed) = true;
}

static struct kube_wanted wanted_key(const struct kube_key *k)
{
	return (struct kube_wanted){ kube_key_namespace(k), kube_key_name(k) };
}

static void *find_by_key(const struct trie *t, const struct kube_wanted *w)
{
	return trie_find(t, &kube_by_key, kube_hash(w->namespace, w->name), w);
}

/* Puts a value that begins with its key; the one that it replaces is discarded. */
static void put_by_key(struct kube_index *x, struct trie *t, void *value)
{
	const struct kube_key *k = *(struct kube_key *const *)value;
	struct kube_wanted w = wanted_key(k);
	trie_edit_discard(&x->edit, trie_put(t, &kube_by_key, &x->edit, k->hash, &w, value));
}

/* Takes a value out with its key, and discards both. */
static void remove_by_key(struct kube_index *x, struct trie *t, struct kube_key *k)
{
	struct kube_wanted w = wanted_key(k);
	trie_edit_discard(&x->edit, trie_remove(t, &kube_by_key, &x->edit, k->hash, &w));
	trie_edit_discard(&x->edit, k);
}

/* --- ports --- */

static bool same_ports(const struct kube_ports *a, const struct kube_ports *b)
{
	return a == b || (a->count == b->count && a->text_length == b->text_length &&
				 memcmp(a->at, b->at, a->count * sizeof a->at[0] + a->text_length) == 0);
}

static void ports_release(struct kube_index *x, struct kube_ports *p)
{
	if (p && --p->uses == 0)
		trie_edit_discard(&x->edit, p);
}

/* The ports of an object, counted: those of another one if they are the same. */
static struct kube_ports *ports_take(struct kube_index *x, const struct kube_object *o)
{
	struct kube_ports *fresh = kube_pack_ports(o);
	uint64_t hash = hash_bytes(fresh->at, fresh->count * sizeof fresh->at[0] + fresh->text_length);
	struct kube_ports **shared = &x->ports[hash % SHARED_PORTS];
	if (*shared && same_ports(*shared, fresh)) {
		free(fresh);
	} else {
		ports_release(x, *shared);
		*shared = fresh;
		fresh->uses = 1;
	}
	(*shared)->uses++;
	return *shared;
}

/* --- a service with its slices --- */

static struct kube_service *service_new(struct kube_index *x, struct kube_key *key,
	struct kube_service_data *data, uint32_t slices)
{
	struct kube_service *s = memory_alloc(sizeof *s + slices * sizeof s->slices[0]);
	s->key = key;
	s->data = data;
	s->generation = x->edit.generation & TRIE_GENERATION_MASK;
	s->slice_count = slices & TRIE_REST_MASK;
	return s;
}

/* One that no reader has seen goes at once: while a list comes in there are many. */
static void service_discard(struct kube_index *x, struct kube_service *s)
{
	if (s && s->generation == x->edit.generation)
		free(s);
	else
		trie_edit_discard(&x->edit, s);
}

/* Puts it in, or takes it out when nothing is left of it. */
static void service_put(struct kube_index *x, struct kube_directory *d, struct kube_service *s)
{
	if (s->data || s->slice_count) {
		struct kube_wanted w = wanted_key(s->key);
		service_discard(x, trie_put(&d->services, &kube_by_key, &x->edit, s->key->hash, &w, s));
		return;
	}
	remove_by_key(x, &d->services, s->key);
	free(s);
}

static struct kube_key *service_key(
	const struct kube_service *old, const struct kube_wanted *wanted)
{
	return old ? old->key : kube_pack_key(wanted->namespace, wanted->name);
}

/* The service with other data, or none. */
static void service_set_data(struct kube_index *x, struct kube_directory *d,
	const struct kube_service *old, const struct kube_wanted *wanted,
	struct kube_service_data *data)
{
	uint32_t slices = old ? (uint32_t)old->slice_count : 0;
	struct kube_service *s = service_new(x, service_key(old, wanted), data, slices);
	for (uint32_t i = 0; i < slices; i++)
		s->slices[i] = old->slices[i];
	service_put(x, d, s);
}

static uint32_t slice_index(const struct kube_service *s, const struct kube_key *k)
{
	uint32_t i = 0;
	while (s && i < s->slice_count && s->slices[i]->key != k)
		i++;
	return i;
}

static void service_set_slice(
	struct kube_index *x, struct kube_directory *d, struct kube_slice *slice)
{
	struct kube_wanted w = { kube_key_namespace(slice->key), kube_slice_service(slice) };
	const struct kube_service *old = find_by_key(&d->services, &w);
	uint32_t count = old ? (uint32_t)old->slice_count : 0, at = slice_index(old, slice->key);
	struct kube_service *s = service_new(x, service_key(old, &w), old ? old->data : NULL,
		at < count ? count : count + 1);
	for (uint32_t i = 0; i < count; i++)
		s->slices[i] = old->slices[i];
	s->slices[at] = slice;
	service_put(x, d, s);
}

static void service_drop_slice(
	struct kube_index *x, struct kube_directory *d, const struct kube_slice *slice)
{
	const struct kube_service *old = kube_find_service_of(d, slice);
	uint32_t at = slice_index(old, slice->key);
	if (!old || at == old->slice_count)
		return;
	struct kube_service *s = service_new(x, old->key, old->data, (uint32_t)old->slice_count - 1);
	for (uint32_t i = 0; i < s->slice_count; i++)
		s->slices[i] = old->slices[i + (i >= at)];
	service_put(x, d, s);
}

/* --- services and imports --- */

static bool has_address(const struct kube_service_data *s, const struct kube_address *a)
{
	for (uint32_t i = 0; s && i < s->address_count; i++) {
		if (kube_address_equal(&s->addresses[i], a))
			return true;
	}
	return false;
}

/* An external address; false for a host name. */
static bool external_address(const struct kube_service_data *s, uint32_t i, struct kube_address *a)
{
	return kube_address_parse(kube_service_external(s, i), a);
}

static void external_replace(struct kube_index *x, const struct kube_key *key,
	const struct kube_service_data *before, const struct kube_service_data *data)
{
	struct kube_address a;
	for (uint32_t i = 0; before && i < before->external_count; i++) {
		if (external_address(before, i, &a))
			kube_holders_remove(&x->next.external_holders, &x->edit, &a, key);
	}
	for (uint32_t i = 0; data && i < data->external_count; i++) {
		if (external_address(data, i, &a))
			kube_holders_add(&x->next.external_holders, &x->edit, &a, key, true);
	}
}

static bool same_external(const struct kube_service_data *a, const struct kube_service_data *b)
{
	return a->external_count == b->external_count && same_ports(a->ports, b->ports) &&
	       a->text_length == b->text_length && a->external_name_length == b->external_name_length &&
	       memcmp(kube_service_externals(a), kube_service_externals(b),
		       a->external_count * sizeof(struct kube_text) + a->text_length) == 0;
}

static bool same_service(const struct kube_service_data *a, const struct kube_service_data *b)
{
	return a->type == b->type && a->address_count == b->address_count &&
	       memcmp(a->addresses, b->addresses, a->address_count * sizeof a->addresses[0]) ==
		       0 &&
	       same_external(a, b);
}

static void service_stamp(struct kube_index *x, enum kube_kind kind,
	const struct kube_service_data *old, const struct kube_service_data *new)
{
	bool external = (old && old->external_count) || (new && new->external_count);
	x->changed = true;
	if (!old || !new || !same_service(old, new))
		touch(x, kind);
	if (kind == KUBE_SERVICE && external && (!old || !new || !same_external(old, new)))
		x->external_changed = true;
}

static void data_discard(struct kube_index *x, struct kube_service_data *data)
{
	if (data)
		ports_release(x, data->ports);
	trie_edit_discard(&x->edit, data);
}

static void service_replace(struct kube_index *x, enum kube_kind kind,
	const struct kube_wanted *wanted, struct kube_service_data *data)
{
	struct kube_directory *d = directory_of(x, kind);
	const struct kube_service *old = find_by_key(&d->services, wanted);
	struct kube_service_data *before = old ? old->data : NULL;
	if (!before && !data)
		return;
	service_stamp(x, kind, before, data);
	for (uint32_t i = 0; before && i < before->address_count; i++) {
		if (!has_address(data, &before->addresses[i]))
			kube_holders_remove(&d->holders, &x->edit, &before->addresses[i], old->key);
	}
	if (old)
		external_replace(x, old->key, before, NULL);
	service_set_data(x, d, old, wanted, data);
	const struct kube_service *s = find_by_key(&d->services, wanted);
	if (s)
		external_replace(x, s->key, NULL, data);
	for (uint32_t i = 0; data && i < data->address_count; i++)
		kube_holders_add(&d->holders, &x->edit, &data->addresses[i], s->key, true);
	data_discard(x, before);
	x->count[kind] += (data != NULL);
	x->count[kind] -= (before != NULL);
}

static void service_take(struct kube_index *x, const struct kube_object *o)
{
	struct kube_wanted w = { o->namespace, o->name };
	const struct kube_service *old = find_by_key(&directory_of(x, o->kind)->services, &w);
	if (old && old->data && old->data->version == kube_version(o->version)) {
		old->data->round = x->round[o->kind];
		return;
	}
	struct kube_service_data *data = kube_pack_service(o, ports_take(x, o));
	data->round = x->round[o->kind];
	service_replace(x, o->kind, &w, data);
}

/* --- slices --- */

static bool has_endpoint(const struct kube_slice *s, uint32_t index, struct view octets)
{
	return view_equal(kube_endpoint_octets(s, index), octets);
}

/* Whether an address is in a slice: most stay where they are. */
static bool endpoint_stays(const struct kube_slice *s, uint32_t index, struct view octets)
{
	if (!s)
		return false;
	if (index < s->endpoint_count && has_endpoint(s, index, octets))
		return true;
	for (uint32_t i = 0; i < s->endpoint_count; i++) {
		if (has_endpoint(s, i, octets))
			return true;
	}
	return false;
}

static size_t slice_octets(const struct kube_slice *s)
{
	return (size_t)(kube_slice_text(s) - (const char *)s->places) + s->text_length;
}

static bool same_slice(const struct kube_slice *a, const struct kube_slice *b)
{
	return a->endpoint_count == b->endpoint_count && a->address_octets == b->address_octets &&
	       a->has_names == b->has_names && a->has_zones == b->has_zones &&
	       a->service_length == b->service_length && a->cluster_length == b->cluster_length &&
	       a->text_length == b->text_length && same_ports(a->ports, b->ports) &&
	       memcmp(a->places, b->places, slice_octets(a)) == 0;
}

static bool same_owner(const struct kube_slice *a, const struct kube_slice *b)
{
	return view_equal(kube_slice_service(a), kube_slice_service(b));
}

/* Whose slice it is nobody knows without the label: its endpoints belong to no name. */
static bool has_service(const struct kube_slice *s)
{
	return s && s->service_length;
}

/* Puts the addresses of a slice's endpoints in or takes them out, but for those that are in the other slice, too. */
static void hold_endpoints(struct kube_index *x, struct kube_directory *d,
	const struct kube_slice *s, const struct kube_slice *other, bool put)
{
	for (uint32_t i = 0; i < s->endpoint_count; i++) {
		if (endpoint_stays(other, i, kube_endpoint_octets(s, i)))
			continue;
		struct kube_address a = kube_endpoint_address(s, i);
		if (put)
			kube_holders_add(&d->holders, &x->edit, &a, s->key, false);
		else
			kube_holders_remove(&d->holders, &x->edit, &a, s->key);
	}
}

static void slice_replace(
	struct kube_index *x, enum kube_kind kind, struct kube_slice *old, struct kube_slice *new)
{
	struct kube_directory *d = directory_of(x, kind);
	x->changed = true;
	if (!old || !new || !same_slice(old, new))
		touch(x, kind);
	const struct kube_slice *stays = has_service(new) ? new : NULL;
	const struct kube_slice *went = has_service(old) ? old : NULL;
	if (went)
		hold_endpoints(x, d, went, stays, false);
	if (went && !(stays && same_owner(stays, went)))
		service_drop_slice(x, d, went);
	if (stays) {
		service_set_slice(x, d, new);
		hold_endpoints(x, d, new, went, true);
	}
	if (old)
		ports_release(x, old->ports);
	if (new)
		put_by_key(x, &d->slices, new); /* discards the old one */
	else
		remove_by_key(x, &d->slices, old->key);
	x->count[kind] += (new != NULL);
	x->count[kind] -= (old != NULL);
}

static void slice_take(struct kube_index *x, const struct kube_object *o)
{
	struct kube_wanted w = { o->namespace, o->name };
	struct kube_slice *old = find_by_key(&directory_of(x, o->kind)->slices, &w);
	if (old && old->version == kube_version(o->version)) {
		old->round = x->round[o->kind];
		return;
	}
	struct kube_key *key = old ? old->key : kube_pack_key(o->namespace, o->name);
	struct kube_slice *new = kube_pack_slice(o, key, ports_take(x, o), &x->keeping);
	new->round = x->round[o->kind];
	slice_replace(x, o->kind, old, new);
}

/* --- pods --- */

static void pod_holder_change(struct kube_index *x, const struct kube_address *a,
	const struct kube_pod *gone, const struct kube_pod *here)
{
	const struct kube_pod_holder *old = kube_find_pods(&x->next, a);
	struct kube_pod_holder *h = memory_alloc(
		sizeof *h + ((old ? old->count : 0) + 1) * sizeof h->pods[0]);
	h->address = *a;
	h->hash = kube_address_hash(a);
	h->count = 0;
	for (uint32_t i = 0; old && i < old->count; i++) {
		if (old->pods[i] != gone && old->pods[i] != here)
			h->pods[h->count++] = old->pods[i];
	}
	if (here)
		h->pods[h->count++] = here;
	if (h->count) {
		trie_edit_discard(&x->edit, trie_put(&x->next.pod_holders, &kube_pods_by_address,
						    &x->edit, h->hash, a, h));
		return;
	}
	trie_edit_discard(&x->edit, trie_remove(&x->next.pod_holders, &kube_pods_by_address,
					    &x->edit, h->hash, a));
	free(h);
}

static bool same_addresses(const struct kube_pod *a, const struct kube_pod *b)
{
	return a && b && a->address_count == b->address_count &&
	       memcmp(a->addresses, b->addresses, a->address_count * sizeof a->addresses[0]) == 0;
}

static void pod_replace(struct kube_index *x, struct kube_pod *old, struct kube_pod *new)
{
	x->changed = true;
	if (!same_addresses(old, new))
		touch(x, KUBE_POD);
	for (uint32_t i = 0; old && i < old->address_count; i++)
		pod_holder_change(x, &old->addresses[i], old, NULL);
	for (uint32_t i = 0; new && i < new->address_count; i++)
		pod_holder_change(x, &new->addresses[i], NULL, new);
	if (new)
		put_by_key(x, &x->next.pods, new);
	else
		remove_by_key(x, &x->next.pods, old->key);
	x->count[KUBE_POD] += (new != NULL);
	x->count[KUBE_POD] -= (old != NULL);
}

/* A pod that is on its way out keeps what was known of it until it is deleted, and is not taken in any more. */
static void pod_take(struct kube_index *x, const struct kube_object *o)
{
	struct kube_wanted w = { o->namespace, o->name };
	struct kube_pod *old = find_by_key(&x->next.pods, &w);
	if (old)
		old->round = x->round[KUBE_POD];
	if (o->deleting || (old && old->version == kube_version(o->version)))
		return;
	struct kube_key *key = old ? old->key : kube_pack_key(o->namespace, o->name);
	struct kube_pod *new = kube_pack_pod(o, key, &x->keeping);
	new->round = x->round[KUBE_POD];
	pod_replace(x, old, new);
}

/* --- namespaces --- */

static void namespace_take(struct kube_index *x, const struct kube_object *o)
{
	struct kube_wanted w = { VIEW(""), o->name };
	struct kube_namespace *old = find_by_key(&x->next.namespaces, &w);
	if (old) {
		old->round = x->round[KUBE_NAMESPACE];
		return;
	}
	struct kube_namespace *n = memory_array(1, sizeof *n);
	n->key = kube_pack_key(w.namespace, w.name);
	n->round = x->round[KUBE_NAMESPACE];
	put_by_key(x, &x->next.namespaces, n);
	x->count[KUBE_NAMESPACE]++;
	x->changed = true;
}

static void namespace_remove(struct kube_index *x, struct kube_namespace *n)
{
	remove_by_key(x, &x->next.namespaces, n->key);
	x->count[KUBE_NAMESPACE]--;
	x->changed = true;
}

/* --- any object --- */

void kube_index_put(struct kube_index *x, const struct kube_object *o)
{
	if (!kube_has_key(o))
		return;
	switch (o->kind) {
	case KUBE_SERVICE:
	case KUBE_IMPORT:
		service_take(x, o);
		return;
	case KUBE_SLICE:
	case KUBE_IMPORT_SLICE:
		slice_take(x, o);
		return;
	case KUBE_POD:
		pod_take(x, o);
		return;
	case KUBE_NAMESPACE:
		namespace_take(x, o);
		return;
	case KUBE_KINDS:
		return;
	}
}

void kube_index_delete(struct kube_index *x, const struct kube_object *o)
{
	struct kube_wanted w = { o->namespace, o->name };
	void *old;
	if (!kube_has_key(o))
		return;
	switch (o->kind) {
	case KUBE_SERVICE:
	case KUBE_IMPORT:
		service_replace(x, o->kind, &w, NULL);
		return;
	case KUBE_SLICE:
	case KUBE_IMPORT_SLICE:
		if ((old = find_by_key(&directory_of(x, o->kind)->slices, &w)) != NULL)
			slice_replace(x, o->kind, old, NULL);
		return;
	case KUBE_POD:
		if ((old = find_by_key(&x->next.pods, &w)) != NULL)
			pod_replace(x, old, NULL);
		return;
	case KUBE_NAMESPACE:
		w.namespace = VIEW("");
		if ((old = find_by_key(&x->next.namespaces, &w)) != NULL)
			namespace_remove(x, old);
		return;
	case KUBE_KINDS:
		return;
	}
}

/* --- whole lists --- */

void kube_index_list_begin(struct kube_index *x, enum kube_kind kind)
{
	x->round[kind]++;
}

/* Keys of what a list did not have. */
struct sweep {
	enum kube_kind kind;
	uint32_t round;
	struct kube_key **keys;
	size_t count, capacity;
};

static void sweep_add(struct sweep *s, uint32_t round, struct kube_key *k)
{
	if (round == s->round)
		return;
	if (s->count == s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 64;
		s->keys = memory_resize(s->keys, s->capacity, sizeof *s->keys);
	}
	s->keys[s->count++] = k;
}

static void sweep_service(void *value, void *data)
{
	const struct kube_service *s = value;
	if (s->data)
		sweep_add(data, s->data->round, s->key);
}

static void sweep_slice(void *value, void *data)
{
	const struct kube_slice *s = value;
	sweep_add(data, s->round, s->key);
}

static void sweep_pod(void *value, void *data)
{
	const struct kube_pod *p = value;
	sweep_add(data, p->round, p->key);
}

static void sweep_namespace(void *value, void *data)
{
	const struct kube_namespace *n = value;
	sweep_add(data, n->round, n->key);
}

static void sweep_all(const struct kube_index *x, struct sweep *s)
{
	const struct kube_cluster *c = &x->next;
	const struct kube_directory *d = is_imported(s->kind) ? &c->imported : &c->own;
	switch (s->kind) {
	case KUBE_SERVICE:
	case KUBE_IMPORT:
		trie_each(&d->services, sweep_service, s);
		return;
	case KUBE_SLICE:
	case KUBE_IMPORT_SLICE:
		trie_each(&d->slices, sweep_slice, s);
		return;
	case KUBE_POD:
		trie_each(&c->pods, sweep_pod, s);
		return;
	case KUBE_NAMESPACE:
		trie_each(&c->namespaces, sweep_namespace, s);
		return;
	case KUBE_KINDS:
		return;
	}
}

void kube_index_list_end(struct kube_index *x, enum kube_kind kind)
{
	struct sweep s = { .kind = kind, .round = x->round[kind] };
	sweep_all(x, &s);
	for (size_t i = 0; i < s.count; i++) {
		struct kube_object gone = { .kind = kind,
			.namespace = kube_key_namespace(s.keys[i]),
			.name = kube_key_name(s.keys[i]) };
		kube_index_delete(x, &gone);
	}
	free(s.keys);
	if (!(x->next.listed & 1u << kind)) {
		x->next.listed |= 1u << kind;
		x->changed = true;
	}
}

/* --- publishing --- */

static void stamp(uint32_t *serial, bool *changed, uint32_t now)
{
	if (*changed)
		*serial = now > *serial ? now : *serial + 1;
	*changed = false;
}

bool kube_index_publish(struct kube_index *x, uint32_t now)
{
	if (!x->changed)
		return false;
	stamp(&x->next.serial, &x->answers_changed, now);
	stamp(&x->next.external_serial, &x->external_changed, now);
	stamp(&x->next.imported_serial, &x->imported_changed, now);
	x->changed = false;
	struct kube_cluster *fresh = memory_alloc(sizeof *fresh);
	*fresh = x->next;
	epoch_retire(atomic_exchange(&x->live, fresh), free);
	trie_edit_publish(&x->edit);
	return true;
}

/* --- the end --- */

static void discard_service(void *value, void *data)
{
	struct kube_service *s = value;
	struct kube_index *x = data;
	trie_edit_discard(&x->edit, s->key);
	data_discard(x, s->data);
}

static void discard_slice(void *value, void *data)
{
	struct kube_slice *s = value;
	struct kube_index *x = data;
	trie_edit_discard(&x->edit, s->key);
	ports_release(x, s->ports);
}

static void discard_key(void *value, void *data)
{
	trie_edit_discard(data, *(struct kube_key **)value);
}

static void discard_directory(struct kube_index *x, struct kube_directory *d)
{
	trie_each(&d->services, discard_service, x);
	trie_each(&d->slices, discard_slice, x);
	trie_discard(&d->services, &x->edit);
	trie_discard(&d->slices, &x->edit);
	trie_discard(&d->holders, &x->edit);
}

void kube_index_free(void *index)
{
	struct kube_index *x = index;
	if (!x)
		return;
	discard_directory(x, &x->next.own);
	discard_directory(x, &x->next.imported);
	trie_each(&x->next.pods, discard_key, &x->edit);
	trie_each(&x->next.namespaces, discard_key, &x->edit);
	trie_discard(&x->next.pods, &x->edit);
	trie_discard(&x->next.pod_holders, &x->edit);
	trie_discard(&x->next.namespaces, &x->edit);
	trie_discard(&x->next.external_holders, &x->edit);
	for (size_t i = 0; i < SHARED_PORTS; i++)
		ports_release(x, x->ports[i]);
	trie_edit_publish(&x->edit);
	epoch_retire(atomic_load(&x->live), free);
	free(x);
}
