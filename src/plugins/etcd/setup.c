/* The directive `etcd`: its options. */
#include "plugins/etcd/etcd.h"

#include "base/error.h"
#include "base/file.h"
#include "server/block.h"
#include "server/sandbox.h"

enum {
	LEASE_MIN_DEFAULT = 30,
	LEASE_MAX_DEFAULT = 86400,
	PEM_MAX = 1 << 20,
};

static const uint64_t call_timeout = 5 * NS_PER_S;

static struct etcd *state(struct setup *s)
{
	return s->state;
}

void etcd_init(struct setup *s)
{
	static const char *default_endpoint[] = { "http://localhost:2379" };
	struct etcd *e = state(s);
	e->prefix = VIEW("/skydns");
	e->endpoints = default_endpoint;
	e->endpoint_count = 1;
	e->lease_min = LEASE_MIN_DEFAULT;
	e->lease_max = LEASE_MAX_DEFAULT;
}

bool etcd_setup(struct setup *s)
{
	return args_zones(s, &state(s)->zones, &state(s)->zone_count);
}

/* --- options --- */

static bool read_fallthrough(struct setup *s)
{
	return args_fallthrough(s, &state(s)->fallthrough);
}

/* The parts of a path with one slash before each: "" for none; "." and ".." as everywhere. */
static struct view clean_path(struct arena *a, struct view path)
{
	char *text = arena_octets(a, path.length + 1);
	size_t length = 0;
	while (path.length) {
		size_t end = view_find(path, '/');
		struct view part = view_first(path, end);
		path = view_skip(path, end < path.length ? end + 1 : end);
		if (view_is(part, "..")) {
			while (length && text[--length] != '/')
				;
		} else if (part.length && !view_is(part, ".")) {
			text[length++] = '/';
			memcpy(text + length, part.at, part.length);
			length += part.length;
		}
	}
	return (struct view){ text, length };
}

static bool read_path(struct setup *s)
{
	struct view path;
	if (!arg_need(s, &path))
		return false;
	state(s)->prefix = clean_path(s->arena, path);
	return true;
}

static bool read_endpoint(struct setup *s)
{
	struct etcd *e = state(s);
	struct view *words;
	e->endpoint_count = args_rest(s, &words);
	if (!e->endpoint_count)
		return setup_argument_error(s);
	e->endpoints = arena_array(s->arena, e->endpoint_count, sizeof *e->endpoints);
	for (size_t i = 0; i < e->endpoint_count; i++)
		e->endpoints[i] = arena_string(s->arena, words[i]);
	return true;
}

static bool read_credentials(struct setup *s)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	if (!count)
		return setup_argument_error(s);
	if (count != 2)
		return setup_error(s, "credentials requires 2 arguments, username and password");
	state(s)->user = words[1].length ? words[0] : VIEW("");
	state(s)->password = words[1];
	return true;
}

/* [CA] | [CERT KEY] | [CERT KEY CA] */
static bool read_tls(struct setup *s)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	if (count > 3)
		return setup_error_plain(s, "maximum of three arguments allowed for TLS config, found %zu", count);
	struct http_tls *tls = state(s)->tls = arena_new_object(s->arena, struct http_tls);
	if (count >= 2) {
		tls->certificate_file = block_path(s->block, s->arena, words[0]);
		tls->key_file = block_path(s->block, s->arena, words[1]);
	}
	if (count == 1 || count == 3)
		tls->authorities_file = block_path(s->block, s->arena, words[count - 1]);
	return true;
}

/* Seconds, or a duration that is cut to whole seconds. */
static bool read_ttl(struct setup *s, uint32_t *to, uint32_t fallback)
{
	struct view word;
	const char *why;
	uint64_t seconds;
	int64_t ns;
	if (!arg_need(s, &word))
		return false;
	const char *name = to == &state(s)->lease_min ? "min-lease-ttl" : "max-lease-ttl";
	bool minus = word.length && word.at[0] == '-';
	if (view_unsigned(minus ? view_skip(word, 1) : word, UINT64_MAX, &seconds))
		minus &= seconds > 0;
	else if (duration_parse(s->arena, word, &ns, &why))
		seconds = ns < 0 ? 0 : (uint64_t)ns / NS_PER_S;
	else
		return setup_error(s, "invalid %s value: invalid TTL format, use format like '30', '30s', '5m', '1h', or '2h30m'", name);
	if (minus)
		return setup_error(s, "invalid %s value: TTL must be non-negative", name);
	if (seconds > UINT32_MAX)
		return setup_error(s, "invalid %s value: TTL too large, maximum is 4294967295 seconds", name);
	*to = seconds ? (uint32_t)seconds : fallback;
	return true;
}

