/* The servers that a TO stands for: an address, the name servers of a resolv.conf, or the addresses of a name. */
#include "base/error.h"
#include "base/file.h"
#include "net/ask.h"
#include "net/resolvconf.h"
#include "plugins/forward/forward.h"

#include "dns/message.h"
#include <errno.h>
#include <netdb.h>

enum { TO_MAX = 15, RESOLVCONF_MAX = 1 << 20 };

static const uint64_t lookup_timeout = 2 * NS_PER_S;

static const struct {
	const char *prefix;
	enum transport transport;
	uint16_t port;
} schemes[] = {
	{ "dns", TRANSPORT_UDP, 53 },
	{ "tls", TRANSPORT_TLS, 853 },
	{ "quic", TRANSPORT_QUIC, 853 },
	{ "grpc", TRANSPORT_GRPC, 443 },
	{ "h3", TRANSPORT_HTTPS3, 443 },
	{ "https3", TRANSPORT_HTTPS3, 443 },
	{ "https", TRANSPORT_HTTPS, 443 },
};

enum { SCHEMES = sizeof schemes / sizeof *schemes, SCHEME_PLAIN = 0 };

/* What is being collected: addresses in order, each once. */
struct collection {
	struct setup *s;
	struct forward *f;
	size_t entries, capacity;
};

/* --- words --- */

/* Takes "SCHEME://" off; gives the index into schemes. */
static size_t scheme_take(struct view *text)
{
	for (size_t i = 0; i < SCHEMES; i++) {
		size_t length = strlen(schemes[i].prefix);
		if (text->length >= length + 3 && memcmp(text->at, schemes[i].prefix, length) == 0 &&
			memcmp(text->at + length, "://", 3) == 0) {
			*text = view_skip(*text, length + 3);
			return i;
		}
	}
	return SCHEME_PLAIN;
}

static size_t find_last(struct view v, char c)
{
	size_t i = v.length;
	while (i > 0 && v.at[i - 1] != c)
		i--;
	return i ? i - 1 : v.length;
}

/* Splits "HOST", "HOST:PORT", "[HOST]", "[HOST]:PORT". False if there is no port. More than one colon without brackets is an
 * IPv6 address. */
static bool port_split(struct view text, struct view *host, struct view *port)
{
	bool bracketed = text.length && text.at[0] == '[';
	size_t end = bracketed ? find_last(text, ']') : find_last(text, ':');
	*host = text;
	if (bracketed) {
		if (end == text.length)
			return false;
		*host = (struct view){ text.at + 1, end - 1 };
		struct view rest = view_skip(text, end + 1);
		if (!rest.length || rest.at[0] != ':')
			return false;
		*port = view_skip(rest, 1);
		return true;
	}
	if (end == text.length || view_find(text, ':') != end)
		return false;
	*host = view_first(text, end);
	*port = view_skip(text, end + 1);
	return true;
}

/* Takes "%NAME" off the host. */
static struct view zone_take(struct view *host)
{
	size_t percent = find_last(*host, '%');
	struct view zone = { "", 0 };
	if (percent == host->length)
		return zone;
	zone = view_skip(*host, percent + 1);
	*host = view_first(*host, percent);
	return zone;
}

static bool destination_parse(struct setup *s, struct view text, struct destination *d)
{
	struct view rest = text, port;
	size_t scheme = scheme_take(&rest);
	uint64_t number = schemes[scheme].port;
	*d = (struct destination){ .transport = schemes[scheme].transport, .text = text };
	if (!rest.length)
		return setup_error_plain(s, "invalid address: \"%.*s\"", VIEW_ARGS(text));
	if (port_split(rest, &d->host, &port) && !view_unsigned(port, UINT16_MAX, &number))
		number = UINT64_MAX;
	d->server_name = zone_take(&d->host);
	d->port = (uint16_t)number;
	struct endpoint e;
	if (number == UINT64_MAX && endpoint_parse_ip(d->host, 0, &e))
		return setup_error_plain(s, "invalid port in \"%.*s\"", VIEW_ARGS(text));
	return true;
}

/* --- collecting --- */

static const char *scheme_of(enum transport transport)
{
	for (size_t i = 0; i < SCHEMES; i++)
		if (schemes[i].transport == transport)
			return schemes[i].prefix;
	return "";
}

static bool server_name_check(struct collection *c, const struct destination *d, struct view name)
{
	const struct forward *f = c->f;
	if (!forward_names_server(d->transport) || !d->server_name.length || !f->relay.tls_server_name.length)
		return true;
	return setup_error_plain(c->s,
		"both forward ('%.*s') and proxy level ('%.*s') TLS servernames are set for upstream proxy '%s://%.*s'",
		VIEW_ARGS(f->relay.tls_server_name), VIEW_ARGS(d->server_name), scheme_of(d->transport),
		VIEW_ARGS(name));
}

static bool is_quic(enum transport t)
{
	return t == TRANSPORT_QUIC || t == TRANSPORT_HTTPS3;
}

