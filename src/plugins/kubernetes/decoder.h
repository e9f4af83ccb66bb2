/* What the two formats' decoders have in common. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_DECODER_H
#define ISTHMUS_PLUGINS_KUBERNETES_DECODER_H

#include "base/text.h"
#include "plugins/kubernetes/decode.h"
#include "sync/json.h"

/* An object that is being read, in arrays that grow. */
struct kube_draft {
	struct kube_object object;
	struct arena *arena; /* reset with each object */
	struct view *addresses, *external;
	struct kube_port *ports;
	struct kube_endpoint *endpoints;
	struct kube_label *labels;
	size_t address_room, external_room, port_room, endpoint_room, label_room, endpoint_address_room;
	struct view cluster_ip; /* spec.clusterIP, for servers that have no list of them */
	bool unknown_kind;      /* of another kind than was asked for */
};

/* Reading protobuf between pieces: decode_protobuf.c. */
struct kube_protobuf {
	unsigned state;
	struct text kept;  /* what is cut off */
	uint64_t list_left; /* octets of the list that are still to come */
	bool is_status;
};

/* Reading JSON: decode_json.c. Places are its own. */
struct kube_json {
	struct json_parser parser;
	uint8_t places[JSON_DEPTH_MAX + 2]; /* of the open objects and arrays, by depth */
	uint8_t next;      /* of the value to come */
	struct view label; /* key of the label or annotation whose value is to come */
	enum kube_event event;
	bool has_event, is_status; /* a type was read; it, or the answer's kind, was a status' */
	long code, retry_after;
	bool version_too_large;
	struct text message, reason;
	struct view cause_reason, cause_message;
};

struct kube_decoder {
	struct kube_reader reader;
	enum kube_format format;
	enum kube_kind kind;
	bool watch, status_read, ended;
	bool stopped; /* the reader wants no more */
	const char *error;
	struct kube_draft draft;
	struct text version, next_page;
	struct kube_protobuf protobuf;
	struct kube_json json;
};

/* Malformed. Always gives false. */
bool kube_decoder_fail(struct kube_decoder *d, const char *error);

/* A new object begins. */
void kube_draft_begin(struct kube_decoder *d);

/* The object is read: tells the reader. */
bool kube_draft_end(struct kube_decoder *d, enum kube_event event);

/* Labels and annotations that mean something. */
void kube_draft_label(struct kube_decoder *d, struct view key, struct view value);
void kube_draft_annotation(struct kube_decoder *d, struct view key, struct view value);

struct kube_port *kube_draft_port(struct kube_decoder *d);
struct kube_endpoint *kube_draft_endpoint(struct kube_decoder *d);
void kube_draft_address(struct kube_decoder *d, struct view address);
void kube_draft_external(struct kube_decoder *d, struct view address);
void kube_draft_endpoint_address(struct kube_decoder *d, struct view address);

/* The word of an event: "ADDED". False for one that is none, and for "ERROR". */
bool kube_event_parse(struct view word, enum kube_event *event);

/* As the API calls it: "Service". */
const char *kube_kind_name(enum kube_kind kind);

/* A status' cause, or its message: whether it says that a version is too large. */
void kube_status_cause(struct kube_status *s, struct view reason, struct view message);

bool kube_protobuf_feed(struct kube_decoder *d, struct view octets);
bool kube_protobuf_complete(const struct kube_decoder *d);
void kube_json_begin(struct kube_decoder *d);
bool kube_json_feed(struct kube_decoder *d, struct view octets);
bool kube_json_complete(struct kube_decoder *d);

#endif
