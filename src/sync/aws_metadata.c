/* Credentials from where a server runs: a container's endpoint, the metadata service of an instance (IMDS), a command. */
#include "sync/aws_source.h"

#include "base/error.h"
#include "base/file.h"
#include "base/rfc3339.h"
#include "server/hooks.h"
#include "sync/http_answer.h"
#include "sync/json_fields.h"

enum { ANSWER_MOST = 64 << 10 };

static const uint64_t connect_timeout = NS_PER_S;
static const uint64_t timeout = 3 * NS_PER_S;
static const uint64_t command_timeout = 60 * NS_PER_S;

static bool fail(struct aws_grant *to, const char *why)
{
	to->why = why;
	return false;
}

/* Asks directly, whatever proxies there are: these addresses mean something here alone. */
static struct http_answer ask_once(const struct aws_asker *asker, struct arena *arena, const char *method,
	const char *url, const char *const *headers)
{
	struct http_request r = { .method = method,
		.url = url,
		.headers = headers,
		.tls = asker->tls,
		.proxy = "",
		.stay = true,
		.connect_timeout = connect_timeout,
		.timeout = timeout,
		.stop = asker->stop };
	return http_collect(asker->http, &r, arena, ANSWER_MOST);
}

static struct http_answer ask(const struct aws_asker *asker, struct arena *arena, const char *method,
	const char *url, const char *const *headers)
{
	struct attempts attempts = { .stop = asker->stop, .first = NS_PER_S / 2, .longest = NS_PER_S };
	struct http_answer answer = { .result = { .end = HTTP_GIVEN_UP, .error = "stopped" } };
	while (attempts_next(&attempts)) {
		answer = ask_once(asker, arena, method, url, headers);
		if (!http_may_recover(&answer.result))
			break;
		attempts_failed(&attempts, false, answer.result.retry_after);
	}
	return answer;
}

/* What went wrong, without anything of the answer's body. */
static const char *reason_of(struct arena *arena, const struct http_answer *a)
{
	if (a->result.end != HTTP_DONE)
		return arena_printf(arena, "request send failed, %s", a->result.error);
	return arena_printf(arena, "http response error StatusCode: %ld", a->result.status);
}

/* --- keys in JSON --- */

enum { ID, SECRET, TOKEN, EXPIRATION, CODE, MESSAGE, FIELDS };

/* `token` is what the session's token is called there. */
static bool read_keys(struct arena *arena, struct view body, const char *token, struct aws_grant *to)
{
	struct json_field f[FIELDS + 1] = { [ID] = { .path = "AccessKeyId" },
		[SECRET] = { .path = "SecretAccessKey" },
		[TOKEN] = { .path = token },
		[EXPIRATION] = { .path = "Expiration" },
		[CODE] = { .path = "Code" },
		[MESSAGE] = { .path = "Message" } };
	const struct json_fields fields = { .wanted = f, .arena = arena };
	const char *why;
	double expires;
	if (!json_fields_read(&fields, body, &why))
		return fail(to, arena_printf(arena, "failed to decode credentials, %s", why));
	if (f[CODE].value.length && !view_is(f[CODE].value, "Success"))
		return fail(to, arena_printf(arena, "EC2 IMDS request failed, code: %s, message: %s",
			http_body_line(arena, f[CODE].value), http_body_line(arena, f[MESSAGE].value)));
	if (!f[ID].value.length || !f[SECRET].value.length)
		return fail(to, "the answer has no credentials");
	if (f[EXPIRATION].value.length && !rfc3339_parse(f[EXPIRATION].value, &expires))
		return fail(to, "the credentials' expiration is no time");
	to->expires = f[EXPIRATION].value.length ? (int64_t)expires : 0;
	to->keys = (struct aws_keys){ f[ID].value, f[SECRET].value, f[TOKEN].value };
	return true;
}

/* --- containers --- */

