/*
 * Reading what an API server answers: a list, a stream of watch events, or a status that says why not; in protobuf or in
 * JSON. What comes is decoded as it comes: one object at a time is held, never a list.
 */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_DECODE_H
#define ISTHMUS_PLUGINS_KUBERNETES_DECODE_H

#include "base/arena.h"
#include "plugins/kubernetes/object.h"

enum { KUBE_OBJECT_MAX = 16 << 20 }; /* octets of one object or event; more is refused */

enum kube_event {
	KUBE_LISTED, /* an item of a list */
	KUBE_ADDED,
	KUBE_MODIFIED,
	KUBE_DELETED,
	KUBE_BOOKMARK,
};

/* Why there is no answer, or why a watch ends. */
struct kube_status {
	long code, retry_after; /* 0: not said */
	struct view reason, message;
	bool version_too_large; /* the server is not yet where we were */
};

/* Where what was read goes. False: reading ends. Views are good until the function returns. */
struct kube_reader {
	bool (*object)(void *owner, enum kube_event event, const struct kube_object *o);
	bool (*status)(void *owner, const struct kube_status *s);
	void *owner;
};

struct kube_decoder;

enum kube_format {
	KUBE_PROTOBUF,
	KUBE_JSON,
};

/* Begins to read an answer about objects of `kind`. Belongs to the caller. */
struct kube_decoder *kube_decoder_new(
	enum kube_format format, enum kube_kind kind, bool watch, const struct kube_reader *reader);
void kube_decoder_free(struct kube_decoder *d);

/* Takes the next octets. False: they are malformed (see kube_decoder_error()), or the reader wants no more. */
bool kube_decoder_feed(struct kube_decoder *d, struct view octets);

/* The answer has ended: whether it may end here. */
bool kube_decoder_complete(struct kube_decoder *d);

/* What was wrong, for the log; NULL if nothing was. */
const char *kube_decoder_error(const struct kube_decoder *d);

/* Of a list: its version, and the token for its next page (empty: it was the last). Good as long as the decoder. */
struct view kube_decoder_version(const struct kube_decoder *d);
struct view kube_decoder_continue(const struct kube_decoder *d);

#endif
