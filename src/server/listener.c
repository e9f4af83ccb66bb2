/* Listeners: opening their sockets, serving them on workers. */
#include "server/listener.h"

#include "base/error.h"
#include "base/memory.h"
#include "server/credentials.h"
#include "server/foresight.h"
#include "server/http_service.h"
#include "server/quic_service.h"
#include "server/shed.h"
#include "server/supervisor.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The transports that are built, and what they listen on. */
static const struct {
	bool served, udp, tcp;
} transports_of[] = {
	[SCHEME_DNS] = { true, true, true },
	[SCHEME_TLS] = { true, false, true },
	[SCHEME_QUIC] = { true, true, false },
	[SCHEME_GRPC] = { true, false, true },
	[SCHEME_HTTPS3] = { true, true, false },
	[SCHEME_HTTPS] = { true, false, true },
	[SCHEME_UNIX] = { false, false, false },
};

bool scheme_is_served(enum scheme s)
{
	return transports_of[s].served;
}

bool scheme_has_udp(enum scheme s)
{
	return transports_of[s].udp;
}

bool scheme_has_tcp(enum scheme s)
{
	return transports_of[s].tcp;
}

struct listener *listener_find(struct listener *open, const struct endpoint_group *g)
{
	for (struct listener *l = open; l; l = l->next) {
		if (strcmp(l->name, g->name) == 0)
			return l;
	}
	return NULL;
}

static char *copy_string(const char *s)
{
	size_t size = strlen(s) + 1;
	return memcpy(memory_alloc(size), s, size);
}

/* In CoreDNS's words: "Listen: listen tcp 192.0.2.1:53: bind: cannot assign requested address". */
static char *open_error(const struct endpoint_group *g, bool udp, const char *step, int error)
{
	char *why;
	const char *address = strchr(g->name, '/') + 2;
	if (asprintf(&why, "%s: listen %s %s: %s: %s", udp ? "ListenPacket" : "Listen",
		    udp ? "udp" : "tcp", address, step, error_text(error)) < 0)
		memory_exhausted(0);
	return why;
}

static void sockets_close(struct listener *l)
{
	for (unsigned i = 0; i < l->workers; i++) {
		if (l->sockets[i].udp_fd >= 0 && !l->sockets[i].udp && !l->sockets[i].quic)
			close(l->sockets[i].udp_fd);
		if (l->sockets[i].tcp_fd >= 0 && !l->sockets[i].tcp)
			close(l->sockets[i].tcp_fd);
	}
}

static struct socket_key key_of(const struct listener *l, bool udp, unsigned index)
{
	return (struct socket_key){ .scheme = l->scheme, .udp = udp, .index = index, .local = l->local };
}

/* The sockets, whoever has them, are closed for good. */
static void sockets_release(const struct listener *l)
{
	for (unsigned i = 0; i < l->workers; i++) {
		struct socket_key udp = key_of(l, true, i), tcp = key_of(l, false, i);
		supervised_release(&udp);
		supervised_release(&tcp);
	}
}

static bool open_all(
	struct listener *l, const struct endpoint_group *g, bool udp, char **why)
{
	for (unsigned i = 0; i < l->workers; i++) {
		const char *step = "";
		struct socket_key key = key_of(l, udp, i);
		int fd = supervised_socket(&key, &step);
		if (fd < 0) {
			*why = open_error(g, udp, step, errno);
			return false;
		}
		*(udp ? &l->sockets[i].udp_fd : &l->sockets[i].tcp_fd) = fd;
	}
	return true;
}

/* What HTTP is made of comes with TLS, or has to be fetched here. */
static bool load_transports(char **why)
{
	struct arena *arena = arena_new(4096);
	const char *text;
	bool loaded = transports_load(arena, &text);
	if (!loaded)
		*why = copy_string(text);
	arena_free(arena);
	return loaded;
}

static bool is_quic(const struct listener *l)
{
	return l->scheme == SCHEME_QUIC || l->scheme == SCHEME_HTTPS3;
}

struct listener *listener_open(const struct endpoint_group *g, unsigned workers, char **why)
{
	struct listener *l = memory_array(1, sizeof *l);
	l->scheme = g->scheme;
	l->local = g->local;
	l->name = copy_string(g->name);
	l->workers = workers;
	l->http.server = view_of(l->name);
	l->http.family = l->scheme == SCHEME_HTTPS  ? &https_responses :
			 l->scheme == SCHEME_HTTPS3 ? &https3_responses :
						      NULL;
	l->quic = is_quic(l) ? quic_shared_new(workers) : NULL;
	l->sockets = memory_array(workers, sizeof *l->sockets);
	for (unsigned i = 0; i < workers; i++)
		l->sockets[i].udp_fd = l->sockets[i].tcp_fd = -1;
	if ((scheme_is_http(l->scheme) && !load_transports(why)) ||
		(scheme_has_tcp(l->scheme) && !open_all(l, g, false, why)) ||
		(scheme_has_udp(l->scheme) && !open_all(l, g, true, why))) {
		listener_free(l);
		return NULL;
	}
	return l;
}

