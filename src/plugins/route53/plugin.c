/* The plugin `route53`: hosted zones of Amazon's Route 53. */
#include "plugins/route53/route53.h"

#include "base/encoding.h"
#include "server/block.h"
#include "server/hooks.h"
#include "server/sandbox.h"
#include "sync/aws_endpoint.h"
#include "sync/url.h"
#include <stdlib.h>

enum { REQUEST_RATE = 5, REQUEST_RATE_MOST = 1000 };

/* --- the directive --- */

static void route53_init(struct setup *s)
{
	struct route53 *r = s->state;
	mirror_plugin_init(s, &route53_provider);
	r->request_rate = REQUEST_RATE;
}

static bool is_known(const struct view *words, size_t count, struct view word)
{
	for (size_t i = 0; i < count; i++) {
		if (view_equal(words[i], word))
			return true;
	}
	return false;
}

/* The id alone: "/hostedzone/Z1" is Z1. */
static struct view bare_id(struct view id)
{
	for (size_t i = id.length; i > 0; i--) {
		if (id.at[i - 1] == '/')
			return view_skip(id, i);
	}
	return id;
}

static bool add_zone(struct setup *s, struct view word)
{
	size_t colon = view_find(word, ':');
	if (!colon || colon + 1 >= word.length)
		return setup_error(s, "invalid zone \"%.*s\"", VIEW_ARGS(word));
	struct view id = bare_id(view_skip(word, colon + 1));
	if (!id.length)
		return setup_error(s, "invalid zone \"%.*s\"", VIEW_ARGS(word));
	struct text encoded = { 0 };
	text_add_percent(&encoded, id);
	char *in_path = arena_string(s->arena, text_view(&encoded));
	text_free(&encoded);
	return mirror_plugin_zone(s, view_first(word, colon), arena_string(s->arena, id), in_path);
}

static bool route53_setup(struct setup *s)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	for (size_t i = 0; i < count; i++) {
		if (is_known(words, i, words[i]))
			return setup_error(s, "conflict zone \"%.*s\"", VIEW_ARGS(words[i]));
		if (!add_zone(s, words[i]))
			return false;
	}
	return true;
}

static bool read_access_key(struct setup *s)
{
	struct route53 *r = s->state;
	struct view *words;
	size_t count = args_rest(s, &words);
	if (count < 2)
		return setup_error(s, "invalid access key: '[%.*s]'", count ? (int)words[0].length : 0,
			count ? words[0].at : "");
	r->key_id = arena_string(s->arena, words[0]);
	r->secret = arena_string(s->arena, words[1]);
	setup_warning(s,
		"Save aws_access_key in Corefile has been deprecated, please use other authentication methods instead");
	return true;
}

static bool read_endpoint(struct setup *s)
{
	struct route53 *r = s->state;
	struct view word, *rest;
	if (!arg_need(s, &word))
		return false;
	args_rest(s, &rest);
	if (!url_origin(word).length)
		return setup_error(s, "aws_endpoint is no URL of http or https: \"%.*s\"", VIEW_ARGS(word));
	r->endpoint = arena_string(s->arena, word);
	return true;
}

static bool read_credentials(struct setup *s)
{
	struct route53 *r = s->state;
	struct view *words;
	size_t count = args_rest(s, &words);
	if (!count)
		return setup_argument_error(s);
	r->profile = arena_string(s->arena, words[0]);
	r->config_file = count > 1 ? arena_string(s->arena, words[1]) : NULL;
	return true;
}

static bool read_request_rate(struct setup *s)
{
	struct route53 *r = s->state;
	if (!arg_unsigned(s, &r->request_rate))
		return false;
	if (!r->request_rate || r->request_rate > REQUEST_RATE_MOST)
		return setup_error(s, "request_rate must be in range [1, %d]", REQUEST_RATE_MOST);
	return arg_end(s);
}

/* --- where and as whom --- */

