/* The directive `nomad`: its options, and the environment that Nomad's own tools have. */
#include "plugins/nomad/nomad.h"

#include "base/encoding.h"
#include "server/block.h"
#include "server/sandbox.h"
#include "sync/url.h"
#include <stdlib.h>

enum { TTL_DEFAULT = 30, TTL_MAX = 3600 };

static struct nomad *state(struct setup *s)
{
	return s->state;
}

void nomad_init(struct setup *s)
{
	struct nomad *n = state(s);
	n->zone = name_from_text(s->arena, VIEW("service.nomad."));
	n->ttl = TTL_DEFAULT;
}

bool nomad_setup(struct setup *s)
{
	struct view *words;
	if (!args_rest(s, &words))
		return true;
	struct name zone = name_from_text(s->arena, words[0]);
	if (!zone.length)
		return setup_error(s, "invalid zone '%.*s'", VIEW_ARGS(words[0]));
	state(s)->zone = name_copy_lower(s->arena, zone);
	return true;
}

/* --- options --- */

static void add_address(struct setup *s, const char *text)
{
	struct nomad_access *a = &state(s)->access;
	a->addresses = arena_grow(
		s->arena, a->addresses, a->address_count, &a->address_capacity, sizeof *a->addresses);
	a->addresses[a->address_count++] = (struct nomad_address){ .text = text };
}

static bool read_address(struct setup *s)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	for (size_t i = 0; i < count; i++)
		add_address(s, arena_string(s->arena, words[i]));
	return count || setup_error(s, "at least one address is required");
}

/* The only word of an option. */
static bool read_only(struct setup *s, const char *what, struct view *word)
{
	struct view *words;
	if (args_rest(s, &words) != 1)
		return setup_error(s, "exactly one %s is required", what);
	*word = words[0];
	return true;
}

static bool read_filter(struct setup *s)
{
	return read_only(s, "filter", &state(s)->access.filter);
}

static const char *token_line(struct arena *a, struct view token)
{
	return arena_printf(a, "X-Nomad-Token: %.*s", VIEW_ARGS(token));
}

static bool read_token(struct setup *s)
{
	struct view token = VIEW("");
	if (!read_only(s, "token", &token))
		return false;
	state(s)->access.token = token_line(s->arena, token);
	return true;
}

static bool read_ttl(struct setup *s)
{
	struct view word = VIEW("");
	int32_t ttl;
	if (!read_only(s, "ttl value", &word))
		return false;
	if (!view_integer(word, &ttl))
		return setup_error(s, "error parsing ttl: strconv.Atoi: parsing \"%.*s\": invalid syntax", VIEW_ARGS(word));
	if (ttl < 0 || ttl > TTL_MAX)
		return setup_error(s, "ttl must be in range [0, %d]: %d", TTL_MAX, ttl);
	state(s)->ttl = (uint32_t)ttl;
	return true;
}

const struct option nomad_options[] = {
	{ .name = "address",
		.arguments = "URL...",
		.fallback = "$NOMAD_ADDR, http://127.0.0.1:4646",
		.help = "Nomad's agents, asked in turn when one is away; unix:///PATH, too",
		.read = read_address },
	{ .name = "filter",
		.arguments = "EXPRESSION",
		.help = "shows only registrations that fit, in Nomad's filter language",
		.read = read_filter },
	{ .name = "token",
		.arguments = "TOKEN",
		.fallback = "$NOMAD_TOKEN",
		.help = "the ACL token to ask with",
		.read = read_token },
	{ .name = "ttl",
		.arguments = "SECONDS",
		.fallback = "30",
		.help = "of all records, 0 to 3600",
		.read = read_ttl },
	{ 0 },
};

/* --- addresses --- */

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* The certificate's name is another one than the address has: that stands in the URL, and where it really is beside it. */
static void rename_host(struct arena *a, struct nomad_address *to, const char *name)
{
	struct view origin = url_origin(view_of(to->url)), host = url_host(origin);
	if (!view_starts(origin, VIEW("https://")))
		return;
	struct view rest = view_skip(origin, sizeof "https://" - 1);
	bool bracketed = host.at > origin.at && host.at[-1] == '[';
	struct view behind = view_skip(rest, (size_t)(host.at - rest.at) + host.length + bracketed);
	struct view port = behind.length > 1 && behind.at[0] == ':' ? view_skip(behind, 1) : VIEW("443");
	to->connect_to = arena_printf(a, bracketed ? "%s:%.*s:[%.*s]:%.*s" : "%s:%.*s:%.*s:%.*s", name, VIEW_ARGS(port),
		VIEW_ARGS(host), VIEW_ARGS(port));
	to->url = arena_printf(a, "https://%s:%.*s", name, VIEW_ARGS(port));
}

static bool complete_address(struct setup *s, struct nomad_address *to)
{
	static const struct view socket = VIEW("unix://");
	struct view text = view_of(to->text);
	const char *name = variable("NOMAD_TLS_SERVER_NAME");
	if (view_starts(text, socket)) {
		to->unix_socket = to->text + socket.length;
		to->url = "http://127.0.0.1";
		return true;
	}
	if (!url_origin(text).length)
		return setup_error_plain(s, "invalid address '%s': not a URL of http, https or unix", to->text);
	while (text.length && text.at[text.length - 1] == '/')
		text.length--;
	to->url = arena_string(s->arena, text);
	if (name)
		rename_host(s->arena, to, name);
	return true;
}

/* --- the environment --- */

static void need_file(struct setup *s, const char *path)
{
	if (path)
		sandbox_need(s->block->config, view_of(path), false);
}

static void read_tls_environment(struct setup *s, struct http_tls *tls)
{
	const char *skip = variable("NOMAD_SKIP_VERIFY");
	*tls = (struct http_tls){
		.authorities_file = variable("NOMAD_CACERT"),
		.authorities_folder = variable("NOMAD_CAPATH"),
		.certificate_file = variable("NOMAD_CLIENT_CERT"),
		.key_file = variable("NOMAD_CLIENT_KEY"),
		.insecure = skip && (strchr("1tT", *skip) != NULL),
	};
	need_file(s, tls->authorities_file);
	need_file(s, tls->authorities_folder);
	need_file(s, tls->certificate_file);
	need_file(s, tls->key_file);
}

static void read_environment(struct setup *s, struct nomad_access *a)
{
	const char *token = variable("NOMAD_TOKEN"), *region = variable("NOMAD_REGION");
	const char *user = variable("NOMAD_HTTP_AUTH");
	if (!a->token && token)
		a->token = token_line(s->arena, view_of(token));
	if (region)
		a->region = view_of(region);
	if (user) {
		struct text line = { 0 };
		text_add_string(&line, "Authorization: Basic ");
		text_add_base64(&line, view_of(user));
		a->authorization = arena_string(s->arena, text_view(&line));
		text_free(&line);
	}
	read_tls_environment(s, &a->tls);
}

bool nomad_finish(struct setup *s)
{
	struct nomad *n = state(s);
	setup_secret(s);
	const char *address = variable("NOMAD_ADDR");
	if (!n->access.address_count)
		add_address(s, address ? address : "http://127.0.0.1:4646");
	for (size_t i = 0; i < n->access.address_count; i++) {
		if (!complete_address(s, &n->access.addresses[i]))
			return false;
	}
	if (s->checking)
		return true;
	read_environment(s, &n->access);
	n->source = nomad_source_new(s->self, &n->access);
	arena_on_free(s->arena, nomad_source_free, n->source);
	return true;
}
