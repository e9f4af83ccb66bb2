/* Grouping the keys of all blocks by listener, and refusing what cannot be served beside each other. */
#include "server/groups.h"

#include "base/map.h"
#include "server/credentials.h"

struct grouping {
	struct config *config;
	struct complaints *complaints;
	struct map groups;  /* by listener name */
	struct map defined; /* "dns://example.org.:53" and the same with " on 127.0.0.1": blocks without a view */
	struct map bound;   /* "dns://example.org.:53": its text with the first address it was bound to */
	struct endpoint_group **last;
};

/* The wildcard has no address: it is written as CoreDNS writes it, with nothing before the port. */
static const char *listener_name(
	struct arena *a, enum scheme scheme, const char *address, const char *port)
{
	bool v6 = strchr(address, ':') != NULL;
	return arena_printf(a, "%s://%s%s%s:%s", scheme_name(scheme), v6 ? "[" : "", address,
		v6 ? "]" : "", port);
}

static bool address_of(struct grouping *g, struct endpoint_group *group)
{
	uint64_t port = 0;
	if (!view_unsigned(view_of(group->port), 65535, &port)) {
		complain(g->complaints, false, NULL, 0, "address %s: invalid port", group->port);
		return false;
	}
	if (!group->address[0]) {
		group->local.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
			.sin6_addr = in6addr_any,
			.sin6_port = htons((uint16_t)port) };
		return true;
	}
	if (endpoint_parse_ip(view_of(group->address), (uint16_t)port, &group->local))
		return true;
	complain(g->complaints, false, NULL, 0, "address %s: not an IP address", group->address);
	return false;
}

static struct endpoint_group *group_of(
	struct grouping *g, const struct key *key, const char *address)
{
	struct arena *a = g->config->arena;
	const char *name = listener_name(a, key->scheme, address, key->port);
	void **place = map_put(&g->groups, a, view_of(name));
	if (*place)
		return *place;
	struct endpoint_group *group = arena_new_object(a, struct endpoint_group);
	group->scheme = key->scheme;
	group->port = key->port;
	group->address = address;
	group->name = name;
	group->copies = 1;
	group->limits = tcp_limits_default;
	*place = group;
	*g->last = group;
	g->last = &group->next;
	return address_of(g, group) ? group : NULL;
}

/* `with` is what it collides with, NULL for another block of the very same zone and address. */
static bool cannot_serve(
	struct grouping *g, const struct key *key, const char *what, const char *with)
{
	const char *file = key->word.file;
	unsigned line = key->word.line;
	if (with)
		complain(g->complaints, false, file, line,
			"cannot serve %s - zone overlap listener capacity with %s", what, with);
	else
		complain(g->complaints, false, file, line,
			"cannot serve %s - it is already defined", what);
	return false;
}

/* Two blocks may share a zone and a port only on different addresses, or behind views. */
static bool check_overlap(
	struct grouping *g, const struct block *b, const struct key *key, const char *address)
{
	struct arena *a = g->config->arena;
	bool is_bound = address[0] != 0;
	const char *what = is_bound ? arena_printf(a, "%s on %s", key->text, address) : key->text;
	if (!b->filter && map_find(&g->defined, view_of(what)))
		return cannot_serve(g, key, what, NULL);
	void **unbound = map_find(&g->defined, view_of(key->text));
	void **other = map_find(&g->bound, view_of(key->text));
	if (is_bound && unbound)
		return cannot_serve(g, key, what, key->text);
	if (!is_bound && other)
		return cannot_serve(g, key, what, *other);
	if (b->filter)
		return true;
	*map_put(&g->defined, a, view_of(what)) = (void *)what;
	if (is_bound) {
		void **place = map_put(&g->bound, a, view_of(key->text));
		if (!*place)
			*place = (void *)what;
	}
	return true;
}

