/* Who we are to an API server, kept up to date: tokens in files are rotated, those of commands expire. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_CREDENTIALS_H
#define ISTHMUS_PLUGINS_KUBERNETES_CREDENTIALS_H

#include "plugins/kubernetes/access.h"
#include "server/plugin.h"

/* What a request is sent with: immutable, and good until everybody who took it has dropped it. */
struct kube_identity {
	const char *authorization; /* the header's line; NULL: none */
	struct http_tls tls;
	struct arena *arena;
	unsigned users;
};

/* Zeroed but for the first two. Control thread. */
struct kube_credentials {
	struct plugin *self;
	const struct kube_access *access;
	struct kube_identity *current;
	uint64_t read;   /* when it was made */
	int64_t expires; /* Unix seconds; 0: not known */
	bool refused;    /* the server did not know us: no good any more */
	bool busy;       /* somebody makes a new one */
	uint64_t failed; /* when a command failed last; 0: it did not */
	char why[256];
};

/* The identity to send a request with; may wait for a command, on a task of the plugin. NULL with *why, good until the next
 * call. */
struct kube_identity *kube_identity_take(struct kube_credentials *c, const char **why);
void kube_identity_drop(struct kube_identity *i);

/* The server answered 401. */
void kube_credentials_refused(struct kube_credentials *c);

void kube_credentials_free(struct kube_credentials *c);

#endif
