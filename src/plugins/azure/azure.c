/* The plugin `azure`: public and private zones of Azure DNS. */
#include "plugins/azure/azure.h"

#include "base/utf8.h"
#include "server/block.h"
#include "server/sandbox.h"

static const uint64_t renew_early = 300 * NS_PER_S; /* so long before its end a token is renewed */
static const double requests_a_second = 10;

static void azure_init(struct setup *s)
{
	mirror_plugin_init(s, &azure_provider);
	((struct azure *)s->state)->subscription = "";
}

static struct view without_dot(struct view zone)
{
	return zone.length > 1 && zone.at[zone.length - 1] == '.' ? view_first(zone, zone.length - 1) : zone;
}

/* RESOURCE_GROUP:ZONE */
static bool add_zone(struct setup *s, struct view word)
{
	struct azure *a = s->state;
	size_t colon = view_find(word, ':');
	if (!colon || colon + 1 >= word.length)
		return setup_error(s, "invalid resource group/zone: \"%.*s\"", VIEW_ARGS(word));
	struct azure_zone *z = arena_new_object(s->arena, struct azure_zone);
	z->group = arena_string(s->arena, view_first(word, colon));
	z->zone = arena_string(s->arena, without_dot(view_skip(word, colon + 1)));
	z->access = a->reading;
	const char *id = arena_printf(s->arena, "%s:%s", z->group, z->zone);
	if (mirror_plugin_has_zone(s, view_of(z->zone), id))
		return setup_error(s, "conflicting zone: \"%.*s\"", VIEW_ARGS(word));
	return mirror_plugin_zone(s, view_of(z->zone), id, z);
}

static bool azure_setup(struct setup *s)
{
	struct azure *a = s->state;
	struct view *words;
	size_t count = args_rest(s, &words);
	a->reading = arena_new_object(s->arena, struct azure_access);
	for (size_t i = 0; i < count; i++) {
		if (!add_zone(s, words[i]))
			return false;
	}
	return true;
}

/* --- options --- */

static bool read_text(struct setup *s, const char **to)
{
	struct view word;
	if (!arg_need(s, &word))
		return false;
	*to = word.length ? arena_string(s->arena, word) : NULL;
	return true;
}

static bool read_tenant(struct setup *s)
{
	return read_text(s, &((struct azure *)s->state)->credentials.tenant);
}

static bool read_client(struct setup *s)
{
	return read_text(s, &((struct azure *)s->state)->credentials.client);
}

static bool read_secret(struct setup *s)
{
	return read_text(s, &((struct azure *)s->state)->credentials.secret);
}

static bool read_subscription(struct setup *s)
{
	struct azure *a = s->state;
	if (!read_text(s, &a->subscription))
		return false;
	if (!a->subscription)
		a->subscription = "";
	return true;
}

static bool read_environment(struct setup *s)
{
	struct azure *a = s->state;
	const char *why;
	struct view stack = VIEW("AZURESTACKCLOUD");
	if (!arg_need(s, &a->environment))
		return false;
	if (s->checking && view_equal_nocase(a->environment, stack))
		return true;
	if (azure_environment_find(&a->credentials.environment, s->arena, a->environment, &why))
		return true;
	struct text quoted = { 0 };
	text_add_quoted_ascii(&quoted, view_of(why));
	setup_error(s, "cannot set azure environment: %s", quoted.at);
	text_free(&quoted);
	return false;
}

static bool read_access(struct setup *s)
{
	struct azure *a = s->state;
	struct view word;
	if (!arg_need(s, &word))
		return false;
	a->reading->private = view_is(word, "private");
	return a->reading->private || view_is(word, "public") ||
	       setup_error(s, "invalid access value: can be public/private, found: %.*s", VIEW_ARGS(word));
}

/* --- the whole --- */

static bool find_credentials(struct setup *s, struct azure *a)
{
	struct azure_credentials *c = &a->credentials;
	const char *why;
	if (!c->environment.login && !azure_environment_find(&c->environment, s->arena, a->environment, &why))
		return setup_error_plain(s, "%s", why);
	if (!azure_credentials_find(c, s->arena, &why))
		return setup_error_plain(s, "%s", why);
	if (c->kind == AZURE_FEDERATED)
		sandbox_need(s->block->config, view_of(c->token_file), false);
	return true;
}

static bool azure_finish(struct setup *s)
{
	struct azure *a = s->state;
	if (!s->checking && !find_credentials(s, a))
		return false;
	a->bearer = (struct bearer){ .fetch = azure_fetch, .owner = &a->credentials, .early = renew_early };
	arena_on_free(s->arena, bearer_free, &a->bearer);
	a->allowance = allowance_of(
		view_of(arena_printf(s->arena, "azure %s", a->subscription)), requests_a_second);
	const char *base = a->base.endpoint ? a->base.endpoint : s->checking ? "" : a->credentials.environment.manager;
	return mirror_plugin_finish(s, a, arena_printf(s->arena, "%s %s", base, a->subscription));
}

static const struct option options[] = {
	{ .name = "tenant",
		.arguments = "TENANT_ID",
		.help = "the directory that the application belongs to",
		.read = read_tenant },
	{ .name = "client",
		.arguments = "CLIENT_ID",
		.help = "the application; without secret a user-assigned managed identity",
		.read = read_client },
	{ .name = "secret",
		.arguments = "CLIENT_SECRET",
		.help = "the application's secret; without it workload identity or a managed identity is used",
		.read = read_secret },
	{ .name = "subscription",
		.arguments = "SUBSCRIPTION_ID",
		.help = "the subscription that the resource groups belong to",
		.read = read_subscription },
	{ .name = "environment",
		.arguments = "NAME",
		.fallback = "AzurePublicCloud",
		.help = "the cloud: AzurePublicCloud, AzureChinaCloud, AzureUSGovernmentCloud, AzureGermanCloud, or AzureStackCloud "
			"as the file of AZURE_ENVIRONMENT_FILEPATH says",
		.read = read_environment },
	{ .name = "access",
		.arguments = "public|private",
		.fallback = "public",
		.help = "which kind of zones this occurrence names",
		.read = read_access },
	MIRROR_OPTIONS,
	MIRROR_REFRESH(""),
	{ .name = "endpoint",
		.arguments = "URL",
		.help = "where the API is, in place of the environment's",
		.read = mirror_plugin_read_endpoint },
	{ 0 },
};

PLUGIN(azure) = {
	.name = "azure",
	.arguments = "RESOURCE_GROUP:ZONE...",
	.help = "answers from zones of Azure DNS",
	.about = "Zones are listed over HTTPS apart from queries, and answered as `file` answers. What was listed last is served for as "
		 "long as the API, the credentials or the network are gone.\n\n"
		 "Several occurrences in a block are one instance: the zones of all, asked in the order of the Corefile, and the last "
		 "value of each option, but for `access`, which is each occurrence's own. Reading is enough: the role `Reader` "
		 "for the zones. docs/clouds.md says more.",
	.options = options,
	.state_size = sizeof(struct azure),
	.init = azure_init,
	.setup = azure_setup,
	.finish = azure_finish,
	MIRROR_PLUGIN,
};
