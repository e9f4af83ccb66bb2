/* Takes clients' addresses from proxies. */
#include "base/clock.h"
#include "server/block.h"

enum { SESSIONS_DEFAULT = 10240, SESSIONS_MAX = 10000000 };

struct proxyproto {
	struct proxy_policy policy;
	struct prefix *allowed; /* as they stand, until they are made a set */
	size_t allowed_count;
	bool has_otherwise;
};

/* Every word is a network, also where another line has named some. */
static bool read_allow(struct setup *s)
{
	struct proxyproto *p = s->state;
	struct view *words;
	size_t count = args_rest(s, &words);
	if (!count)
		return setup_argument_error(s);
	struct prefix *all = arena_array(s->arena, p->allowed_count + count, sizeof *all);
	if (p->allowed_count)
		memcpy(all, p->allowed, p->allowed_count * sizeof *all);
	for (size_t i = 0; i < count; i++) {
		if (!prefix_parse(words[i], &all[p->allowed_count + i]))
			return setup_error_plain(s, "%.*s: invalid CIDR address: %.*s",
				VIEW_ARGS(words[i]), VIEW_ARGS(words[i]));
	}
	p->allowed = all;
	p->allowed_count += count;
	return true;
}

static bool read_default(struct setup *s)
{
	static const char *const names[] = {
		[PROXY_SKIP] = "skip",
		[PROXY_USE] = "use",
		[PROXY_IGNORE] = "ignore",
		[PROXY_REJECT] = "reject",
	};
	struct proxyproto *p = s->state;
	struct view word;
	if (!arg_need(s, &word) || !arg_end(s))
		return false;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (view_is(word, names[i])) {
			p->policy.otherwise = (enum proxy_use)i;
			p->has_otherwise = true;
			return true;
		}
	}
	return setup_argument_error(s);
}

static bool read_session_tracking(struct setup *s)
{
	struct proxyproto *p = s->state;
	struct view word;
	const char *why;
	int64_t time;
	uint64_t most = SESSIONS_DEFAULT;
	if (!arg_need(s, &word))
		return false;
	if (!duration_parse(s->arena, word, &time, &why))
		return setup_error_plain(s, "udp_session_tracking: invalid duration \"%.*s\": %s",
			VIEW_ARGS(word), why);
	if (arg_next(s, &word) && (!view_unsigned(word, SESSIONS_MAX, &most) || !most))
		return setup_error_plain(s,
			"udp_session_tracking: invalid max sessions \"%.*s\": must be a positive integer",
			VIEW_ARGS(word));
	p->policy.session_time = time > 0 ? (uint64_t)time : 0;
	p->policy.sessions_max = (size_t)most;
	return arg_end(s);
}

static bool proxyproto_finish(struct setup *s)
{
	struct proxyproto *p = s->state;
	p->policy.has_allowed = p->allowed_count > 0;
	p->policy.allowed = prefix_set_make(p->allowed, p->allowed_count);
	if (!p->has_otherwise)
		p->policy.otherwise = p->policy.has_allowed ? PROXY_IGNORE : PROXY_USE;
	s->block->proxies = &p->policy;
	return true;
}

static const struct option options[] = {
	{ .name = "allow",
		.arguments = "CIDR...",
		.help = "the networks of proxies whose headers are used; without it those of everybody are",
		.read = read_allow },
	{ .name = "default",
		.arguments = "use|ignore|reject|skip",
		.fallback = "use; ignore where there is `allow`",
		.help = "what is done with a header of anybody else: it is used, taken away, refused, or not looked for",
		.read = read_default },
	{ .name = "udp_session_tracking",
		.arguments = "DURATION [MAX_SESSIONS]",
		.help = "over UDP a header holds for later datagrams from the same address and port, so long after the last of them; of so "
			"many (10240) senders for each worker",
		.read = read_session_tracking },
	{ 0 },
};

PLUGIN(proxyproto) = {
	.name = "proxyproto",
	.help = "takes clients' addresses from the PROXY protocol that load balancers speak",
	.about = "A header of version 1 or 2 may stand in front of a TCP connection, before TLS; of version 2 in front of a datagram, QUIC's "
		 "included. One that is malformed ends the connection, or drops the datagram with a warning. What a proxy asks for itself "
		 "(LOCAL) keeps the proxy's own address. Answers go back the way the query came.\n\n"
		 "Whoever may reach the listener can claim any address unless `allow` says who may.",
	.options = options,
	.state_size = sizeof(struct proxyproto),
	.once = true,
	.finish = proxyproto_finish,
};
