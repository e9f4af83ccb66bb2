/* Attempts of one call, and what their failures mean. */
#include "sync/aws_call.h"

#include "sync/aws_error.h"
#include "sync/http_answer.h"
#include <stdio.h>
#include <time.h>

enum {
	HEADERS_MAX = 6,
	SKEW_LEAST_S = 240, /* clocks that are nearer are not to blame */
};

static const uint64_t connect_timeout = 30 * NS_PER_S;
static const uint64_t timeout = 60 * NS_PER_S;

/* What is kept over the attempts of a call. */
struct calling {
	const struct aws_call *call;
	const struct aws_asker *asker;
	struct arena *arena;
	struct aws_keys keys;
	int64_t date;        /* of the answer, seconds since 1970; 0: not said */
	struct http_answer answer;
	struct aws_error error;
	bool keys_renewed, clock_set;
};

enum verdict {
	VERDICT_DONE,
	VERDICT_AGAIN,
	VERDICT_FAILED,
};

static int64_t skew_of(const struct aws_service *s)
{
	return s->clock_skew ? *s->clock_skew : 0;
}

/* The form of HTTP's dates (RFC 9110 5.6.7) that is sent; 0 for another one. */
static int64_t date_of(struct view value)
{
	char copy[40];
	struct tm tm = { 0 };
	snprintf(copy, sizeof copy, "%.*s", VIEW_ARGS(value));
	const char *rest = strptime(copy, "%a, %d %b %Y %H:%M:%S", &tm);
	return rest ? (int64_t)timegm(&tm) : 0;
}

static bool on_field(void *owner, struct view name, struct view value)
{
	struct calling *c = owner;
	if (view_equal_nocase(name, VIEW("date")))
		c->date = date_of(value);
	return true;
}

/* --- one attempt --- */

static bool sign(struct calling *c, const char *url, struct aws_signed *to)
{
	const struct aws_call *call = c->call;
	struct aws_header type = { "content-type", VIEW("application/x-www-form-urlencoded") };
	struct aws_request r = { .method = call->method,
		.url = view_of(url),
		.headers = &type,
		.header_count = call->form.length ? 1 : 0,
		.body = call->form,
		.region = call->service->region,
		.service = view_of(call->service->name),
		.time = clock_wall_seconds() + skew_of(call->service) };
	return aws_sign(c->arena, &c->keys, &r, to);
}

/* False when there is nothing to sign with: c->answer.result.error says so. */
static bool ask(struct calling *c)
{
	const struct aws_call *call = c->call;
	const char *headers[HEADERS_MAX + 1], **h = headers;
	struct aws_signed made;
	const char *url = arena_printf(c->arena, "%s%s", call->service->base, call->path);
	*h++ = "User-Agent: isthmus/" ISTHMUS_VERSION;
	if (call->form.length)
		*h++ = "Content-Type: application/x-www-form-urlencoded";
	if (call->credentials) {
		if (!sign(c, url, &made))
			return false;
		*h++ = made.date;
		*h++ = made.authorization;
		if (made.token)
			*h++ = made.token;
	}
	*h = NULL;
	struct http_request r = { .method = call->method,
		.url = url,
		.headers = headers,
		.body = call->form,
		.tls = c->asker->tls,
		.stay = true,
		.connect_timeout = connect_timeout,
		.timeout = timeout,
		.stop = c->asker->stop,
		.field = on_field,
		.owner = c };
	c->date = 0;
	c->answer = http_collect(c->asker->http, &r, c->arena, call->body_most);
	return true;
}

/* --- judging it --- */

/* Whether the request was refused for its time, which is right from now on. */
static bool set_clock(struct calling *c)
{
	int64_t *skew = c->call->service->clock_skew;
	int64_t off = c->date ? c->date - clock_wall_seconds() : 0;
	if (!skew || c->clock_set || !aws_error_may_be_of_time(c->error.code) ||
		(off - *skew >= -SKEW_LEAST_S && off - *skew <= SKEW_LEAST_S))
		return false;
	*skew = off;
	return c->clock_set = true;
}

/* Whether the keys were refused, and others may be taken. */
static bool drop_keys(struct calling *c)
{
	if (!c->call->credentials || c->keys_renewed || !aws_error_is_of_keys(c->error.code))
		return false;
	aws_credentials_drop(c->call->credentials, &c->keys);
	return c->keys_renewed = true;
}

/* `codes` may be NULL. */
static bool is_one_of(const char *const *codes, const char *code)
{
	while (codes && *codes && strcmp(*codes, code) != 0)
		codes++;
	return codes && *codes;
}

