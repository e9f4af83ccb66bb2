/* Objects as they are put together, whatever format they come in. */
#include "plugins/kubernetes/decoder.h"

#include "base/memory.h"
#include <stdlib.h>

enum { DRAFT_ARENA = 16 << 10 };

bool kube_decoder_fail(struct kube_decoder *d, const char *error)
{
	if (!d->error)
		d->error = error;
	return false;
}

/* --- drafts --- */

void kube_draft_begin(struct kube_decoder *d)
{
	struct arena *arena = d->draft.arena;
	arena_reset(arena);
	d->draft = (struct kube_draft){ .arena = arena, .object = { .kind = d->kind } };
}

static bool is_slice(enum kube_kind kind)
{
	return kind == KUBE_SLICE || kind == KUBE_IMPORT_SLICE;
}

bool kube_draft_end(struct kube_decoder *d, enum kube_event event)
{
	struct kube_draft *draft = &d->draft;
	struct kube_object *o = &draft->object;
	if (draft->unknown_kind)
		return true;
	if (!o->address_count && draft->cluster_ip.length && o->kind == KUBE_SERVICE)
		kube_draft_address(d, draft->cluster_ip);
	o->addresses = draft->addresses;
	o->external = draft->external;
	o->ports = draft->ports;
	o->endpoints = draft->endpoints;
	o->labels = draft->labels;
	d->stopped = !d->reader.object(d->reader.owner, event, o);
	return !d->stopped;
}

void kube_draft_label(struct kube_decoder *d, struct view key, struct view value)
{
	struct kube_draft *draft = &d->draft;
	struct kube_object *o = &draft->object;
	if (o->kind == KUBE_POD) {
		draft->labels = arena_grow(draft->arena, draft->labels, o->label_count,
			&draft->label_room, sizeof *draft->labels);
		draft->labels[o->label_count++] = (struct kube_label){ key, value };
	} else if (o->kind == KUBE_SLICE && view_is(key, "kubernetes.io/service-name")) {
		o->service = value;
	} else if (o->kind == KUBE_IMPORT_SLICE) {
		if (view_is(key, "multicluster.kubernetes.io/service-name"))
			o->service = value;
		else if (view_is(key, "multicluster.kubernetes.io/source-cluster"))
			o->cluster = value;
	}
}

void kube_draft_annotation(struct kube_decoder *d, struct view key, struct view value)
{
	struct kube_object *o = &d->draft.object;
	if (is_slice(o->kind) && view_is(key, "endpoints.kubernetes.io/last-change-trigger-time"))
		o->trigger = value;
	else if (view_is(key, "k8s.io/initial-events-end"))
		o->list_ends = view_is(value, "true");
}

struct kube_port *kube_draft_port(struct kube_decoder *d)
{
	struct kube_draft *draft = &d->draft;
	size_t at = draft->object.port_count++;
	draft->ports = arena_grow(
		draft->arena, draft->ports, at, &draft->port_room, sizeof *draft->ports);
	draft->ports[at] = (struct kube_port){ .number = -1 };
	return &draft->ports[at];
}

struct kube_endpoint *kube_draft_endpoint(struct kube_decoder *d)
{
	struct kube_draft *draft = &d->draft;
	size_t at = draft->object.endpoint_count++;
	draft->endpoints = arena_grow(draft->arena, draft->endpoints, at, &draft->endpoint_room,
		sizeof *draft->endpoints);
	draft->endpoints[at] = (struct kube_endpoint){ .ready = true };
	draft->endpoint_address_room = 0;
	return &draft->endpoints[at];
}

void kube_draft_address(struct kube_decoder *d, struct view address)
{
	struct kube_draft *draft = &d->draft;
	size_t at = draft->object.address_count++;
	draft->addresses = arena_grow(
		draft->arena, draft->addresses, at, &draft->address_room, sizeof *draft->addresses);
	draft->addresses[at] = address;
}

