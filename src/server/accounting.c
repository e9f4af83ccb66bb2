/*
 * Accounts: for each thread a table of those that it counts in, in each account the series that it
 * has met so far. Counting is then a handful of plain adds.
 */
#include "server/accounting.h"

#include "base/clock.h"
#include "base/map.h"
#include "server/listener.h"
#include <stdatomic.h>

enum { TABLE_ARENA_SIZE = 4096 };

static const double size_buckets[] = { 0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16000,
	32000, 48000, 64000 };

static const struct metric_family requests_total = {
	.name = "coredns_dns_requests_total",
	.help = "Counter of DNS requests made per zone, protocol and family.",
	.kind = METRIC_COUNTER,
	.labels = { "server", "zone", "view", "proto", "family", "type" },
};

static const struct metric_family do_requests_total = {
	.name = "coredns_dns_do_requests_total",
	.help = "Counter of DNS requests with DO bit set per zone.",
	.kind = METRIC_COUNTER,
	.labels = { "server", "zone", "view" },
};

static const struct metric_family request_duration = {
	.name = "coredns_dns_request_duration_seconds",
	.help = "Histogram of the time (in seconds) each request took per zone.",
	.kind = METRIC_HISTOGRAM,
	.labels = { "server", "zone", "view" },
	.buckets = metric_time_buckets,
	.bucket_count = sizeof metric_time_buckets / sizeof metric_time_buckets[0],
};

static const struct metric_family request_size = {
	.name = "coredns_dns_request_size_bytes",
	.help = "Size of the EDNS0 UDP buffer in bytes (64K for TCP) per zone and protocol.",
	.kind = METRIC_HISTOGRAM,
	.labels = { "server", "zone", "view", "proto" },
	.buckets = size_buckets,
	.bucket_count = sizeof size_buckets / sizeof size_buckets[0],
};

static const struct metric_family response_size = {
	.name = "coredns_dns_response_size_bytes",
	.help = "Size of the returned response in bytes.",
	.kind = METRIC_HISTOGRAM,
	.labels = { "server", "zone", "view", "proto" },
	.buckets = size_buckets,
	.bucket_count = sizeof size_buckets / sizeof size_buckets[0],
};

static const struct metric_family responses_total = {
	.name = "coredns_dns_responses_total",
	.help = "Counter of response status codes.",
	.kind = METRIC_COUNTER,
	.labels = { "server", "zone", "view", "rcode", "plugin" },
};

static const struct metric_family panics_total = {
	.name = "coredns_panics_total",
	.help = "A metrics that counts the number of panics.",
	.kind = METRIC_COUNTER,
};

const struct metric_family *const account_families[] = { &requests_total, &do_requests_total,
	&request_duration, &request_size, &response_size, &responses_total, &panics_total, NULL };

/* The types that have a label value of their own; all others are one, so that clients cannot make
 * series. */
static const uint16_t counted_types[] = { TYPE_A, TYPE_AAAA, TYPE_CNAME, TYPE_DNSKEY, TYPE_DS,
	TYPE_MX, TYPE_NSEC3, TYPE_NSEC, TYPE_NS, TYPE_PTR, TYPE_RRSIG, TYPE_SOA, TYPE_SRV, TYPE_TXT,
	TYPE_HTTPS, TYPE_SVCB, TYPE_IXFR, TYPE_AXFR, TYPE_ANY };

enum { TYPES = sizeof counted_types / sizeof counted_types[0] + 1 };

struct responses {
	struct responses *next;
	struct view plugin;
	uint16_t rcode;
	struct metric *series;
};

/* Indices: over a stream or not; IPv6 or not. What has not been met yet is NULL. */
struct account {
	struct arena *arena;
	struct view server, zone, view;
	struct metric *duration, *wants_dnssec;
	struct metric *request_size[2], *response_size[2];
	struct metric **requests[2][2]; /* by index of the type */
	struct responses *responses;
};

/* A thread's accounts, by "server NUL zone NUL view". */
struct table {
	struct table *next;
	struct arena *arena;
	struct map accounts;
	struct account *dropped; /* the one of the last query that was dropped */
};

static _Atomic(struct table *)
	tables; /* keeps the tables of threads that have ended in sight of leak checkers */
static _Thread_local struct table *own_table;

static struct table *this_table(void)
{
	if (own_table)
		return own_table;
	struct arena *arena = arena_new(TABLE_ARENA_SIZE);
	struct table *t = arena_new_object(arena, struct table);
	t->arena = arena;
	t->next = atomic_load(&tables);
	while (!atomic_compare_exchange_weak(&tables, &t->next, t))
		;
	own_table = t;
	return t;
}

