/* Passes queries on to servers that speak CoreDNS's DnsService over gRPC, with TLS or without. */
#include "plugins/relay.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "dns/message.h"
#include "net/ask.h"
#include "net/resolvconf.h"
#include "server/block.h"
#include <stdlib.h>

enum { TO_MAX = 15, RESOLVCONF_MAX = 1 << 20, PORT_DEFAULT = 53, PORT_OF_SCHEME = 443 };

static const struct view unix_scheme = { "unix://", 7 };
static const uint64_t total_timeout = 5 * NS_PER_S;
static const uint64_t idle_timeout = 1800 * NS_PER_S;

/* A server to ask. Immutable once live, but for what net counts. */
struct grpc_upstream {
	struct upstream net;
	struct upstream_http http;
	struct upstream_tls tls;
	struct view name; /* "192.0.2.1:443", in metrics */
};

struct grpc {
	struct relay relay;
	struct fallthrough fallthrough;
	bool encrypted; /* `tls` or `tls_servername` was given */
	struct grpc_upstream *upstreams;
	size_t count, capacity;
};

struct grpc_worker {
	struct upstream_pool **pools; /* by upstream; NULL before the first query */
};

static const struct metric_family requests = {
	.name = "coredns_grpc_requests_total",
	.help = "Counter of requests made per upstream.",
	.kind = METRIC_COUNTER,
	.labels = { "to" },
};

static const struct metric_family responses = {
	.name = "coredns_grpc_responses_total",
	.help = "Counter of requests made per upstream.",
	.kind = METRIC_COUNTER,
	.labels = { "rcode", "to" },
};

static const struct metric_family duration = {
	.name = "coredns_grpc_request_duration_seconds",
	.help = "Histogram of the time each request took.",
	.kind = METRIC_HISTOGRAM,
	.labels = { "to" },
	.buckets = metric_time_buckets,
	.bucket_count = sizeof metric_time_buckets / sizeof *metric_time_buckets,
};

static const struct metric_family *const grpc_metrics[] = { &requests, &responses, &duration, NULL };

/* --- set-up --- */

static struct grpc *state(struct setup *s)
{
	return s->state;
}

static struct upstream *add_upstream(struct setup *s, struct view name)
{
	struct grpc *g = state(s);
	g->upstreams = arena_grow(s->arena, g->upstreams, g->count, &g->capacity, sizeof *g->upstreams);
	struct grpc_upstream *u = &g->upstreams[g->count++];
	*u = (struct grpc_upstream){
		.name = arena_copy(s->arena, name),
		.net = { .transport = TRANSPORT_GRPC, .expire = idle_timeout },
	};
	return &u->net;
}

static void add_address(struct setup *s, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_MAX];
	endpoint_print(e, text);
	add_upstream(s, view_of(text))->endpoint = *e;
}

static bool add_file(struct setup *s, struct view path)
{
	struct view content;
	const char *text = arena_string(s->arena, path);
	int error = file_read(s->arena, text, RESOLVCONF_MAX, &content);
	if (error)
		return setup_error_plain(s,
			"not an IP address or file \"%s\": failed to open file \"%s\": \"open %s: %s\"", text,
			text, text, error_text(error));
	struct resolvconf conf = resolvconf_parse(s->arena, content);
	for (size_t i = 0; i < conf.nameserver_count; i++) {
		struct endpoint e;
		if (endpoint_parse_ip(conf.nameservers[i], PORT_DEFAULT, &e))
			add_address(s, &e);
	}
	return conf.nameserver_count > 0 || setup_error_plain(s, "no nameservers found");
}

static bool add_destination(struct setup *s, struct view to)
{
	struct endpoint e;
	bool scheme = view_starts(to, VIEW("grpc://"));
	struct view address = scheme ? view_skip(to, strlen("grpc://")) : to;
	if (view_starts(to, unix_scheme)) {
		add_upstream(s, to)->path = arena_string(s->arena, view_skip(to, unix_scheme.length));
		return true;
	}
	if (!endpoint_parse(address, scheme ? PORT_OF_SCHEME : PORT_DEFAULT, &e))
		return add_file(s, to);
	add_address(s, &e);
	return true;
}

