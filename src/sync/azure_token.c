/* Access tokens for each kind of credentials. */
#include "sync/azure.h"

#include "base/encoding.h"
#include "base/error.h"
#include "base/file.h"
#include "sync/token_answer.h"
#include "sync/url.h"

enum { TOKEN_FILE_MAX = 64 << 10 };

static const char form_type[] = "Content-Type: application/x-www-form-urlencoded";
static const char metadata_header[] = "Metadata: true";
static const uint64_t connect_timeout = 10 * NS_PER_S, timeout = 30 * NS_PER_S;
static const uint64_t machine_timeout = 2 * NS_PER_S; /* the metadata service is on the machine itself */

/* One token being fetched. */
struct fetching {
	struct azure_credentials *credentials;
	struct arena *arena;
	struct bearer_grant *grant;
	const char **why;
};

/* Sends the form, or a GET where there is none. */
static enum bearer_outcome ask(const struct fetching *f, const char *url, const char *const *headers,
	const struct text *form, struct view secret)
{
	const struct azure_credentials *c = f->credentials;
	bool far = c->kind == AZURE_SECRET || c->kind == AZURE_FEDERATED;
	struct token_request r = { .what = far ? "adal: Refresh request failed" : "managed identity",
		.secrets = { secret, form ? text_view(form) : VIEW("") } };
	r.http = (struct http_request){ .method = form ? "POST" : NULL,
		.url = url,
		.headers = headers,
		.body = form ? text_view(form) : VIEW(""),
		.proxy = far ? NULL : "",
		.stay = true,
		.connect_timeout = far ? connect_timeout : machine_timeout,
		.timeout = timeout,
		.stop = c->stop };
	return token_request_send(c->http, &r, f->arena, f->grant, f->why);
}

static enum bearer_outcome post(const struct fetching *f, const char *url, struct text *form, struct view secret)
{
	static const char *const headers[] = { form_type, NULL };
	enum bearer_outcome outcome = ask(f, url, headers, form, secret);
	text_free(form);
	return outcome;
}

/* --- applications --- */

static const char *token_url(const struct fetching *f, const char *login, const char *behind)
{
	struct text url = { 0 };
	text_add_string(&url, login);
	text_add_percent(&url, view_of(f->credentials->tenant));
	text_add_string(&url, behind);
	const char *copy = arena_string(f->arena, text_view(&url));
	text_free(&url);
	return copy;
}

static enum bearer_outcome fetch_secret(const struct fetching *f)
{
	const struct azure_credentials *c = f->credentials;
	struct text form = { 0 };
	form_add(&form, "client_id", view_of(c->client));
	form_add(&form, "client_secret", view_of(c->secret));
	form_add(&form, "grant_type", VIEW("client_credentials"));
	form_add(&form, "resource", view_of(c->environment.manager));
	return post(f, token_url(f, c->environment.login, "/oauth2/token?api-version=1.0"), &form, view_of(c->secret));
}

static enum bearer_outcome fetch_federated(const struct fetching *f)
{
	const struct azure_credentials *c = f->credentials;
	struct text form = { 0 };
	struct view assertion;
	int error = file_read(f->arena, c->token_file, TOKEN_FILE_MAX, &assertion);
	if (error) {
		*f->why = arena_printf(f->arena, "open %s: %s", c->token_file, error_text(error));
		return BEARER_AWAY;
	}
	form_add(&form, "client_id", view_of(c->client));
	form_add(&form, "client_assertion_type", VIEW("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
	form_add(&form, "client_assertion", view_trim(assertion));
	form_add(&form, "grant_type", VIEW("client_credentials"));
	form_add(&form, "scope", view_of(arena_printf(f->arena, "%s.default", c->environment.manager)));
	return post(f, token_url(f, c->login, "/oauth2/v2.0/token"), &form, view_trim(assertion));
}

/* --- managed identities --- */

static enum bearer_outcome get_identity(
	const struct fetching *f, const char *version, const char *client_word, const char *header)
{
	const struct azure_credentials *c = f->credentials;
	const char *const headers[] = { header, NULL };
	struct text url = { 0 };
	text_add_string(&url, c->endpoint);
	url_add_parameter(&url, "api-version", view_of(version));
	if (c->client)
		url_add_parameter(&url, client_word, view_of(c->client));
	url_add_parameter(&url, "resource", view_of(c->environment.manager));
	struct view secret = c->endpoint_secret ? view_of(c->endpoint_secret) : VIEW("");
	enum bearer_outcome outcome = ask(f, url.at, headers, NULL, secret);
	text_free(&url);
	return outcome;
}

static enum bearer_outcome fetch_machine(const struct fetching *f)
{
	struct azure_credentials *c = f->credentials;
	enum bearer_outcome outcome = get_identity(f, "2018-02-01", "client_id", metadata_header);
	if (outcome == BEARER_AWAY && !c->machine_is_known) {
		*f->why = "MSI not available";
		return BEARER_REFUSED;
	}
	c->machine_is_known = true;
	return outcome;
}

static enum bearer_outcome fetch_app_service(const struct fetching *f)
{
	const char *header = arena_printf(f->arena, "secret: %s", f->credentials->endpoint_secret);
	return get_identity(f, "2017-09-01", "clientid", header);
}

static enum bearer_outcome fetch_cloud_shell(const struct fetching *f)
{
	static const char *const headers[] = { metadata_header, form_type, NULL };
	const struct azure_credentials *c = f->credentials;
	struct text form = { 0 };
	form_add(&form, "resource", view_of(c->environment.manager));
	if (c->client)
		form_add(&form, "client_id", view_of(c->client));
	enum bearer_outcome outcome = ask(f, c->endpoint, headers, &form, VIEW(""));
	text_free(&form);
	return outcome;
}

enum bearer_outcome azure_fetch(void *credentials, struct arena *arena, struct bearer_grant *grant, const char **why)
{
	static enum bearer_outcome (*const by_kind[])(const struct fetching *f) = {
		[AZURE_SECRET] = fetch_secret,
		[AZURE_FEDERATED] = fetch_federated,
		[AZURE_MACHINE] = fetch_machine,
		[AZURE_APP_SERVICE] = fetch_app_service,
		[AZURE_CLOUD_SHELL] = fetch_cloud_shell,
	};
	struct azure_credentials *c = credentials;
	struct fetching f = { c, arena, grant, why };
	return by_kind[c->kind](&f);
}
