/* The cache's directive. */
#include "plugins/cache/cache.h"

enum {
	CAPACITY = 10000,
	TTL_SUCCESS = 3600,
	TTL_DENIAL = 1800,
	TTL_MIN = 5,
	PREFETCH_PERCENT = 10,
};

static const uint64_t minute = 60 * NS_PER_S;

void cache_init(struct setup *s)
{
	struct cache *c = s->state;
	c->kind[SUCCESS] = (struct cache_kind){ CAPACITY, TTL_SUCCESS, TTL_MIN, NULL, 0 };
	c->kind[DENIAL] = (struct cache_kind){ CAPACITY, TTL_DENIAL, TTL_MIN, NULL, 0 };
	c->servfail_ttl = TTL_MIN;
	c->prefetch_gap = minute;
	c->prefetch_percent = PREFETCH_PERCENT;
}

/* Whether the line has another argument. */
static bool argument_follows(const struct setup *s)
{
	struct setup ahead = *s;
	struct view word;
	return arg_next(&ahead, &word) && !view_is(word, "{");
}

/* A whole number, cut to what seconds may be. */
static bool read_seconds(struct setup *s, int64_t *seconds)
{
	if (!arg_integer(s, seconds))
		return false;
	if (*seconds > INT32_MAX)
		*seconds = INT32_MAX;
	return true;
}

static bool read_ttl(struct setup *s, uint32_t *ttl)
{
	int64_t seconds;
	if (!read_seconds(s, &seconds))
		return false;
	if (seconds <= 0)
		return setup_error_plain(
			s, "cache TTL can not be zero or negative: %lld", (long long)seconds);
	*ttl = (uint32_t)seconds;
	return true;
}

static bool read_ttl_min(struct setup *s, uint32_t *ttl)
{
	int64_t seconds;
	if (!read_seconds(s, &seconds))
		return false;
	if (seconds < 0)
		return setup_error_plain(
			s, "cache min TTL can not be negative: %lld", (long long)seconds);
	*ttl = (uint32_t)seconds;
	return true;
}

static bool is_integer(struct view word)
{
	uint64_t n;
	bool sign = word.length && (word.at[0] == '-' || word.at[0] == '+');
	return view_unsigned(view_skip(word, sign), INT64_MAX, &n);
}

bool cache_setup(struct setup *s)
{
	struct cache *c = s->state;
	struct setup ahead = *s;
	struct view word;
	if (arg_next(&ahead, &word) && is_integer(word)) {
		if (!read_ttl(s, &c->kind[SUCCESS].ttl))
			return false;
		c->kind[DENIAL].ttl = c->kind[SUCCESS].ttl;
	}
	return args_zones(s, &c->zones, &c->zone_count);
}

/* CAPACITY [TTL] [MINTTL]; more words have no meaning. */
static bool read_kind(struct setup *s, struct cache_kind *k)
{
	struct view *rest;
	if (!arg_integer(s, &k->capacity))
		return false;
	if (argument_follows(s) && !read_ttl(s, &k->ttl))
		return false;
	if (argument_follows(s) && !read_ttl_min(s, &k->ttl_min))
		return false;
	args_rest(s, &rest);
	return true;
}

static bool read_success(struct setup *s)
{
	return read_kind(s, &((struct cache *)s->state)->kind[SUCCESS]);
}

static bool read_denial(struct setup *s)
{
	return read_kind(s, &((struct cache *)s->state)->kind[DENIAL]);
}

static bool read_percentage(struct setup *s, uint32_t *percent)
{
	struct view word;
	uint64_t n;
	if (!arg_need(s, &word))
		return false;
	char last = word.length ? word.at[word.length - 1] : ' ';
	if (last != '%')
		return setup_error_plain(
			s, "last character of percentage should be `%%`, but is: '%c'", last);
	word.length--;
	if (!is_integer(word))
		return setup_error_plain(
			s, "strconv.Atoi: parsing \"%.*s\": invalid syntax", VIEW_ARGS(word));
	if (!view_unsigned(word, UINT32_MAX, &n) || n < 10 || n > 90)
		return setup_error_plain(
			s, "percentage should fall in range [10, 90]: %.*s", VIEW_ARGS(word));
	*percent = (uint32_t)n;
	return true;
}

