/* DNS messages on a TCP connection, each behind two octets of length (RFC 1035 4.2.2, RFC 7766). */
#include "net/tcp_connection.h"

enum { STREAM_AHEAD = 128 << 10 }; /* unsent octets at which a stream of messages waits for its reader */

/* A message with the connection that it came on. */
struct tcp_message {
	struct incoming incoming;
	struct tcp_connection *connection;
};

static void answer_append(struct tcp_connection *c, const struct incoming *m)
{
	uint8_t *to = tcp_connection_append(c, TCP_PREFIX + m->answer_length);
	to[0] = (uint8_t)(m->answer_length >> 8);
	to[1] = (uint8_t)m->answer_length;
	memcpy(to + TCP_PREFIX, m->answer, m->answer_length);
}

/* How often a stream looks whether its reader has taken something. Its connection is closed when it takes too long. */
static const uint64_t reader_interval = 2 * NS_PER_MS;

static bool stream_send(struct incoming *m)
{
	struct tcp_connection *c = ((struct tcp_message *)m)->connection;
	if (c->dead)
		return false;
	answer_append(c, m);
	loop_flush_later(c->listener->loop, &c->flush);
	while (!c->dead && tcp_connection_unsent(c) > STREAM_AHEAD) {
		if (fiber_sleep(reader_interval) == WAIT_STOPPED)
			return false;
	}
	return !c->dead;
}

/* Hands over one query of `length` octets, in its place in the buffer. False if it had to wait. */
static bool answer(struct tcp_connection *c, struct tcp_input *in, size_t length)
{
	struct tcp_message m = { tcp_connection_incoming(c, in->wire + in->start + TCP_PREFIX, length), c };
	m.incoming.send = stream_send;
	in->start += TCP_PREFIX + length;
	in->answering = true;
	bool stayed = tcp_connection_handle(c, &m.incoming);
	if (m.incoming.answer_length && !c->dead)
		answer_append(c, &m.incoming);
	if (!stayed) {
		tcp_input_leave(c->listener->loop->tcp, in);
		tcp_connection_waited(c);
		return false;
	}
	in->answering = false;
	return true;
}

/* Hands over all whole queries of the buffer that are to be worked on now. */
static bool dns_work(struct tcp_connection *c, struct tcp_input *in)
{
	c->paused = false;
	while (!c->closing && in->end - in->start >= TCP_PREFIX) {
		const uint8_t *at = in->wire + in->start;
		size_t length = (size_t)at[0] << 8 | at[1];
		if (in->end - in->start < TCP_PREFIX + length)
			return true;
		if (!tcp_connection_may_handle(c)) {
			c->paused = true;
			return true;
		}
		if (!answer(c, in, length))
			return false;
	}
	return true;
}

const struct connection_protocol dns_framing = { .work = dns_work };
