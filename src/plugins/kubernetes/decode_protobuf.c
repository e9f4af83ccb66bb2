/* Protobuf as the API server writes it: objects field by field, lists and streams piece by piece. */
#include "plugins/kubernetes/decoder.h"

#include "base/protobuf.h"

/*
 * Of each message the fields that DNS has use for, by their numbers in the API's generated.proto. Strings that are
 * there twice: the last one counts, as protobuf has it.
 */

typedef bool field_reader(struct kube_decoder *d, const struct protobuf_field *f);

/* Calls `read` for each field; false if the message is malformed or one of them is. */
static bool each_field(struct kube_decoder *d, struct view message, field_reader *read)
{
	struct protobuf_reader r = protobuf_reader(message);
	struct protobuf_field f;
	while (protobuf_next(&r, &f)) {
		if (!read(d, &f))
			return false;
	}
	return !r.failed || kube_decoder_fail(d, "malformed protobuf");
}

/* --- metadata --- */

static bool read_pair(struct view message, struct view *key, struct view *value)
{
	struct protobuf_reader r = protobuf_reader(message);
	struct protobuf_field f;
	*key = *value = VIEW("");
	while (protobuf_next(&r, &f)) {
		if (protobuf_is_octets(&f, 1))
			*key = f.octets;
		else if (protobuf_is_octets(&f, 2))
			*value = f.octets;
	}
	return !r.failed;
}

static bool read_metadata(struct kube_decoder *d, const struct protobuf_field *f)
{
	struct kube_object *o = &d->draft.object;
	struct view key, value;
	if (f->type != PROTOBUF_OCTETS)
		return true;
	switch (f->number) {
	case 1:
		o->name = f->octets;
		return true;
	case 3:
		o->namespace = f->octets;
		return true;
	case 6:
		o->version = f->octets;
		return true;
	case 9:
		o->deleting = true;
		return true;
	case 11:
	case 12:
		if (!read_pair(f->octets, &key, &value))
			return kube_decoder_fail(d, "malformed label");
		(f->number == 11 ? kube_draft_label : kube_draft_annotation)(d, key, value);
		return true;
	default:
		return true;
	}
}

/* --- ports --- */

/* Ports of services and of slices have the same numbers. */
static bool read_port(struct kube_decoder *d, const struct protobuf_field *f)
{
	struct kube_port *p = &d->draft.ports[d->draft.object.port_count - 1];
	if (protobuf_is_octets(f, 1))
		p->name = f->octets;
	else if (protobuf_is_octets(f, 2))
		p->protocol = f->octets;
	else if (protobuf_is_number(f, 3))
		p->number = f->value <= UINT16_MAX ? (int32_t)f->value : -1;
	return true;
}

static bool add_port(struct kube_decoder *d, struct view message)
{
	kube_draft_port(d);
	return each_field(d, message, read_port);
}

/* --- services --- */

static bool read_service_spec(struct kube_decoder *d, const struct protobuf_field *f)
{
	if (f->type != PROTOBUF_OCTETS)
		return true;
	switch (f->number) {
	case 1:
		return add_port(d, f->octets);
	case 3:
		d->draft.cluster_ip = f->octets;
		return true;
	case 4:
		d->draft.object.type = f->octets;
		return true;
	case 5:
		kube_draft_external(d, f->octets);
		return true;
	case 10:
		d->draft.object.external_name = f->octets;
		return true;
	case 18:
		kube_draft_address(d, f->octets);
		return true;
	default:
		return true;
	}
}

static bool read_ingress(struct kube_decoder *d, const struct protobuf_field *f)
{
	struct view address, host;
	if (!protobuf_is_octets(f, 1))
		return true;
	if (!read_pair(f->octets, &address, &host))
		return kube_decoder_fail(d, "malformed ingress");
	if (address.length || host.length)
		kube_draft_external(d, address.length ? address : host);
	return true;
}

static bool read_service_status(struct kube_decoder *d, const struct protobuf_field *f)
{
	return !protobuf_is_octets(f, 1) || each_field(d, f->octets, read_ingress);
}

static bool read_service(struct kube_decoder *d, const struct protobuf_field *f)
{
	if (protobuf_is_octets(f, 1))
		return each_field(d, f->octets, read_metadata);
	if (protobuf_is_octets(f, 2))
		return each_field(d, f->octets, read_service_spec);
	return !protobuf_is_octets(f, 3) || each_field(d, f->octets, read_service_status);
}