static bool read_prefetch(struct setup *s)
{
	struct cache *c = s->state;
	int64_t gap;
	if (!arg_integer(s, &c->prefetch_hits))
		return false;
	if (c->prefetch_hits < 0)
		return setup_error_plain(
			s, "prefetch amount should be positive: %lld", (long long)c->prefetch_hits);
	if (argument_follows(s)) {
		if (!arg_duration(s, &gap))
			return false;
		c->prefetch_gap = gap > 0 ? (uint64_t)gap : 0;
	}
	if (argument_follows(s) && !read_percentage(s, &c->prefetch_percent))
		return false;
	return arg_end(s);
}

/* The next word as a duration, an error in it introduced by `what`. */
static bool read_duration(struct setup *s, const char *what, int64_t *ns)
{
	struct view word;
	const char *why;
	if (!arg_need(s, &word))
		return false;
	return duration_parse(s->arena, word, ns, &why) ||
	       setup_error_plain(s, "%s: %s", what, why);
}

static bool read_stale_ttl(struct setup *s, struct cache *c)
{
	int64_t ns;
	if (!read_duration(s, "invalid serve_stale response TTL", &ns))
		return false;
	if (ns < 0)
		return setup_error_plain(s, "invalid negative response TTL for serve_stale");
	if ((uint64_t)ns % NS_PER_S != 0)
		return setup_error_plain(
			s, "serve_stale response TTL must be a whole number of seconds");
	if ((uint64_t)ns / NS_PER_S > UINT32_MAX)
		return setup_error_plain(s, "serve_stale response TTL exceeds the DNS TTL range");
	c->stale_ttl = (uint32_t)((uint64_t)ns / NS_PER_S);
	return true;
}

static bool read_recheck(struct setup *s, struct cache *c)
{
	int64_t ns;
	if (!read_duration(s, "invalid serve_stale failure recheck", &ns))
		return false;
	if (ns < 0)
		return setup_error_plain(s, "invalid negative failure recheck for serve_stale");
	if ((uint64_t)ns > 5 * minute)
		return setup_error_plain(s, "serve_stale failure recheck cannot exceed 5 minutes");
	c->recheck = (uint64_t)ns;
	return true;
}

static bool read_verify_timeout(struct setup *s, struct cache *c)
{
	int64_t ns;
	if (!read_duration(s, "invalid serve_stale verify timeout", &ns))
		return false;
	if (ns < 0)
		return setup_error_plain(s, "invalid negative timeout for serve_stale verify");
	c->verify_timeout = (uint64_t)ns;
	return true;
}

static bool read_mode(struct setup *s, struct cache *c)
{
	struct view word;
	if (!arg_need(s, &word))
		return false;
	if (view_equal_nocase(word, VIEW("rfc8767"))) {
		c->stale_mode = STALE_VERIFY;
		c->verify_timeout = 1800 * NS_PER_MS;
		c->stale_ttl = 30;
		c->recheck = 30 * NS_PER_S;
	} else if (view_equal_nocase(word, VIEW("verify"))) {
		c->stale_mode = STALE_VERIFY;
	} else if (!view_equal_nocase(word, VIEW("immediate"))) {
		return setup_error_plain(
			s, "invalid value for serve_stale refresh mode: %.*s", VIEW_ARGS(word));
	}
	return true;
}

static bool read_serve_stale(struct setup *s)
{
	struct cache *c = s->state;
	int64_t ns = (int64_t)(60 * minute);
	c->stale_mode = STALE_IMMEDIATE;
	c->verify_timeout = 0;
	c->stale_ttl = 0;
	c->recheck = 0;
	c->stale_read = true;
	if (argument_follows(s) && !arg_duration(s, &ns))
		return false;
	if (ns < 0)
		return setup_error_plain(s, "invalid negative duration for serve_stale");
	c->stale = (uint64_t)ns;
	if (argument_follows(s) && !read_mode(s, c))
		return false;
	if (c->stale_mode == STALE_VERIFY && argument_follows(s) && !read_verify_timeout(s, c))
		return false;
	if (argument_follows(s) && !read_stale_ttl(s, c))
		return false;
	if (argument_follows(s) && !read_recheck(s, c))
		return false;
	return arg_end(s);
}

static bool read_policy(struct setup *s)
{
	struct cache *c = s->state;
	struct view word;
	if (c->policy_read)
		return setup_error_plain(s, "serve_stale_policy can only be specified once");
	c->policy_read = true;
	if (!arg_need(s, &word) || !arg_end(s))
		return false;
	if (!view_equal_nocase(word, VIEW("prefer_positive")))
		return setup_error_plain(s, "invalid serve_stale_policy: %.*s", VIEW_ARGS(word));
	c->prefer_positive = true;
	return true;
}