static struct account *account_new(
	struct table *t, struct view server, struct view zone, struct view view)
{
	struct account *a = arena_new_object(t->arena, struct account);
	a->arena = t->arena;
	a->server = arena_copy(t->arena, server);
	a->zone = arena_copy(t->arena, zone);
	a->view = arena_copy(t->arena, view);
	a->duration = metric_get(&request_duration, (struct view[]){ server, zone, view });
	return a;
}

struct account *account_get(struct view server, struct view zone, struct view view)
{
	struct table *t = this_table();
	struct text key = { 0 };
	text_add(&key, server);
	text_add_char(&key, 0);
	text_add(&key, zone);
	text_add_char(&key, 0);
	text_add(&key, view);
	void **found = map_find(&t->accounts, text_view(&key));
	if (!found) {
		found = map_put(&t->accounts, t->arena, arena_copy(t->arena, text_view(&key)));
		*found = account_new(t, server, zone, view);
	}
	text_free(&key);
	return *found;
}

/* --- the series of an account --- */

static size_t type_index(uint16_t type)
{
	size_t i = 0;
	while (i < TYPES - 1 && counted_types[i] != type)
		i++;
	return i;
}

static struct view proto_label(unsigned stream)
{
	return stream ? VIEW("tcp") : VIEW("udp");
}

static struct metric *requests_series(
	struct account *a, unsigned stream, unsigned v6, uint16_t type)
{
	size_t i = type_index(type);
	struct metric ***series = &a->requests[stream][v6];
	if (!*series)
		*series = arena_array(a->arena, TYPES, sizeof **series);
	if (!(*series)[i]) {
		char mnemonic[MNEMONIC_MAX];
		struct view label =
			i < TYPES - 1 ? view_of(type_print(type, mnemonic)) : VIEW("other");
		(*series)[i] = metric_get(&requests_total,
			(struct view[]){ a->server, a->zone, a->view, proto_label(stream),
				v6 ? VIEW("2") : VIEW("1"), label });
	}
	return (*series)[i];
}

static struct metric *size_series(struct account *a, const struct metric_family *family,
	struct metric **series, unsigned stream)
{
	if (!*series)
		*series = metric_get(family,
			(struct view[]){ a->server, a->zone, a->view, proto_label(stream) });
	return *series;
}

/* Names of plugins are constants: the same name has the same address. */
static struct metric *responses_series(struct account *a, uint16_t rcode, struct view plugin)
{
	struct responses *r = a->responses;
	while (r && !(r->rcode == rcode && r->plugin.length == plugin.length &&
			    (plugin.length == 0 || r->plugin.at == plugin.at)))
		r = r->next;
	if (r)
		return r->series;
	char mnemonic[MNEMONIC_MAX];
	r = arena_new_object(a->arena, struct responses);
	*r = (struct responses){ a->responses, plugin, rcode,
		metric_get(&responses_total,
			(struct view[]){ a->server, a->zone, a->view,
				view_of(rcode_print(rcode, mnemonic)), plugin }) };
	a->responses = r;
	return r->series;
}

static void count_dnssec(struct account *a)
{
	if (!a->wants_dnssec)
		a->wants_dnssec = metric_get(
			&do_requests_total, (struct view[]){ a->server, a->zone, a->view });
	metric_add(a->wants_dnssec, 1);
}

/* --- counting --- */

void account_query(struct account *a, const struct query *q, const struct account_request *r,
	uint16_t rcode, struct view plugin)
{
	unsigned stream = !query_is_datagram(q), v6 = endpoint_is_v6(&q->client);
	metric_add(requests_series(a, stream, v6, r->type), 1);
	if (r->wants_dnssec)
		count_dnssec(a);
	metric_observe(
		size_series(a, &request_size, &a->request_size[stream], stream), (double)r->size);
	metric_observe(size_series(a, &response_size, &a->response_size[stream], stream),
		q->reply ? (double)message_size(q->reply) : 0);
	metric_add(responses_series(a, q->reply ? q->reply->rcode : rcode, plugin), 1);
	metric_observe(a->duration, (double)(clock_recent() - q->started) / (double)NS_PER_S);
}

void account_dropped(struct query *q)
{
	struct table *t = this_table();
	struct view server = query_server(q);
	if (!t->dropped || !view_equal(t->dropped->server, server))
		t->dropped = account_get(server, VIEW("dropped"), VIEW(""));
	struct account_request r = account_note(q);
	account_query(t->dropped, q, &r, q->reply->rcode, VIEW(""));
}

void account_crashes(uint64_t n)
{
	metric_add(metric_get(&panics_total, NULL), n);
}
