/* How an API server is reached: where it is, whom to trust there, and who we are. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_ACCESS_H
#define ISTHMUS_PLUGINS_KUBERNETES_ACCESS_H

#include "sync/http.h"

enum { KUBE_HEADERS_MAX = 8 };

/* In an arena; the token that was read last is the writer's own. */
struct kube_access {
	const char *server;  /* "https://10.0.0.1:443/prefix", no slash at its end */
	const char *host;    /* "10.0.0.1:443", for metrics */
	bool secure;         /* https: credentials are sent */
	struct http_tls tls;
	const char *proxy;   /* NULL: as the environment says */
	const char *connect_to; /* see struct http_request */
	const char *token_file; /* read again when it is a minute old, and after a refusal */
	struct view token;   /* "Bearer ..." or "Basic ..." without the header's name */
	const char *headers[KUBE_HEADERS_MAX]; /* "Impersonate-User: ..." and the like; ended by NULL */
};

/* From a pod: environment and service account. False with *why in CoreDNS's words. */
bool kube_access_in_cluster(struct kube_access *a, struct arena *arena, const char **why);

/* `endpoint` as written; the three files may be NULL. */
bool kube_access_endpoint(struct kube_access *a, struct arena *arena, struct view endpoint,
	const char *certificate, const char *key, const char *authorities, const char **why);

/* From a kubeconfig's context (empty: its current one). */
bool kube_access_kubeconfig(struct kube_access *a, struct arena *arena, const char *path,
	struct view context, const char **why);

#endif
