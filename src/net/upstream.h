/*
 * Asking other servers. Each worker has a pool for each upstream: connected UDP sockets with random local ports, and connections
 * (TCP, TLS, QUIC) that carry many queries at once, answered in any order.
 *
 * An attempt is one query sent and not yet answered. It lies in its owner's memory and ends by its callback, or by
 * attempt_cancel(). Only a message of the upstream with the attempt's random id and its question ends it well; others
 * are counted and waiting goes on: whoever guesses must guess id, port and address (RFC 5452 9).
 */
#ifndef ISTHMUS_NET_UPSTREAM_H
#define ISTHMUS_NET_UPSTREAM_H

#include "net/endpoint.h"
#include "net/loop.h"

#include <stdatomic.h>

/* What is counted of an upstream. */
enum upstream_event {
	UPSTREAM_HIT_UDP, /* a socket or connection was there */
	UPSTREAM_HIT_TCP,
	UPSTREAM_MISS_UDP, /* one had to be made */
	UPSTREAM_MISS_TCP,
	UPSTREAM_IGNORED, /* a message that answers nothing */
	UPSTREAM_HIT_TLS,
	UPSTREAM_MISS_TLS,
	UPSTREAM_HIT_QUIC,
	UPSTREAM_MISS_QUIC,
	UPSTREAM_TLS_FULL, /* handshakes that were done */
	UPSTREAM_TLS_RESUMED,
	UPSTREAM_TLS_NAME, /* those that failed: its certificate is for another name */
	UPSTREAM_TLS_EXPIRED,
	UPSTREAM_TLS_UNTRUSTED,
	UPSTREAM_TLS_REFUSED, /* it sent an alert */
	UPSTREAM_TLS_BROKEN,
	UPSTREAM_EVENTS,
};

struct tls_credentials;

/* How an encrypted upstream is spoken to. */
struct upstream_tls {
	_Atomic(struct tls_credentials *) *credentials; /* those of now */
	const char *name;        /* that its certificate must be for: a host's name or an IP address */
	const char *const *alpn; /* as in struct tls_peer */
};

/* How an upstream is asked over HTTP. */
struct upstream_http {
	const char *authority; /* "192.0.2.1:443" */
	bool get;  /* DNS over HTTPS by GET, not by POST */
	bool grpc; /* CoreDNS's DnsService in place of DNS over HTTPS */
};

/* A server to ask. Shared by all workers; immutable while they use it, but for the atomic fields. Times in ns. */
struct upstream {
	struct endpoint endpoint;
	const char *path;         /* of a Unix socket, in place of the endpoint; NULL: none. Not for UDP or QUIC */
	enum transport transport; /* TRANSPORT_UDP: plain DNS, over UDP or TCP; TRANSPORT_TLS, _HTTPS, _HTTPS3, _QUIC, _GRPC */
	const struct upstream_http *http; /* NULL: DNS messages with their length */
	const struct upstream_tls *tls; /* NULL: in the clear, as only plain DNS and gRPC are */
	bool has_source;
	struct endpoint source; /* local address, port 0 */
	uint64_t expire;        /* an idle connection is closed after this; 0: it is not used again at all */
	uint64_t max_age;       /* and any connection after this; 0: no limit */
	size_t max_idle;        /* idle connections, but for UDP's sockets; 0: no limit */
	void (*count)(struct upstream *u, enum upstream_event event); /* may be NULL */
	_Atomic uint64_t connect_average; /* how long connecting took, sliding; 0: never tried */
};

struct upstream_pool;

/* The calling thread's connections to an upstream, none yet. */
struct upstream_pool *upstream_pool_new(struct loop *l, struct upstream *u);

/* Closes all of them; attempts that are still there end as ATTEMPT_STOPPED. */
void upstream_pool_free(struct upstream_pool *p);

enum attempt_result {
	ATTEMPT_ANSWERED,
	ATTEMPT_FAILED,  /* see attempt_error() */
	ATTEMPT_CLOSED,  /* the peer closed a connection that was there before: to be tried again at once */
	ATTEMPT_STOPPED, /* the pool was freed */
};

enum attempt_step {
	STEP_READ,
	STEP_DIAL,
	STEP_EOF,
	STEP_TLS,  /* the error is an enum tls_failure */
	STEP_HTTP, /* a status of HTTP; 0: what came is no answer */
	STEP_GRPC, /* an enum grpc_status */
	STEP_QUIC, /* the upstream has closed the connection with this code, or its stream */
};

struct attempt_table;

struct attempt {
	/* set by the owner */
	const uint8_t *query;  /* a message; its id is not looked at. Must stay until the attempt has ended */
	size_t query_length;
	size_t question_end;   /* offset behind its one question */
	bool exact_case;       /* the answer must repeat the letters' case of the question */
	void (*done)(struct attempt *a, enum attempt_result result, const uint8_t *wire, size_t length);

	/* the pool's own */
	struct attempt *next, **link;
	struct attempt *queue_next; /* to be sent in this round */
	struct attempt_table *table;
	struct upstream_pool *pool;        /* while it is pending */
	const struct upstream *upstream;
	void *call; /* of a connection with HTTP or QUIC: what it knows the query by */
	uint8_t id[2];
	bool pending, stream, queued;
	uint64_t sent;

	/* why it failed */
	enum attempt_step step;
	int error; /* errno, where the step says nothing else; 0: time-out */
	struct endpoint from; /* local address, if the connection had one */
};

/* Sends the query over UDP, or over TCP if `stream`; as the upstream is to be spoken to where that is encrypted, never else. done() may be called before this returns; `wire` is there until
 * done() returns, which must not wait. */
void attempt_start(struct upstream_pool *p, struct attempt *a, bool stream);

/* Forgets the attempt, done() is not called. Nothing to do if it has ended. */
void attempt_cancel(struct attempt *a);

/* Says that its time is over: the connection is no longer trusted if nothing came since. It stays pending over UDP, so that a
 * late answer still ends it; over TCP it is cancelled. Sets what attempt_error() says. */
void attempt_timed_out(struct attempt *a);

/* When its time is over: `timeout` (ns) after the query was sent, which for a connection that is not there yet is at the
 * latest when that has failed. Moves while it is waited for. */
uint64_t attempt_deadline(const struct attempt *a, uint64_t timeout);

enum attempt_wait {
	ATTEMPT_LOOK,  /* something has happened */
	ATTEMPT_OVER,  /* its time is over */
	ATTEMPT_CUT,   /* the waiter's own deadline, or the loop is being stopped */
};

/* Parks the caller, whom done() wakes, until there is something to look at. deadline: the waiter's own, 0: none. */
enum attempt_wait attempt_park(const struct attempt *a, uint64_t timeout, uint64_t deadline);

static inline bool attempt_pending(const struct attempt *a)
{
	return a->pending;
}

enum { ATTEMPT_ERROR_MAX = 320 };

/* "read udp 127.0.0.1:4242->192.0.2.1:53: i/o timeout", "dial tcp 192.0.2.1:53: connect: connection refused", "EOF",
 * "tls: failed to verify certificate: x509: certificate is not valid for dns.example". */
const char *attempt_error(const struct attempt *a, char to[static ATTEMPT_ERROR_MAX]);

#endif