static bool may_pass(const struct calling *c)
{
	const struct http_result *r = &c->answer.result;
	bool too_long = r->end == HTTP_FAILED && c->answer.body.length >= c->call->body_most;
	if (r->end == HTTP_GIVEN_UP || too_long)
		return false;
	return r->end != HTTP_DONE || r->status == 500 || (r->status >= 502 && r->status <= 504) ||
	       r->status == 429 || aws_error_throttles(c->error.code) || aws_error_passes(c->error.code) ||
	       is_one_of(c->call->passing_codes, c->error.code);
}

static enum verdict judge(struct calling *c, bool *at_once)
{
	*at_once = false;
	c->error = (struct aws_error){ "", "", "" };
	if (http_succeeded(&c->answer.result))
		return VERDICT_DONE;
	if (c->answer.result.end == HTTP_DONE)
		aws_error_read(c->arena, c->answer.body, &c->error);
	*at_once = set_clock(c) || drop_keys(c);
	return *at_once || may_pass(c) ? VERDICT_AGAIN : VERDICT_FAILED;
}

/* --- saying it --- */

/* What a service says of a wrong signature repeats what was signed, and with it the session's token. */
static const char *safe_message(struct arena *arena, const struct aws_error *e)
{
	const char *end = strstr(e->message, "The Canonical String");
	return end ? arena_string(arena, view_trim((struct view){ e->message, (size_t)(end - e->message) }))
		   : e->message;
}

/* Of an answer that is no document of an error. */
static const char *bare_status(struct calling *c)
{
	const struct http_result *r = &c->answer.result;
	if (r->status >= 300 && r->status < 400)
		return arena_printf(c->arena, "a redirect, which is not followed");
	return arena_printf(c->arena, "api error %ld: %s", r->status, http_body_line(c->arena, c->answer.body));
}

static const char *reason_of(struct calling *c)
{
	const struct http_result *r = &c->answer.result;
	const struct aws_error *e = &c->error;
	if (r->end != HTTP_DONE)
		return arena_printf(c->arena,
			"https response error StatusCode: 0, RequestID: , request send failed, %s \"%s%.*s\": %s",
			strcmp(c->call->method, "GET") == 0 ? "Get" : "Post", c->call->service->base,
			(int)strcspn(c->call->path, "?"), c->call->path, r->error);
	const char *what = !*e->code ? bare_status(c)
			   : is_one_of(c->call->known_codes, e->code)
				   ? arena_printf(c->arena, "%s: %s", e->code, safe_message(c->arena, e))
				   : arena_printf(c->arena, "api error %s: %s", e->code, safe_message(c->arena, e));
	return arena_printf(c->arena, "https response error StatusCode: %ld, RequestID: %s, %s", r->status,
		e->request_id, what);
}

static bool fail(struct calling *c, struct aws_result *to, const char *between, const char *why)
{
	to->error = arena_printf(c->arena, "operation error %s: %s, %s%s", c->call->service->title,
		c->call->operation, between, why);
	to->throttled = aws_error_throttles(c->error.code) || c->answer.result.status == 429;
	return false;
}

/* --- the call --- */

bool aws_call(const struct aws_call *call, const struct aws_asker *asker, struct arena *arena,
	struct aws_result *to)
{
	struct calling c = { .call = call, .asker = asker, .arena = arena, .error = { "", "", "" } };
	struct attempts attempts = { .stop = asker->stop,
		.allowance = call->service->allowance,
		.most = call->most_attempts };
	enum verdict verdict = VERDICT_FAILED;
	const char *why;
	while (attempts_next(&attempts)) {
		bool at_once;
		if (call->credentials && !aws_credentials_get(call->credentials, asker, arena, &c.keys, &why))
			return fail(&c, to, "get identity: get credentials: ", why);
		if (!ask(&c))
			return fail(&c, to, "", "requests cannot be signed: the cryptography library is missing");
		if (to->count)
			to->count(to->owner, c.answer.result.status);
		verdict = judge(&c, &at_once);
		if (verdict != VERDICT_AGAIN)
			break;
		if (!at_once)
			attempts_failed(&attempts,
				aws_error_throttles(c.error.code) || c.answer.result.status == 429,
				c.answer.result.retry_after);
	}
	if (verdict == VERDICT_DONE) {
		to->body = c.answer.body;
		return true;
	}
	if (!attempts.made)
		return fail(&c, to, "", "context canceled");
	const char *exceeded = arena_printf(arena, "exceeded maximum number of attempts, %u, ", attempts.made);
	return fail(&c, to, verdict == VERDICT_AGAIN ? exceeded : "", reason_of(&c));
}
