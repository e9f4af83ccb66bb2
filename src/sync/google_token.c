/* Access tokens for each type of credentials. */
#include "sync/google.h"

#include "base/encoding.h"
#include "base/error.h"
#include "base/file.h"
#include "sync/google_account.h"
#include "sync/http_answer.h"
#include "sync/json_fields.h"
#include "sync/jwt.h"
#include "sync/token_answer.h"
#include "sync/url.h"
#include <stdlib.h>

enum { SUBJECT_MAX = 256 << 10 };

/* Nothing but reading is asked for. A machine's own scopes must be among those that it was given: there all are asked for
 * which may be. */
static const char read_scope[] = "https://www.googleapis.com/auth/ndev.clouddns.readonly";
static const char impersonation_scope[] = "https://www.googleapis.com/auth/cloud-platform";
static const char machine_scopes[] = "https://www.googleapis.com/auth/cloud-platform,"
				     "https://www.googleapis.com/auth/cloud-platform.read-only,"
				     "https://www.googleapis.com/auth/ndev.clouddns.readonly,"
				     "https://www.googleapis.com/auth/ndev.clouddns.readwrite";

static const char form_type[] = "Content-Type: application/x-www-form-urlencoded";
static const uint64_t connect_timeout = 10 * NS_PER_S, timeout = 30 * NS_PER_S;
static const uint64_t machine_timeout = 2 * NS_PER_S; /* the metadata server is on the machine itself */
static const int64_t token_seconds = 3600, clock_skew = 10;

/* One token being fetched. */
struct fetching {
	struct google_credentials *credentials;
	struct arena *arena;
	struct bearer_grant *grant;
	const char **why;
};

static enum bearer_outcome refuse(const struct fetching *f, const char *why)
{
	*f->why = why;
	return BEARER_REFUSED;
}

static struct http_request request_to(const struct fetching *f, struct view url, const char *const *headers)
{
	return (struct http_request){ .url = arena_string(f->arena, url),
		.headers = headers,
		.stay = true,
		.connect_timeout = connect_timeout,
		.timeout = timeout,
		.stop = f->credentials->stop };
}

static enum bearer_outcome send_for_token(const struct fetching *f, const struct token_request *r)
{
	return token_request_send(f->credentials->http, r, f->arena, f->grant, f->why);
}

/* Sends a form and reads the token of the answer. The form is freed. */
static enum bearer_outcome post_form(const struct fetching *f, struct view url, struct text *form,
	const char *authorization, struct view secret, struct view client_secret)
{
	const char *const headers[] = { form_type, authorization, NULL };
	struct token_request r = { .http = request_to(f, url, headers),
		.what = "auth: cannot fetch token",
		.secrets = { secret, client_secret, text_view(form) } };
	r.http.method = "POST";
	r.http.body = text_view(form);
	enum bearer_outcome outcome = send_for_token(f, &r);
	text_free(form);
	return outcome;
}

/* --- service accounts --- */

static enum bearer_outcome fetch_service_account(const struct fetching *f, const struct google_account *a)
{
	int64_t now = clock_wall_seconds() - clock_skew;
	bool own_universe = a->universe.length && !view_is(a->universe, "googleapis.com");
	struct jwt claims = { .key_id = a->key_id,
		.issuer = a->email,
		.subject = own_universe ? a->email : VIEW(""),
		.audience = own_universe ? VIEW("") : a->token_url,
		.scope = VIEW(read_scope),
		.issued = now,
		.expires = now + token_seconds };
	struct view token;
	struct text form = { 0 };
	if (!jwt_sign(f->arena, &claims, a->key, &token, f->why))
		return BEARER_REFUSED;
	if (own_universe) {
		f->grant->token = token;
		f->grant->lifetime = (uint64_t)(token_seconds - clock_skew) * NS_PER_S;
		return BEARER_GRANTED;
	}
	form_add(&form, "assertion", token);
	form_add(&form, "grant_type", VIEW("urn:ietf:params:oauth:grant-type:jwt-bearer"));
	return post_form(f, a->token_url, &form, NULL, token, VIEW(""));
}

