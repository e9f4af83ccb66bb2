/* One kind of object: listing and watching it, again and again. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_WATCH_H
#define ISTHMUS_PLUGINS_KUBERNETES_WATCH_H

#include "plugins/kubernetes/source.h"

struct kube_watch {
	struct kube_source *source;
	enum kube_kind kind;
	struct text version;    /* the last one seen; empty: none */
	bool gone;              /* the server did not have it when it was asked last */
	bool version_gone;      /* nor when it was asked for that or anything newer */
	bool no_streaming;      /* the server does not send lists as events, and does not say so */
	bool listed;
	bool listing;           /* the first list is coming in */
	unsigned failures;      /* in a row */
	uint64_t heard;         /* when the server last told of something; 0: never */
	uint64_t refused_said;  /* when it was last said that nobody answers */

	/* the answer that is being read */
	struct kube_decoder *decoder;
	bool watching, initial; /* events; the first of them are the list */
	bool ended_list;        /* the mark behind the list came */
	size_t events;
	struct http_request *request;
	bool in_flight;         /* it has no answer yet */
	struct {
		bool there, too_large;
		long code;
		char reason[64], message[256];
	} status;
	long http_status;
};

/* Runs until the plugin's tasks are to end. */
void kube_watch_run(struct kube_watch *w);

#endif
