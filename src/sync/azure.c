/* Clouds by name, and the choice of credentials. */
#include "sync/azure.h"

#include "base/error.h"
#include "base/file.h"
#include "sync/json_fields.h"
#include <stdlib.h>

enum { FILE_MAX = 1 << 20 };

static const char machine_endpoint[] = "http://169.254.169.254/metadata/identity/oauth2/token";

static const struct {
	const char *name;
	struct azure_environment environment;
} environments[] = {
	{ "AZURECLOUD", { "https://login.microsoftonline.com/", "https://management.azure.com/" } },
	{ "AZUREPUBLICCLOUD", { "https://login.microsoftonline.com/", "https://management.azure.com/" } },
	{ "AZURECHINACLOUD", { "https://login.chinacloudapi.cn/", "https://management.chinacloudapi.cn/" } },
	{ "AZUREUSGOVERNMENT", { "https://login.microsoftonline.us/", "https://management.usgovcloudapi.net/" } },
	{ "AZUREUSGOVERNMENTCLOUD", { "https://login.microsoftonline.us/", "https://management.usgovcloudapi.net/" } },
	{ "AZUREGERMANCLOUD", { "https://login.microsoftonline.de/", "https://management.microsoftazure.de/" } },
};

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static const char *with_slash(struct arena *arena, struct view url)
{
	bool has = url.length && url.at[url.length - 1] == '/';
	return arena_printf(arena, has ? "%.*s" : "%.*s/", VIEW_ARGS(url));
}

/* --- environments --- */

bool azure_environment_read(struct azure_environment *e, struct arena *arena, struct view text, const char **why)
{
	struct json_field fields[] = { { .path = "activeDirectoryEndpoint" }, { .path = "resourceManagerEndpoint" }, { 0 } };
	struct json_fields wanted = { .wanted = fields, .arena = arena };
	if (!json_fields_read(&wanted, text, why))
		return false;
	for (int i = 0; i < 2; i++) {
		if (!fields[i].value.length) {
			*why = arena_printf(arena, "%s is missing", fields[i].path);
			return false;
		}
	}
	e->login = with_slash(arena, fields[0].value);
	e->manager = with_slash(arena, fields[1].value);
	return true;
}

static bool load_environment(struct azure_environment *e, struct arena *arena, const char **why)
{
	const char *path = variable("AZURE_ENVIRONMENT_FILEPATH");
	struct view text;
	int error = path ? file_read(arena, path, FILE_MAX, &text) : 0;
	if (!path)
		*why = "autorest/azure: AZURE_ENVIRONMENT_FILEPATH names no file";
	else if (error)
		*why = arena_printf(arena, "open %s: %s", path, error_text(error));
	return path && !error && azure_environment_read(e, arena, text, why);
}

/* A copy in upper case. */
static char *upper(struct arena *arena, struct view text)
{
	char *copy = arena_string(arena, text);
	for (char *c = copy; *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
	return copy;
}

bool azure_environment_find(struct azure_environment *e, struct arena *arena, struct view name, const char **why)
{
	const char *wanted = upper(arena, name.length ? name : VIEW("AZUREPUBLICCLOUD"));
	if (strcmp(wanted, "AZURESTACKCLOUD") == 0)
		return load_environment(e, arena, why);
	for (size_t i = 0; i < sizeof environments / sizeof environments[0]; i++) {
		if (strcmp(wanted, environments[i].name) == 0) {
			*e = environments[i].environment;
			return true;
		}
	}
	*why = arena_printf(arena, "autorest/azure: There is no cloud environment matching the name \"%s\"", wanted);
	return false;
}

/* --- credentials --- */

static bool use_secret(struct azure_credentials *c, const char **why)
{
	c->kind = AZURE_SECRET;
	if (c->client && c->tenant)
		return true;
	*why = c->client ? "failed to get SPT from client credentials: parameter 'tenantID' cannot be empty"
			 : "failed to get SPT from client credentials: parameter 'clientID' cannot be empty";
	return false;
}

/* As the webhook of Azure's workload identity sets the variables of a pod. */
static bool use_token_file(struct azure_credentials *c, struct arena *arena)
{
	const char *file = variable("AZURE_FEDERATED_TOKEN_FILE"), *host = variable("AZURE_AUTHORITY_HOST");
	const char *tenant = c->tenant ? c->tenant : variable("AZURE_TENANT_ID");
	const char *client = c->client ? c->client : variable("AZURE_CLIENT_ID");
	if (!file || !tenant || !client)
		return false;
	c->kind = AZURE_FEDERATED;
	c->token_file = arena_string(arena, view_of(file));
	c->tenant = tenant;
	c->client = client;
	c->login = host ? with_slash(arena, view_of(host)) : c->environment.login;
	return true;
}

bool azure_credentials_find(struct azure_credentials *c, struct arena *arena, const char **why)
{
	const char *endpoint = variable("MSI_ENDPOINT"), *secret = variable("MSI_SECRET");
	if (c->secret)
		return use_secret(c, why);
	if (use_token_file(c, arena))
		return true;
	c->machine_is_known = endpoint != NULL;
	c->kind = !endpoint ? AZURE_MACHINE : secret ? AZURE_APP_SERVICE : AZURE_CLOUD_SHELL;
	c->endpoint = endpoint ? arena_string(arena, view_of(endpoint)) : machine_endpoint;
	c->endpoint_secret = secret ? arena_string(arena, view_of(secret)) : NULL;
	return true;
}
