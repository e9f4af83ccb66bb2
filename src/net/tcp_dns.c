/* DNS messages on a TCP connection, each behind two octets of length (RFC 1035 4.2.2, RFC 7766). */
#include "net/tcp_connection.h"

static void answer_append(struct tcp_connection *c, const struct incoming *m)
{
	uint8_t *to = tcp_connection_append(c, TCP_PREFIX + m->answer_length);
	to[0] = (uint8_t)(m->answer_length >> 8);
	to[1] = (uint8_t)m->answer_length;
	memcpy(to + TCP_PREFIX, m->answer, m->answer_length);
}

/* Hands over one query of `length` octets, in its place in the buffer. False if it had to wait. */
static bool answer(struct tcp_connection *c, struct tcp_input *in, size_t length)
{
	struct incoming m =
		tcp_connection_incoming(c, in->wire + in->start + TCP_PREFIX, length);
	in->start += TCP_PREFIX + length;
	in->answering = true;
	bool stayed = tcp_connection_handle(c, &m);
	if (m.answer_length && !c->dead)
		answer_append(c, &m);
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
