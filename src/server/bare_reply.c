/* Replies of the server's own, and EDNS on the way out (RFC 6891 6.1, 7). */
#include "server/bare_reply.h"

#include "server/listener.h"

#include <stdatomic.h>

enum { UDP_SIZE_OURS = 1232 }; /* what goes through any path unfragmented (DNS flag day 2020) */

/* One bit a code; set at set-up, read by workers. */
static _Atomic uint32_t registered[65536 / 32];

void edns_code_register(uint16_t code)
{
	atomic_fetch_or_explicit(&registered[code / 32], 1u << code % 32, memory_order_relaxed);
}

bool edns_code_registered(uint16_t code)
{
	return atomic_load_explicit(&registered[code / 32], memory_order_relaxed) >> code % 32 & 1;
}

/* Options of a query that go back in the reply when no plugin made an OPT of its own. */
static bool is_echoed(uint16_t code)
{
	return code == OPTION_NSID || code == OPTION_EXPIRE || code == OPTION_COOKIE ||
	       code == OPTION_TCP_KEEPALIVE || code == OPTION_PADDING;
}

static struct edns edns_of_query(struct query *q)
{
	struct edns e = q->request.edns;
	struct view rest = e.options, data;
	uint16_t code;
	e.options = (struct view){ 0 };
	while (edns_option_next(&rest, &code, &data)) {
		if (is_echoed(code) || edns_code_registered(code))
			edns_option_add(&e, q->arena, code, data);
	}
	return e;
}

struct edns *reply_edns(struct query *q)
{
	if (!q->reply->edns.present)
		q->reply->edns = edns_of_query(q);
	return &q->reply->edns;
}

/* RFC 7828 3.3.2: how long this server keeps an idle connection, in units of 100 ms; nothing where there is no TCP connection. */
static void answer_keepalive(struct query *q, struct edns *e)
{
	enum { UNIT_MS = 100 };
	struct view data;
	if (!edns_option_find(&q->request.edns, OPTION_TCP_KEEPALIVE, &data))
		return;
	if (q->transport != TRANSPORT_TCP && q->transport != TRANSPORT_TLS) {
		edns_option_remove(e, q->arena, OPTION_TCP_KEEPALIVE);
		return;
	}
	const struct endpoint_group *g = atomic_load_explicit(&q->listener->group, memory_order_acquire);
	uint64_t units = g->limits.idle / (UNIT_MS * NS_PER_MS);
	uint16_t most = (uint16_t)(units < UINT16_MAX ? units : UINT16_MAX);
	char octets[] = { (char)(most >> 8), (char)most };
	edns_option_set(e, q->arena, OPTION_TCP_KEEPALIVE, (struct view){ octets, sizeof octets });
}

/* RFC 7830 4: who pads a query gets a padded answer, where it is encrypted. The option comes last, for message_pad(). */
static void prepare_padding(struct query *q, struct edns *e)
{
	struct view data;
	if (!query_is_encrypted(q) || !edns_option_find(&q->request.edns, OPTION_PADDING, &data))
		return;
	edns_option_remove(e, q->arena, OPTION_PADDING);
	edns_option_add(e, q->arena, OPTION_PADDING, VIEW(""));
}

void reply_finish_edns(struct query *q)
{
	const struct edns *asked = &q->request.edns;
	if (!asked->present) {
		if (q->reply->rcode > 15)
			q->reply->edns.present = true; /* the extended rcode needs it */
		return;
	}
	struct edns *e = reply_edns(q);
	e->version = 0;
	e->udp_size = asked->udp_size;
	e->flags |= asked->flags & EDNS_DO;
	e->flags &= 0xff00;
	if (asked->options.length) {
		answer_keepalive(q, e);
		prepare_padding(q, e);
	}
}

bool reply_is_cut(struct query *q)
{
	size_t size = query_reply_size(q);
	struct message *reply = q->reply, finished;
	if (!reply || query_is_stream(q))
		return false;
	finished = *reply;
	q->reply = &finished;
	reply_finish_edns(q);
	q->reply = reply;
	if (message_size(&finished) <= size)
		return false;
	uint8_t *wire = arena_octets(q->arena, size);
	return message_write(&finished, wire, size) > FLAGS_AT && (wire[FLAGS_AT] & FLAG_TC >> 8);
}

void bare_reply(struct query *q, uint16_t rcode)
{
	reply_new(q, rcode, 0);
}

void bad_version_reply(struct query *q)
{
	struct message *r = reply_new(q, RCODE_BADVERS, 0);
	r->edns = (struct edns){ .present = true, .udp_size = UDP_SIZE_OURS };
}
