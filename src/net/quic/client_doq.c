/* DNS over dedicated QUIC connections (RFC 9250) from a client's side: a query and its answer on a stream. */
#include "net/quic/client_connection.h"
#include "net/quic/doq_framing.h"

static bool open_connection(struct quic_client *c)
{
	(void)c;
	return true;
}

static void release(struct quic_client *c)
{
	(void)c;
}

/* --- answers --- */

/* One answer ends it; octets behind it are passed over. */
static void receive(struct quic_client *c, struct quic_call *call, int64_t id, const uint8_t *octets,
	size_t length, bool ended)
{
	struct quic_answer answer = { .whole = true };
	quic_client_consumed(c, id, length);
	if (!call || call->finished || !call->of)
		return;
	if (!quic_call_keep(call, octets, length)) {
		quic_client_fail(c, DOQ_PROTOCOL_ERROR);
		return;
	}
	struct view all = text_view(&call->body);
	switch (doq_frame_read(all, ended, &answer.body)) {
	case DOQ_PARTIAL:
		return;
	case DOQ_WHOLE:
		quic_call_finish(c, call, &answer);
		return;
	case DOQ_BROKEN:
		quic_client_fail(c, DOQ_PROTOCOL_ERROR);
	}
}

/* --- queries --- */

static bool begin(struct quic_client *c, struct quic_call *call)
{
	quic_call_append(&c->sending, call);
	return true;
}

static bool next(struct quic_client *c, struct quic_output *out)
{
	struct quic_call *call = quic_call_first(&c->sending);
	if (!call)
		return true;
	out->id = call->id;
	out->stream = call;
	out->octets[0] = (ngtcp2_vec){ call->sent + call->sent_at, call->sent_length - call->sent_at };
	out->count = 1;
	out->ends = true;
	return true;
}

static void sent(struct quic_client *c, const struct quic_output *out, size_t octets)
{
	struct quic_call *call = out->stream;
	call->sent_at += octets;
	if (call->sent_at == call->sent_length)
		quic_call_take(&c->sending);
}

static void blocked(struct quic_client *c, const struct quic_output *out, bool for_good)
{
	(void)out;
	(void)for_good;
	quic_call_take(&c->sending);
}

static void unblocked(struct quic_client *c, struct quic_call *call, int64_t id)
{
	(void)id;
	if (call && call->of && !call->queued && !call->finished && call->sent_at < call->sent_length)
		quic_call_append(&c->sending, call);
}

static void acknowledged(struct quic_client *c, int64_t id, uint64_t octets)
{
	(void)c;
	(void)id;
	(void)octets;
}

static void closed(struct quic_client *c, int64_t id, uint64_t code)
{
	(void)c;
	(void)id;
	(void)code;
}

const struct quic_client_application quic_client_doq = {
	.alpn = { "doq", NULL },
	.stream_window = DOQ_MESSAGE_MAX,
	.no_error = DOQ_NO_ERROR,
	.cancelled = DOQ_REQUEST_CANCELLED,
	.protocol_error = DOQ_PROTOCOL_ERROR,
	.open = open_connection,
	.release = release,
	.begin = begin,
	.receive = receive,
	.next = next,
	.sent = sent,
	.blocked = blocked,
	.unblocked = unblocked,
	.acknowledged = acknowledged,
	.closed = closed,
};
