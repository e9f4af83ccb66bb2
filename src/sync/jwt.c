/* Header, claims and signature, each in base64url, a dot between. */
#include "sync/jwt.h"

#include "base/encoding.h"
#include "sync/json.h"
#include "sync/rs256.h"
#include <inttypes.h>

static void add_claim(struct text *t, const char *name, struct view value)
{
	if (!value.length)
		return;
	text_printf(t, "%s\"%s\":", t->length > 1 ? "," : "", name);
	json_add_string(t, value);
}

static void add_time(struct text *t, const char *name, int64_t seconds)
{
	text_printf(t, "%s\"%s\":%" PRId64, t->length > 1 ? "," : "", name, seconds);
}

/* {"alg":"RS256","typ":"JWT","kid":...}.{"iss":...}, encoded. */
static void add_input(struct text *token, const struct jwt *j)
{
	struct text part = { 0 };
	text_add_char(&part, '{');
	add_claim(&part, "alg", VIEW("RS256"));
	add_claim(&part, "typ", VIEW("JWT"));
	add_claim(&part, "kid", j->key_id);
	text_add_char(&part, '}');
	text_add_base64url(token, text_view(&part));
	text_add_char(token, '.');
	text_clear(&part);
	text_add_char(&part, '{');
	add_claim(&part, "iss", j->issuer);
	add_claim(&part, "sub", j->subject);
	add_claim(&part, "aud", j->audience);
	add_claim(&part, "scope", j->scope);
	add_time(&part, "iat", j->issued);
	add_time(&part, "exp", j->expires);
	text_add_char(&part, '}');
	text_add_base64url(token, text_view(&part));
	text_free(&part);
}

bool jwt_sign(struct arena *arena, const struct jwt *claims, struct view key, struct view *token, const char **why)
{
	struct text t = { 0 };
	struct view signature;
	add_input(&t, claims);
	bool done = rs256_sign(arena, key, text_view(&t), &signature, why);
	if (done) {
		text_add_char(&t, '.');
		text_add_base64url(&t, signature);
		*token = view_of(arena_string(arena, text_view(&t)));
	}
	text_free(&t);
	return done;
}
