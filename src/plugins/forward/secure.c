/* What encrypted upstreams of `forward` are spoken to with: certificates, authorities, the names that they must have. */
#include "plugins/forward/forward.h"
#include "server/setup.h"

/* The upstream's own name, else that of the directive, else its address. */
static const char *peer_name(struct arena *arena, const struct forward *f, const struct forward_upstream *u)
{
	char address[ENDPOINT_TEXT_MAX];
	if (u->server_name.length && u->net.transport == TRANSPORT_TLS)
		return arena_string(arena, u->server_name);
	if (f->tls_server_name.length)
		return arena_string(arena, f->tls_server_name);
	endpoint_print_ip(&u->net.endpoint, address);
	return arena_string(arena, view_of(address));
}

static bool is_encrypted(const struct forward_upstream *u)
{
	return u->net.transport != TRANSPORT_UDP;
}

/* In CoreDNS's words for whose fault it is. */
static bool cannot_load(struct setup *s, const struct forward *f, const char *why)
{
	const struct tls_settings *t = &f->credentials.settings;
	const char *ca = t->authorities;
	if (!transports)
		return setup_error_plain(s, "%s", why);
	bool is_ca = !t->certificate || (ca && view_starts(view_of(why), view_of(ca)));
	return setup_error_plain(
		s, "could not %s: %s", is_ca ? "read root certs" : "load TLS cert", why);
}

static bool load(struct setup *s, struct forward *f)
{
	const char *why;
	f->credentials.settings.is_client = true;
	f->credentials.settings.keylog = -1;
	return credentials_open(&f->credentials, s->arena, &why) || cannot_load(s, f, why);
}

static void over_https(struct setup *s, const struct forward *f, struct forward_upstream *u)
{
	static const char *const http2[] = { "h2", NULL };
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
			.credentials = &f->credentials.now,
			.name = peer_name(s->arena, f, u),
		};
		u->net.tls = &u->tls;
		any = true;
		if (u->net.transport == TRANSPORT_HTTPS)
			over_https(s, f, u);
	}
	return !any || s->checking || load(s, f);
}

void upstreams_secure_start(struct plugin *self)
{
	struct forward *f = self->state;
	if (credentials_now(&f->credentials))
		credentials_start(self, &f->credentials, NULL);
}