static bool fail(struct setup *s, const char *why)
{
	return setup_error_plain(s, "failed to create route53 client: %s", why);
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* A file in the folder .aws of the user's home; NULL without a home. */
static const char *home_file(const struct aws_config *c, const char *name)
{
	const char *home = variable("HOME");
	return home ? arena_printf(c->arena, "%s/.aws/%s", home, name) : NULL;
}

/* What is missing is nothing; what cannot be read is said, and then missing. */
static void add_file(struct setup *s, struct aws_config *c, const char *path, enum aws_file_kind kind)
{
	if (path && aws_config_add_file(c, path, kind) != 0)
		setup_warning(s, "%s cannot be read", path);
}

/* Of a key in several files the one of the credentials file counts. */
static void read_files(struct setup *s, const struct route53 *r, struct aws_config *c)
{
	const char *config = variable("AWS_CONFIG_FILE"), *credentials = variable("AWS_SHARED_CREDENTIALS_FILE");
	if (r->config_file)
		add_file(s, c, r->config_file, AWS_EITHER);
	else
		add_file(s, c, config ? config : home_file(c, "config"), AWS_CONFIG);
	add_file(s, c, credentials ? credentials : home_file(c, "credentials"), AWS_CREDENTIALS);
}

/* Which profile, and whether it was asked for. */
static const char *find_profile(const struct route53 *r, bool *asked)
{
	const char *profile = r->profile;
	if (!profile)
		profile = variable("AWS_PROFILE");
	if (!profile)
		profile = variable("AWS_DEFAULT_PROFILE");
	*asked = profile != NULL;
	return profile ? profile : "default";
}

static void need_file(const char *path, void *config)
{
	sandbox_need(config, view_of(path), false);
}

static void find_authorities(struct setup *s, struct route53 *r, const struct aws_config *c, const char *profile)
{
	const char *file = aws_setting(c, profile, "AWS_CA_BUNDLE", "ca_bundle");
	if (!file)
		return;
	r->tls.authorities_file = file;
	need_file(file, s->block->config);
}

static void set_service(struct setup *s, struct route53 *r, const struct aws_endpoint *endpoint, const char *identity)
{
	struct view key = view_of(arena_printf(s->arena, "route53 %s", identity));
	r->service = (struct aws_service){ .name = "route53",
		.title = "Route 53",
		.base = endpoint->base,
		.region = endpoint->region,
		.allowance = allowance_of(key, r->request_rate),
		.clock_skew = &r->clock_skew };
}

static bool find_source(struct setup *s, struct route53 *r, struct aws_config *c, const char *profile,
	const struct aws_source **source)
{
	const char *why;
	struct aws_choice choice = { .config = c,
		.profile = profile,
		.explicit_profile = r->profile != NULL,
		.key_id = r->key_id,
		.secret = r->secret,
		.region = aws_region(c, profile) };
	*source = aws_source_choose(s->arena, &choice, &why);
	if (!*source)
		return fail(s, why);
	aws_source_files(*source, need_file, s->block->config);
	if (aws_source_runs_commands(*source))
		hooks_begin();
	r->credentials = aws_credentials_new(*source);
	arena_on_free(s->arena, aws_credentials_free, r->credentials);
	return true;
}

static bool route53_finish(struct setup *s)
{
	struct route53 *r = s->state;
	struct aws_config *c = arena_new_object(s->arena, struct aws_config);
	const struct aws_source *source;
	bool asked;
	if (s->checking || !r->base.zones)
		return mirror_plugin_finish(s, r, "");
	c->arena = s->arena;
	read_files(s, r, c);
	const char *profile = find_profile(r, &asked);
	if (asked && !r->key_id && !aws_config_has_profile(c, profile))
		return fail(s, arena_printf(s->arena, "failed to get shared config profile, %s", profile));
	if (!find_source(s, r, c, profile, &source))
		return false;
	find_authorities(s, r, c, profile);
	struct aws_endpoint endpoint =
		aws_endpoint_of_route53(c, profile, r->endpoint, aws_region(c, profile));
	const char *identity = arena_printf(
		s->arena, "%s as %s", endpoint.base, aws_source_identity(s->arena, source));
	set_service(s, r, &endpoint, identity);
	return mirror_plugin_finish(s, r, identity);
}

static const struct option options[] = {
	{ .name = "aws_access_key",
		.arguments = "KEY_ID SECRET",
		.help = "a key in the Corefile, which others may read: better are the other ways to give one",
		.read = read_access_key },
	{ .name = "aws_endpoint",
		.arguments = "URL",
		.help = "where the API is; without this as the environment, the profile or the region says",
		.read = read_endpoint },
	{ .name = "credentials",
		.arguments = "PROFILE [FILENAME]",
		.help = "a profile of AWS's shared files, or of FILENAME; the environment's keys do not count then",
		.read = read_credentials },
	MIRROR_REFRESH("; a bare number is of seconds"),
	{ .name = "request_rate",
		.arguments = "NUMBER",
		.fallback = "5",
		.help = "requests a second that all zones of the account make together; 5 are what Route 53 allows, to everybody who "
			"uses the account",
		.read = read_request_rate },
	MIRROR_OPTIONS,
	{ .name = "upstream",
		.arguments = "[...]",
		.help = "taken for the sake of old Corefiles, without effect",
		.read = mirror_plugin_read_upstream },
	{ 0 },
};

PLUGIN(route53) = {
	.name = "route53",
	.arguments = "[ZONE:HOSTED_ZONE_ID...]",
	.help = "answers from hosted zones of Amazon Route 53",
	.about = "Zones are listed over HTTPS apart from queries, public and private ones alike, and answered as `file` answers. "
		 "What was listed last is served for as long as the API, the credentials or the network are gone.\n\n"
		 "Several hosted zones may have the same ZONE: they are asked in the order of the Corefile. Credentials are "
		 "found as Amazon's clients find them: the environment, shared files and their profiles, web identity (IRSA), the "
		 "endpoints of ECS and EKS, the metadata of an instance; roles are assumed. They need "
		 "`route53:ListResourceRecordSets`. All zones of an account share its 5 requests a second.\n\n"
		 "Weighted, latency, geolocation, failover and multivalue record sets of a name are served together. An alias is "
		 "looked up through the server when it is asked for, and answered under its own name: an alias to a name "
		 "of AWS needs something behind this plugin that resolves it, such as `forward`.",
	.options = options,
	.state_size = sizeof(struct route53),
	.init = route53_init,
	.setup = route53_setup,
	.finish = route53_finish,
	.each_line = true,
	MIRROR_PLUGIN,
};
