/* Keeping a token, and getting the next one. */
#include "sync/bearer.h"

#include "net/loop.h"

static const uint64_t look_interval = 20 * NS_PER_MS;
static const uint64_t failure_counts = 5 * NS_PER_S;

static bool is_good(const struct bearer *b)
{
	return b->header.length && clock_now() < b->expires;
}

static bool has_just_failed(const struct bearer *b)
{
	return b->failed_at && clock_now() - b->failed_at < failure_counts;
}

static void keep(struct bearer *b, const struct bearer_grant *grant)
{
	uint64_t early = b->early < grant->lifetime / 4 ? b->early : grant->lifetime / 4;
	text_clear(&b->header);
	text_printf(&b->header, BEARER_PREFIX "%.*s", VIEW_ARGS(grant->token));
	b->expires = clock_now() + grant->lifetime;
	b->renew_at = b->expires - early;
	b->failed_at = 0;
}

static void fetch(struct bearer *b)
{
	struct arena *arena = arena_new(4096);
	struct bearer_grant grant = { 0 };
	const char *why = "";
	b->fetching = true;
	enum bearer_outcome outcome = b->fetch(b->owner, arena, &grant, &why);
	b->fetching = false;
	if (outcome == BEARER_GRANTED) {
		keep(b, &grant);
	} else {
		b->failed_at = clock_now();
		b->failure = outcome;
		text_clear(&b->why);
		text_add_string(&b->why, why);
	}
	arena_free(arena);
}

enum bearer_outcome bearer_header(struct bearer *b, struct arena *arena, const char **header, const char **why)
{
	while (b->fetching && !is_good(b)) {
		if (fiber_sleep(look_interval) == WAIT_STOPPED) {
			*why = "stopped";
			return BEARER_AWAY;
		}
	}
	bool due = !is_good(b) || clock_now() >= b->renew_at;
	if (due && !b->fetching && !has_just_failed(b))
		fetch(b);
	if (is_good(b)) {
		*header = arena_string(arena, text_view(&b->header));
		return BEARER_GRANTED;
	}
	*why = arena_string(arena, text_view(&b->why));
	return b->failure;
}

void bearer_drop(struct bearer *b, const char *header)
{
	if (b->header.length && view_is(text_view(&b->header), header))
		text_clear(&b->header);
}

void bearer_free(void *bearer)
{
	struct bearer *b = bearer;
	text_free(&b->header);
	text_free(&b->why);
}