static bool read_servfail(struct setup *s)
{
	struct cache *c = s->state;
	int64_t ns;
	if (!arg_duration(s, &ns) || !arg_end(s))
		return false;
	if (ns < 0)
		return setup_error_plain(s, "invalid negative ttl for servfail");
	if ((uint64_t)ns > 5 * minute) /* RFC 2308 7.1 */
		return setup_error_plain(
			s, "caching SERVFAIL responses over 5 minutes is not permitted");
	c->servfail_ttl = (uint32_t)((uint64_t)ns / NS_PER_S);
	return true;
}

/* The zones behind `disable success`, the root where there are none. */
static bool read_disabled_zones(struct setup *s, struct cache_kind *k)
{
	struct view *words;
	size_t count = args_rest(s, &words), at = 0;
	k->disabled = arena_array(s->arena, count ? count : 1, sizeof *k->disabled);
	k->disabled[0] = name_root;
	for (size_t i = 0; i < count; i++) {
		struct name *zones;
		if (corefile_zones(s->arena, words[i], &zones) == 0)
			return setup_error_plain(
				s, "invalid disabled zone: %.*s", VIEW_ARGS(words[i]));
		k->disabled[at++] = zones[0];
	}
	k->disabled_count = count ? count : 1;
	return true;
}

static bool read_disable(struct setup *s)
{
	struct cache *c = s->state;
	struct view word;
	if (!arg_need(s, &word))
		return false;
	if (view_is(word, "success"))
		return read_disabled_zones(s, &c->kind[SUCCESS]);
	if (view_is(word, "denial"))
		return read_disabled_zones(s, &c->kind[DENIAL]);
	return setup_error_plain(s, "cache type for disable must be \"success\" or \"denial\"");
}

static bool read_keepttl(struct setup *s)
{
	((struct cache *)s->state)->keep_ttl = true;
	return arg_end(s);
}

static bool read_unknown(struct setup *s)
{
	return setup_argument_error(s);
}

const struct option cache_options[] = {
	{ "success", "CAPACITY [TTL] [MINTTL]", "10000 3600 5",
		"how many answers with data are kept, for how many seconds at most and at least",
		read_success, 0 },
	{ "denial", "CAPACITY [TTL] [MINTTL]", "10000 1800 5", "the same for answers without data",
		read_denial, 0 },
	{ "prefetch", "AMOUNT [DURATION [PERCENTAGE%]]", NULL,
		"fetches an answer again when it was asked for AMOUNT times with no gap over "
		"DURATION (1m) and "
		"only PERCENTAGE (10%) of its time is left",
		read_prefetch, 0 },
	{ "serve_stale",
		"[DURATION [immediate [TTL [RECHECK]] | verify [TIMEOUT [TTL [RECHECK]]] | "
		"rfc8767]]",
		NULL,
		"serves answers for DURATION (1h) after they have expired, with TTL (0s): at once, "
		"or when no fresh one "
		"can be had within TIMEOUT; after a failure none is tried for RECHECK",
		read_serve_stale, 0 },
	{ "serve_stale_policy", "prefer_positive", NULL,
		"an answer that does not answer never takes the place of an expired one that does",
		read_policy, 0 },
	{ "servfail", "DURATION", "5s", "how long failures are kept, at most 5m", read_servfail,
		0 },
	{ "disable", "success|denial [ZONES...]", NULL, "keeps no answers of this kind in ZONES",
		read_disable, 0 },
	{ "keepttl", NULL, NULL, "sends answers with the TTL that they were kept with",
		read_keepttl, 0 },
	{ "*", NULL, NULL, NULL, read_unknown, 0 },
	{ 0 },
};

static struct view join_zones(struct arena *a, const struct name *zones, size_t count)
{
	struct text all = { 0 };
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text_add_char(&all, ',');
		text_add_string(&all, name_text(a, zones[i]));
	}
	struct view joined = arena_copy(a, text_view(&all));
	text_free(&all);
	return joined;
}

bool cache_finish(struct setup *s)
{
	struct cache *c = s->state;
	if (c->policy_read && !c->stale_read)
		return setup_error_plain(s, "serve_stale_policy requires serve_stale");
	c->zones_label = join_zones(s->arena, c->zones, c->zone_count);
	if (s->checking)
		return true;
	c->table =
		cache_table_new((int64_t[]){ c->kind[SUCCESS].capacity, c->kind[DENIAL].capacity });
	arena_on_free(s->arena, cache_table_free, c->table);
	return true;
}
