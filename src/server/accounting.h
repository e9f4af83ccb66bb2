/*
 * Counting of queries and replies, in one place: for chains by the plugin `prometheus`, and for
 * what the server answers itself. The series are those of CoreDNS, so that dashboards made for it
 * go on working.
 */
#ifndef ISTHMUS_SERVER_ACCOUNTING_H
#define ISTHMUS_SERVER_ACCOUNTING_H

#include "base/metrics.h"
#include "server/query.h"

/* The series of one (server, zone, view) as one thread counts in them. Never freed, as series are
 * not. */
struct account;

/* The calling thread's account of these label values; found by a hash table, so who counts often
 * keeps it. */
struct account *account_get(struct view server, struct view zone, struct view view);

/* What of a request is counted, noted before the chain runs: plugins may change the request. The type is that which was
 * asked for in the end (`rewrite type`). */
struct account_request {
	size_t size;
	uint16_t type;
	bool wants_dnssec;
};

static inline struct account_request account_note(const struct query *q)
{
	return (struct account_request){ q->wire_length, query_type(q), query_wants_dnssec(q) };
}

/*
 * Counts a query that has been answered: by q->reply if that is set, else by nothing, with `rcode`
 * what the server writes in its place (an error) or what a dropped one counts as (NOERROR).
 * `plugin` is who wrote the reply, empty if nobody did.
 */
void account_query(struct account *a, const struct query *q, const struct account_request *r,
	uint16_t rcode, struct view plugin);

/* Counts a query that the server answered itself with q->reply, under the zone label "dropped". */
void account_dropped(struct query *q);

/* Counts crashes of the server that the supervisor has put right, under CoreDNS's name for them
 * (panics); 0 makes the series appear. */
void account_crashes(uint64_t n);

/* The families counted here, ended by NULL: for documentation. */
extern const struct metric_family *const account_families[];

#endif
