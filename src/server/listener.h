/*
 * Where the server listens: one for each (scheme, address, port), for as long as some configuration names it. A
 * listener outlives reloads; what it serves is one pointer to the zones of the configuration that is live.
 */
#ifndef ISTHMUS_SERVER_LISTENER_H
#define ISTHMUS_SERVER_LISTENER_H

#include "net/http2.h"
#include "net/quic/quic.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "server/block.h"
#include "server/zone_map.h"
#include <stdatomic.h>

/* What a configuration wants of one listener. In the configuration's arena, immutable once live. */
struct endpoint_group {
	struct endpoint_group *next;
	enum scheme scheme;
	struct endpoint local;  /* the wildcard for a block without `bind` */
	const char *port;       /* as written: 0 is the kernel's choice */
	const char *address;    /* as `bind` gives it, empty for the wildcard */
	const char *name;       /* "dns://:53", "dns://127.0.0.1:53": in logs and metrics */
	struct name_map zones;
	unsigned copies;        /* multisocket: how often CoreDNS would list it; at least 1 */
	bool takes_any_class;
	bool sheds;
	bool foresees; /* some block has a plugin that fetches ahead */
	struct tcp_limits limits;
	struct transport_limits transport_limits;
	const struct proxy_policy *proxies; /* NULL: none are expected */
	struct credentials *tls; /* NULL: in the clear */
	struct listener *listener; /* that serves it, once it is open */
};

struct listener {
	struct listener *next;
	enum scheme scheme;
	struct endpoint local;
	const char *port;
	char *name;
	_Atomic(const struct endpoint_group *) group;
	unsigned workers;
	struct quic_shared *quic; /* NULL: other transports */
	_Atomic(struct metric *) quic_answered; /* quic_service.c's */
	struct http_counts http;
	struct listener_sockets *sockets; /* one for each worker */
};

/* Each worker's own part: control opens the descriptors, the worker serves them. */
struct listener_sockets {
	int udp_fd, tcp_fd;
	struct udp_listener *udp;
	struct tcp_listener *tcp;
	struct http2_settings http; /* of connections that are accepted from now on */
	struct quic_listener *quic; /* has udp_fd in place of `udp` */
};

/* The listener of this group among those that are open; NULL if it has to be opened. */
struct listener *listener_find(struct listener *open, const struct endpoint_group *g);

/* Opens the sockets for all workers; NULL with *why (heap, to be freed) in CoreDNS's words: "Listen: listen tcp :53: ...". */
struct listener *listener_open(const struct endpoint_group *g, unsigned workers, char **why);

/* Whether the transport of these keys is built into this version, and what its listeners open. */
bool scheme_is_served(enum scheme s);
bool scheme_has_udp(enum scheme s);
bool scheme_has_tcp(enum scheme s);

/* What new connections are secured with; NULL while the listener (a struct listener) is in the clear. Any thread. */
struct tls_credentials *listener_credentials(void *listener);

/* Whose headers of the PROXY protocol it believes; NULL: it looks for none. As above. */
const struct proxy_policy *listener_proxies(void *listener);

/* What another configuration says of its limits: on the thread of a worker that serves it. */
void listener_renew(struct listener *l, unsigned worker);

/* A worker begins (ends) to serve its sockets: on its thread. */
void listener_serve(struct listener *l, unsigned worker, struct loop *loop, incoming_handler *handle);
void listener_end(struct listener *l, unsigned worker);

/* After it has ended: the worker's loop is about to end, too, and nobody is waited for any more. On its thread. */
void listener_cut(struct listener *l, unsigned worker);

/* Frees it, when no worker serves it and no query can see it. */
void listener_free(struct listener *l);

#endif
