/* JSON as the API server writes it: which place in it means what, and what is done there. */
#include "plugins/kubernetes/decoder.h"

/* Objects and arrays (above VALUES: texts and numbers) that are read; all else is passed over. */
enum place {
	NOWHERE,
	ANSWER, /* a list, a status, or an event */
	LIST_METADATA,
	ITEMS,
	OBJECT,
	METADATA,
	LABELS,
	ANNOTATIONS,
	SPEC,
	STATE, /* "status" of an object */
	BALANCER,
	INGRESSES,
	INGRESS,
	PORTS,
	PORT,
	ENDPOINTS,
	ENDPOINT,
	ENDPOINT_ADDRESSES,
	CONDITIONS,
	TARGET,
	ADDRESSES,
	EXTERNAL,
	POD_ADDRESSES,
	POD_ADDRESS,
	DETAILS,
	CAUSES,
	CAUSE,
	VALUES,
	EVENT_TYPE = VALUES,
	ANSWER_KIND,
	LIST_VERSION,
	LIST_CONTINUE,
	STATUS_MESSAGE,
	STATUS_REASON,
	STATUS_CODE,
	STATUS_RETRY,
	CAUSE_REASON,
	CAUSE_MESSAGE,
	OBJECT_KIND,
	NAME,
	NAMESPACE,
	VERSION,
	DELETION,
	LABEL,
	ANNOTATION,
	TYPE,
	CLUSTER_IP,
	EXTERNAL_NAME,
	INGRESS_ADDRESS,
	INGRESS_HOST,
	PORT_NAME,
	PORT_PROTOCOL,
	PORT_NUMBER,
	READY,
	HOSTNAME,
	ENDPOINT_ZONE,
	POD_NAME,
	POD_IP,
	POD_IPS_IP,
};

struct rule {
	uint8_t in;
	const char *key;
	uint8_t to;
};

static const struct rule rules[] = {
	{ ANSWER, "type", EVENT_TYPE },
	{ ANSWER, "object", OBJECT },
	{ ANSWER, "kind", ANSWER_KIND },
	{ ANSWER, "metadata", LIST_METADATA },
	{ ANSWER, "items", ITEMS },
	{ ANSWER, "message", STATUS_MESSAGE },
	{ ANSWER, "reason", STATUS_REASON },
	{ ANSWER, "code", STATUS_CODE },
	{ ANSWER, "details", DETAILS },
	{ LIST_METADATA, "resourceVersion", LIST_VERSION },
	{ LIST_METADATA, "continue", LIST_CONTINUE },
	{ OBJECT, "kind", OBJECT_KIND },
	{ OBJECT, "metadata", METADATA },
	{ OBJECT, "spec", SPEC },
	{ OBJECT, "status", STATE },
	{ OBJECT, "endpoints", ENDPOINTS },
	{ OBJECT, "ports", PORTS },
	{ OBJECT, "addressType", TYPE },
	{ OBJECT, "message", STATUS_MESSAGE },
	{ OBJECT, "reason", STATUS_REASON },
	{ OBJECT, "code", STATUS_CODE },
	{ OBJECT, "details", DETAILS },
	{ METADATA, "name", NAME },
	{ METADATA, "namespace", NAMESPACE },
	{ METADATA, "resourceVersion", VERSION },
	{ METADATA, "deletionTimestamp", DELETION },
	{ METADATA, "labels", LABELS },
	{ METADATA, "annotations", ANNOTATIONS },
	{ SPEC, "type", TYPE },
	{ SPEC, "clusterIP", CLUSTER_IP },
	{ SPEC, "clusterIPs", ADDRESSES },
	{ SPEC, "ips", ADDRESSES },
	{ SPEC, "externalIPs", EXTERNAL },
	{ SPEC, "externalName", EXTERNAL_NAME },
	{ SPEC, "ports", PORTS },
	{ STATE, "phase", TYPE },
	{ STATE, "podIP", POD_IP },
	{ STATE, "podIPs", POD_ADDRESSES },
	{ STATE, "loadBalancer", BALANCER },
	{ BALANCER, "ingress", INGRESSES },
	{ INGRESS, "ip", INGRESS_ADDRESS },
	{ INGRESS, "hostname", INGRESS_HOST },
	{ PORT, "name", PORT_NAME },
	{ PORT, "protocol", PORT_PROTOCOL },
	{ PORT, "port", PORT_NUMBER },
	{ ENDPOINT, "addresses", ENDPOINT_ADDRESSES },
	{ ENDPOINT, "conditions", CONDITIONS },
	{ ENDPOINT, "hostname", HOSTNAME },
	{ ENDPOINT, "targetRef", TARGET },
	{ ENDPOINT, "zone", ENDPOINT_ZONE },
	{ CONDITIONS, "ready", READY },
	{ TARGET, "name", POD_NAME },
	{ POD_ADDRESS, "ip", POD_IPS_IP },
	{ DETAILS, "causes", CAUSES },
	{ DETAILS, "retryAfterSeconds", STATUS_RETRY },
	{ CAUSE, "reason", CAUSE_REASON },
	{ CAUSE, "message", CAUSE_MESSAGE },
};

