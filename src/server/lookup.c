/* Questions that the server asks itself: through all zones and plugins, as if the client had sent them. */
#include "base/metrics.h"
#include "server/bare_reply.h"
#include "server/dispatch.h"
#include "server/query.h"
#include <stdatomic.h>

/* The depth bounds chains, the count what branches at each step. */
enum { LOOKUP_DEPTH_MAX = 8, LOOKUPS_MAX = 100 };

static const struct metric_family refused_total = {
	.name = "isthmus_lookups_refused_total",
	.help = "Counter of questions for itself that the server did not ask: too deep, or too many for one query.",
	.kind = METRIC_COUNTER,
};

static int refuse(void)
{
	static _Atomic(struct metric *) refused;
	if (!atomic_load_explicit(&refused, memory_order_acquire))
		atomic_store_explicit(&refused, metric_get(&refused_total, NULL), memory_order_release);
	metric_add(atomic_load_explicit(&refused, memory_order_relaxed), 1);
	return RCODE_SERVFAIL;
}

int query_lookup(struct query *q, struct name name, uint16_t type, struct message **answer)
{
	*answer = NULL;
	if (q->depth >= LOOKUP_DEPTH_MAX || q->lookups >= LOOKUPS_MAX)
		return refuse();
	struct query *inner = arena_new_object(q->arena, struct query);
	inner->arena = q->arena;
	inner->request = q->request;
	inner->client = q->client;
	inner->local = q->local;
	inner->transport = q->transport;
	inner->listener = q->listener;
	inner->worker = q->worker;
	inner->wire_length = q->wire_length;
	inner->started = q->started;
	inner->deadline = q->deadline;
	inner->depth = q->depth + 1;
	inner->lookups = q->lookups + 1;
	inner->trace = q->trace;
	query_set_question(inner, name, type, CLASS_IN);
	dispatch(inner, atomic_load_explicit(&q->listener->group, memory_order_acquire));
	q->lookups = inner->lookups;
	if (!inner->reply)
		return RCODE_NOERROR;
	*answer = reply_open(inner);
	return (*answer)->rcode;
}