void kube_draft_external(struct kube_decoder *d, struct view address)
{
	struct kube_draft *draft = &d->draft;
	size_t at = draft->object.external_count++;
	draft->external = arena_grow(
		draft->arena, draft->external, at, &draft->external_room, sizeof *draft->external);
	draft->external[at] = address;
}

/* Of the endpoint that was begun last. */
void kube_draft_endpoint_address(struct kube_decoder *d, struct view address)
{
	struct kube_draft *draft = &d->draft;
	struct kube_endpoint *e = &draft->endpoints[draft->object.endpoint_count - 1];
	struct view *addresses = arena_grow(draft->arena, (void *)(uintptr_t)e->addresses,
		e->address_count, &draft->endpoint_address_room, sizeof *addresses);
	addresses[e->address_count++] = address;
	e->addresses = addresses;
}

/* --- words --- */

bool kube_event_parse(struct view word, enum kube_event *event)
{
	static const char *const words[] = { [KUBE_ADDED] = "ADDED",
		[KUBE_MODIFIED] = "MODIFIED",
		[KUBE_DELETED] = "DELETED",
		[KUBE_BOOKMARK] = "BOOKMARK" };
	for (int e = KUBE_ADDED; e <= KUBE_BOOKMARK; e++) {
		if (view_is(word, words[e])) {
			*event = (enum kube_event)e;
			return true;
		}
	}
	return false;
}

const char *kube_kind_name(enum kube_kind kind)
{
	static const char *const names[KUBE_KINDS] = { [KUBE_SERVICE] = "Service",
		[KUBE_SLICE] = "EndpointSlice",
		[KUBE_NAMESPACE] = "Namespace",
		[KUBE_POD] = "Pod",
		[KUBE_IMPORT] = "ServiceImport",
		[KUBE_IMPORT_SLICE] = "EndpointSlice" };
	return names[kind];
}

void kube_status_cause(struct kube_status *s, struct view reason, struct view message)
{
	if (view_is(reason, "ResourceVersionTooLarge") ||
		view_starts(message, VIEW("Too large resource version")))
		s->version_too_large = true;
}

/* --- decoders --- */

struct kube_decoder *kube_decoder_new(
	enum kube_format format, enum kube_kind kind, bool watch, const struct kube_reader *reader)
{
	struct kube_decoder *d = memory_array(1, sizeof *d);
	d->reader = *reader;
	d->format = format;
	d->kind = kind;
	d->watch = watch;
	d->draft.arena = arena_new(DRAFT_ARENA);
	if (format == KUBE_JSON)
		kube_json_begin(d);
	return d;
}

void kube_decoder_free(struct kube_decoder *d)
{
	if (!d)
		return;
	arena_free(d->draft.arena);
	text_free(&d->version);
	text_free(&d->next_page);
	text_free(&d->protobuf.kept);
	text_free(&d->json.message);
	text_free(&d->json.reason);
	json_end(&d->json.parser);
	free(d);
}

bool kube_decoder_feed(struct kube_decoder *d, struct view octets)
{
	if (d->ended)
		return false;
	bool goes_on = d->format == KUBE_JSON ? kube_json_feed(d, octets)
					      : kube_protobuf_feed(d, octets);
	d->ended = !goes_on;
	return goes_on;
}

bool kube_decoder_complete(struct kube_decoder *d)
{
	if (d->ended)
		return false;
	if (d->format == KUBE_JSON ? kube_json_complete(d) : kube_protobuf_complete(d))
		return true;
	return kube_decoder_fail(d, "the answer breaks off");
}

const char *kube_decoder_error(const struct kube_decoder *d)
{
	return d->error;
}

struct view kube_decoder_version(const struct kube_decoder *d)
{
	return text_view(&d->version);
}

struct view kube_decoder_continue(const struct kube_decoder *d)
{
	return text_view(&d->next_page);
}