/* --- users --- */

static enum bearer_outcome fetch_user(const struct fetching *f, const struct google_account *a)
{
	struct text form = { 0 };
	form_add(&form, "client_id", a->client_id);
	form_add(&form, "client_secret", a->client_secret);
	form_add(&form, "grant_type", VIEW("refresh_token"));
	form_add(&form, "refresh_token", a->refresh_token);
	return post_form(f, a->token_url, &form, NULL, a->refresh_token, a->client_secret);
}

/* --- federation (RFC 8693) --- */

/* The token in what a source gave: all of it, or one member. */
static enum bearer_outcome take_subject(
	const struct fetching *f, const struct google_subject *s, struct view text, struct view *subject)
{
	*subject = view_trim(text);
	if (s->member.length) {
		struct json_field fields[] = { { .path = arena_string(f->arena, s->member) }, { 0 } };
		struct json_fields wanted = { .wanted = fields, .arena = f->arena };
		if (!json_fields_read(&wanted, text, f->why))
			return refuse(f, arena_printf(f->arena, "credentials: the subject token's source: %s", *f->why));
		*subject = fields[0].value;
	}
	return subject->length ? BEARER_GRANTED : refuse(f, "credentials: the source of the subject token is empty");
}

static enum bearer_outcome read_subject(const struct fetching *f, const struct google_subject *s, struct view *text)
{
	const char *path = arena_string(f->arena, s->file);
	int error = file_read(f->arena, path, SUBJECT_MAX, text);
	if (!error)
		return BEARER_GRANTED;
	*f->why = arena_printf(f->arena, "credentials: failed to open credential file \"%s\": %s", path, error_text(error));
	return BEARER_AWAY;
}

static enum bearer_outcome ask_subject(const struct fetching *f, const struct google_subject *s, struct view *text)
{
	struct http_request r = request_to(f, s->url, s->headers);
	struct http_answer answer = http_collect(f->credentials->http, &r, f->arena, SUBJECT_MAX);
	*text = answer.body;
	if (http_succeeded(&answer.result))
		return BEARER_GRANTED;
	*f->why = answer.result.end == HTTP_DONE
			  ? arena_printf(f->arena, "credentials: status code %ld from the subject token's source",
				    answer.result.status)
			  : arena_printf(f->arena, "credentials: the subject token's source: %s", answer.result.error);
	return BEARER_AWAY;
}

static const char *basic_header(const struct fetching *f, const struct google_account *a)
{
	struct text pair = { 0 }, header = { 0 };
	if (!a->client_id.length)
		return NULL;
	text_add_percent(&pair, a->client_id);
	text_add_char(&pair, ':');
	text_add_percent(&pair, a->client_secret);
	text_add_string(&header, "Authorization: Basic ");
	text_add_base64(&header, text_view(&pair));
	const char *copy = arena_string(f->arena, text_view(&header));
	text_free(&pair);
	text_free(&header);
	return copy;
}

static enum bearer_outcome exchange(const struct fetching *f, const struct google_account *a, struct view subject)
{
	struct text form = { 0 };
	form_add(&form, "audience", a->audience);
	form_add(&form, "grant_type", VIEW("urn:ietf:params:oauth:grant-type:token-exchange"));
	if (!a->client_id.length && a->user_project.length) {
		struct text options = { 0 };
		text_add_string(&options, "{\"userProject\":");
		json_add_string(&options, a->user_project);
		text_add_char(&options, '}');
		form_add(&form, "options", text_view(&options));
		text_free(&options);
	}
	form_add(&form, "requested_token_type", VIEW("urn:ietf:params:oauth:token-type:access_token"));
	form_add(&form, "scope", a->impersonation_url.length ? VIEW(impersonation_scope) : VIEW(read_scope));
	form_add(&form, "subject_token", subject);
	form_add(&form, "subject_token_type", a->subject_type);
	return post_form(f, a->token_url, &form, basic_header(f, a), subject, a->client_secret);
}

