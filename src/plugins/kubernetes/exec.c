/* Commands that give credentials. */
#include "plugins/kubernetes/exec.h"

#include "base/clock.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "server/hooks.h"
#include "sync/json.h"
#include "sync/yaml.h"

enum { WORDS_MAX = 512, VARIABLES_MAX = 256 };

static const uint64_t run_timeout = 60 * NS_PER_S;

/* --- from the kubeconfig --- */

static const char *const versions[] = {
	"client.authentication.k8s.io/v1",
	"client.authentication.k8s.io/v1beta1",
};

static bool is_known_version(struct view version)
{
	return view_is(version, versions[0]) || view_is(version, versions[1]);
}

static const char *problem_of(
	struct arena *arena, const struct yaml *exec, const char *command, struct view user)
{
	struct view version = yaml_text(exec, "apiVersion"), mode = yaml_text(exec, "interactiveMode");
	const char *missing = !command ? "command" : !version.length ? "apiVersion" : NULL;
	if (!missing && !mode.length && view_is(version, versions[0]))
		missing = "interactiveMode";
	if (missing)
		return arena_printf(arena, "%s must be specified for %.*s to use exec authentication plugin", missing,
			VIEW_ARGS(user));
	if (!is_known_version(version))
		return arena_printf(arena, "exec plugin: invalid apiVersion \"%.*s\"", VIEW_ARGS(version));
	if (view_is(mode, "Always"))
		return "exec plugin cannot support interactive mode: standard input is not a terminal";
	if (mode.length && !view_is(mode, "Never") && !view_is(mode, "IfAvailable"))
		return arena_printf(arena, "invalid interactiveMode for %.*s: \"%.*s\"", VIEW_ARGS(user), VIEW_ARGS(mode));
	return NULL;
}

static const char **read_words(struct arena *arena, const struct yaml *args, const char *command)
{
	const char **argv = arena_array(arena, WORDS_MAX + 1, sizeof *argv);
	size_t count = 0;
	argv[count++] = command;
	for (const struct yaml *y = args ? args->first : NULL; y && count < WORDS_MAX; y = y->next)
		argv[count++] = arena_string(arena, y->text);
	return argv;
}

static void add_json(struct text *to, const char *key, struct view value)
{
	text_printf(to, ",\"%s\":", key);
	json_add_string(to, value);
}

/* The object that the command finds in its environment. */
static const char *exec_info(struct arena *arena, const struct yaml *exec, const struct kube_exec_cluster *cluster)
{
	struct text t = { 0 };
	text_add_string(&t, "KUBERNETES_EXEC_INFO={\"kind\":\"ExecCredential\"");
	add_json(&t, "apiVersion", yaml_text(exec, "apiVersion"));
	text_add_string(&t, ",\"spec\":{\"interactive\":false");
	if (view_is(yaml_text(exec, "provideClusterInfo"), "true")) {
		text_printf(&t, ",\"cluster\":{\"insecure-skip-tls-verify\":%s", cluster->insecure ? "true" : "false");
		add_json(&t, "server", cluster->server);
		if (cluster->name.length)
			add_json(&t, "tls-server-name", cluster->name);
		if (cluster->authorities.length)
			add_json(&t, "certificate-authority-data", cluster->authorities);
		text_add_char(&t, '}');
	}
	text_add_string(&t, "}}");
	const char *info = arena_string(arena, text_view(&t));
	text_free(&t);
	return info;
}

static const char **read_environment(struct arena *arena, const struct yaml *exec, const char *info)
{
	const char **environment = arena_array(arena, VARIABLES_MAX + 2, sizeof *environment);
	const struct yaml *variables = yaml_get(exec, "env");
	size_t count = 0;
	for (const struct yaml *y = variables ? variables->first : NULL; y && count < VARIABLES_MAX; y = y->next)
		environment[count++] = arena_printf(arena, "%.*s=%.*s", VIEW_ARGS(yaml_text(y, "name")),
			VIEW_ARGS(yaml_text(y, "value")));
	environment[count] = info;
	return environment;
}

const struct kube_exec *kube_exec_read(struct arena *arena, const struct yaml *exec, const char *command,
	const struct kube_exec_cluster *cluster, struct view user, const char **why)
{
	*why = problem_of(arena, exec, command, user);
	if (*why)
		return NULL;
	struct kube_exec *e = arena_new_object(arena, struct kube_exec);
	struct view hint = yaml_text(exec, "installHint");
	e->api_version = arena_string(arena, yaml_text(exec, "apiVersion"));
	e->argv = read_words(arena, yaml_get(exec, "args"), command);
	e->environment = read_environment(arena, exec, exec_info(arena, exec, cluster));
	e->install_hint = hint.length ? arena_string(arena, hint) : NULL;
	return e;
}

/* --- what it prints --- */

/* NULL: it is what was asked for. */
static const char *problem_with(struct arena *arena, const struct kube_exec *exec, const struct yaml *object)
{
	struct view kind = yaml_text(object, "kind"), version = yaml_text(object, "apiVersion");
	const struct yaml *status = yaml_get(object, "status");
	if (!view_is(kind, "ExecCredential"))
		return arena_printf(arena, "exec plugin returned an object of kind \"%.*s\"", VIEW_ARGS(kind));
	if (!view_is(version, exec->api_version))
		return arena_printf(arena,
			"exec plugin is configured to use API version %s, plugin returned version %.*s",
			exec->api_version, VIEW_ARGS(version));
	if (!status || status->kind != YAML_MAP)
		return "exec plugin didn't return a status field";
	bool certificate = yaml_text(status, "clientCertificateData").length;
	bool key = yaml_text(status, "clientKeyData").length;
	if (!certificate && !key && !yaml_text(status, "token").length)
		return "exec plugin didn't return a token or cert/key pair";
	if (certificate != key)
		return "exec plugin returned only certificate or key, not both";
	return NULL;
}

/* Expired credentials are of no use; without a time they are good until the server refuses them. */
static bool read_expiry(struct view text, int64_t *to)
{
	double seconds;
	if (!text.length || view_is(text, "null"))
		return true;
	if (!rfc3339_parse(text, &seconds))
		return false;
	*to = (int64_t)seconds;
	return true;
}

bool kube_exec_parse(struct arena *arena, const struct kube_exec *exec, struct view output,
	struct kube_exec_credential *to, const char **why)
{
	const struct yaml *object = yaml_read(arena, output, why);
	if (object)
		*why = problem_with(arena, exec, object);
	else
		*why = arena_printf(arena, "decoding stdout: %s", *why);
	if (*why)
		return false;
	const struct yaml *status = yaml_get(object, "status");
	*to = (struct kube_exec_credential){ .token = yaml_text(status, "token"),
		.certificate = yaml_text(status, "clientCertificateData"),
		.key = yaml_text(status, "clientKeyData") };
	if (!read_expiry(yaml_text(status, "expirationTimestamp"), &to->expires)) {
		*why = "exec plugin returned an expirationTimestamp that is no time of RFC 3339";
		return false;
	}
	return true;
}

bool kube_exec_run(struct arena *arena, const struct kube_exec *exec, struct kube_exec_credential *to,
	const char **why)
{
	struct command command = { exec->argv, exec->environment, run_timeout };
	struct view output;
	if (command_run(&command, arena, &output, why))
		return kube_exec_parse(arena, exec, output, to, why);
	bool missing = strstr(*why, "not found") && exec->install_hint;
	*why = arena_printf(arena, "exec: %s: %s%s%s", exec->argv[0], *why, missing ? "; " : "",
		missing ? exec->install_hint : "");
	return false;
}