static bool find_token(const struct aws_source *s, struct arena *arena, struct view *token, struct aws_grant *to)
{
	*token = view_of(s->token ? s->token : "");
	if (s->token_file) {
		int error = file_read(arena, s->token_file, AWS_TOKEN_MAX, token);
		if (error)
			return fail(to, arena_printf(arena, "failed to read authorization token from %s: %s",
				s->token_file, error_text(error)));
	}
	if (view_find(*token, '\n') < token->length || view_find(*token, '\r') < token->length)
		return fail(to, "authorization token contains invalid newline sequence");
	return true;
}

bool aws_container_fetch(const struct aws_source *s, const struct aws_asker *asker, struct arena *arena,
	struct aws_grant *to)
{
	struct view token;
	if (!find_token(s, arena, &token, to))
		return false;
	const char *headers[] = { "Accept: application/json",
		token.length ? arena_printf(arena, "Authorization: %.*s", VIEW_ARGS(token)) : NULL, NULL };
	struct http_answer a = ask(asker, arena, "GET", s->url, headers);
	if (!http_succeeded(&a.result))
		return fail(to, arena_printf(arena, "failed to load credentials, %s", reason_of(arena, &a)));
	return read_keys(arena, a.body, "Token", to);
}

/* --- instances --- */

/* The header that shows a session's token; NULL: none could be had, and the first version of the service is asked. */
static bool find_session(const struct aws_source *s, const struct aws_asker *asker, struct arena *arena,
	const char **header, struct aws_grant *to)
{
	const char *const headers[] = { "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 300", NULL };
	const char *url = arena_printf(arena, "%s/latest/api/token", s->url);
	struct http_answer a = ask(asker, arena, "PUT", url, headers);
	*header = NULL;
	if (http_succeeded(&a.result)) {
		*header = arena_printf(
			arena, "X-Aws-Ec2-Metadata-Token: %s", http_body_line(arena, view_trim(a.body)));
		return true;
	}
	long status = a.result.status;
	bool falls_back = a.result.end != HTTP_DONE || status == 403 || status == 404 || status == 405;
	if (falls_back && !s->version_2_only && a.result.end != HTTP_GIVEN_UP)
		return true;
	return fail(to, arena_printf(arena, "operation error ec2imds: getToken, %s", reason_of(arena, &a)));
}

static bool get(const struct aws_source *s, const struct aws_asker *asker, struct arena *arena,
	const char *session, const char *path, struct view *body, struct aws_grant *to)
{
	const char *const headers[] = { session, NULL };
	struct http_answer a = ask(asker, arena, "GET", arena_printf(arena, "%s%s", s->url, path), headers);
	*body = a.body;
	return http_succeeded(&a.result) ||
	       fail(to, arena_printf(arena, "no EC2 IMDS role found, operation error ec2imds: GetMetadata, %s",
				reason_of(arena, &a)));
}

bool aws_instance_fetch(const struct aws_source *s, const struct aws_asker *asker, struct arena *arena,
	struct aws_grant *to)
{
	static const char folder[] = "/latest/meta-data/iam/security-credentials/";
	const char *session;
	struct view role, body;
	if (s->disabled)
		return fail(to,
			"no EC2 IMDS role found, operation error ec2imds: GetMetadata, access disabled to EC2 IMDS via client option, or \"AWS_EC2_METADATA_DISABLED\" environment variable");
	if (!find_session(s, asker, arena, &session, to) ||
		!get(s, asker, arena, session, folder, &body, to))
		return false;
	if (!view_line(&body, &role) || !(role = view_trim(role)).length)
		return fail(to, "no EC2 IMDS role found, the instance has none");
	const char *path = arena_printf(arena, "%s%s", folder, http_body_line(arena, role));
	return get(s, asker, arena, session, path, &body, to) && read_keys(arena, body, "Token", to);
}

/* --- commands --- */

bool aws_process_fetch(const struct aws_source *s, struct arena *arena, struct aws_grant *to)
{
	const char *const argv[] = { "/bin/sh", "-c", s->command, NULL }, *const environment[] = { NULL };
	const struct command command = { argv, environment, command_timeout };
	struct view output;
	const char *why;
	if (!command_run(&command, arena, &output, &why))
		return fail(to, arena_printf(arena, "process provider error: %s", why));
	return read_keys(arena, output, "SessionToken", to);
}