static enum bearer_outcome fetch_external(const struct fetching *f, const struct google_account *a)
{
	const struct google_subject *s = &a->subject;
	struct view text, subject;
	enum bearer_outcome outcome = s->file.length ? read_subject(f, s, &text) : ask_subject(f, s, &text);
	if (outcome == BEARER_GRANTED)
		outcome = take_subject(f, s, text, &subject);
	return outcome == BEARER_GRANTED ? exchange(f, a, subject) : outcome;
}

/* --- impersonation --- */

static void write_impersonation(const struct google_account *a, struct text *body)
{
	text_add_string(body, "{\"delegates\":[");
	for (size_t i = 0; i < a->delegate_count; i++) {
		if (i)
			text_add_char(body, ',');
		json_add_string(body, a->delegates[i]);
	}
	text_printf(body, "],\"lifetime\":\"%.*ss\",\"scope\":[\"%s\"]}", VIEW_ARGS(a->lifetime), read_scope);
}

/* Exchanges the token that there is for one of the account that is to be impersonated. */
static enum bearer_outcome impersonate(const struct fetching *f, const struct google_account *a)
{
	const char *const headers[] = { "Content-Type: application/json",
		arena_printf(f->arena, "Authorization: Bearer %.*s", VIEW_ARGS(f->grant->token)), NULL };
	struct text body = { 0 };
	write_impersonation(a, &body);
	struct token_request r = { .http = request_to(f, a->impersonation_url, headers),
		.what = "credentials: cannot impersonate the service account",
		.secrets = { f->grant->token } };
	r.http.method = "POST";
	r.http.body = text_view(&body);
	enum bearer_outcome outcome = send_for_token(f, &r);
	text_free(&body);
	return outcome;
}

/* --- the machine's own --- */

static enum bearer_outcome fetch_machine(const struct fetching *f)
{
	static const char *const headers[] = { "Metadata-Flavor: Google", NULL };
	struct google_credentials *c = f->credentials;
	struct text url = { 0 };
	text_printf(&url, "http://%s/computeMetadata/v1/instance/service-accounts/default/token", c->metadata);
	url_add_parameter(&url, "scopes", VIEW(machine_scopes));
	struct token_request r = { .http = request_to(f, text_view(&url), headers), .what = "credentials: metadata server" };
	text_free(&url);
	r.http.proxy = "";
	r.http.connect_timeout = machine_timeout;
	enum bearer_outcome outcome = send_for_token(f, &r);
	if (outcome == BEARER_GRANTED)
		c->metadata_is_known = true;
	else if (!c->metadata_is_known)
		return refuse(f, google_no_credentials);
	return outcome;
}

/* --- all of them --- */

static enum bearer_outcome fetch_account(const struct fetching *f, const struct google_account *a)
{
	enum bearer_outcome outcome = BEARER_REFUSED;
	switch (a->kind) {
	case GOOGLE_SERVICE_ACCOUNT:
		outcome = fetch_service_account(f, a);
		break;
	case GOOGLE_AUTHORIZED_USER:
		outcome = fetch_user(f, a);
		break;
	case GOOGLE_EXTERNAL_ACCOUNT:
		outcome = fetch_external(f, a);
		break;
	case GOOGLE_IMPERSONATED:
		break;
	}
	bool goes_on = outcome == BEARER_GRANTED && a->kind == GOOGLE_EXTERNAL_ACCOUNT && a->impersonation_url.length;
	return goes_on ? impersonate(f, a) : outcome;
}

enum bearer_outcome google_fetch(void *credentials, struct arena *arena, struct bearer_grant *grant, const char **why)
{
	struct google_credentials *c = credentials;
	struct fetching f = { c, arena, grant, why };
	struct google_account a;
	if (!c->file)
		return fetch_machine(&f);
	if (!google_account_load(&a, arena, c->file, why)) {
		*why = arena_printf(arena, "credentials: %s", *why);
		return BEARER_REFUSED;
	}
	if (a.kind != GOOGLE_IMPERSONATED)
		return fetch_account(&f, &a);
	enum bearer_outcome outcome = fetch_account(&f, a.source);
	return outcome == BEARER_GRANTED ? impersonate(&f, &a) : outcome;
}
