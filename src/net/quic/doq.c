/* DNS over dedicated QUIC connections (RFC 9250): a query and its answer on a stream. */
#include "net/quic/connection.h"
#include "net/quic/doq_framing.h"

static const char *const alpn[] = { "doq", NULL };

static void count(const struct quic_stream *s, enum doq_code code)
{
	const struct quic_service *service = &s->listener->service;
	service->counted(service->listener, code);
}

static bool open_connection(struct quic_connection *c)
{
	(void)c;
	return true;
}

/* --- queries --- */

static struct view input(const struct quic_stream *s)
{
	return (struct view){ (const char *)s->input, s->input_length };
}

static struct view message(const struct quic_stream *s)
{
	struct view m = { 0 };
	doq_frame_read(input(s), s->ended, &m);
	return m;
}

static void receive(struct quic_connection *c, struct quic_stream *s, int64_t id,
	const uint8_t *octets, size_t length, bool ended)
{
	struct view whole;
	(void)id;
	if (!s || s->state != STREAM_READING) {
		quic_connection_consumed(c, length);
		return;
	}
	if (!quic_stream_keep(s, octets, length))
		return;
	switch (doq_frame_read(input(s), ended, &whole)) {
	case DOQ_PARTIAL:
		return;
	case DOQ_WHOLE:
		quic_stream_ready(s);
		return;
	case DOQ_BROKEN:
		quic_connection_fail(c, DOQ_PROTOCOL_ERROR);
	}
}

static void late(struct quic_stream *s)
{
	quic_connection_fail(s->connection, DOQ_PROTOCOL_ERROR);
}

/* --- answers --- */

static void begin_answer(struct quic_stream *s, const struct incoming *in)
{
	struct quic_connection *c = s->connection;
	uint8_t *to = quic_stream_output(s, DOQ_PREFIX + in->answer_length);
	to[0] = (uint8_t)(in->answer_length >> 8);
	to[1] = (uint8_t)in->answer_length;
	memcpy(to + DOQ_PREFIX, in->answer, in->answer_length);
	quic_queue_append(&c->sending, s);
	count(s, DOQ_NO_ERROR);
	/* A client that did not end its stream would keep it: it is asked to (RFC 9000 3.5). */
	if (!s->ended)
		ngtcp2_conn_shutdown_stream_read(c->conn, s->id, DOQ_NO_ERROR);
}

static void answer(struct quic_stream *s, const struct incoming *in)
{
	struct quic_connection *c = s->connection;
	if (in->outcome >= INCOMING_TOO_SHORT) {
		quic_connection_fail(c, DOQ_PROTOCOL_ERROR);
	} else if (in->answer_length) {
		begin_answer(s, in);
	} else {
		s->state = STREAM_OVER;
		count(s, DOQ_INTERNAL_ERROR);
		ngtcp2_conn_shutdown_stream(c->conn, s->id, DOQ_INTERNAL_ERROR);
	}
}

static bool next(struct quic_connection *c, struct quic_output *out)
{
	struct quic_stream *s = c->sending.first;
	if (!s)
		return true;
	out->id = s->id;
	out->stream = s;
	out->octets[0] =
		(ngtcp2_vec){ s->output + s->output_sent, s->output_length - s->output_sent };
	out->count = 1;
	out->ends = true;
	return true;
}

static void sent(struct quic_connection *c, const struct quic_output *out, size_t octets)
{
	struct quic_stream *s = out->stream;
	(void)c;
	s->output_sent += octets;
	if (s->output_sent < s->output_length)
		return;
	quic_queue_remove(s);
	s->state = STREAM_OVER;
}

static void blocked(struct quic_connection *c, struct quic_stream *s, int64_t id)
{
	(void)c;
	(void)id;
	quic_queue_remove(s);
}

static void unblocked(struct quic_connection *c, struct quic_stream *s, int64_t id)
{
	(void)id;
	if (s && s->state == STREAM_SENDING && !s->queue)
		quic_queue_append(&c->sending, s);
}

/* The client does not want the answer (RFC 9250 4.3.1). */
static void refused(struct quic_connection *c, struct quic_stream *s, int64_t id)
{
	if (!s)
		return;
	if (s->state == STREAM_READING)
		ngtcp2_conn_shutdown_stream_read(c->conn, id, DOQ_REQUEST_CANCELLED);
	if (s->state != STREAM_ANSWERING) {
		quic_queue_remove(s);
		s->state = STREAM_OVER;
	}
}

static void acknowledged(struct quic_connection *c, int64_t id, uint64_t octets)
{
	(void)c;
	(void)id;
	(void)octets;
}

static void closed(struct quic_connection *c, struct quic_stream *s, int64_t id, uint64_t code)
{
	(void)c;
	(void)s;
	(void)id;
	(void)code;
}

static void nothing(struct quic_connection *c)
{
	(void)c;
}

static void end_stream(struct quic_stream *s)
{
	(void)s;
}

const struct quic_application quic_doq = {
	.transport = TRANSPORT_QUIC,
	.alpn = alpn,
	.stream_window = DOQ_MESSAGE_MAX,
	.no_error = DOQ_NO_ERROR,
	.internal_error = DOQ_INTERNAL_ERROR,
	.excessive_load = DOQ_EXCESSIVE_LOAD,
	.cancelled = DOQ_REQUEST_CANCELLED,
	.rejected = DOQ_EXCESSIVE_LOAD,
	.counts_closing = true,
	.open = open_connection,
	.release = nothing,
	.end_stream = end_stream,
	.receive = receive,
	.late = late,
	.message = message,
	.answer = answer,
	.next = next,
	.sent = sent,
	.blocked = blocked,
	.unblocked = unblocked,
	.refused = refused,
	.acknowledged = acknowledged,
	.closed = closed,
};