/* What stands in an array of this place. */
static uint8_t element_of(uint8_t array)
{
	switch ((enum place)array) {
	case ITEMS:
		return OBJECT;
	case PORTS:
		return PORT;
	case ENDPOINTS:
		return ENDPOINT;
	case INGRESSES:
		return INGRESS;
	case POD_ADDRESSES:
		return POD_ADDRESS;
	case CAUSES:
		return CAUSE;
	case ADDRESSES:
	case EXTERNAL:
	case ENDPOINT_ADDRESSES:
		return array;
	default:
		return NOWHERE;
	}
}

static uint8_t place_of(uint8_t in, struct view key)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (rules[i].in == in && view_is(key, rules[i].key))
			return rules[i].to;
	}
	return NOWHERE;
}

/* --- keys --- */

static bool at_key(struct kube_decoder *d, struct view key)
{
	struct kube_json *j = &d->json;
	uint8_t in = j->places[j->parser.depth];
	if (in == LABELS || in == ANNOTATIONS) {
		j->next = in == LABELS ? LABEL : ANNOTATION;
		j->label = arena_copy(d->draft.arena, key);
		return true;
	}
	j->next = place_of(in, key);
	if (j->next == NOWHERE)
		json_skip(&j->parser);
	return true;
}

/* --- objects and arrays --- */

/* The place of the value that is told of. */
static uint8_t place_in_hand(const struct kube_json *j)
{
	if (!j->parser.depth)
		return ANSWER;
	return json_in_array(&j->parser) ? element_of(j->places[j->parser.depth]) : j->next;
}

static bool at_open(struct kube_decoder *d)
{
	struct kube_json *j = &d->json;
	unsigned depth = j->parser.depth;
	uint8_t place = place_in_hand(j);
	if (place >= VALUES)
		place = NOWHERE;
	j->places[depth + 1] = place;
	if (place == OBJECT || place == ANSWER)
		kube_draft_begin(d);
	else if (place == PORT)
		kube_draft_port(d);
	else if (place == ENDPOINT)
		kube_draft_endpoint(d);
	else if (place == CAUSE)
		j->cause_reason = j->cause_message = VIEW("");
	return true;
}

static bool tell_status(struct kube_decoder *d)
{
	struct kube_json *j = &d->json;
	struct kube_status s = { .code = j->code,
		.retry_after = j->retry_after,
		.reason = text_view(&j->reason),
		.message = text_view(&j->message),
		.version_too_large = j->version_too_large };
	kube_status_cause(&s, VIEW(""), s.message);
	d->status_read = true;
	return d->reader.status(d->reader.owner, &s);
}

/* An event is told when it ends: its type may stand behind its object. */
static bool end_of_answer(struct kube_decoder *d)
{
	struct kube_json *j = &d->json;
	if (j->is_status)
		return tell_status(d);
	if (!d->watch)
		return true;
	if (!j->has_event)
		return kube_decoder_fail(d, "an event of an unknown type");
	j->has_event = false;
	return kube_draft_end(d, j->event);
}

static void note_cause(struct kube_json *j)
{
	struct kube_status s = { 0 };
	kube_status_cause(&s, j->cause_reason, j->cause_message);
	j->version_too_large |= s.version_too_large;
}

static bool at_close(struct kube_decoder *d)
{
	struct kube_json *j = &d->json;
	unsigned depth = j->parser.depth;
	switch ((enum place)j->places[depth + 1]) {
	case ANSWER:
		return end_of_answer(d);
	case OBJECT:
		return j->places[depth] != ITEMS || kube_draft_end(d, KUBE_LISTED);
	case CAUSE:
		note_cause(j);
		return true;
	default:
		return true;
	}
}

/* --- values --- */

static void set(struct text *to, struct view v)
{
	text_clear(to);
	text_add(to, v);
}

static void at_answer_text(struct kube_decoder *d, uint8_t place, struct view text)
{
	struct kube_json *j = &d->json;
	struct arena *a = d->draft.arena;
	switch ((enum place)place) {
	case EVENT_TYPE:
		j->has_event = kube_event_parse(text, &j->event);
		j->is_status = view_is(text, "ERROR");
		return;
	case ANSWER_KIND:
		j->is_status = view_is(text, "Status");
		return;
	case LIST_VERSION:
		set(&d->version, text);
		return;
	case LIST_CONTINUE:
		set(&d->next_page, text);
		return;
	case STATUS_MESSAGE:
		set(&j->message, text);
		return;
	case STATUS_REASON:
		set(&j->reason, text);
		return;
	case CAUSE_REASON:
		j->cause_reason = arena_copy(a, text);
		return;
	case CAUSE_MESSAGE:
		j->cause_message = arena_copy(a, text);
		return;
	default:
		return;
	}
}