/* --- slices --- */

static struct kube_endpoint *endpoint_in_hand(struct kube_decoder *d)
{
	return &d->draft.endpoints[d->draft.object.endpoint_count - 1];
}

static bool read_conditions(struct kube_decoder *d, const struct protobuf_field *f)
{
	if (protobuf_is_number(f, 1))
		endpoint_in_hand(d)->ready = f->value != 0;
	return true;
}

static bool read_target(struct kube_decoder *d, const struct protobuf_field *f)
{
	if (protobuf_is_octets(f, 3))
		endpoint_in_hand(d)->pod = f->octets;
	return true;
}

static bool read_endpoint(struct kube_decoder *d, const struct protobuf_field *f)
{
	if (f->type != PROTOBUF_OCTETS)
		return true;
	switch (f->number) {
	case 1:
		kube_draft_endpoint_address(d, f->octets);
		return true;
	case 2:
		return each_field(d, f->octets, read_conditions);
	case 3:
		endpoint_in_hand(d)->hostname = f->octets;
		return true;
	case 4:
		return each_field(d, f->octets, read_target);
	case 7:
		endpoint_in_hand(d)->zone = f->octets;
		return true;
	default:
		return true;
	}
}

static bool read_slice(struct kube_decoder *d, const struct protobuf_field *f)
{
	if (f->type != PROTOBUF_OCTETS)
		return true;
	switch (f->number) {
	case 1:
		return each_field(d, f->octets, read_metadata);
	case 2:
		kube_draft_endpoint(d);
		return each_field(d, f->octets, read_endpoint);
	case 3:
		return add_port(d, f->octets);
	case 4:
		d->draft.object.type = f->octets;
		return true;
	default:
		return true;
	}
}

/* --- pods and namespaces --- */

static bool read_pod_address(struct kube_decoder *d, const struct protobuf_field *f)
{
	if (protobuf_is_octets(f, 1))
		kube_draft_address(d, f->octets);
	return true;
}

static bool read_pod_status(struct kube_decoder *d, const struct protobuf_field *f)
{
	if (protobuf_is_octets(f, 1))
		d->draft.object.type = f->octets;
	else if (protobuf_is_octets(f, 6) && !d->draft.object.address_count)
		kube_draft_address(d, f->octets);
	else if (protobuf_is_octets(f, 12))
		return each_field(d, f->octets, read_pod_address);
	return true;
}

static bool read_pod(struct kube_decoder *d, const struct protobuf_field *f)
{
	if (protobuf_is_octets(f, 1))
		return each_field(d, f->octets, read_metadata);
	return !protobuf_is_octets(f, 3) || each_field(d, f->octets, read_pod_status);
}

static bool read_namespace(struct kube_decoder *d, const struct protobuf_field *f)
{
	return !protobuf_is_octets(f, 1) || each_field(d, f->octets, read_metadata);
}

/* --- any object --- */

static bool read_object(struct kube_decoder *d, struct view message)
{
	static field_reader *const readers[KUBE_KINDS] = {
		[KUBE_SERVICE] = read_service,
		[KUBE_SLICE] = read_slice,
		[KUBE_NAMESPACE] = read_namespace,
		[KUBE_POD] = read_pod,
		[KUBE_IMPORT] = read_service, /* comes as JSON: its API has no protobuf. State files have it as a service */
		[KUBE_IMPORT_SLICE] = read_slice,
	};
	kube_draft_begin(d);
	return each_field(d, message, readers[d->kind]);
}

/* --- status --- */

static bool read_details(struct kube_status *s, struct view message)
{
	struct protobuf_reader r = protobuf_reader(message);
	struct protobuf_field f;
	struct view reason, text;
	while (protobuf_next(&r, &f)) {
		if (protobuf_is_octets(&f, 4) && read_pair(f.octets, &reason, &text))
			kube_status_cause(s, reason, text);
		else if (protobuf_is_number(&f, 5))
			s->retry_after = (long)(f.value & UINT16_MAX);
	}
	return !r.failed;
}

