/* What encrypted upstreams of `forward` are spoken to with: certificates, authorities, the names that they must have. */
#include "plugins/forward/forward.h"

/* The upstream's own name, else that of the directive, else its address. */
static const char *peer_name(struct arena *arena, const struct forward *f, const struct forward_upstream *u)
{
	char address[ENDPOINT_TEXT_MAX];
	if (u->server_name.length && forward_names_server(u->net.transport))
		return arena_string(arena, u->server_name);
	if (f->relay.tls_server_name.length)
		return arena_string(arena, f->relay.tls_server_name);
	endpoint_print_ip(&u->net.endpoint, address);
	return arena_string(arena, view_of(address));
}

static bool is_encrypted(const struct forward_upstream *u)
{
	return u->net.transport != TRANSPORT_UDP;
}

static void over_http(struct setup *s, const struct forward *f, struct forward_upstream *u)
{
	static const char *const http2[] = { "h2", NULL };
	if (u->net.transport == TRANSPORT_HTTPS)
		u->tls.alpn = http2;
	u->http = (struct upstream_http){
		.authority = arena_string(s->arena, u->name),
		.get = f->doh_get,
	};
	u->net.http = &u->http;
}

bool upstreams_secure(struct setup *s, struct forward *f)
{
	bool any = false;
	for (size_t i = 0; i < f->count; i++) {
		struct forward_upstream *u = &f->upstreams[i];
		if (!is_encrypted(u))
			continue;
		u->tls = (struct upstream_tls){
			.credentials = &f->relay.credentials.now,
			.name = peer_name(s->arena, f, u),
		};
		u->net.tls = &u->tls;
		any = true;
		if (u->net.transport == TRANSPORT_HTTPS || u->net.transport == TRANSPORT_HTTPS3)
			over_http(s, f, u);
	}
	return !any || s->checking || relay_load(s, &f->relay);
}
