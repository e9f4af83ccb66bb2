/* The options of `forward`. */
#include "plugins/forward/forward.h"
#include "server/block.h"

static struct forward *state(struct setup *s)
{
	return s->state;
}

void forward_init(struct setup *s)
{
	struct forward *f = state(s);
	f->max_fails = 2;
	f->expire = 10 * (int64_t)NS_PER_S;
	f->read_timeout = 2 * (int64_t)NS_PER_S;
	f->check_interval = 500 * (int64_t)NS_PER_MS;
	f->check_domain = name_root;
	s->block->takes_any_class = true;
}

bool forward_setup(struct setup *s)
{
	struct forward *f = state(s);
	struct view from;
	if (!arg_need(s, &from))
		return false;
	size_t count = relay_read_from(s, &f->relay, from);
	if (!count)
		return false;
	if (count > 1)
		setup_warning(s,
			"Unsupported CIDR notation: '%.*s' expands to multiple zones. Using only '%s'.",
			VIEW_ARGS(from), name_text(s->arena, f->relay.from));
	f->to_count = args_rest(s, &f->to);
	return f->to_count > 0 || setup_argument_error(s);
}

/* --- option by option --- */

static bool read_except(struct setup *s)
{
	return relay_read_except(s, &state(s)->relay);
}

/* A duration (number) that must not be negative; `name` in the message. */
static bool read_duration(struct setup *s, const char *name, int64_t *to)
{
	int64_t ns;
	if (!arg_duration(s, &ns))
		return false;
	if (ns < 0)
		return setup_error_plain(
			s, "%s can't be negative: %s", name, duration_print(s->arena, ns));
	*to = ns;
	return true;
}

static bool read_count(struct setup *s, const char *name, int64_t *to)
{
	int64_t n;
	if (!arg_integer(s, &n))
		return false;
	if (n < 0)
		return setup_error_plain(s, "%s can't be negative: %lld", name, (long long)n);
	*to = n;
	return true;
}

static bool read_expire(struct setup *s)
{
	return read_duration(s, "expire", &state(s)->expire);
}

static bool read_max_age(struct setup *s)
{
	return read_duration(s, "max_age", &state(s)->max_age);
}

static bool read_max_idle(struct setup *s)
{
	return read_count(s, "max_idle_conns", &state(s)->max_idle);
}

static bool read_max_concurrent(struct setup *s)
{
	if (!read_count(s, "max_concurrent", &state(s)->max_concurrent))
		return false;
	state(s)->max_concurrent_text = s->directive->words[s->at].text;
	return true;
}

static bool read_read_timeout(struct setup *s)
{
	int64_t ns;
	if (!arg_duration(s, &ns))
		return false;
	if (ns <= 0)
		return setup_error_plain(
			s, "read_timeout must be positive: %s", duration_print(s->arena, ns));
	state(s)->read_timeout = ns;
	return true;
}

static bool read_max_fails(struct setup *s)
{
	return arg_unsigned(s, &state(s)->max_fails);
}

static bool read_max_attempts(struct setup *s)
{
	state(s)->attempts_given = true;
	return arg_unsigned(s, &state(s)->max_attempts);
}

static bool read_doh_method(struct setup *s)
{
	struct view word;
	if (!arg_need(s, &word))
		return false;
	state(s)->doh_get = view_is(word, "GET");
	return state(s)->doh_get || view_is(word, "POST") ||
	       setup_error_plain(s, "doh_method must be either POST or GET");
}

static bool read_tls(struct setup *s)
{
	return relay_read_tls(s, &state(s)->relay);
}

static bool read_tls_server_name(struct setup *s)
{
	return arg_need(s, &state(s)->relay.tls_server_name);
}

static bool read_policy(struct setup *s)
{
	return relay_read_policy(s, &state(s)->relay);
}

static bool read_check_domain(struct setup *s)
{
	struct view word;
	struct name_buffer b;
	if (!arg_need(s, &word))
		return false;
	if (!name_parse(word, name_root, &b) && !view_is(word, "."))
		return setup_error_plain(
			s, "health_check: invalid domain name %.*s", VIEW_ARGS(word));
	state(s)->check_domain = view_is(word, ".") ? name_root : name_copy_lower(s->arena, name_of(&b));
	return true;
}

static bool read_health_check(struct setup *s)
{
	struct forward *f = state(s);
	struct view word;
	int64_t ns;
	if (!arg_duration(s, &ns))
		return false;
	if (ns < 0)
		return setup_error_plain(s, "health_check can't be negative: %lld", (long long)ns);
	f->check_interval = ns;
	f->check_domain = name_root;
	while (arg_next(s, &word)) {
		if (view_is(word, "no_rec"))
			f->no_rec = true;
		else if (!view_is(word, "domain"))
			return setup_error_plain(
				s, "health_check: unknown option %.*s", VIEW_ARGS(word));
		else if (!read_check_domain(s))
			return false;
	}
	return true;
}

static bool read_rcodes(struct setup *s, uint32_t *set, bool failover)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	for (size_t i = 0; i < count; i++) {
		uint16_t rcode;
		if (!rcode_parse(words[i], &rcode) || rcode >= 32)
			return setup_error_plain(s, "%.*s is not a valid rcode", VIEW_ARGS(words[i]));
		if (failover && rcode == RCODE_NOERROR)
			return setup_error_plain(s, "NoError cannot be used in failover");
		*set |= 1u << rcode;
	}
	return count > 0 || setup_argument_error(s);
}