static bool read_status(struct kube_decoder *d, struct view message)
{
	struct kube_status s = { .reason = VIEW(""), .message = VIEW("") };
	struct protobuf_reader r = protobuf_reader(message);
	struct protobuf_field f;
	while (protobuf_next(&r, &f)) {
		if (protobuf_is_octets(&f, 3))
			s.message = f.octets;
		else if (protobuf_is_octets(&f, 4))
			s.reason = f.octets;
		else if (protobuf_is_octets(&f, 5) && !read_details(&s, f.octets))
			return kube_decoder_fail(d, "malformed status");
		else if (protobuf_is_number(&f, 6))
			s.code = (long)(f.value & UINT16_MAX);
	}
	if (r.failed)
		return kube_decoder_fail(d, "malformed status");
	kube_status_cause(&s, VIEW(""), s.message);
	d->status_read = true;
	return d->reader.status(d->reader.owner, &s);
}

/* --- the envelope: "k8s\0", then {1 type {1 version, 2 kind}, 2 the object} --- */

static const struct view magic = { "k8s", 4 };

struct envelope {
	struct view kind, object;
};

static struct view read_kind(struct view message)
{
	struct view version, kind;
	return read_pair(message, &version, &kind) ? kind : VIEW("");
}

static bool open_envelope(struct kube_decoder *d, struct view octets, struct envelope *e)
{
	*e = (struct envelope){ VIEW(""), VIEW("") };
	if (!view_starts(octets, magic))
		return kube_decoder_fail(d, "an object without its head");
	struct protobuf_reader r = protobuf_reader(view_skip(octets, magic.length));
	struct protobuf_field f;
	while (protobuf_next(&r, &f)) {
		if (protobuf_is_octets(&f, 1))
			e->kind = read_kind(f.octets);
		else if (protobuf_is_octets(&f, 2))
			e->object = f.octets;
	}
	return !r.failed || kube_decoder_fail(d, "malformed envelope");
}

/* --- watch events: {1 type, 2 {1 envelope}} --- */

static bool read_event(struct kube_decoder *d, struct view frame)
{
	struct view word, wrapped, raw, unused;
	struct envelope e;
	enum kube_event event;
	if (!read_pair(frame, &word, &wrapped) || !read_pair(wrapped, &raw, &unused))
		return kube_decoder_fail(d, "malformed event");
	if (!open_envelope(d, raw, &e))
		return false;
	if (view_is(word, "ERROR"))
		return read_status(d, e.object);
	if (!kube_event_parse(word, &event))
		return kube_decoder_fail(d, "an event of an unknown type");
	if (!view_is(e.kind, kube_kind_name(d->kind)))
		return true;
	return read_object(d, e.object) && kube_draft_end(d, event);
}

/* --- pieces --- */

/* Where a list is being read. A watch has one kind of piece only: four octets of length, then an event. */
enum state {
	HEAD,     /* the magic comes */
	ENVELOPE, /* a field of the envelope */
	LIST,     /* a field of the list */
};

/* A varint at the front; how many octets it has, 0 if it is cut off, -1 if it is none. */
static int varint(struct view v, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < v.length && i < PROTOBUF_VARINT_MAX; i++) {
		unsigned char octet = (unsigned char)v.at[i];
		*value |= (uint64_t)(octet & 0x7f) << (7 * i);
		if (octet < 0x80)
			return (int)i + 1;
	}
	return v.length < PROTOBUF_VARINT_MAX ? 0 : -1;
}

/* The head of a field of octets: number and length. As varint(); other fields do not stand here. */
static int field_head(struct view v, uint32_t *number, uint64_t *length)
{
	uint64_t tag;
	int first = varint(v, &tag);
	if (first <= 0)
		return first;
	if ((tag & 7) != PROTOBUF_OCTETS || tag >> 3 > UINT32_MAX)
		return -1;
	int second = varint(view_skip(v, (size_t)first), length);
	*number = (uint32_t)(tag >> 3);
	return second > 0 ? first + second : second;
}

/* What a step came to: octets used up, 0 when more are needed. */
struct step {
	size_t used;
	bool failed;
};

static struct step step_failed(struct kube_decoder *d, const char *why)
{
	if (why)
		kube_decoder_fail(d, why);
	return (struct step){ .failed = true };
}

static struct step step_frame(struct kube_decoder *d, struct view v)
{
	if (v.length < 4)
		return (struct step){ 0 };
	const unsigned char *p = (const unsigned char *)v.at;
	size_t length = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (length > KUBE_OBJECT_MAX)
		return step_failed(d, "an event is too large");
	if (v.length - 4 < length)
		return (struct step){ 0 };
	return (struct step){ 4 + length, !read_event(d, view_first(view_skip(v, 4), length)) };
}

