/* Streams: the octets that they keep, and their way through the handler. */
#include "net/quic/connection.h"

#include "base/memory.h"
#include "net/loop_state.h"

#include <stdlib.h>

enum { INPUT_ROOM_FIRST = 128 };

/* --- queues --- */

void quic_queue_append(struct quic_queue *q, struct quic_stream *s)
{
	s->queue = q;
	s->next = NULL;
	s->before = q->last;
	*(q->last ? &q->last->next : &q->first) = s;
	q->last = s;
}

void quic_queue_remove(struct quic_stream *s)
{
	struct quic_queue *q = s->queue;
	if (!q)
		return;
	*(s->before ? &s->before->next : &q->first) = s->next;
	*(s->next ? &s->next->before : &q->last) = s->before;
	s->queue = NULL;
}

/* --- life --- */

struct quic_stream *quic_stream_new(struct quic_connection *c, int64_t id)
{
	struct quic_stream *s = memory_array(1, sizeof *s);
	s->connection = c;
	s->listener = c->listener;
	s->id = id;
	s->since = clock_batch();
	s->older = c->newest;
	if (s->older)
		s->older->newer = s;
	c->newest = s;
	c->streams++;
	quic_queue_append(&c->reading, s);
	quic_connection_charge(c, sizeof *s);
	return s;
}

static void stream_free(struct quic_stream *s)
{
	if (s->request)
		s->listener->service.application->end_stream(s);
	free(s->input);
	free(s->output);
	free(s);
}

static void drop_input(struct quic_stream *s)
{
	struct quic_connection *c = s->connection;
	quic_connection_discharge(c, s->input_room);
	quic_connection_consumed(c, s->input_length);
	free(s->input);
	s->input = NULL;
	s->input_length = s->input_room = 0;
}

/* Queries that were held back get their turn when little enough is under way. */
static void release_held(struct quic_connection *c)
{
	struct quic_stream *s;
	while (c->output < QUIC_OUTPUT_PAUSE && (s = c->held.first)) {
		quic_queue_remove(s);
		quic_queue_append(&c->listener->ready, s);
		quic_listener_wake(c->listener);
	}
}

void quic_stream_detach(struct quic_stream *s)
{
	struct quic_connection *c = s->connection;
	quic_queue_remove(s);
	*(s->newer ? &s->newer->older : &c->newest) = s->older;
	if (s->older)
		s->older->newer = s->newer;
	c->streams--;
	c->output -= s->output_length;
	quic_connection_discharge(c, sizeof *s + s->output_length);
	if (s->state == STREAM_ANSWERING) {
		quic_connection_discharge(c, s->input_room);
		quic_connection_consumed(c, s->input_length);
		s->connection = NULL;
	} else {
		drop_input(s);
		stream_free(s);
	}
	release_held(c);
}

void quic_stream_close(struct quic_stream *s)
{
	struct quic_connection *c = s->connection;
	if (s->state == STREAM_ANSWERING) {
		s->given_up = true;
		return;
	}
	quic_stream_detach(s);
	ngtcp2_conn_extend_max_streams_bidi(c->conn, 1);
}

/* --- octets --- */

bool quic_stream_keep(struct quic_stream *s, const uint8_t *octets, size_t length)
{
	size_t need = s->input_length + length;
	if (!length)
		return true;
	if (need > s->input_room) {
		size_t room = s->input_room ? s->input_room : INPUT_ROOM_FIRST;
		while (room < need)
			room *= 2;
		if (!quic_connection_charge(s->connection, room - s->input_room))
			return false;
		s->input = memory_resize(s->input, room, 1);
		s->input_room = room;
	}
	memcpy(s->input + s->input_length, octets, length);
	s->input_length = need;
	return true;
}

uint8_t *quic_stream_output(struct quic_stream *s, size_t length)
{
	quic_connection_charge(s->connection, length);
	s->connection->output += length;
	s->output = memory_alloc(length);
	s->output_length = length;
	return s->output;
}

/* --- the handler --- */

void quic_stream_ready(struct quic_stream *s)
{
	struct quic_connection *c = s->connection;
	bool waits = c->output >= QUIC_OUTPUT_PAUSE;
	quic_queue_remove(s);
	s->state = STREAM_READY;
	quic_queue_append(waits ? &c->held : &c->listener->ready, s);
	if (!waits)
		quic_listener_wake(c->listener);
}

void quic_stream_refuse(struct quic_stream *s)
{
	if (s->state != STREAM_READING && s->state != STREAM_READY)
		return;
	quic_queue_remove(s);
	s->state = STREAM_OVER;
	ngtcp2_conn_shutdown_stream(
		s->connection->conn, s->id, s->listener->service.application->rejected);
}

static void answered(struct quic_stream *s, const struct incoming *in)
{
	struct quic_connection *c = s->connection;
	if (!c) {
		stream_free(s);
		return;
	}
	s->state = STREAM_SENDING;
	if (s->given_up) {
		quic_stream_close(s);
	} else {
		drop_input(s);
		c->listener->service.application->answer(s, in);
	}
	quic_connection_wake(c);
}

void quic_stream_answer(struct quic_stream *s)
{
	struct quic_listener *q = s->listener;
	struct view message = q->service.application->message(s);
	struct incoming in = {
		.wire = (const uint8_t *)message.at,
		.length = message.length,
		.client = s->connection->proxied ? s->connection->source : s->connection->client,
		.local = s->connection->local,
		.transport = q->service.application->transport,
		.listener = q->service.listener,
		.answer = loop_answer_room(q->loop),
		.answer_room = UINT16_MAX,
	};
	s->state = STREAM_ANSWERING;
	q->active++;
	q->service.handle(&in);
	q->active--;
	answered(s, &in);
	if (q->ready.first)
		quic_listener_wake(q);
	quic_listener_done(q);
}
