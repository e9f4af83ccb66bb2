/* Asking for tokens. */
#include "sync/token_answer.h"

#include "base/rfc3339.h"
#include "sync/attempts.h"
#include "sync/http_answer.h"
#include "sync/json_fields.h"
#include "sync/secret.h"
#include <stdlib.h>
#include <time.h>

enum { ANSWER_MAX = 256 << 10, LIFETIME_MAX_S = 7 * 86400 };

enum { TOKEN, EXPIRES_IN, EXPIRES_ON, IAM_TOKEN, IAM_TIME };

/* A number, or a text that is one. */
static bool seconds_of(struct arena *arena, struct view text, double *seconds)
{
	char *end;
	const char *copy = text.length ? arena_string(arena, text) : "";
	*seconds = strtod(copy, &end);
	return *copy && !*end && *seconds == *seconds;
}

/* How long a token of which it is not said, or not as a number, is used (App Service writes a date of its own form). */
static const double lifetime_unsaid = 600;

/* Services that hand out tokens which they have had for some time say when these end; those that make them, how long they last.
 * Where both are said the sooner counts. */
static double find_lifetime(struct arena *arena, const struct json_field *fields, double now)
{
	double until, within, seconds = 0;
	bool has_end = seconds_of(arena, fields[EXPIRES_ON].value, &until) || rfc3339_parse(fields[IAM_TIME].value, &until);
	bool has_length = seconds_of(arena, fields[EXPIRES_IN].value, &within);
	if (has_end)
		seconds = until - now;
	if (has_length && (!has_end || within < seconds))
		seconds = within;
	return has_end || has_length ? seconds : lifetime_unsaid;
}

/* Tokens go into a header: RFC 6750 2.1. */
static bool is_token(struct view token)
{
	for (size_t i = 0; i < token.length; i++) {
		if (token.at[i] <= ' ' || token.at[i] > '~')
			return false;
	}
	return token.length > 0;
}

bool token_read(struct arena *arena, struct view body, double now, struct bearer_grant *grant)
{
	struct json_field fields[] = { { .path = "access_token" }, { .path = "expires_in" }, { .path = "expires_on" },
		{ .path = "accessToken" }, { .path = "expireTime" }, { 0 } };
	struct json_fields wanted = { .wanted = fields, .arena = arena };
	const char *why;
	if (!json_fields_read(&wanted, body, &why))
		return false;
	double seconds = find_lifetime(arena, fields, now);
	grant->token = fields[TOKEN].value.length ? fields[TOKEN].value : fields[IAM_TOKEN].value;
	grant->lifetime = seconds <= 0 ? 0 : (uint64_t)((seconds < LIFETIME_MAX_S ? seconds : LIFETIME_MAX_S) * (double)NS_PER_S);
	return seconds > 0 && is_token(grant->token);
}

/* For a line of a log, without secrets. */
static const char *shown(const struct token_request *r, struct arena *arena, struct view text)
{
	for (int i = 0; i < TOKEN_SECRETS_MAX; i++)
		text = secret_hide(arena, text, r->secrets[i]);
	return http_body_line(arena, text);
}

/* What the service says is wrong, as RFC 6749 5.2 or an API of Google has it; empty if it does not say. */
static const char *error_of(const struct token_request *r, struct arena *arena, struct view body)
{
	struct json_field fields[] = { { .path = "error" }, { .path = "error_description" }, { .path = "error.status" },
		{ .path = "error.message" }, { 0 } };
	struct json_fields wanted = { .wanted = fields, .arena = arena };
	const char *why;
	if (!json_fields_read(&wanted, body, &why))
		return "";
	const struct json_field *code = fields[0].value.length ? fields : fields + 2;
	if (!code[0].value.length && !code[1].value.length)
		return "";
	return arena_printf(arena, ": %s: %s", shown(r, arena, code[0].value), shown(r, arena, code[1].value));
}

static enum bearer_outcome failed(
	const struct token_request *r, struct arena *arena, const struct http_answer *a, const char **why)
{
	const struct http_result *result = &a->result;
	bool again = http_may_recover(result) || result->end == HTTP_GIVEN_UP;
	if (result->end != HTTP_DONE)
		*why = arena_printf(arena, "%s: %s", r->what, result->error);
	else
		*why = arena_printf(arena, "%s: status %ld%s", r->what, result->status, error_of(r, arena, a->body));
	if (result->status == 429)
		return BEARER_THROTTLED;
	return again ? BEARER_AWAY : BEARER_REFUSED;
}

enum bearer_outcome token_request_send(struct http_client *http, const struct token_request *r, struct arena *arena,
	struct bearer_grant *grant, const char **why)
{
	struct attempts attempts = { .stop = r->http.stop };
	struct http_answer answer = { .result = { .end = HTTP_GIVEN_UP, .error = "stopped" } };
	while (attempts_next(&attempts)) {
		answer = http_collect(http, &r->http, arena, ANSWER_MAX);
		if (http_succeeded(&answer.result) || !http_may_recover(&answer.result))
			break;
		attempts_failed(&attempts, false, answer.result.retry_after);
	}
	if (!http_succeeded(&answer.result))
		return failed(r, arena, &answer, why);
	if (token_read(arena, answer.body, (double)time(NULL), grant))
		return BEARER_GRANTED;
	*why = arena_printf(arena, "%s: the answer has no token, or none that is still good", r->what);
	return BEARER_AWAY;
}