static struct step step_head(struct kube_decoder *d, struct view v)
{
	if (v.length < magic.length)
		return (struct step){ 0 };
	if (!view_starts(v, magic))
		return step_failed(d, "an answer without its head");
	d->protobuf.state = ENVELOPE;
	return (struct step){ magic.length, false };
}

static struct step step_envelope(struct kube_decoder *d, struct view v)
{
	struct kube_protobuf *p = &d->protobuf;
	uint32_t number = 0;
	uint64_t length = 0;
	int head = field_head(v, &number, &length);
	if (head <= 0)
		return head ? step_failed(d, "malformed envelope") : (struct step){ 0 };
	if (number == 2 && !p->is_status) {
		p->state = LIST;
		p->list_left = length;
		return (struct step){ (size_t)head, false };
	}
	if (length > KUBE_OBJECT_MAX)
		return step_failed(d, "an envelope is too large");
	if (v.length - (size_t)head < length)
		return (struct step){ 0 };
	struct view content = view_first(view_skip(v, (size_t)head), (size_t)length);
	if (number == 1)
		p->is_status = view_is(read_kind(content), "Status");
	bool failed = number == 2 && !read_status(d, content);
	return (struct step){ (size_t)head + (size_t)length, failed };
}

static bool read_list_metadata(struct kube_decoder *d, const struct protobuf_field *f)
{
	struct text *to = f->number == 2 ? &d->version : &d->next_page;
	if (!protobuf_is_octets(f, 2) && !protobuf_is_octets(f, 3))
		return true;
	text_clear(to);
	text_add(to, f->octets);
	return true;
}

static struct step step_list(struct kube_decoder *d, struct view v)
{
	struct kube_protobuf *p = &d->protobuf;
	uint32_t number = 0;
	uint64_t length = 0;
	if (!p->list_left) {
		p->state = ENVELOPE;
		p->is_status = true; /* no second list */
		return step_envelope(d, v);
	}
	int head = field_head(v, &number, &length);
	if (head <= 0)
		return head ? step_failed(d, "malformed list") : (struct step){ 0 };
	size_t all = (size_t)head + (size_t)length;
	if (length > KUBE_OBJECT_MAX || all > p->list_left)
		return step_failed(d, "an item is too large");
	if (v.length < all)
		return (struct step){ 0 };
	struct view content = view_first(view_skip(v, (size_t)head), (size_t)length);
	p->list_left -= all;
	bool goes_on = true;
	if (number == 1)
		goes_on = each_field(d, content, read_list_metadata);
	else if (number == 2)
		goes_on = read_object(d, content) && kube_draft_end(d, KUBE_LISTED);
	return (struct step){ all, !goes_on };
}

static struct step take_step(struct kube_decoder *d, struct view v)
{
	if (d->watch)
		return step_frame(d, v);
	switch ((enum state)d->protobuf.state) {
	case LIST:
		return step_list(d, v);
	case ENVELOPE:
		return step_envelope(d, v);
	case HEAD:
		break;
	}
	return step_head(d, v);
}

/* Takes as many steps as the octets allow; `rest` is left. */
static bool take_steps(struct kube_decoder *d, struct view *rest)
{
	while (rest->length) {
		struct step s = take_step(d, *rest);
		if (s.failed)
			return false;
		if (!s.used)
			return true;
		*rest = view_skip(*rest, s.used);
	}
	return true;
}

bool kube_protobuf_feed(struct kube_decoder *d, struct view octets)
{
	struct text *kept = &d->protobuf.kept;
	struct view rest = octets;
	bool from_kept = kept->length != 0;
	if (from_kept) {
		text_add(kept, octets);
		rest = text_view(kept);
	}
	if (!take_steps(d, &rest))
		return false;
	if (!from_kept) {
		text_add(kept, rest);
		return true;
	}
	/* `rest` is the end of what is kept. */
	memmove(kept->at, rest.at, rest.length);
	text_shorten(kept, rest.length);
	return true;
}

bool kube_protobuf_complete(const struct kube_decoder *d)
{
	const struct kube_protobuf *p = &d->protobuf;
	return !p->kept.length && (d->watch || (p->state != HEAD && !p->list_left));
}
