/* Keys as they are now: kept, and renewed before they expire. */
#include "sync/aws_credentials.h"

#include "base/memory.h"
#include "base/random.h"
#include "net/loop.h"
#include "sync/aws_source.h"
#include <stdlib.h>

enum {
	EARLY_S = 300,         /* before they expire */
	INSTANCE_KEPT_S = 3600,
	RENEWAL_PAUSE_S = 30,  /* after a failure to renew keys that are still good */
	EXTENDED_S = 300,      /* for how long an instance's old keys are kept at least */
	EXTENDED_RANDOM_S = 600,
};

static const uint64_t failure_counts_for = 5 * NS_PER_S; /* for all who ask */
static const uint64_t look_interval = 20 * NS_PER_MS;

struct aws_credentials {
	const struct aws_source *source;
	struct aws_credentials *base; /* of the source's base */
	struct arena *arena;          /* of the keys; NULL: there are none */
	struct aws_keys keys;
	int64_t expires, renew_at;    /* seconds since 1970; 0: never */
	bool fetching;
	uint64_t failed_at;           /* clock_now(); 0: the last fetch did not fail */
	char *why;                    /* it failed */
};

struct aws_credentials *aws_credentials_new(const struct aws_source *source)
{
	struct aws_credentials *c = memory_array(1, sizeof *c);
	c->source = source;
	if (source->base)
		c->base = aws_credentials_new(source->base);
	return c;
}

void aws_credentials_free(void *credentials)
{
	struct aws_credentials *c = credentials;
	while (c) {
		struct aws_credentials *base = c->base;
		arena_free(c->arena);
		free(c->why);
		free(c);
		c = base;
	}
}

static bool fetch(struct aws_credentials *c, const struct aws_asker *asker, struct arena *arena,
	struct aws_grant *to)
{
	switch (c->source->kind) {
	case AWS_STATIC:
		to->keys = c->source->keys;
		return true;
	case AWS_ROLE:
	case AWS_WEB_IDENTITY:
		return aws_sts_fetch(c->source, c->base, asker, arena, to);
	case AWS_CONTAINER:
		return aws_container_fetch(c->source, asker, arena, to);
	case AWS_INSTANCE:
		return aws_instance_fetch(c->source, asker, arena, to);
	case AWS_PROCESS:
		return aws_process_fetch(c->source, arena, to);
	}
	return false;
}

/* When keys that were given now are asked for again. */
static int64_t renewal(const struct aws_credentials *c, int64_t now)
{
	int64_t at = 0;
	if (c->expires)
		at = c->expires - now > 2 * EARLY_S ? c->expires - EARLY_S : now + (c->expires - now) / 2;
	if (c->source->kind == AWS_INSTANCE && (!at || at > now + INSTANCE_KEPT_S))
		at = now + INSTANCE_KEPT_S;
	return at;
}

static struct aws_keys copy_keys(struct arena *arena, const struct aws_keys *from)
{
	return (struct aws_keys){ arena_copy(arena, from->id), arena_copy(arena, from->secret),
		arena_copy(arena, from->token) };
}

static void keep(struct aws_credentials *c, const struct aws_grant *grant)
{
	int64_t now = clock_wall_seconds();
	arena_free(c->arena);
	c->arena = arena_new(1024);
	c->keys = copy_keys(c->arena, &grant->keys);
	c->expires = grant->expires;
	c->renew_at = renewal(c, now);
	c->failed_at = 0;
}

static bool are_good(const struct aws_credentials *c, int64_t now)
{
	return c->arena && (!c->expires || now < c->expires);
}

/* Keys that cannot be renewed are used while they are good; those of an instance beyond that, too, as AWS has it. */
static void keep_old(struct aws_credentials *c)
{
	int64_t now = clock_wall_seconds();
	if (are_good(c, now)) {
		c->renew_at = now + RENEWAL_PAUSE_S;
	} else if (c->arena && c->source->kind == AWS_INSTANCE) {
		c->expires = now + EXTENDED_S + (int64_t)random_below(EXTENDED_RANDOM_S);
		c->renew_at = c->expires;
		log_warning(
			"Attempting credential expiration extension due to a credential service availability issue. "
			"A refresh of these credentials will be attempted again in %lld minutes.",
			(long long)((c->expires - now) / 60));
	}
}

static void refresh(struct aws_credentials *c, const struct aws_asker *asker)
{
	struct aws_grant grant = { .why = "no reason is known" };
	struct arena *arena = arena_new(4096);
	c->fetching = true;
	bool good = fetch(c, asker, arena, &grant);
	c->fetching = false;
	if (good) {
		keep(c, &grant);
	} else {
		free(c->why);
		c->why = NULL;
		size_t length = strlen(grant.why);
		c->why = memory_array(length + 1, 1);
		memcpy(c->why, grant.why, length);
		c->failed_at = clock_now();
		keep_old(c);
	}
	arena_free(arena);
}

static bool needs_refresh(const struct aws_credentials *c)
{
	int64_t now = clock_wall_seconds();
	if (c->arena && (!c->renew_at || now < c->renew_at))
		return false;
	return !c->failed_at || clock_now() - c->failed_at > failure_counts_for;
}

/* Waits for who asks already. False when the loop ends. */
static bool wait_for_other(const struct aws_credentials *c)
{
	while (c->fetching) {
		if (fiber_sleep(look_interval) == WAIT_STOPPED)
			return false;
	}
	return true;
}

bool aws_credentials_get(struct aws_credentials *c, const struct aws_asker *asker, struct arena *arena,
	struct aws_keys *keys, const char **why)
{
	if (!wait_for_other(c)) {
		*why = "stopped";
		return false;
	}
	if (needs_refresh(c))
		refresh(c, asker);
	if (!are_good(c, clock_wall_seconds())) {
		*why = arena_printf(arena, "failed to refresh cached credentials, %s", c->why ? c->why : "they have expired");
		return false;
	}
	*keys = copy_keys(arena, &c->keys);
	return true;
}

void aws_credentials_drop(struct aws_credentials *c, const struct aws_keys *refused)
{
	if (c->source->kind == AWS_STATIC || !c->arena || !view_equal(c->keys.id, refused->id) ||
		!view_equal(c->keys.token, refused->token))
		return;
	arena_free(c->arena);
	c->arena = NULL;
	if (c->base)
		aws_credentials_drop(c->base, &c->base->keys);
}