static struct kube_port *port_in_hand(struct kube_decoder *d)
{
	return &d->draft.ports[d->draft.object.port_count - 1];
}

static struct kube_endpoint *endpoint_in_hand(struct kube_decoder *d)
{
	return &d->draft.endpoints[d->draft.object.endpoint_count - 1];
}

/* A list of all of a pod's addresses has the first one again. */
static void add_pod_address(struct kube_decoder *d, struct view address)
{
	const struct kube_draft *draft = &d->draft;
	for (size_t i = 0; i < draft->object.address_count; i++) {
		if (view_equal(draft->addresses[i], address))
			return;
	}
	kube_draft_address(d, address);
}

static void at_object_text(struct kube_decoder *d, uint8_t place, struct view v)
{
	struct kube_object *o = &d->draft.object;
	switch ((enum place)place) {
	case OBJECT_KIND:
		d->draft.unknown_kind = !view_is(v, kube_kind_name(d->kind));
		return;
	case NAME:
		o->name = v;
		return;
	case NAMESPACE:
		o->namespace = v;
		return;
	case VERSION:
		o->version = v;
		return;
	case DELETION:
		o->deleting = true;
		return;
	case LABEL:
		kube_draft_label(d, d->json.label, v);
		return;
	case ANNOTATION:
		kube_draft_annotation(d, d->json.label, v);
		return;
	case TYPE:
		o->type = v;
		return;
	case CLUSTER_IP:
		d->draft.cluster_ip = v;
		return;
	case EXTERNAL_NAME:
		o->external_name = v;
		return;
	case ADDRESSES:
		kube_draft_address(d, v);
		return;
	case EXTERNAL:
	case INGRESS_ADDRESS:
	case INGRESS_HOST:
		if (v.length)
			kube_draft_external(d, v);
		return;
	case POD_IP:
	case POD_IPS_IP:
		add_pod_address(d, v);
		return;
	case PORT_NAME:
		port_in_hand(d)->name = v;
		return;
	case PORT_PROTOCOL:
		port_in_hand(d)->protocol = v;
		return;
	case ENDPOINT_ADDRESSES:
		kube_draft_endpoint_address(d, v);
		return;
	case HOSTNAME:
		endpoint_in_hand(d)->hostname = v;
		return;
	case ENDPOINT_ZONE:
		endpoint_in_hand(d)->zone = v;
		return;
	case POD_NAME:
		endpoint_in_hand(d)->pod = v;
		return;
	default:
		return;
	}
}

static bool at_number(struct kube_decoder *d, uint8_t place, struct view text)
{
	uint64_t n;
	if (!view_unsigned(text, UINT16_MAX, &n))
		return true;
	if (place == PORT_NUMBER)
		port_in_hand(d)->number = (int32_t)n;
	else if (place == STATUS_CODE)
		d->json.code = (long)n;
	else if (place == STATUS_RETRY)
		d->json.retry_after = (long)n;
	return true;
}

static bool at_text(struct kube_decoder *d, uint8_t place, struct view text)
{
	if (place >= EVENT_TYPE && place <= CAUSE_MESSAGE)
		at_answer_text(d, place, text);
	else
		at_object_text(d, place, arena_copy(d->draft.arena, text));
	return true;
}

static bool handle(struct json_parser *p, enum json_event event, struct view text)
{
	struct kube_decoder *d = p->owner;
	struct kube_json *j = &d->json;
	if (event == JSON_KEY)
		return at_key(d, text);
	if (p->depth == 0 && event != JSON_OBJECT && event != JSON_OBJECT_END)
		return kube_decoder_fail(d, "an answer that is no object");
	if (event == JSON_OBJECT || event == JSON_ARRAY)
		return at_open(d);
	if (event == JSON_OBJECT_END || event == JSON_ARRAY_END)
		return at_close(d);
	uint8_t place = place_in_hand(j);
	if (event == JSON_STRING)
		return at_text(d, place, text);
	if (event == JSON_NUMBER)
		return at_number(d, place, text);
	if (place == READY && event == JSON_FALSE)
		endpoint_in_hand(d)->ready = false;
	return true;
}

void kube_json_begin(struct kube_decoder *d)
{
	json_begin(&d->json.parser, handle, d);
}

bool kube_json_feed(struct kube_decoder *d, struct view octets)
{
	if (json_feed(&d->json.parser, octets))
		return true;
	/* A reader that wants no more has ended it, too: nothing was wrong then. */
	if (!d->status_read && !d->stopped)
		kube_decoder_fail(d, "malformed JSON");
	return false;
}

bool kube_json_complete(struct kube_decoder *d)
{
	return json_complete(&d->json.parser);
}
