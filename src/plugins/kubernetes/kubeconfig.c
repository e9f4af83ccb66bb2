/* Reading a kubeconfig: the cluster and the user of one context. */
#include "plugins/kubernetes/access.h"

#include "base/encoding.h"
#include "base/error.h"
#include "base/file.h"
#include "sync/yaml.h"

enum { FILE_MAX = 1 << 22 };

struct config {
	struct kube_access *access;
	struct arena *arena;
	const char *folder; /* relative paths begin here */
	struct view cluster, user; /* names, for messages */
	/* As written: server, tls-server-name, certificate-authority-data. */
	struct view cluster_server, cluster_name, cluster_authorities;
	struct text problems;
	unsigned problem_count;
};

__attribute__((format(printf, 2, 3))) static void problem(struct config *c, const char *format, ...)
{
	va_list args;
	if (c->problem_count++)
		text_add_string(&c->problems, ", ");
	va_start(args, format);
	text_vprintf(&c->problems, format, args);
	va_end(args);
}

static const char *path_of(const struct config *c, struct view path)
{
	if (path.at[0] == '/')
		return arena_string(c->arena, path);
	return arena_printf(c->arena, "%s/%.*s", c->folder, VIEW_ARGS(path));
}

/* Data given in the file itself, in base64. */
static struct view inline_data(struct config *c, const struct yaml *from, const char *key, struct view owner)
{
	struct view text = yaml_text(from, key);
	if (!text.length)
		return VIEW("");
	struct decoding d = { .to = arena_octets(c->arena, text.length), .room = text.length };
	if (!base64_decode(&d, text) || !base64_decoded(&d))
		problem(c, "%s of %.*s is no base64", key, VIEW_ARGS(owner));
	return (struct view){ (const char *)d.to, d.length };
}

/* A file that is named there, checked to be readable. */
static const char *named_file(struct config *c, const struct yaml *from, const char *key,
	const char *what, struct view owner)
{
	struct view path = yaml_text(from, key), content;
	if (!path.length)
		return NULL;
	const char *full = path_of(c, path);
	int error = file_read(c->arena, full, FILE_MAX, &content);
	if (error)
		problem(c, "unable to read %s %s for %.*s due to open %s: %s", what, full,
			VIEW_ARGS(owner), full, error_text(error));
	return full;
}

static bool is_true(struct view v)
{
	return view_is(v, "true") || view_is(v, "True") || view_is(v, "yes");
}

/* The certificate is for another name than the URL's: the URL gets that name, and is led to where it really is. */
static void use_name(struct config *c, struct view name)
{
	struct kube_server *s = c->access->servers;
	const char *port = strrchr(s->host, ':'), *path = strchr(strstr(s->url, "://") + 3, '/');
	if (!name.length || !s->secure)
		return;
	bool has_port = port && !strchr(port, ']');
	struct view host = { s->host, has_port ? (size_t)(port - s->host) : strlen(s->host) };
	const char *number = has_port ? port + 1 : "443";
	s->connect_to = arena_printf(c->arena, "%.*s:%s:%.*s:%s", VIEW_ARGS(name), number,
		VIEW_ARGS(host), number);
	s->url = arena_printf(c->arena, "https://%.*s:%s%s", VIEW_ARGS(name), number, path ? path : "");
}

static void read_cluster(struct config *c, const struct yaml *cluster)
{
	struct kube_access *a = c->access;
	struct view server = yaml_text(cluster, "server"), proxy = yaml_text(cluster, "proxy-url");
	if (!server.length) {
		if (c->cluster.length)
			problem(c, "no server found for cluster \"%.*s\"", VIEW_ARGS(c->cluster));
		else
			problem(c, "cluster has no server defined");
		return;
	}
	const char *why;
	kube_access_endpoint(a, c->arena, &server, 1, NULL, NULL, NULL, &why);
	a->tls.authorities = inline_data(c, cluster, "certificate-authority-data", c->cluster);
	a->tls.authorities_file = named_file(
		c, cluster, "certificate-authority", "certificate-authority", c->cluster);
	a->tls.insecure = is_true(yaml_text(cluster, "insecure-skip-tls-verify"));
	if (a->tls.insecure && (a->tls.authorities.length || a->tls.authorities_file))
		problem(c, "specifying a root certificates file with the insecure flag is not allowed");
	if (proxy.length)
		a->proxy = arena_string(c->arena, proxy);
	c->cluster_server = server;
	c->cluster_name = yaml_text(cluster, "tls-server-name");
	c->cluster_authorities = yaml_text(cluster, "certificate-authority-data");
	use_name(c, c->cluster_name);
}

static void read_basic(struct config *c, const struct yaml *user)
{
	struct view name = yaml_text(user, "username"), password = yaml_text(user, "password");
	struct text pair = { 0 }, encoded = { 0 };
	text_printf(&pair, "%.*s:%.*s", VIEW_ARGS(name), VIEW_ARGS(password));
	text_add_base64(&encoded, text_view(&pair));
	c->access->token = view_of(arena_printf(c->arena, "Basic %s", encoded.at));
	text_free(&pair);
	text_free(&encoded);
}

