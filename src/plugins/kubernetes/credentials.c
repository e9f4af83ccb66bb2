/* Tokens and certificates, from the configuration, from files, from commands. */
#include "plugins/kubernetes/credentials.h"

#include "base/error.h"
#include "base/file.h"
#include <stdio.h>

enum { TOKEN_MAX = 64 << 10 };

static const uint64_t token_age = 50 * NS_PER_S;
/* A command that failed is not run again at once by the next watch. */
static const uint64_t failure_pause = 2 * NS_PER_S;
static const uint64_t look_interval = 20 * NS_PER_MS;

void kube_identity_drop(struct kube_identity *i)
{
	if (i && --i->users == 0)
		arena_free(i->arena);
}

static struct kube_identity *identity_new(const struct kube_credentials *c, struct view authorization)
{
	struct arena *arena = arena_new(4096);
	struct kube_identity *i = arena_new_object(arena, struct kube_identity);
	i->arena = arena;
	i->users = 1;
	i->tls = c->access->tls;
	if (authorization.length)
		i->authorization = arena_printf(arena, "Authorization: %.*s", VIEW_ARGS(authorization));
	return i;
}

static void replace(struct kube_credentials *c, struct kube_identity *i)
{
	kube_identity_drop(c->current);
	c->current = i;
	c->read = clock_now();
	c->refused = false;
}

/* What was read before goes on being used while the file cannot be read. */
static void read_token_file(struct kube_credentials *c)
{
	const char *path = c->access->token_file;
	struct arena *arena = arena_new(4096);
	struct view content = VIEW("");
	int error = file_read(arena, path, TOKEN_MAX, &content);
	content = view_trim(content);
	if (content.length)
		replace(c, identity_new(c, view_of(arena_printf(arena, "Bearer %.*s", VIEW_ARGS(content)))));
	else
		plugin_error(c->self, "Unable to rotate token: %s token file \"%s\"%s%s",
			error ? "failed to read" : "read empty token from", path, error ? ": " : "",
			error ? error_text(error) : "");
	arena_free(arena);
}

static void run_command(struct kube_credentials *c)
{
	struct arena *arena = arena_new(4096);
	struct kube_exec_credential got;
	const char *why;
	c->busy = true;
	bool done = kube_exec_run(arena, c->access->exec, &got, &why);
	c->busy = false;
	c->failed = done ? 0 : clock_now();
	if (!done) {
		snprintf(c->why, sizeof c->why, "getting credentials: %s", why);
	} else {
		struct view bearer = got.token.length
					     ? view_of(arena_printf(arena, "Bearer %.*s", VIEW_ARGS(got.token)))
					     : VIEW("");
		struct kube_identity *i = identity_new(c, bearer);
		if (got.certificate.length) {
			i->tls.certificate = arena_copy(i->arena, got.certificate);
			i->tls.key = arena_copy(i->arena, got.key);
		}
		replace(c, i);
		c->expires = got.expires;
	}
	arena_free(arena);
}

static bool is_expired(const struct kube_credentials *c)
{
	return c->expires && clock_wall_seconds() >= c->expires;
}

/* An identity whose command fails is used for as long as it is good. */
static void renew_by_command(struct kube_credentials *c)
{
	while (c->busy) {
		if (!task_sleep(c->self, look_interval))
			return;
	}
	bool failing = c->failed && clock_now() - c->failed < failure_pause;
	if (!failing && (!c->current || c->refused || is_expired(c)))
		run_command(c);
	if (c->current && is_expired(c)) {
		kube_identity_drop(c->current);
		c->current = NULL;
	}
}

struct kube_identity *kube_identity_take(struct kube_credentials *c, const char **why)
{
	const struct kube_access *a = c->access;
	if (a->exec)
		renew_by_command(c);
	else if (a->token_file && (!c->current || c->refused || clock_now() - c->read > token_age))
		read_token_file(c);
	if (!c->current && !a->exec)
		replace(c, identity_new(c, a->token));
	if (!c->current) {
		*why = c->why[0] ? c->why : "getting credentials: stopped";
		return NULL;
	}
	c->current->users++;
	return c->current;
}

void kube_credentials_refused(struct kube_credentials *c)
{
	c->refused = true;
}

void kube_credentials_free(struct kube_credentials *c)
{
	kube_identity_drop(c->current);
	c->current = NULL;
}
