/* Which source of credentials a server uses: the order in which AWS's clients look. */
#include "sync/aws_source.h"

#include "base/address.h"
#include "base/encoding.h"
#include "base/sha512.h"
#include "sync/url.h"
#include <stdlib.h>

enum {
	PROFILES_MOST = 8, /* that lead from one to the next */
	DURATION_LEAST_S = 960,
};

struct choosing {
	struct arena *arena;
	const struct aws_choice *choice;
	const char **why;
};

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static struct aws_source *new_source(struct choosing *c, enum aws_source_kind kind)
{
	struct aws_source *s = arena_new_object(c->arena, struct aws_source);
	s->kind = kind;
	return s;
}

static struct aws_source *fail(struct choosing *c, const char *why)
{
	*c->why = why;
	return NULL;
}

static const char *of_profile(const struct choosing *c, const char *profile, const char *key)
{
	return aws_config_get(c->choice->config, profile, key);
}

/* --- sources --- */

static struct aws_source *static_source(struct choosing *c, const char *id, const char *secret, const char *token)
{
	struct aws_source *s = new_source(c, AWS_STATIC);
	s->keys = (struct aws_keys){ view_of(id), view_of(secret), view_of(token ? token : "") };
	return s;
}

static void set_sts(struct choosing *c, struct aws_source *s)
{
	struct view region = c->choice->region;
	const char *base = variable("AWS_ENDPOINT_URL_STS");
	const char *services = of_profile(c, c->choice->profile, "services");
	if (!base && services)
		base = aws_config_service(c->choice->config, services, "sts", "endpoint_url");
	if (!base)
		base = arena_printf(c->arena, "https://sts.%.*s.amazonaws.com%s", VIEW_ARGS(region),
			view_starts(region, VIEW("cn-")) ? ".cn" : "");
	s->sts = (struct aws_service){ .name = "sts", .title = "STS", .base = base, .region = region };
}

static struct aws_source *web_identity(
	struct choosing *c, const char *token_file, const char *role, const char *session)
{
	if (!role)
		return fail(c, "role ARN is not set");
	struct aws_source *s = new_source(c, AWS_WEB_IDENTITY);
	s->token_file = token_file;
	s->role = role;
	s->session = session;
	set_sts(c, s);
	return s;
}

static struct aws_source *from_environment(struct choosing *c)
{
	const char *id = variable("AWS_ACCESS_KEY_ID"), *secret = variable("AWS_SECRET_ACCESS_KEY");
	id = id ? id : variable("AWS_ACCESS_KEY");
	secret = secret ? secret : variable("AWS_SECRET_KEY");
	return id && secret ? static_source(c, id, secret, variable("AWS_SESSION_TOKEN")) : NULL;
}

static bool is_loopback(struct view host)
{
	uint8_t v4[IPV4_OCTETS], v6[IPV6_OCTETS];
	static const uint8_t one[IPV6_OCTETS] = { [IPV6_OCTETS - 1] = 1 };
	if (ipv4_parse(host, v4))
		return v4[0] == 127;
	return view_is(host, "localhost") || (ipv6_parse(host, v6) && memcmp(v6, one, sizeof v6) == 0);
}

/* Where credentials may be asked for in the clear. */
static bool is_container_host(struct view host)
{
	return is_loopback(host) || view_is(host, "169.254.170.2") || view_is(host, "169.254.170.23") ||
	       view_equal_nocase(host, VIEW("fd00:ec2::23"));
}

static struct aws_source *container(struct choosing *c, const char *url)
{
	struct view origin = url_origin(view_of(url)), host = url_host(origin);
	if (!origin.length)
		return fail(c, arena_printf(c->arena, "invalid URL, %s", url));
	if (!view_starts(view_of(url), VIEW("https:")) && !is_container_host(host))
		return fail(c, arena_printf(c->arena,
			"invalid endpoint host, \"%.*s\", only loopback/ecs/eks hosts are allowed", VIEW_ARGS(host)));
	struct aws_source *s = new_source(c, AWS_CONTAINER);
	s->url = url;
	s->token_file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	s->token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	return s;
}