static void read_impersonation(struct config *c, const struct yaml *user)
{
	struct view as = yaml_text(user, "as"), uid = yaml_text(user, "as-uid");
	const struct yaml *groups = yaml_get(user, "as-groups");
	const char **header = c->access->headers, **end = header + KUBE_HEADERS_MAX - 1;
	if (as.length)
		*header++ = arena_printf(c->arena, "Impersonate-User: %.*s", VIEW_ARGS(as));
	if (uid.length)
		*header++ = arena_printf(c->arena, "Impersonate-Uid: %.*s", VIEW_ARGS(uid));
	for (const struct yaml *g = groups ? groups->first : NULL; g && header < end; g = g->next)
		*header++ = arena_printf(c->arena, "Impersonate-Group: %.*s", VIEW_ARGS(g->text));
}

static void read_certificate(struct config *c, const struct yaml *user)
{
	struct http_tls *tls = &c->access->tls;
	tls->certificate = inline_data(c, user, "client-certificate-data", c->user);
	tls->key = inline_data(c, user, "client-key-data", c->user);
	tls->certificate_file = named_file(c, user, "client-certificate", "client-cert", c->user);
	tls->key_file = named_file(c, user, "client-key", "client-key", c->user);
	bool certificate = tls->certificate.length || tls->certificate_file;
	if (certificate && !tls->key.length && !tls->key_file)
		problem(c, "client-key-data or client-key must be specified for %.*s to use the clientCert "
			   "authentication method.",
			VIEW_ARGS(c->user));
}

/* A command without a slash is looked for in PATH, a relative one in the file's folder. */
static const char *command_of(const struct config *c, struct view command)
{
	bool is_path = view_find(command, '/') < command.length;
	return is_path ? path_of(c, command) : arena_string(c->arena, command);
}

static void read_exec(struct config *c, const struct yaml *exec)
{
	struct kube_exec_cluster cluster = { .server = c->cluster_server,
		.authorities = c->cluster_authorities,
		.name = c->cluster_name,
		.insecure = c->access->tls.insecure };
	const char *why = NULL;
	struct view command = yaml_text(exec, "command");
	c->access->exec = kube_exec_read(c->arena, exec, command.length ? command_of(c, command) : NULL,
		&cluster, c->user, &why);
	if (!c->access->exec)
		problem(c, "%s", why);
}

static void read_user(struct config *c, const struct yaml *user)
{
	struct view token = yaml_text(user, "token"), file = yaml_text(user, "tokenFile");
	bool basic = yaml_text(user, "username").length || yaml_text(user, "password").length;
	read_certificate(c, user);
	read_impersonation(c, user);
	if (yaml_get(user, "exec"))
		read_exec(c, yaml_get(user, "exec"));
	if (yaml_get(user, "auth-provider"))
		problem(c, "no Auth Provider found for name \"%.*s\"",
			VIEW_ARGS(yaml_text(yaml_get(user, "auth-provider"), "name")));
	if (basic && (token.length || file.length))
		problem(c, "more than one authentication method found for %.*s; found [token basicAuth], only "
			   "one is allowed",
			VIEW_ARGS(c->user));
	else if (basic)
		read_basic(c, user);
	if (token.length)
		c->access->token = view_of(arena_printf(c->arena, "Bearer %.*s", VIEW_ARGS(token)));
	if (file.length)
		c->access->token_file = path_of(c, file);
}

static bool read_context(struct config *c, const struct yaml *file, struct view name, const char **why)
{
	if (!name.length)
		name = yaml_text(file, "current-context");
	const struct yaml *context =
		yaml_get(yaml_named(yaml_get(file, "contexts"), name), "context");
	if (!context) {
		*why = name.length ? arena_printf(c->arena, "context \"%.*s\" does not exist", VIEW_ARGS(name))
				   : "invalid configuration: no configuration has been provided, try setting "
				     "KUBERNETES_MASTER environment variable";
		return false;
	}
	c->cluster = yaml_text(context, "cluster");
	c->user = yaml_text(context, "user");
	read_cluster(c, yaml_get(yaml_named(yaml_get(file, "clusters"), c->cluster), "cluster"));
	read_user(c, yaml_get(yaml_named(yaml_get(file, "users"), c->user), "user"));
	if (c->problem_count)
		*why = arena_printf(c->arena,
			c->problem_count > 1 ? "invalid configuration: [%s]" : "invalid configuration: %s",
			c->problems.at);
	text_free(&c->problems);
	return !c->problem_count;
}

bool kube_access_kubeconfig(struct kube_access *a, struct arena *arena, const char *path,
	struct view context, const char **why)
{
	struct view text;
	int error = file_read(arena, path, FILE_MAX, &text);
	if (error) {
		*why = arena_printf(arena, "stat %s: %s", path, error_text(error));
		return false;
	}
	const struct yaml *file = yaml_read(arena, text, why);
	if (!file) {
		*why = arena_printf(arena, "%s: %s", path, *why);
		return false;
	}
	const char *slash = strrchr(path, '/');
	struct config c = { .access = a,
		.arena = arena,
		.folder = slash ? arena_string(arena, (struct view){ path, (size_t)(slash - path) }) : "." };
	return read_context(&c, file, context, why);
}
