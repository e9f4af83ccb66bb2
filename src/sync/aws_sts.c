/* Credentials from the Security Token Service: roles, assumed with other credentials or with a token of an identity provider. */
#include "sync/aws_source.h"

#include "base/file.h"
#include "base/error.h"
#include "base/rfc3339.h"
#include "sync/url.h"
#include "sync/xml.h"
#include <stdio.h>
#include <time.h>

enum { ANSWER_MOST = 1 << 20 };

/* --- the answer --- */

struct reading {
	struct arena *arena;
	struct aws_grant *to;
	bool in_credentials;
};

static bool on_open(void *owner, struct view name)
{
	struct reading *r = owner;
	r->in_credentials |= view_is(name, "Credentials");
	return true;
}

static bool on_close(void *owner, struct view name, struct view text)
{
	struct reading *r = owner;
	struct aws_keys *keys = &r->to->keys;
	double seconds;
	if (view_is(name, "Credentials"))
		r->in_credentials = false;
	if (!r->in_credentials)
		return true;
	if (view_is(name, "AccessKeyId"))
		keys->id = arena_copy(r->arena, text);
	else if (view_is(name, "SecretAccessKey"))
		keys->secret = arena_copy(r->arena, text);
	else if (view_is(name, "SessionToken"))
		keys->token = arena_copy(r->arena, text);
	else if (view_is(name, "Expiration") && rfc3339_parse(text, &seconds))
		r->to->expires = (int64_t)seconds;
	return true;
}

static bool read_answer(struct arena *arena, struct view body, struct aws_grant *to)
{
	struct reading reading = { arena, to, false };
	const struct xml_handler handler = { on_open, on_close, &reading };
	struct xml_reader *r = xml_reader_new(arena, &handler, &to->why);
	if (!r)
		return false;
	bool good = xml_feed(r, body) && xml_end(r) && to->keys.id.length && to->keys.secret.length;
	xml_reader_free(r);
	if (!good)
		to->why = "the answer of STS has no credentials";
	return good;
}

/* --- the questions --- */

static const char *session_of(struct arena *arena, const struct aws_source *s)
{
	struct timespec now;
	if (s->session)
		return s->session;
	clock_gettime(CLOCK_REALTIME, &now);
	return arena_printf(arena, "%s%lld%09ld", s->kind == AWS_ROLE ? "isthmus-" : "", (long long)now.tv_sec,
		now.tv_nsec);
}

static void add_role(struct text *form, struct arena *arena, const struct aws_source *s)
{
	form_add(form, "RoleArn", view_of(s->role));
	form_add(form, "RoleSessionName", view_of(session_of(arena, s)));
	form_add(form, "Version", VIEW("2011-06-15"));
}

static bool call(const struct aws_source *s, struct aws_credentials *base, const struct aws_asker *asker,
	struct arena *arena, struct view form, struct aws_grant *to)
{
	static const char *const fresh[] = { "InvalidIdentityToken", "IDPCommunicationError", NULL };
	bool role = s->kind == AWS_ROLE;
	struct aws_call c = { .service = &s->sts,
		.credentials = role ? base : NULL,
		.operation = role ? "AssumeRole" : "AssumeRoleWithWebIdentity",
		.method = "POST",
		.path = "/",
		.form = form,
		.passing_codes = role ? NULL : fresh,
		.body_most = ANSWER_MOST };
	struct aws_result result = { 0 };
	if (aws_call(&c, asker, arena, &result))
		return read_answer(arena, result.body, to);
	to->why = role ? result.error
		       : arena_printf(arena, "failed to retrieve credentials, %s", result.error);
	return false;
}

static bool add_token(struct text *form, const struct aws_source *s, struct arena *arena, struct aws_grant *to)
{
	struct view token;
	int error = file_read(arena, s->token_file, AWS_TOKEN_MAX, &token);
	if (error) {
		to->why = arena_printf(arena,
			"failed to retrieve jwt from provide source, unable to read file at %s: open %s: %s",
			s->token_file, s->token_file, error_text(error));
		return false;
	}
	form_add(form, "WebIdentityToken", view_trim(token));
	return true;
}

bool aws_sts_fetch(const struct aws_source *s, struct aws_credentials *base, const struct aws_asker *asker,
	struct arena *arena, struct aws_grant *to)
{
	struct text form = { 0 };
	bool good = true;
	if (s->kind == AWS_ROLE) {
		form_add(&form, "Action", VIEW("AssumeRole"));
		form_add(&form, "DurationSeconds", view_of(arena_printf(arena, "%u", s->duration)));
		if (s->external_id)
			form_add(&form, "ExternalId", view_of(s->external_id));
		add_role(&form, arena, s);
	} else {
		form_add(&form, "Action", VIEW("AssumeRoleWithWebIdentity"));
		add_role(&form, arena, s);
		good = add_token(&form, s, arena, to);
	}
	good = good && call(s, base, asker, arena, text_view(&form), to);
	explicit_bzero(form.at, form.length);
	text_free(&form);
	return good;
}
