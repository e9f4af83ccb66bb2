/* How an API server is reached: where it is, whom to trust there, and who we are. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_ACCESS_H
#define ISTHMUS_PLUGINS_KUBERNETES_ACCESS_H

#include "plugins/kubernetes/exec.h"
#include "sync/http.h"

enum { KUBE_HEADERS_MAX = 8 };

/* One of a cluster's API servers. */
struct kube_server {
	const char *url;  /* "https://10.0.0.1:443/prefix", no slash at its end */
	const char *host; /* "10.0.0.1:443", for metrics */
	const char *connect_to; /* see struct http_request */
	bool secure;      /* https: credentials are sent */
};

/* In an arena. */
struct kube_access {
	struct kube_server *servers; /* at least one; the others stand in for it */
	size_t server_count;
	struct http_tls tls;
	const char *proxy;   /* NULL: as the environment says */
	const char *token_file; /* read again when it is a minute old, and after a refusal */
	struct view token;   /* "Bearer ..." or "Basic ..." without the header's name */
	const struct kube_exec *exec; /* a command that gives token or certificate; NULL: none */
	const char *headers[KUBE_HEADERS_MAX]; /* "Impersonate-User: ..." and the like; ended by NULL */
};

/* From a pod: environment and service account. False with *why in CoreDNS's words. */
bool kube_access_in_cluster(struct kube_access *a, struct arena *arena, const char **why);

/* The words of `endpoint` as written, at least one; the three files may be NULL. */
bool kube_access_endpoint(struct kube_access *a, struct arena *arena, const struct view *endpoints,
	size_t count, const char *certificate, const char *key, const char *authorities, const char **why);

/* From a kubeconfig's context (empty: its current one). */
bool kube_access_kubeconfig(struct kube_access *a, struct arena *arena, const char *path,
	struct view context, const char **why);

#endif
