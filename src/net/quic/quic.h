/*
 * QUIC version 1 (RFC 9000, 9001) for servers: connections with streams of queries on a UDP socket.
 * What is spoken on the streams is an application: DNS over dedicated QUIC connections (RFC 9250),
 * or HTTP/3.
 *
 * A listener belongs to one worker. The workers that share an address each have a socket of their
 * own; the kernel chooses it by the client's address and port.
 */
#ifndef ISTHMUS_NET_QUIC_QUIC_H
#define ISTHMUS_NET_QUIC_QUIC_H

#include "net/incoming.h"
#include "net/loop.h"
#include "net/transports.h"

#include <stdatomic.h>

struct quic_listener;
struct quic_application;
struct http_service;
struct tls_credentials;

/* Times in ns. */
struct quic_limits {
	uint64_t read;	/* for a whole query, from the first that comes of its stream */
	uint64_t idle;	/* until a connection on which nothing comes is forgotten */
	size_t streams; /* that a client may have open at once on a connection, of either kind */
	size_t active;	/* queries of the listener that are worked on at once; the others wait their
			   turn */
	size_t connections; /* of all listeners of the address; one that is idle makes room, or the
			       new one is closed */
	size_t client_connections; /* of one client (IPv6: of its /64) with one listener: more are closed */
	size_t memory;	    /* octets that all its connections may hold beside their TLS sessions */
};

extern const struct quic_limits quic_limits_default; /* 3 s, 10 s, 256, 1,024, 1,000, 500, 128 MiB */

/* Secrets of the process and of those that come after it: by them whoever gets a datagram can tell what another listener, or
 * the server before a crash, has given out. */
struct quic_secrets {
	uint8_t token[32];
	uint8_t reset[32];
};

/* Drawn by the first call; then always the same. Control thread; a process that starts servers calls it before it does. */
const struct quic_secrets *quic_secrets(void);

/* What all listeners of an address share, one on each worker. Lives as long as somebody has a reference. */
struct quic_shared {
	_Atomic unsigned references;
	const struct quic_secrets *secrets;
	_Atomic size_t connections; /* that are open */
	_Atomic size_t passed;      /* datagrams on their way from one worker to another */
	unsigned workers;
	struct {
		_Atomic(struct loop *) loop;   /* NULL: it does not serve */
		struct quic_listener *listener; /* the worker's own thread only */
		struct quic_listener *leaving;  /* released, and seeing its last clients through; the same */
	} place[];
};

/* The caller has a reference. Control thread. */
struct quic_shared *quic_shared_new(unsigned workers);
void quic_shared_release(struct quic_shared *s);

/* What is served on a listener. */
struct quic_service {
	const struct quic_application *application;
	/* Gives what a new connection's TLS session is made with, which must stay valid for the
	 * loop's round: the session takes a reference. On the listener's thread. */
	struct tls_credentials *(*credentials)(void *listener);
	/* As udp_expect_proxies() takes it, with `listener` below. */
	const struct proxy_policy *(*proxies)(void *listener);
	const struct http_service *http3; /* what is served over HTTP/3 */
	/* DNS over QUIC: a query was answered, or a connection closed, with this code. HTTP/3: a
	 * request was answered with this status. On the listener's thread. */
	void (*counted)(void *listener, uint64_t code);
	struct quic_shared *shared; /* the listener takes a reference */
	unsigned worker;	    /* its index there */
	incoming_handler *handle;
	void *listener; /* that incoming messages are said to have come by */
};

struct quic_functions {
	const struct quic_application *doq, *http3;
	struct quic_listener *(*listen)(struct loop *l, int fd, const struct endpoint *local,
		const struct quic_limits *limits, const struct quic_service *service);
	void (*limit)(struct quic_listener *q, const struct quic_limits *limits);
	void (*stop)(struct quic_listener *q);
	void (*release)(struct quic_listener *q);
	void (*cut)(struct quic_shared *s, unsigned worker);
};

/* Serves the socket, as udp_open() gives it (the listener then owns it), on the loop of the calling
 * thread. Limits and service are copied. */
static inline struct quic_listener *quic_listen(struct loop *l, int fd,
	const struct endpoint *local, const struct quic_limits *limits,
	const struct quic_service *service)
{
	return transports->quic->listen(l, fd, local, limits, service);
}

/* Other limits from now on; of streams and idle time for new connections only. */
static inline void quic_limit(struct quic_listener *q, const struct quic_limits *limits)
{
	transports->quic->limit(q, limits);
}

/* Takes no more: connections are closed, those with queries in hand when they are answered. */
static inline void quic_stop(struct quic_listener *q)
{
	transports->quic->stop(q);
}

/* Frees it when the last query has been answered. */
static inline void quic_release(struct quic_listener *q)
{
	transports->quic->release(q);
}

/* The worker's loop is about to end: clients that a released listener still waits for are told that it ends. On its thread. */
static inline void quic_cut(struct quic_shared *s, unsigned worker)
{
	transports->quic->cut(s, worker);
}

#endif