static bool grpc_setup(struct setup *s)
{
	struct view from, *to;
	if (!arg_need(s, &from) || !relay_read_from(s, &state(s)->relay, from))
		return false;
	size_t count = args_rest(s, &to);
	for (size_t i = 0; i < count; i++)
		if (!add_destination(s, to[i]))
			return false;
	return count > 0 || setup_argument_error(s);
}

static const char *peer_name(struct arena *arena, const struct relay *r, const struct grpc_upstream *u)
{
	char address[ENDPOINT_TEXT_MAX];
	if (r->tls_server_name.length)
		return arena_string(arena, r->tls_server_name);
	if (u->net.path)
		return "localhost";
	endpoint_print_ip(&u->net.endpoint, address);
	return arena_string(arena, view_of(address));
}

static bool grpc_finish(struct setup *s)
{
	static const char *const http2[] = { "h2", NULL };
	struct grpc *g = state(s);
	const char *why;
	if (g->count > TO_MAX)
		return setup_error_plain(s, "more than %d TOs configured: %zu", TO_MAX, g->count);
	for (size_t i = 0; i < g->count; i++) {
		struct grpc_upstream *u = &g->upstreams[i];
		u->http = (struct upstream_http){
			.authority = u->net.path ? "localhost" : arena_string(s->arena, u->name),
			.grpc = true,
		};
		u->net.http = &u->http;
		if (!g->encrypted)
			continue;
		u->tls = (struct upstream_tls){
			.credentials = &g->relay.credentials.now,
			.name = peer_name(s->arena, &g->relay, u),
			.alpn = http2,
		};
		u->net.tls = &u->tls;
	}
	if (s->checking)
		return true;
	if (g->encrypted)
		return relay_load(s, &g->relay);
	return transports_load(s->arena, &why) || setup_error_plain(s, "%s", why);
}

static bool grpc_start(struct plugin *self, struct plugin *before)
{
	struct grpc *g = self->state;
	(void)before;
	relay_start(self, &g->relay);
	return true;
}

/* --- queries --- */

static struct upstream_pool *pool_of(struct plugin *self, struct query *q, size_t upstream)
{
	struct grpc *g = self->state;
	struct grpc_worker *w = worker_state(self, q);
	if (!w->pools)
		w->pools = memory_array(g->count, sizeof *w->pools);
	if (!w->pools[upstream])
		w->pools[upstream] = upstream_pool_new(loop_current(), &g->upstreams[upstream].net);
	return w->pools[upstream];
}

static void grpc_worker_stop(struct plugin *self, void *worker)
{
	struct grpc *g = self->state;
	struct grpc_worker *w = worker;
	for (size_t i = 0; w->pools && i < g->count; i++)
		upstream_pool_free(w->pools[i]);
	free(w->pools);
	w->pools = NULL;
}

static void observe(const struct grpc_upstream *u, uint16_t rcode, uint64_t began)
{
	char text[MNEMONIC_MAX];
	metric_add(metric_get(&requests, &u->name), 1);
	metric_add(metric_get(&responses, (struct view[]){ view_of(rcode_print(rcode, text)), u->name }), 1);
	metric_observe(metric_get(&duration, &u->name),
		(double)(clock_batch() - began) / (double)NS_PER_S);
}

/* In gRPC's words where it has not said it itself. */
static const char *rpc_error(struct arena *arena, const char *why, uint64_t deadline)
{
	if (view_starts(view_of(why), VIEW("rpc error")))
		return why;
	if (clock_batch() >= deadline)
		return "rpc error: code = DeadlineExceeded desc = context deadline exceeded";
	return arena_printf(arena, "rpc error: code = Unavailable desc = %s", why);
}

/* Asks one server; the reply, or NULL with *error. */
static struct message *exchange(struct plugin *self, struct query *q, const struct ask *ask,
	size_t upstream, uint64_t deadline, const char **error)
{
	const struct grpc *g = self->state;
	struct upstream_pool *pool = pool_of(self, q, upstream);
	uint64_t began = clock_batch();
	struct view wire;
	if (!ask_pool(pool, ask, deadline, q->arena, &wire, error)) {
		*error = rpc_error(q->arena, *error, deadline);
		return NULL;
	}
	const struct relay_answer answer = { (const uint8_t *)wire.at, wire.length, true, false };
	struct message *m = relay_reply(q, &answer, error);
	if (m)
		observe(&g->upstreams[upstream], m->rcode, began);
	return m;
}

