/* What the parts of `forward` share. */
#ifndef ISTHMUS_PLUGINS_FORWARD_FORWARD_H
#define ISTHMUS_PLUGINS_FORWARD_FORWARD_H

#include "net/upstream.h"
#include "plugins/forward/flight.h"
#include "plugins/relay.h"

enum { RCODES_COUNTED = 24 }; /* rcodes that have a series of their own */

/* A server to forward to, in one instance. Immutable once live, but for the atomic fields. */
struct forward_upstream {
	struct upstream net;
	struct view name;        /* "192.0.2.1:53", in metrics and metadata */
	struct view server_name; /* for TLS and QUIC, from "%name"; empty: none */
	struct upstream_tls tls; /* what net.tls points to, if it is encrypted */
	struct upstream_http http;
	_Atomic uint32_t fails;  /* health checks that failed, one after the other */
	_Atomic bool checking;
	/* series, made at their first use */
	_Atomic(struct metric *) check_failures;
	_Atomic(struct metric *) events[UPSTREAM_EVENTS];
	_Atomic(struct metric *) durations[RCODES_COUNTED];
};

/* A TO as written, until finish(). */
struct destination {
	enum transport transport;
	struct view host;        /* IP or name, without brackets and "%name" */
	uint16_t port;
	struct view server_name;
	struct view text;
};

struct forward {
	struct relay relay;
	struct view *to;
	size_t to_count;
	struct forward_upstream *upstreams;
	size_t count;

	bool force_tcp, prefer_udp, next_on_nodata, failfast, random_case, no_rec, doh_get;
	bool attempts_given; /* max_connect_attempts */
	uint32_t max_fails, max_attempts;
	int64_t expire, max_age, read_timeout, check_interval, max_idle, max_concurrent;
	struct view max_concurrent_text;
	struct name check_domain;
	uint32_t failover, next; /* sets of rcodes, a bit each */
	bool has_source;
	struct endpoint source;
	struct endpoint *resolvers;
	size_t resolver_count;

	_Atomic int64_t concurrent;
	struct metric *rejects, *broken;
};

/* A worker's part; made with the first query. */
struct forward_worker {
	struct flights *flights;
	struct upstream_pool **pools; /* by upstream */
};

extern const struct metric_family forward_rejects, forward_broken;
extern const struct metric_family *const forward_metrics[];
extern const struct option forward_options[];

void forward_init(struct setup *s);
bool forward_setup(struct setup *s);

/* Reads the TOs into f->upstreams; names are looked up. Complains as CoreDNS does. */
bool destinations_read(struct setup *s, struct forward *f);

/* Whether "%name" behind an address says whose certificate it must be. */
static inline bool forward_names_server(enum transport t)
{
	return t == TRANSPORT_TLS || t == TRANSPORT_QUIC || t == TRANSPORT_HTTPS3;
}

/* Gives encrypted upstreams, if there are any, what they are spoken to with: loads the certificates. */
bool upstreams_secure(struct setup *s, struct forward *f);

/* Counts: what happened to its connections, a failed check, the time that an exchange took. */
void forward_count(struct upstream *u, enum upstream_event event);
void forward_count_check(struct forward_upstream *u);
void forward_observe(struct forward_upstream *u, uint16_t rcode, uint64_t ns);

static inline bool upstream_is_down(const struct forward *f, struct forward_upstream *u)
{
	return f->max_fails &&
	       atomic_load_explicit(&u->fails, memory_order_relaxed) > f->max_fails;
}

/* Starts checking an upstream that failed, until it answers, if nobody does yet. Any thread. */
void health_check(struct plugin *self, struct forward_upstream *u);

/* For a query that failed because nobody answered in time: brings the answer into the block's cache should it still come.
 * NULL without a cache. */
struct flight_late *late_new(struct plugin *self, const struct query *q);

#endif
