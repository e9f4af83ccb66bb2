/* The query's request and its reply as values. */
#include "server/query.h"

#include "net/incoming.h"
#include "server/bare_reply.h"

#include "base/clock.h"
#include <stdio.h>

size_t query_reply_size(const struct query *q)
{
	if (query_is_stream(q))
		return MESSAGE_MAX;
	size_t size = q->request.edns.present ? q->request.edns.udp_size : UDP_SIZE_DEFAULT;
	return size < UDP_SIZE_DEFAULT ? UDP_SIZE_DEFAULT : size;
}

struct query *query_copy(struct arena *a, const struct query *from)
{
	struct query *q = arena_new_object(a, struct query);
	q->arena = a;
	q->request = from->request;
	for (int id = 0; id < SECTION_COUNT; id++)
		q->request.section[id] = (struct section){ 0 };
	q->request.question.name = name_copy(a, from->request.question.name);
	q->request.edns.options = arena_copy(a, from->request.edns.options);
	q->name = name_copy(a, from->name);
	q->client = from->client;
	q->local = from->local;
	q->transport = from->transport;
	q->wire_length = from->wire_length;
	q->started = clock_batch();
	q->listener = from->listener;
	q->block = from->block;
	q->worker = from->worker;
	q->depth = from->depth;
	return q;
}

void query_set_question(struct query *q, struct name name, uint16_t type, uint16_t class)
{
	q->request.question = (struct question){ name, type, class };
	q->name = name_copy_lower(q->arena, name);
}

struct message *reply_new(struct query *q, uint16_t rcode, unsigned flags)
{
	struct message *r = arena_new_object(q->arena, struct message);
	unsigned kept = q->request.opcode == OPCODE_QUERY ? q->request.flags & (FLAG_RD | FLAG_CD) : 0;
	r->id = q->request.id;
	r->opcode = q->request.opcode;
	r->flags = (uint16_t)(FLAG_QR | kept | flags);
	r->rcode = rcode;
	r->has_question = q->request.has_question;
	r->question = q->request.question;
	q->reply = r;
	return r;
}

static void add_record(struct query *q, enum section_id s, struct record r, struct view rdata)
{
	r.rdata = (const uint8_t *)rdata.at;
	r.rdata_length = (uint16_t)rdata.length;
	section_add(&q->reply->section[s], q->arena, r);
}

void reply_add(struct query *q, enum section_id s, struct name owner, uint16_t type, uint32_t ttl,
	struct view rdata)
{
	add_record(q, s,
		(struct record){ .owner = owner, .ttl = ttl, .type = type, .class = CLASS_IN },
		rdata);
}

void reply_add_as_asked(struct query *q, enum section_id s, struct name owner, uint16_t type,
	uint32_t ttl, struct view rdata)
{
	add_record(q, s,
		(struct record){ .owner = owner, .ttl = ttl, .type = type, .class = query_class(q) },
		rdata);
}

struct message *reply_open(struct query *q)
{
	if (q->reply && q->reply->encoded)
		message_open(q->reply, q->arena);
	return q->reply;
}

int query_fail(struct query *q, uint16_t rcode, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	q->error = arena_vprintf(q->arena, format, args);
	va_end(args);
	q->reply = NULL;
	return rcode;
}

void query_why_text(struct query *q, const char *format, ...)
{
	if (!q->trace || !q->trace->running)
		return;
	va_list args;
	va_start(args, format);
	q->trace->running->why = arena_vprintf(q->arena, format, args);
	va_end(args);
}

bool query_may_send(const struct query *q)
{
	return q->incoming && q->incoming->send;
}

bool query_send(struct query *q)
{
	struct incoming *in = q->incoming;
	reply_finish_edns(q);
	in->answer_length = message_write(q->reply, in->answer, in->answer_room);
	q->reply = NULL;
	bool sent = in->send(in);
	in->answer_length = 0;
	return sent;
}