/* Tries each server once. NULL with *error. */
static struct message *try_all(
	struct plugin *self, struct query *q, const struct ask *ask, const char **error)
{
	struct grpc *g = self->state;
	uint16_t *order = arena_array(q->arena, g->count, sizeof *order);
	uint64_t deadline = clock_batch() + total_timeout;
	if (q->deadline && q->deadline < deadline)
		deadline = q->deadline;
	relay_order(&g->relay, g->count, order);
	*error = "no healthy gRPC proxies";
	for (size_t i = 0; i < g->count && clock_batch() < deadline; i++) {
		struct message *m = exchange(self, q, ask, order[i], deadline, error);
		if (m)
			return m;
	}
	return NULL;
}

static bool falls_through(const struct plugin *self, const struct query *q)
{
	const struct grpc *g = self->state;
	return self->next && fallthrough_applies(&g->fallthrough, q->name);
}

static int grpc_serve(struct plugin *self, struct query *q)
{
	const struct grpc *g = self->state;
	if (!relay_takes(&g->relay, q->name))
		return next(self, q);
	size_t size = message_size(&q->request);
	uint8_t *query = arena_octets(q->arena, size);
	const struct ask ask = {
		.query = query,
		.query_length = message_write(&q->request, query, size),
		.question_end = HEADER_SIZE + q->request.question.name.length + QUESTION_FIXED,
		.timeout = total_timeout,
	};
	if (!ask.query_length)
		return query_fail(q, RCODE_FORMERR, "dns: query cannot be encoded");
	const char *error;
	struct message *m = try_all(self, q, &ask, &error);
	if ((!m || m->rcode == RCODE_NXDOMAIN) && falls_through(self, q))
		return next(self, q);
	if (!m)
		return query_fail(q, RCODE_SERVFAIL, "%s", error);
	q->reply = m;
	return m->rcode;
}

/* --- options --- */

static bool read_except(struct setup *s)
{
	return relay_read_except(s, &state(s)->relay);
}

static bool read_tls(struct setup *s)
{
	state(s)->encrypted = true;
	return relay_read_tls(s, &state(s)->relay);
}

static bool read_tls_server_name(struct setup *s)
{
	state(s)->encrypted = true;
	return arg_need(s, &state(s)->relay.tls_server_name);
}

static bool read_policy(struct setup *s)
{
	return relay_read_policy(s, &state(s)->relay);
}

static bool read_fallthrough(struct setup *s)
{
	return args_fallthrough(s, &state(s)->fallthrough);
}

static bool read_unknown(struct setup *s)
{
	return setup_error(s, "unknown property '%.*s'", VIEW_ARGS(s->directive->words[s->at].text));
}

static const struct option grpc_options[] = {
	{ "except", "IGNORED_NAMES...", NULL, "zones below FROM that are not passed on", read_except },
	{ "tls", "[CA] | [CERT KEY] | [CERT KEY CA]", NULL, "speaks TLS, with these certificates", read_tls },
	{ "tls_servername", "NAME", "the server's address", "speaks TLS; whose certificate servers must have",
		read_tls_server_name },
	{ "policy", "random|round_robin|sequential", "random", "in which order servers are tried",
		read_policy },
	{ "fallthrough", "[ZONES...]", NULL,
		"passes on to the next plugin what does not exist, or could not be asked", read_fallthrough },
	{ "*", NULL, NULL, NULL, read_unknown },
	{ 0 },
};

PLUGIN(grpc) = {
	.name = "grpc",
	.arguments = "FROM TO...",
	.help = "passes queries on to servers that speak DNS over gRPC",
	.about = "Queries for names in FROM are sent to one of the servers TO, at most 15: an IP address with or without a port, "
		 "a Unix socket (unix:///path), or a file in the form of resolv.conf(5). Each is tried once, for 5 s in all.\n\n"
		 "Without `tls` and `tls_servername` they are asked in the clear.",
	.options = grpc_options,
	.metrics = grpc_metrics,
	.state_size = sizeof(struct grpc),
	.worker_size = sizeof(struct grpc_worker),
	.once = true,
	.setup = grpc_setup,
	.finish = grpc_finish,
	.start = grpc_start,
	.worker_stop = grpc_worker_stop,
	.serve = grpc_serve,
};