static bool read_failover(struct setup *s)
{
	return read_rcodes(s, &state(s)->failover, true);
}

static bool read_next(struct setup *s)
{
	return read_rcodes(s, &state(s)->next, false);
}

static bool read_source(struct setup *s)
{
	struct forward *f = state(s);
	struct view word;
	struct endpoint e;
	if (!arg_need(s, &word))
		return false;
	if (!endpoint_parse_ip(word, 0, &e))
		return setup_error(s, "invalid IP address: %.*s", VIEW_ARGS(word));
	f->source = endpoint_from(&e.any);
	f->has_source = true;
	return true;
}

static bool read_resolver(struct setup *s)
{
	struct forward *f = state(s);
	struct view *words;
	f->resolver_count = args_rest(s, &words);
	f->resolvers = arena_array(s->arena, f->resolver_count, sizeof *f->resolvers);
	for (size_t i = 0; i < f->resolver_count; i++) {
		if (!endpoint_parse(words[i], 53, &f->resolvers[i]))
			return setup_error_plain(s, "resolver must be an IP address or IP:port: \"%.*s\"",
				VIEW_ARGS(words[i]));
	}
	return f->resolver_count > 0 || setup_argument_error(s);
}

static bool read_switch(struct setup *s, bool *to)
{
	*to = true;
	return arg_end(s);
}

static bool read_force_tcp(struct setup *s)
{
	return read_switch(s, &state(s)->force_tcp);
}

static bool read_prefer_udp(struct setup *s)
{
	return read_switch(s, &state(s)->prefer_udp);
}

static bool read_next_on_nodata(struct setup *s)
{
	return read_switch(s, &state(s)->next_on_nodata);
}

static bool read_failfast(struct setup *s)
{
	return read_switch(s, &state(s)->failfast);
}

static bool read_random_case(struct setup *s)
{
	return read_switch(s, &state(s)->random_case);
}

static bool read_unknown(struct setup *s)
{
	return setup_error(s, "unknown property '%.*s'", VIEW_ARGS(s->directive->words[s->at].text));
}

const struct option forward_options[] = {
	{ "except", "IGNORED_NAMES...", NULL, "zones below FROM that are not forwarded", read_except },
	{ "force_tcp", NULL, NULL, "asks over TCP, whatever the client used", read_force_tcp },
	{ "prefer_udp", NULL, NULL,
		"asks over UDP first, whatever the client used, and over TCP if the answer was cut",
		read_prefer_udp },
	{ "expire", "DURATION", "10s", "how long an idle connection is kept", read_expire },
	{ "max_age", "DURATION", "no limit", "how long any connection is used", read_max_age },
	{ "max_idle_conns", "INTEGER", "no limit", "how many idle connections to an upstream are kept",
		read_max_idle },
	{ "read_timeout", "DURATION", "2s", "how long an answer may take", read_read_timeout },
	{ "max_fails", "INTEGER", "2",
		"an upstream is down after more than so many failed checks; 0: never", read_max_fails },
	{ "max_connect_attempts", "INTEGER", "twice the number of upstreams",
		"how often a query is tried; 0: no limit", read_max_attempts },
	{ "doh_method", "GET|POST", "POST", "how https:// and h3:// upstreams are asked", read_doh_method },
	{ "tls", "[CA] | [CERT KEY] | [CERT KEY CA]", NULL, "certificates for encrypted upstreams",
		read_tls },
	{ "tls_servername", "NAME", "the upstream's address", "whose certificate upstreams must have",
		read_tls_server_name },
	{ "policy", "random|round_robin|sequential", "random", "in which order upstreams are tried",
		read_policy },
	{ "health_check", "DURATION [no_rec] [domain FQDN]", "0.5s",
		"the pause between checks of an upstream that failed a query; asks for NS of FQDN (the root), "
		"no_rec without the RD flag",
		read_health_check },
	{ "max_concurrent", "MAX", "no limit", "refuses queries while MAX are being forwarded",
		read_max_concurrent },
	{ "next", "RCODE...", NULL, "answers with these rcodes: asks the forward that follows instead",
		read_next },
	{ "next_on_nodata", NULL, NULL, "answers without data: asks the forward that follows instead",
		read_next_on_nodata },
	{ "failfast_all_unhealthy_upstreams", NULL, NULL,
		"SERVFAIL at once while all upstreams are down, in place of trying one", read_failfast },
	{ "failover", "RCODE...", NULL, "answers with these rcodes: tries the next upstream", read_failover },
	{ "source_address", "IP", NULL, "the local address to ask from", read_source },
	{ "resolver", "IP[:PORT]...", "the system's",
		"servers that are asked, at the start, for the addresses of upstreams given by name",
		read_resolver },
	{ "random_case", NULL, NULL,
		"asks in letters of random case, which the answer must repeat: makes forging harder; few "
		"servers do not repeat them",
		read_random_case },
	{ "*", NULL, NULL, NULL, read_unknown },
	{ 0 },
};
