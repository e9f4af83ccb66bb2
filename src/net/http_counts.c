/* Counting HTTP's responses and limits: each series is looked up once, whoever needs it first. */
#include "net/http_counts.h"

#include "net/http.h"

const struct metric_family https_responses = {
	.name = "coredns_dns_https_responses_total",
	.help = "Counter of DoH responses per server and http status code.",
	.kind = METRIC_COUNTER,
	.labels = { "server", "status" },
};

const struct metric_family https3_responses = {
	.name = "coredns_dns_https3_responses_total",
	.help = "Counter of DoH3 responses per server and http status code.",
	.kind = METRIC_COUNTER,
	.labels = { "server", "status" },
};

const struct metric_family http_limits = {
	.name = "isthmus_http_limits_total",
	.help = "Counter of HTTP requests that ran into a limit.",
	.kind = METRIC_COUNTER,
	.labels = { "proto", "limit" },
};

static const uint16_t statuses[HTTP_STATUSES] = { 200, 400, 404, 405, 415, 431, 500, 501 };

static const char *const limits[HTTP_LIMITS] = {
	[HTTP_LIMIT_FIELDS] = "fields",
	[HTTP_LIMIT_BODY] = "body",
	[HTTP_LIMIT_STREAMS] = "streams",
	[HTTP_LIMIT_FRAMES] = "frames",
};

static _Atomic(struct metric *) limit_series[TRANSPORTS][HTTP_LIMITS];

static void count(_Atomic(struct metric *) *at, const struct metric_family *family,
	struct view first, struct view second)
{
	struct metric *m = atomic_load_explicit(at, memory_order_acquire);
	if (!m) {
		m = metric_get(family, (struct view[]){ first, second });
		atomic_store_explicit(at, m, memory_order_release);
	}
	metric_add(m, 1);
}

void http_count_response(struct http_counts *c, unsigned status)
{
	char digits[HTTP_STATUS_DIGITS];
	for (size_t i = 0; c->family && i < HTTP_STATUSES; i++) {
		if (statuses[i] != status)
			continue;
		count(&c->status[i], c->family, c->server, http_status_text(status, digits));
		return;
	}
}

void http_count_limit(enum transport t, enum http_limit limit)
{
	count(&limit_series[t][limit], &http_limits, view_of(transport_name(t)),
		view_of(limits[limit]));
}
