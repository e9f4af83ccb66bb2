/* DNS messages to an upstream over TCP (RFC 7766 8) or TLS (RFC 7858), each behind its length. */
#include "net/upstream_stream.h"

#include <string.h>

enum { PREFIX = 2 };

static void opened(struct upstream_wire *w)
{
	stream_opened(stream_of_wire(w));
}

bool tcp_connect(struct upstream_stream *s,
	size_t (*received)(struct upstream_wire *w, const uint8_t *octets, size_t length))
{
	struct upstream_pool *p = s->pool;
	s->wire = (struct upstream_wire){ .watch = &s->watch, .opened = opened, .received = received };
	return wire_connect(&s->wire, p->loop, p->upstream, &p->ticket);
}

/* Hands over all whole answers. */
static size_t received(struct upstream_wire *w, const uint8_t *octets, size_t length)
{
	struct upstream_stream *s = stream_of_wire(w);
	size_t used = 0;
	while (length - used >= PREFIX) {
		const uint8_t *at = octets + used;
		size_t size = (size_t)at[0] << 8 | at[1];
		if (length - used - PREFIX < size)
			break;
		s->seasoned |= table_receive(s->pool, &s->table, at + PREFIX, size);
		used += PREFIX + size;
	}
	return used;
}

static bool connect_wire(struct upstream_stream *s)
{
	bool connects = tcp_connect(s, received);
	s->wire.framed = true;
	return connects;
}

static bool query(struct upstream_stream *s, struct attempt *a)
{
	uint8_t *to = wire_append(&s->wire, PREFIX + a->query_length);
	to[0] = (uint8_t)(a->query_length >> 8);
	to[1] = (uint8_t)a->query_length;
	memcpy(to + PREFIX, a->query, a->query_length);
	memcpy(to + PREFIX, a->id, sizeof a->id);
	return true;
}

static bool progress(struct upstream_stream *s, uint32_t events, struct wire_end *end)
{
	return wire_progress(&s->wire, events, end);
}

static bool send_wire(struct upstream_stream *s, struct wire_end *end)
{
	return wire_send(&s->wire, end);
}

static void close_wire(struct upstream_stream *s)
{
	wire_close(&s->wire);
}

const struct stream_transport dns_over_tcp = {
	.connect = connect_wire,
	.query = query,
	.progress = progress,
	.send = send_wire,
	.close = close_wire,
};