static struct aws_source *container_of_environment(struct choosing *c, bool *named)
{
	const char *path = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *url = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	*named = path || url;
	if (path)
		url = arena_printf(c->arena, "http://169.254.170.2%s", path);
	return url ? container(c, url) : NULL;
}

static struct aws_source *instance(struct choosing *c)
{
	const struct aws_config *config = c->choice->config;
	const char *profile = c->choice->profile;
	struct aws_source *s = new_source(c, AWS_INSTANCE);
	const char *mode = aws_setting(config, profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
		"ec2_metadata_service_endpoint_mode");
	s->url = aws_setting(
		config, profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
	if (!s->url)
		s->url = mode && view_equal_nocase(view_of(mode), VIEW("ipv6")) ? "http://[fd00:ec2::254]"
									       : "http://169.254.169.254";
	if (view_ends(view_of(s->url), VIEW("/")))
		s->url = arena_string(c->arena, view_first(view_of(s->url), strlen(s->url) - 1));
	s->disabled = aws_setting_is_true(config, profile, "AWS_EC2_METADATA_DISABLED", NULL);
	s->version_2_only = aws_setting_is_true(
		config, profile, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled");
	return s;
}

/* --- profiles --- */

static struct aws_source *static_of_profile(struct choosing *c, const char *profile)
{
	const char *id = of_profile(c, profile, "aws_access_key_id");
	const char *secret = of_profile(c, profile, "aws_secret_access_key");
	if (!id || !secret)
		return NULL;
	return static_source(c, id, secret, of_profile(c, profile, "aws_session_token"));
}

static struct aws_source *by_name(struct choosing *c, const char *name)
{
	bool named;
	if (strcmp(name, "Ec2InstanceMetadata") == 0)
		return instance(c);
	if (strcmp(name, "Environment") == 0) {
		struct aws_source *s = from_environment(c);
		return s ? s : fail(c, "credential_source Environment: the environment has no keys");
	}
	if (strcmp(name, "EcsContainer") == 0) {
		struct aws_source *s = container_of_environment(c, &named);
		return s || named ? s
				  : fail(c, "EcsContainer was specified as the credential_source, but the "
					    "container's variables are not set");
	}
	return fail(c, arena_printf(c->arena, "invalid credential_source %s", name));
}

/* What cannot be had here is an error rather than passed over: another source might be somebody else. */
static const char *unsupported(const struct choosing *c, const char *profile)
{
	if (of_profile(c, profile, "sso_session") || of_profile(c, profile, "sso_account_id") ||
		of_profile(c, profile, "sso_start_url"))
		return "credentials by SSO are not supported";
	if (of_profile(c, profile, "login_session"))
		return "credentials by login_session are not supported";
	return NULL;
}

static struct aws_source *process(struct choosing *c, const char *command)
{
	struct aws_source *s = new_source(c, AWS_PROCESS);
	s->command = command;
	return s;
}

static struct aws_source *last_resort(struct choosing *c)
{
	bool named;
	struct aws_source *s = container_of_environment(c, &named);
	return s || named ? s : instance(c);
}

/* The credentials that a profile has by itself, without a role to assume with them; *ends: nor is there one to be assumed. */
static struct aws_source *own_source(struct choosing *c, const char *profile, bool *ends)
{
	struct aws_source *s = static_of_profile(c, profile);
	const char *source = of_profile(c, profile, "credential_source"), *refused;
	const char *file = of_profile(c, profile, "web_identity_token_file");
	*ends = false;
	if (s)
		return s;
	if (source)
		return by_name(c, source);
	if (file) {
		*ends = true;
		return web_identity(
			c, file, of_profile(c, profile, "role_arn"), of_profile(c, profile, "role_session_name"));
	}
	refused = unsupported(c, profile);
	if (refused)
		return fail(c, refused);
	const char *command = of_profile(c, profile, "credential_process");
	return command ? process(c, command) : last_resort(c);
}

static struct aws_source *assume(struct choosing *c, const char *profile, const struct aws_source *base)
{
	uint64_t seconds;
	const char *duration = of_profile(c, profile, "duration_seconds");
	if (of_profile(c, profile, "mfa_serial"))
		return fail(c, "assume role with MFA enabled, but AssumeRoleTokenProvider session option not set.");
	struct aws_source *s = new_source(c, AWS_ROLE);
	s->base = base;
	s->role = of_profile(c, profile, "role_arn");
	s->session = of_profile(c, profile, "role_session_name");
	s->external_id = of_profile(c, profile, "external_id");
	s->duration = 900;
	if (duration && view_unsigned(view_of(duration), 43200, &seconds) && seconds >= DURATION_LEAST_S)
		s->duration = (unsigned)seconds;
	set_sts(c, s);
	return s;
}

/*
 * A profile's source_profile leads to another one, whose credentials assume its role. From the far end back: `chain` holds the
 * profiles passed on the way. A profile that names itself is its own source: its keys assume its role.
 */
static struct aws_source *of_profiles(struct choosing *c, const char *first)
{
	const char *chain[PROFILES_MOST];
	unsigned count = 0;
	const char *profile = first, *from;
	bool ends;
	while ((from = of_profile(c, profile, "source_profile")) && strcmp(from, profile) != 0) {
		if (count == PROFILES_MOST)
			return fail(c, "profiles are the source_profile of each other");
		if (!aws_config_has_profile(c->choice->config, from))
			return fail(c, arena_printf(c->arena, "failed to get shared config profile, %s", from));
		chain[count++] = profile;
		profile = from;
	}
	struct aws_source *s = own_source(c, profile, &ends);
	if (s && !ends && of_profile(c, profile, "role_arn"))
		s = assume(c, profile, s);
	while (s && count > 0) {
		profile = chain[--count];
		if (of_profile(c, profile, "role_arn"))
			s = assume(c, profile, s);
	}
	return s;
}

/* --- the chain --- */

struct aws_source *aws_source_choose(struct arena *arena, const struct aws_choice *choice, const char **why)
{
	struct choosing c = { arena, choice, why };
	if (choice->key_id && choice->secret)
		return static_source(&c, choice->key_id, choice->secret, NULL);
	if (choice->explicit_profile)
		return of_profiles(&c, choice->profile);
	struct aws_source *s = from_environment(&c);
	if (s)
		return s;
	const char *file = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
	if (file)
		return web_identity(&c, file, variable("AWS_ROLE_ARN"), variable("AWS_ROLE_SESSION_NAME"));
	return of_profiles(&c, choice->profile);
}

void aws_source_files(const struct aws_source *s, void (*visit)(const char *path, void *data), void *data)
{
	for (; s; s = s->base) {
		if (s->token_file)
			visit(s->token_file, data);
	}
}

bool aws_source_runs_commands(const struct aws_source *s)
{
	while (s->base)
		s = s->base;
	return s->kind == AWS_PROCESS;
}

/* A command may have secrets in it. */
static const char *process_identity(struct arena *arena, const char *command)
{
	uint8_t digest[SHA512_OCTETS];
	struct sha512 s;
	struct text t = { 0 };
	sha512_begin(&s);
	sha512_add(&s, command, strlen(command));
	sha512_end(&s, digest);
	text_add_string(&t, "process ");
	text_add_hex(&t, (struct view){ (const char *)digest, 8 });
	const char *text = arena_string(arena, text_view(&t));
	text_free(&t);
	return text;
}

const char *aws_source_identity(struct arena *arena, const struct aws_source *s)
{
	switch (s->kind) {
	case AWS_STATIC:
		return arena_printf(arena, "key %.*s", VIEW_ARGS(s->keys.id));
	case AWS_ROLE:
	case AWS_WEB_IDENTITY:
		return arena_printf(arena, "role %s", s->role);
	case AWS_CONTAINER:
		return arena_printf(arena, "container %.*s", VIEW_ARGS(url_origin(view_of(s->url))));
	case AWS_INSTANCE:
		return arena_printf(arena, "instance %s", s->url);
	case AWS_PROCESS:
		return process_identity(arena, s->command);
	}
	return "";
}