static bool read_lease_min(struct setup *s)
{
	return read_ttl(s, &state(s)->lease_min, LEASE_MIN_DEFAULT);
}

static bool read_lease_max(struct setup *s)
{
	return read_ttl(s, &state(s)->lease_max, LEASE_MAX_DEFAULT);
}

static bool read_persist(struct setup *s)
{
	struct view path;
	if (!arg_need(s, &path) || !arg_end(s))
		return false;
	state(s)->persist = block_path(s->block, s->arena, path);
	return true;
}

static bool read_ignored(struct setup *s)
{
	struct view *words;
	args_rest(s, &words);
	return true;
}

const struct option etcd_options[] = {
	{ .name = "fallthrough",
		.arguments = "[ZONES...]",
		.help = "passes names that have no key to the next plugin",
		.read = read_fallthrough },
	{ .name = "path",
		.arguments = "PATH",
		.fallback = "skydns",
		.help = "the prefix of all keys",
		.read = read_path },
	{ .name = "endpoint",
		.arguments = "URL...",
		.fallback = "http://localhost:2379",
		.help = "members of one cluster, asked in turn when one is away; unix:///PATH, too",
		.read = read_endpoint },
	{ .name = "credentials",
		.arguments = "USER PASSWORD",
		.help = "who asks, where etcd has authentication enabled",
		.read = read_credentials },
	{ .name = "tls",
		.arguments = "[CA] | [CERT KEY] | [CERT KEY CA]",
		.help = "files of the authorities to trust, and of the client's own certificate, for endpoints with https",
		.read = read_tls },
	{ .name = "min-lease-ttl",
		.arguments = "SECONDS|DURATION",
		.fallback = "30",
		.help = "the TTL of a record whose lease is about to end",
		.read = read_lease_min },
	{ .name = "max-lease-ttl",
		.arguments = "SECONDS|DURATION",
		.fallback = "86400",
		.help = "the longest TTL that a lease gives",
		.read = read_lease_max },
	{ .name = "persist",
		.arguments = "PATH",
		.help = "keeps the last state in this file, and answers from it when a start finds no etcd",
		.read = read_persist },
	{ .name = "live",
		.help = "asks etcd with each query in place of watching it: nothing is kept in memory, and nothing is answered while etcd is away",
		.offset = offsetof(struct etcd, live) },
	{ .name = "upstream",
		.arguments = "[...]",
		.help = "taken for the sake of CoreDNS's Corefiles, and ignored",
		.read = read_ignored },
	{ .name = "stubzones", .help = "the same", .read = read_ignored },
	{ .name = "debug", .help = "the same", .read = read_ignored },
	{ 0 },
};

/* --- what the options come to --- */

static bool check_file(struct setup *s, const char *path, const char *what)
{
	struct view content;
	if (!path)
		return true;
	sandbox_need(s->block->config, view_of(path), false);
	int error = file_read(s->arena, path, PEM_MAX, &content);
	return !error || setup_error_plain(s, "%s: open %s: %s", what, path, error_text(error));
}

static bool check_tls(struct setup *s, const struct http_tls *tls)
{
	return check_file(s, tls->certificate_file, "could not load TLS cert") &&
	       check_file(s, tls->key_file, "could not load TLS cert") &&
	       check_file(s, tls->authorities_file, "error reading authorities");
}

static const char *identity_of(struct arena *a, const struct etcd *e)
{
	const char *text = arena_printf(a, "%.*s %.*s", VIEW_ARGS(e->prefix), VIEW_ARGS(e->user));
	for (size_t i = 0; i < e->endpoint_count; i++)
		text = arena_printf(a, "%s %s", text, e->endpoints[i]);
	return text;
}

bool etcd_finish(struct setup *s)
{
	struct etcd *e = state(s);
	setup_secret(s);
	if (s->checking)
		return true;
	if (e->tls && !check_tls(s, e->tls))
		return false;
	if (e->persist)
		sandbox_need(s->block->config, view_of(e->persist), true);
	struct etcd_source_settings settings = {
		.self = s->self,
		.prefix = view_of(arena_printf(s->arena, "%.*s/", VIEW_ARGS(e->prefix))),
		.identity = identity_of(s->arena, e),
		.persist = e->persist,
		.etcd = {
			.endpoints = e->endpoints,
			.endpoint_count = e->endpoint_count,
			.user = e->user,
			.password = e->password,
			.tls = e->tls,
			.timeout = call_timeout,
			.stop = &s->block->config->stopping,
		},
	};
	e->source = etcd_source_new(&settings);
	arena_on_free(s->arena, etcd_source_free, e->source);
	return true;
}
