/* The plugin `clouddns`: zones of Google Cloud DNS. */
#include "plugins/clouddns/clouddns.h"

#include "server/block.h"
#include "server/sandbox.h"

static const uint64_t renew_early = 225 * NS_PER_S; /* so long before its end a token is renewed */
static const double requests_a_second = 10;

static void clouddns_init(struct setup *s)
{
	mirror_plugin_init(s, &clouddns_provider);
}

/* ZONE:PROJECT_ID:HOSTED_ZONE_NAME; false if it is not of that form. */
static bool split(struct view word, struct view parts[3])
{
	for (int i = 0; i < 2; i++) {
		size_t at = view_find(word, ':');
		if (at == word.length)
			return false;
		parts[i] = view_first(word, at);
		word = view_skip(word, at + 1);
	}
	parts[2] = word;
	return parts[0].length && parts[1].length && parts[2].length;
}

static bool add_zone(struct setup *s, struct view word)
{
	struct view parts[3];
	if (!split(word, parts))
		return setup_error(s, "invalid zone \"%.*s\"", VIEW_ARGS(word));
	struct clouddns_zone *z = arena_new_object(s->arena, struct clouddns_zone);
	z->project = arena_string(s->arena, parts[1]);
	z->managed = arena_string(s->arena, parts[2]);
	z->allowance = allowance_of(view_of(arena_printf(s->arena, "clouddns %s", z->project)), requests_a_second);
	const char *id = arena_printf(s->arena, "%s:%s", z->project, z->managed);
	if (mirror_plugin_has_zone(s, parts[0], id))
		return setup_error(s, "conflict zone \"%.*s\"", VIEW_ARGS(word));
	return mirror_plugin_zone(s, parts[0], id, z);
}

static bool clouddns_setup(struct setup *s)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	for (size_t i = 0; i < count; i++) {
		if (!add_zone(s, words[i]))
			return false;
	}
	return true;
}

static bool read_credentials(struct setup *s)
{
	struct clouddns *c = s->state;
	struct google_credentials unused = { 0 };
	struct view word;
	const char *why = "";
	if (!arg_need(s, &word))
		return false;
	c->credentials_file = arena_string(s->arena, word);
	if (s->checking || google_credentials_find(&unused, s->arena, c->credentials_file, &why))
		return true;
	return setup_error(s, "invalid credentials file \"%s\": %s", c->credentials_file, why);
}

static bool find_credentials(struct setup *s, struct clouddns *c)
{
	const char *why;
	if (!google_credentials_find(&c->credentials, s->arena, c->credentials_file, &why))
		return setup_error_plain(s, "%s", why);
	if (c->credentials.file)
		sandbox_need(s->block->config, view_of(c->credentials.file), false);
	if (c->credentials.subject_file)
		sandbox_need(s->block->config, view_of(c->credentials.subject_file), false);
	return true;
}

static bool clouddns_finish(struct setup *s)
{
	struct clouddns *c = s->state;
	if (!s->checking && c->base.zones && !find_credentials(s, c))
		return false;
	c->bearer = (struct bearer){ .fetch = google_fetch, .owner = &c->credentials, .early = renew_early };
	arena_on_free(s->arena, bearer_free, &c->bearer);
	return mirror_plugin_finish(s, c, c->base.endpoint ? c->base.endpoint : "");
}

static const struct option options[] = {
	{ .name = "credentials",
		.arguments = "FILE",
		.help = "a service account's key, or another of Google's credential files; without it they are found as "
			"Google's libraries find them",
		.read = read_credentials },
	MIRROR_OPTIONS,
	MIRROR_REFRESH(""),
	{ .name = "endpoint",
		.arguments = "URL",
		.fallback = "https://dns.googleapis.com",
		.help = "where the API is",
		.read = mirror_plugin_read_endpoint },
	{ .name = "upstream",
		.arguments = "[ADDRESS...]",
		.help = "taken for the sake of old Corefiles, without effect",
		.read = mirror_plugin_read_upstream },
	{ 0 },
};

PLUGIN(clouddns) = {
	.name = "clouddns",
	.arguments = "[ZONE:PROJECT_ID:HOSTED_ZONE_NAME...]",
	.help = "answers from zones of Google Cloud DNS",
	.about = "Zones are listed over HTTPS apart from queries, public and private ones alike, and answered as `file` answers. "
		 "What was listed last is served for as long as the API, the credentials or the network are gone.\n\n"
		 "HOSTED_ZONE_NAME is the managed zone's name or its number, not its domain. Several zones may have the same ZONE: "
		 "they are asked in the order of the Corefile. Reading is enough: the role `roles/dns.reader`.\n\n"
		 "Record sets with a routing policy are left out, with a line in the log. docs/clouds.md says more.",
	.options = options,
	.state_size = sizeof(struct clouddns),
	.init = clouddns_init,
	.setup = clouddns_setup,
	.finish = clouddns_finish,
	.each_line = true,
	MIRROR_PLUGIN,
};