/* A port of QUIC is another one than a port of TCP. */
static bool is_same(const struct upstream *u, const struct destination *d, const struct endpoint *e)
{
	return is_quic(u->transport) == is_quic(d->transport) && endpoint_equal(&u->endpoint, e);
}

/* Adds an address if it is new. */
static bool collect(struct collection *c, const struct destination *d, const struct endpoint *e)
{
	struct forward *f = c->f;
	char text[ENDPOINT_TEXT_MAX];
	for (size_t i = 0; i < f->count; i++)
		if (is_same(&f->upstreams[i].net, d, e))
			return true;
	if (f->count == c->capacity) {
		c->capacity = c->capacity ? 2 * c->capacity : 4;
		struct forward_upstream *more = arena_array(c->s->arena, c->capacity, sizeof *more);
		if (f->count)
			memcpy(more, f->upstreams, f->count * sizeof *more);
		f->upstreams = more;
	}
	struct forward_upstream *u = &f->upstreams[f->count++];
	endpoint_print(e, text);
	u->name = arena_copy(c->s->arena, view_of(text));
	u->server_name = d->server_name;
	u->net = (struct upstream){
		.endpoint = *e,
		.transport = d->transport,
		.has_source = f->has_source,
		.source = f->source,
		.expire = (uint64_t)f->expire,
		.max_age = (uint64_t)f->max_age,
		.max_idle = (size_t)f->max_idle,
		.count = forward_count,
	};
	return server_name_check(c, d, u->name);
}

/* An IP address. The scope of an IPv6 one is kept where it names an interface: without it, it reaches nobody. */
static bool is_address(const struct destination *d, struct endpoint *e)
{
	if (!endpoint_parse_ip(d->host, d->port, e))
		return false;
	struct view with_scope = { d->host.at, d->host.length + 1 + d->server_name.length };
	struct endpoint scoped;
	if (d->transport == TRANSPORT_UDP && d->server_name.length && endpoint_is_v6(e) &&
		endpoint_parse_ip(with_scope, d->port, &scoped))
		*e = scoped;
	return true;
}

/* --- resolv.conf --- */

enum file_result {
	FILE_NONE,
	FILE_TAKEN,
	FILE_REFUSED,
};

static enum file_result collect_file(struct collection *c, struct view text)
{
	struct arena *scratch = arena_new(4096);
	struct view content;
	const char *path = arena_string(scratch, text);
	int error = file_read(scratch, path, RESOLVCONF_MAX, &content);
	enum file_result result = error == 0 || error == EISDIR ? FILE_TAKEN : FILE_NONE;
	struct resolvconf conf = { 0 };
	if (error == 0)
		conf = resolvconf_parse(scratch, content);
	for (size_t i = 0; i < conf.nameserver_count && result == FILE_TAKEN; i++) {
		struct destination d = { .transport = TRANSPORT_UDP, .text = text };
		struct endpoint e;
		if (!endpoint_parse_ip(conf.nameservers[i], 53, &e)) {
			setup_error_plain(c->s, "%.*s: nameserver '%.*s' is not an IP address", VIEW_ARGS(text),
				VIEW_ARGS(conf.nameservers[i]));
			result = FILE_REFUSED;
		} else if (!collect(c, &d, &e)) {
			result = FILE_REFUSED;
		}
	}
	c->entries += conf.nameserver_count > 0;
	arena_free(scratch);
	return result;
}

/* --- names --- */

static bool is_host_name(const struct destination *d)
{
	struct name_buffer b;
	return d->transport != TRANSPORT_GRPC && d->host.length && name_parse(d->host, name_root, &b);
}

/* The system's way: hosts file and resolv.conf. */
static bool collect_from_system(struct collection *c, const struct destination *d)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list;
	const char *host = arena_string(c->s->arena, d->host);
	int error = getaddrinfo(host, NULL, &hints, &list);
	if (error)
		return setup_error_plain(c->s, "failed to resolve \"%s\": lookup %s: %s", host, host,
			error == EAI_SYSTEM ? error_text(errno) : "no such host");
	bool done = true;
	for (struct addrinfo *a = list; a && done; a = a->ai_next) {
		struct endpoint e = endpoint_from(a->ai_addr);
		endpoint_set_port(&e, d->port);
		done = collect(c, d, &e);
	}
	freeaddrinfo(list);
	return done;
}

static bool collect_answer(struct collection *c, const struct destination *d, const struct message *m)
{
	for (size_t i = 0; i < m->section[SECTION_ANSWER].count; i++) {
		const struct record *r = &m->section[SECTION_ANSWER].records[i];
		struct endpoint e = { .v6 = { .sin6_family = AF_INET6 } };
		if (r->type == TYPE_A) {
			e = (struct endpoint){ .v4 = { .sin_family = AF_INET } };
			memcpy(&e.v4.sin_addr, r->rdata, sizeof e.v4.sin_addr);
		} else if (r->type == TYPE_AAAA) {
			memcpy(&e.v6.sin6_addr, r->rdata, sizeof e.v6.sin6_addr);
		} else {
			continue;
		}
		endpoint_set_port(&e, d->port);
		if (!collect(c, d, &e))
			return false;
	}
	return true;
}