struct tls_credentials *listener_credentials(void *listener)
{
	struct listener *l = listener;
	const struct endpoint_group *g = atomic_load_explicit(&l->group, memory_order_acquire);
	return g->tls ? credentials_now(g->tls) : NULL;
}

const struct proxy_policy *listener_proxies(void *listener)
{
	const struct listener *l = listener;
	return atomic_load_explicit(&l->group, memory_order_acquire)->proxies;
}

/* What TCP connections of each scheme speak. */
static struct tcp_service tcp_service_of(struct listener *l, incoming_handler *handle)
{
	static const char *const dot[] = { "dot", NULL }; /* RFC 7858 3.1, as registered by RFC 8310 */
	struct tcp_service service = { .transport = TRANSPORT_TCP,
		.proxies = listener_proxies,
		.handle = handle,
		.listener = l };
	if (l->scheme == SCHEME_TLS) {
		service.transport = TRANSPORT_TLS;
		service.alpn = dot;
	}
	if (l->scheme != SCHEME_DNS)
		service.credentials = listener_credentials;
	return service;
}

static struct tcp_limits tcp_limits_of(const struct listener *l, const struct endpoint_group *g)
{
	return scheme_is_http(l->scheme) ? http_limits_of(g, l->workers) : g->limits;
}

static void serve_tcp(struct listener *l, struct listener_sockets *s, struct loop *loop,
	incoming_handler *handle)
{
	const struct endpoint_group *g = atomic_load(&l->group);
	const struct tcp_limits limits = tcp_limits_of(l, g);
	struct tcp_service service = tcp_service_of(l, handle);
	if (scheme_is_http(l->scheme)) {
		s->http = http_settings_of(l, g);
		http_service_set(&service, &s->http, l->scheme);
	}
	s->tcp = tcp_listen(loop, s->tcp_fd, &l->local, &limits, &service);
}

static void serve_udp(struct listener *l, struct listener_sockets *s, struct loop *loop,
	incoming_handler *handle)
{
	s->udp = udp_listen(loop, s->udp_fd, &l->local, handle, l);
	udp_shed(s->udp, &shed_policy);
	udp_foresee(s->udp, foresee);
	udp_expect_proxies(s->udp, listener_proxies);
}

static void serve_quic(
	struct listener *l, unsigned worker, struct loop *loop, incoming_handler *handle)
{
	struct listener_sockets *s = &l->sockets[worker];
	const struct quic_limits limits = quic_limits_of(atomic_load(&l->group), l->workers);
	const struct quic_service service = quic_service_of(l, worker, handle);
	s->quic = quic_listen(loop, s->udp_fd, &l->local, &limits, &service);
}

void listener_serve(struct listener *l, unsigned worker, struct loop *loop, incoming_handler *handle)
{
	struct listener_sockets *s = &l->sockets[worker];
	if (s->udp_fd >= 0 && is_quic(l))
		serve_quic(l, worker, loop, handle);
	else if (s->udp_fd >= 0)
		serve_udp(l, s, loop, handle);
	if (s->tcp_fd >= 0)
		serve_tcp(l, s, loop, handle);
}

void listener_renew(struct listener *l, unsigned worker)
{
	struct listener_sockets *s = &l->sockets[worker];
	const struct endpoint_group *g = atomic_load(&l->group);
	if (s->tcp) {
		const struct tcp_limits limits = tcp_limits_of(l, g);
		tcp_limit(s->tcp, &limits);
	}
	if (s->quic) {
		const struct quic_limits limits = quic_limits_of(g, l->workers);
		quic_limit(s->quic, &limits);
	}
	if (scheme_is_http(l->scheme))
		s->http = http_settings_of(l, g);
}

void listener_end(struct listener *l, unsigned worker)
{
	struct listener_sockets *s = &l->sockets[worker];
	if (s->udp) {
		udp_stop(s->udp);
		udp_release(s->udp);
	}
	if (s->quic) {
		quic_stop(s->quic);
		quic_release(s->quic);
	}
	if (s->tcp) {
		tcp_stop(s->tcp);
		tcp_release(s->tcp);
	}
}

void listener_cut(struct listener *l, unsigned worker)
{
	if (l->quic && transports)
		quic_cut(l->quic, worker);
}

void listener_free(struct listener *l)
{
	sockets_close(l);
	sockets_release(l);
	if (l->quic)
		quic_shared_release(l->quic);
	free(l->sockets);
	free(l->name);
	free(l);
}
