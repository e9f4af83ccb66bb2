/* Reading credential files. */
#include "sync/google_account.h"

#include "base/error.h"
#include "base/file.h"
#include "sync/json_fields.h"

static const char default_token_url[] = "https://oauth2.googleapis.com/token";
static const char default_exchange_url[] = "https://sts.googleapis.com/v1/token";
static const char source_prefix[] = "source_credentials.";
static const char header_prefix[] = "credential_source.headers.";

enum member {
	TYPE,
	UNIVERSE,
	QUOTA_PROJECT,
	EMAIL,
	KEY_ID,
	KEY,
	TOKEN_URI,
	CLIENT_ID,
	CLIENT_SECRET,
	REFRESH_TOKEN,
	AUDIENCE,
	SUBJECT_TYPE,
	TOKEN_URL,
	USER_PROJECT,
	IMPERSONATION_URL,
	LIFETIME,
	SUBJECT_FILE,
	SUBJECT_URL,
	FORMAT_TYPE,
	FORMAT_MEMBER,
	ENVIRONMENT_ID,
	EXECUTABLE,
	CERTIFICATE,
	MEMBERS,
};

static const char *const paths[MEMBERS] = {
	[TYPE] = "type",
	[UNIVERSE] = "universe_domain",
	[QUOTA_PROJECT] = "quota_project_id",
	[EMAIL] = "client_email",
	[KEY_ID] = "private_key_id",
	[KEY] = "private_key",
	[TOKEN_URI] = "token_uri",
	[CLIENT_ID] = "client_id",
	[CLIENT_SECRET] = "client_secret",
	[REFRESH_TOKEN] = "refresh_token",
	[AUDIENCE] = "audience",
	[SUBJECT_TYPE] = "subject_token_type",
	[TOKEN_URL] = "token_url",
	[USER_PROJECT] = "workforce_pool_user_project",
	[IMPERSONATION_URL] = "service_account_impersonation_url",
	[LIFETIME] = "service_account_impersonation.token_lifetime_seconds",
	[SUBJECT_FILE] = "credential_source.file",
	[SUBJECT_URL] = "credential_source.url",
	[FORMAT_TYPE] = "credential_source.format.type",
	[FORMAT_MEMBER] = "credential_source.format.subject_token_field_name",
	[ENVIRONMENT_ID] = "credential_source.environment_id",
	[EXECUTABLE] = "credential_source.executable.command",
	[CERTIFICATE] = "credential_source.certificate.use_default_certificate_config",
};

/* A file being read, or the credentials that are nested in one. */
struct reading {
	struct google_account *account;
	struct arena *arena;
	const char *prefix; /* of all paths */
	struct json_field fields[MEMBERS + 1];
	size_t header_count;
};

static void add_header(struct reading *r, struct view name, struct view value)
{
	if (r->header_count < GOOGLE_HEADERS_MAX)
		r->account->subject.headers[r->header_count++] =
			arena_printf(r->arena, "%.*s: %.*s", VIEW_ARGS(name), VIEW_ARGS(value));
}

static void on_other(void *owner, struct view path, struct view value)
{
	struct reading *r = owner;
	struct google_account *a = r->account;
	struct view prefix = view_of(r->prefix);
	if (!view_starts(path, prefix))
		return;
	path = view_skip(path, prefix.length);
	if (view_starts(path, VIEW(header_prefix)))
		add_header(r, view_skip(path, sizeof header_prefix - 1), value);
	else if (view_is(path, "delegates") && a->delegate_count < GOOGLE_DELEGATES_MAX)
		a->delegates[a->delegate_count++] = arena_copy(r->arena, value);
}

static struct view value_of(const struct reading *r, enum member m)
{
	struct view v = r->fields[m].value;
	return v.at ? v : VIEW("");
}

static struct view value_or(const struct reading *r, enum member m, const char *otherwise)
{
	struct view v = value_of(r, m);
	return v.length ? v : view_of(otherwise);
}

/* --- each type --- */

static const char *read_service_account(struct reading *r)
{
	struct google_account *a = r->account;
	a->kind = GOOGLE_SERVICE_ACCOUNT;
	a->email = value_of(r, EMAIL);
	a->key_id = value_of(r, KEY_ID);
	a->key = value_of(r, KEY);
	a->token_url = value_or(r, TOKEN_URI, default_token_url);
	if (!a->email.length)
		return "credentials: the service account has no `client_email`";
	return a->key.length ? NULL : "credentials: the service account has no `private_key`";
}