/* Asks a resolver for one type. NULL with *why when it gives no answer. */
static const struct message *ask_resolver(struct arena *arena, const struct endpoint *resolver,
	struct name name, uint16_t type, const char **why)
{
	uint8_t query[HEADER_SIZE + NAME_OCTETS_MAX + QUESTION_FIXED];
	struct message m = { .flags = FLAG_RD, .has_question = true, .question = { name, type, CLASS_IN } };
	struct message *answer = arena_new_object(arena, struct message);
	struct ask ask = { .endpoint = *resolver, .query = query, .timeout = lookup_timeout };
	struct view wire;
	ask.query_length = ask.question_end = message_write(&m, query, sizeof query);
	if (!ask_once(&ask, arena, &wire, why))
		return NULL;
	if (message_read(answer, arena, (const uint8_t *)wire.at, wire.length) == MESSAGE_OK)
		return answer;
	*why = "malformed answer";
	return NULL;
}

static bool collect_from_resolvers(struct collection *c, const struct destination *d)
{
	struct name name = name_from_text(c->s->arena, d->host);
	const char *why = NULL;
	for (size_t i = 0; i < c->f->resolver_count; i++) {
		const struct endpoint *resolver = &c->f->resolvers[i];
		size_t before = c->f->count;
		const struct message *a = ask_resolver(c->s->arena, resolver, name, TYPE_A, &why);
		if (!a)
			continue;
		if (!collect_answer(c, d, a))
			return false;
		const struct message *aaaa = ask_resolver(c->s->arena, resolver, name, TYPE_AAAA, &why);
		if (aaaa && !collect_answer(c, d, aaaa))
			return false;
		if (c->f->count > before)
			return true;
	}
	return setup_error_plain(c->s, "failed to resolve \"%.*s\": no addresses found for \"%.*s\"%s%s",
		VIEW_ARGS(d->host), VIEW_ARGS(d->host), why ? ": " : "", why ? why : "");
}

static bool collect_name(struct collection *c, const struct destination *d)
{
	if (!is_host_name(d))
		return setup_error_plain(c->s, "not an IP address, file, or valid domain: \"%.*s\"",
			VIEW_ARGS(d->text));
	c->entries++;
	if (c->s->checking)
		return true;
	return c->f->resolver_count ? collect_from_resolvers(c, d) : collect_from_system(c, d);
}

/* --- all of them --- */

static bool collect_one(struct collection *c, struct view text)
{
	struct destination d;
	struct endpoint e;
	if (!destination_parse(c->s, text, &d))
		return false;
	if (is_address(&d, &e)) {
		c->entries++;
		return collect(c, &d, &e);
	}
	struct view rest = text;
	scheme_take(&rest);
	switch (collect_file(c, rest)) {
	case FILE_TAKEN:
		return true;
	case FILE_REFUSED:
		return false;
	case FILE_NONE:
		break;
	}
	return collect_name(c, &d);
}

static bool paths_check(struct setup *s, const struct forward *f)
{
	for (size_t i = 0; i < f->to_count; i++) {
		struct view rest = f->to[i];
		size_t scheme = scheme_take(&rest);
		enum transport t = schemes[scheme].transport;
		bool http = t == TRANSPORT_HTTPS || t == TRANSPORT_HTTPS3;
		if (http && view_find(rest, '/') < rest.length)
			return setup_error_plain(s,
				"paths are not allowed in HTTPS upstream addresses (the /dns-query path is used by default): %.*s",
				VIEW_ARGS(f->to[i]));
	}
	return true;
}

static bool transports_check(struct setup *s, const struct forward *f)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct forward_upstream *u = &f->upstreams[i];
		enum transport t = u->net.transport;
		if (t == TRANSPORT_GRPC)
			return setup_error_plain(s,
				"'%s' is not supported as a destination protocol in forward: %s://%.*s",
				scheme_of(t), scheme_of(t), VIEW_ARGS(u->name));
	}
	return true;
}

bool destinations_read(struct setup *s, struct forward *f)
{
	struct collection c = { .s = s, .f = f };
	if (!paths_check(s, f))
		return false;
	for (size_t i = 0; i < f->to_count; i++) {
		if (view_starts(f->to[i], VIEW("unix://")))
			return setup_error_plain(s,
				"'unix' is not supported as a destination protocol in forward: %.*s",
				VIEW_ARGS(f->to[i]));
		if (!collect_one(&c, f->to[i]))
			return false;
	}
	if (!f->count && !(s->checking && c.entries))
		return setup_error_plain(s, "no valid upstream addresses found");
	if (!transports_check(s, f))
		return false;
	return c.entries <= TO_MAX ||
	       setup_error_plain(s, "more than %d TOs configured: %zu", TO_MAX, c.entries);
}
