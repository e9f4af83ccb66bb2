/* Endpoints, and the credentials of a pod. */
#include "plugins/kubernetes/access.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include <errno.h>
#include <stdlib.h>

enum { FILE_MAX = 1 << 20 };

static const char account[] = "/var/run/secrets/kubernetes.io/serviceaccount";

/* The text of what is wrong, in Go's form: "open PATH: no such file or directory". */
static const char *open_problem(struct arena *arena, const char *path)
{
	struct view content;
	int error = file_read(arena, path, FILE_MAX, &content);
	return error ? arena_printf(arena, "open %s: %s", path, error_text(error)) : NULL;
}

bool kube_access_in_cluster(struct kube_access *a, struct arena *arena, const char **why)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	if (!host || !*host || !port || !*port) {
		*why = "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
		       "KUBERNETES_SERVICE_PORT must be defined";
		return false;
	}
	a->token_file = arena_printf(arena, "%s/token", account);
	*why = open_problem(arena, a->token_file);
	if (*why)
		return false;
	bool v6 = strchr(host, ':') != NULL;
	struct kube_server *server = arena_new_object(arena, struct kube_server);
	server->host = arena_printf(arena, v6 ? "[%s]:%s" : "%s:%s", host, port);
	server->url = arena_printf(arena, "https://%s", server->host);
	server->secure = true;
	a->servers = server;
	a->server_count = 1;
	const char *authorities = arena_printf(arena, "%s/ca.crt", account);
	const char *problem = open_problem(arena, authorities);
	if (problem)
		log_line(LOG_ERROR, "kubernetes",
			"Expected to load root CA config from %s, but got err: %s", authorities, problem);
	else
		a->tls.authorities_file = authorities;
	return true;
}

/* The part of a URL between scheme and path. */
static const char *host_of(struct arena *arena, struct view url)
{
	struct view host = view_first(url, view_find(url, '/'));
	return arena_string(arena, host);
}

static void note_problem(
	struct arena *arena, struct text *all, const char *what, const char *path)
{
	const char *problem = path ? open_problem(arena, path) : NULL;
	if (!problem)
		return;
	text_printf(all, "%sunable to read %s %s for  due to %s", all->length ? ", " : "", what, path,
		problem);
}

static bool files_readable(struct arena *arena, const char *certificate, const char *key,
	const char *authorities, const char **why)
{
	struct text all = { 0 };
	note_problem(arena, &all, "client-cert", certificate);
	note_problem(arena, &all, "client-key", key);
	note_problem(arena, &all, "certificate-authority", authorities);
	if (!all.length)
		return true;
	bool many = strstr(all.at, ", unable") != NULL;
	*why = arena_printf(arena, many ? "invalid configuration: [%s]" : "invalid configuration: %s",
		all.at);
	text_free(&all);
	return false;
}

/* Takes the server's URL apart: its scheme (https where none is written and there are certificates). */
static struct kube_server server_of(struct arena *arena, struct view url, bool certificates)
{
	static const struct view https = { "https://", 8 }, http = { "http://", 7 };
	struct kube_server s = { 0 };
	bool plain = view_starts(url, http);
	s.secure = view_starts(url, https) || (!plain && certificates);
	if (view_starts(url, https) || plain)
		url = view_skip(url, plain ? http.length : https.length);
	while (url.length && url.at[url.length - 1] == '/')
		url.length--;
	s.host = host_of(arena, url);
	s.url = arena_printf(arena, "%s://%.*s", s.secure ? "https" : "http", VIEW_ARGS(url));
	return s;
}

bool kube_access_endpoint(struct kube_access *a, struct arena *arena, const struct view *endpoints,
	size_t count, const char *certificate, const char *key, const char *authorities, const char **why)
{
	if (!files_readable(arena, certificate, key, authorities, why))
		return false;
	a->servers = arena_array(arena, count, sizeof *a->servers);
	a->server_count = count;
	for (size_t i = 0; i < count; i++)
		a->servers[i] = server_of(arena, endpoints[i], certificate || authorities);
	a->tls.certificate_file = certificate;
	a->tls.key_file = key;
	a->tls.authorities_file = authorities;
	return true;
}
