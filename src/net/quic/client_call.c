/* Calls of a QUIC client: the octets that they keep, and where they stand. */
#include "net/quic/client_connection.h"

#include "base/memory.h"

#include <stdlib.h>

/* --- life --- */

struct quic_call *quic_call_new(struct quic_client *c, struct view sent, void *of)
{
	struct quic_call *call = memory_array(1, sizeof *call);
	call->id = -1;
	call->of = of;
	call->sent_length = sent.length;
	if (sent.length)
		call->sent = memcpy(memory_alloc(sent.length), sent.at, sent.length);
	call->next = c->calls;
	call->link = &c->calls;
	if (call->next)
		call->next->link = &call->next;
	c->calls = call;
	return call;
}

static void call_free(struct quic_call *call)
{
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	free(call->fields);
	free(call->sent);
	text_free(&call->body);
	free(call);
}

void quic_calls_free(struct quic_client *c)
{
	while (c->calls)
		call_free(c->calls);
}

void quic_call_close(struct quic_call *call)
{
	call->closed = true;
	if (!call->queued)
		call_free(call);
}

/* --- queues --- */

void quic_call_append(struct quic_call_queue *q, struct quic_call *call)
{
	call->behind = NULL;
	call->queued = true;
	*(q->last ? &q->last->behind : &q->first) = call;
	q->last = call;
}

struct quic_call *quic_call_take(struct quic_call_queue *q)
{
	struct quic_call *call = q->first;
	if (!call)
		return NULL;
	q->first = call->behind;
	if (!q->first)
		q->last = NULL;
	call->queued = false;
	return call;
}

struct quic_call *quic_call_first(struct quic_call_queue *q)
{
	while (q->first && !q->first->of) {
		struct quic_call *call = quic_call_take(q);
		if (call->closed || call->id < 0)
			call_free(call);
	}
	return q->first;
}

/* --- answers --- */

bool quic_call_keep(struct quic_call *call, const uint8_t *octets, size_t length)
{
	if (HTTP_CLIENT_BODY_MAX - call->body.length < length)
		return false;
	text_add(&call->body, (struct view){ (const char *)octets, length });
	return true;
}

/* What stands in another queue has not been sent whole: it is dropped there. */
static void unqueue(struct quic_call_queue *q, struct quic_call *call)
{
	struct quic_call_queue rest = { 0 };
	struct quic_call *other;
	while ((other = quic_call_take(q)))
		if (other != call)
			quic_call_append(&rest, other);
	*q = rest;
}

void quic_call_finish(struct quic_client *c, struct quic_call *call, const struct quic_answer *answer)
{
	if (call->finished)
		return;
	if (call->queued) {
		unqueue(&c->sending, call);
		unqueue(&c->waiting, call);
	}
	call->finished = true;
	call->answer = *answer;
	quic_call_append(&c->finished, call);
}

void quic_calls_deliver(struct quic_client *c)
{
	struct quic_call *call;
	while ((call = quic_call_first(&c->finished))) {
		struct quic_answer answer = call->answer;
		void *of = call->of;
		call->of = NULL;
		if (answer.whole && !answer.body.at)
			answer.body = text_view(&call->body);
		c->settings.answered(c->settings.owner, of, &answer);
	}
}