/* Where blocks share a listener, the last that sets a time-out counts. */
static void share_settings(struct endpoint_group *group, const struct block *b)
{
	if (b->read_timeout)
		group->limits.read = b->read_timeout;
	if (b->write_timeout)
		group->limits.write = b->write_timeout;
	if (b->idle_timeout)
		group->limits.idle = b->idle_timeout;
	if (b->queries_max)
		group->limits.queries = b->queries_max;
	if (b->takes_any_class)
		group->takes_any_class = true;
	if (b->proxies)
		group->proxies = b->proxies;
	if (b->sheds)
		group->sheds = true;
	if (b->foreseer)
		group->foresees = true;
	if (!group->zones.count && b->sockets)
		group->copies = b->sockets;
	if (!group->zones.count)
		group->transport_limits = b->transport_limits[group->scheme];
}

/* A key whose TLS cannot be as its block wants it. */
static bool cannot_secure(struct grouping *g, const struct key *key, const char *why)
{
	complain(g->complaints, false, key->word.file, key->word.line, "%s", why);
	return false;
}

/* Blocks that share a listener share its TLS: which block a client wants is not known before the handshake is over. Its certificate
 * is chosen by the name that the client asks for; what is asked of clients must be the same. */
static bool share_tls(
	struct grouping *g, struct endpoint_group *group, const struct block *b, const struct key *key)
{
	if (key->scheme == SCHEME_DNS)
		return true;
	if (!b->tls && key->scheme == SCHEME_QUIC)
		return cannot_secure(g, key, "ListenPacket: quic: tls.Config not set");
	if (!b->tls && key->scheme == SCHEME_HTTPS3)
		return cannot_secure(g, key, "DoH3 requires TLS, no TLS config found");
	if (!group->zones.count)
		group->tls = b->tls;
	if (!group->tls != !b->tls)
		return cannot_secure(g, key,
			arena_printf(g->config->arena, "cannot serve %s - it has %s, unlike another block on %s",
				key->text, b->tls ? "tls" : "no tls", group->name));
	if (group->tls == b->tls)
		return true;
	if (!credentials_agree(group->tls, b->tls))
		return cannot_secure(g, key,
			arena_printf(g->config->arena,
				"cannot serve %s - its tls asks something else of clients than that of another block on %s",
				key->text, group->name));
	credentials_add(group->tls, g->config->arena, b->tls);
	return true;
}

/* Reads what the certificates of several blocks were put together of. With `check` none is read. */
static bool reopen_credentials(struct grouping *g)
{
	const char *why;
	for (struct endpoint_group *group = g->config->groups; group; group = group->next) {
		if (!group->tls || !group->tls->grown || !credentials_now(group->tls) ||
			credentials_reopen(group->tls, g->config->arena, &why))
			continue;
		complain(g->complaints, false, NULL, 0, "plugin/tls: %s", why);
		return false;
	}
	return true;
}

static bool add_key(struct grouping *g, struct block *b, const struct key *key, const char *address)
{
	if (!check_overlap(g, b, key, address))
		return false;
	struct endpoint_group *group = group_of(g, key, address);
	if (!group)
		return false;
	if (!share_tls(g, group, b, key))
		return false;
	share_settings(group, b);
	zone_map_add(&group->zones, g->config->arena, key->zone, b);
	return true;
}

/* A transport that is not built is refused, not replaced by another one. */
static bool is_served(struct grouping *g, const struct key *key)
{
	if (scheme_is_served(key->scheme))
		return true;
	complain(g->complaints, false, key->word.file, key->word.line,
		"cannot serve %s - the transport '%s' is known, but not built into this version",
		key->text, scheme_name(key->scheme));
	return false;
}

static bool add_block(struct grouping *g, struct block *b)
{
	bool done = true;
	for (size_t i = 0; i < b->source->key_count; i++) {
		const struct key *key = &b->source->keys[i];
		if (key->scheme == SCHEME_UNIX)
			continue;
		if (!is_served(g, key))
			return false;
		if (!b->bind_count)
			done = add_key(g, b, key, "") && done;
		for (size_t j = 0; j < b->bind_count; j++)
			done = add_key(g, b, key, arena_string(g->config->arena, b->bind[j])) && done;
	}
	return done;
}

bool groups_build(struct config *config, struct complaints *c)
{
	struct grouping g = { .config = config, .complaints = c, .last = &config->groups };
	bool done = true;
	for (struct block *b = config->blocks; b; b = b->next)
		done = add_block(&g, b) && done;
	return done && reopen_credentials(&g);
}