static const char *read_user(struct reading *r)
{
	struct google_account *a = r->account;
	a->kind = GOOGLE_AUTHORIZED_USER;
	a->token_url = view_of(default_token_url);
	a->refresh_token = value_of(r, REFRESH_TOKEN);
	bool whole = a->refresh_token.length && a->client_id.length && a->client_secret.length;
	return whole ? NULL : "credentials: the user has no `client_id`, `client_secret` or `refresh_token`";
}

static const char *read_external(struct reading *r)
{
	struct google_account *a = r->account;
	struct google_subject *s = &a->subject;
	a->kind = GOOGLE_EXTERNAL_ACCOUNT;
	a->token_url = value_or(r, TOKEN_URL, default_exchange_url);
	a->audience = value_of(r, AUDIENCE);
	a->subject_type = value_of(r, SUBJECT_TYPE);
	a->user_project = value_of(r, USER_PROJECT);
	s->file = value_of(r, SUBJECT_FILE);
	s->url = value_of(r, SUBJECT_URL);
	if (view_is(value_of(r, FORMAT_TYPE), "json"))
		s->member = value_of(r, FORMAT_MEMBER);
	if (!a->audience.length || !a->subject_type.length)
		return "credentials: the external account has no `audience` or `subject_token_type`";
	if (value_of(r, ENVIRONMENT_ID).length || value_of(r, EXECUTABLE).length || value_of(r, CERTIFICATE).length)
		return "credentials: of the sources of an external account only `file` and `url` are supported";
	if (view_is(value_of(r, FORMAT_TYPE), "json") && !s->member.length)
		return "credentials: missing subject_token_field_name for JSON credential format";
	if (!s->file.length == !s->url.length)
		return "credentials: unable to parse credential source";
	return NULL;
}

static const char *read_impersonated(struct reading *r)
{
	struct google_account *a = r->account;
	a->kind = GOOGLE_IMPERSONATED;
	if (!a->impersonation_url.length)
		return "credentials: missing 'source_credentials' field or 'service_account_impersonation_url' in credentials";
	return NULL;
}

static const char *read_kind(struct reading *r)
{
	static const struct {
		const char *type;
		const char *(*read)(struct reading *r);
	} kinds[] = {
		{ "service_account", read_service_account },
		{ "authorized_user", read_user },
		{ "external_account", read_external },
		{ "impersonated_service_account", read_impersonated },
	};
	struct view type = value_of(r, TYPE);
	if (!type.length)
		return "missing `type` field in credential";
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (view_is(type, kinds[i].type))
			return kinds[i].read(r);
	}
	return arena_printf(r->arena, "unknown credential type: \"%.*s\"", VIEW_ARGS(type));
}

/* The credentials whose members' paths have this prefix. */
static bool read_part(struct google_account *a, struct arena *arena, struct view text, const char *prefix, const char **why)
{
	struct reading r = { .account = a, .arena = arena, .prefix = prefix };
	for (int m = 0; m < MEMBERS; m++)
		r.fields[m].path = *prefix ? arena_printf(arena, "%s%s", prefix, paths[m]) : paths[m];
	struct json_fields fields = { .wanted = r.fields, .arena = arena, .other = on_other, .owner = &r };
	if (!json_fields_read(&fields, text, why))
		return false;
	a->universe = value_of(&r, UNIVERSE);
	a->quota_project = value_of(&r, QUOTA_PROJECT);
	a->client_id = value_of(&r, CLIENT_ID);
	a->client_secret = value_of(&r, CLIENT_SECRET);
	a->impersonation_url = value_of(&r, IMPERSONATION_URL);
	a->lifetime = value_or(&r, LIFETIME, "3600");
	const char *problem = read_kind(&r);
	if (problem)
		*why = problem;
	return !problem;
}

bool google_account_read(struct google_account *a, struct arena *arena, struct view text, const char **why)
{
	*a = (struct google_account){ 0 };
	if (!read_part(a, arena, text, "", why))
		return false;
	if (a->kind != GOOGLE_IMPERSONATED)
		return true;
	a->source = arena_new_object(arena, struct google_account);
	if (!read_part(a->source, arena, text, source_prefix, why))
		return false;
	if (a->source->kind == GOOGLE_IMPERSONATED)
		*why = "credentials: an impersonated account cannot be the source of another";
	return a->source->kind != GOOGLE_IMPERSONATED;
}

bool google_account_load(struct google_account *a, struct arena *arena, const char *path, const char **why)
{
	struct view text;
	int error = file_read(arena, path, GOOGLE_FILE_MAX, &text);
	if (error)
		*why = arena_printf(arena, "open %s: %s", path, error_text(error));
	return !error && google_account_read(a, arena, text, why);
}
