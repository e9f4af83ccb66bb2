/*
 * DNS over QUIC (RFC 9250) and over HTTP/3 to an upstream: a UDP socket for each connection, on which quic/client.h speaks. Each
 * query has a stream of its own, so that none waits for another's lost packet.
 */
#include "base/memory.h"
#include "dns/message.h"
#include "net/loop_state.h"
#include "net/quic/client.h"
#include "net/socket.h"
#include "net/upstream_stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

struct channel {
	struct upstream_stream *stream;
	struct quic_client *client;
	struct tls_credentials *credentials;
	struct timer timer;
	bool ticket_kept;
	int error; /* of the network, while hands are shaken; 0: none */
};

/* --- datagrams --- */

/* What ICMP says is believed only of a server that has not been heard of yet: later anybody could have said it. */
static void network_failed(struct channel *ch, int error)
{
	if (!ch->stream->open && error != EAGAIN && error != EINTR && error != ENOBUFS)
		ch->error = error;
}

/* What cannot be sent now is lost, as on the way: QUIC sends it again. */
static void send_datagram(void *owner, const uint8_t *datagram, size_t length)
{
	struct channel *ch = owner;
	if (send(ch->stream->watch.fd, datagram, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		network_failed(ch, errno);
}

static void receive_all(struct channel *ch)
{
	struct upstream_inbox *in = upstream_inbox(ch->stream->pool->loop);
	int count = recvmmsg(ch->stream->watch.fd, in->messages, INBOX_BATCH, MSG_DONTWAIT, NULL);
	if (count < 0)
		network_failed(ch, errno);
	for (int i = 0; i < count; i++)
		quic_client_receive(ch->client, in->room[i], in->messages[i].msg_len);
}

/* --- answers --- */

static void broken_off(struct attempt *a, const struct quic_answer *answer)
{
	if (answer->untouched)
		table_end(a, ATTEMPT_CLOSED, STEP_EOF, 0);
	else
		table_end(a, ATTEMPT_FAILED, STEP_QUIC, answer->code > INT_MAX ? INT_MAX : (int)answer->code);
}

static void answered(void *owner, void *of, const struct quic_answer *answer)
{
	struct upstream_stream *s = ((struct channel *)owner)->stream;
	struct attempt *a = of;
	a->call = NULL;
	if (!answer->whole) {
		broken_off(a, answer);
		return;
	}
	s->seasoned = true;
	if (s->pool->upstream->http)
		http_take_response(a,
			&(struct http_client_response){
				.status = answer->status, .body = answer->body, .grpc_status = -1 });
	else
		table_answer(a, (const uint8_t *)answer->body.at, answer->body.length);
}

/* --- queries --- */

static void *request(void *client, const struct http_client_request *r, void *of)
{
	return quic_client_request(client, r, of);
}

static bool query(struct upstream_stream *s, struct attempt *a)
{
	struct channel *ch = s->state;
	if (s->pool->upstream->http)
		return http_ask(s->pool->upstream, a, request, ch->client);
	uint8_t *message = memory_alloc(a->query_length);
	memcpy(message, a->query, a->query_length);
	memset(message, 0, sizeof a->id); /* RFC 9250 4.2.1 */
	a->call = quic_client_ask(ch->client, (struct view){ (const char *)message, a->query_length }, a);
	free(message);
	return a->call != NULL;
}

static void forget(struct upstream_stream *s, struct attempt *a)
{
	struct channel *ch = s->state;
	if (!a->call)
		return;
	quic_client_cancel(ch->client, a->call);
	a->call = NULL;
	stream_wake(s);
}

/* --- its life --- */

static void expired(struct timer *t)
{
	struct channel *ch = (struct channel *)((char *)t - offsetof(struct channel, timer));
	stream_progress(ch->stream, 0);
}

static void timer_update(struct channel *ch)
{
	uint64_t at = quic_client_expires(ch->client);
	struct loop *l = ch->stream->pool->loop;
	if (at == UINT64_MAX)
		timer_cancel(l, &ch->timer);
	else if (!timer_is_set(&ch->timer) || ch->timer.at != at)
		timer_set(l, &ch->timer, at);
}

static bool client_begin(struct channel *ch)
{
	struct upstream *u = ch->stream->pool->upstream;
	const struct quic_client_settings settings = {
		.credentials = ch->credentials,
		.peer = {
			.name = u->tls->name,
			.resume = ticket_for(&ch->stream->pool->ticket, ch->credentials),
		},
		.http3 = u->http != NULL,
		.local = socket_local(ch->stream->watch.fd),
		.remote = u->endpoint,
		.idle = u->expire + 2 * NS_PER_S,
		.owner = ch,
		.send = send_datagram,
		.answered = answered,
	};
	ch->client = quic_client_new(&settings);
	return ch->client != NULL;
}

/* A socket that is connected to the upstream, from which fragments neither go nor come (RFC 9000 14). */
static int socket_new(const struct upstream *u)
{
	int fd = upstream_socket_new(u, SOCK_DGRAM);
	if (fd < 0)
		return -1;
	if (endpoint_is_v6(&u->endpoint))
		socket_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	else
		socket_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	if (connect(fd, &u->endpoint.any, endpoint_length(&u->endpoint)) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void channel_free(struct channel *ch)
{
	if (ch->client)
		quic_client_free(ch->client);
	close(ch->stream->watch.fd);
	free(ch);
}

static bool connect_channel(struct upstream_stream *s)
{
	struct upstream_pool *p = s->pool;
	s->watch.fd = socket_new(p->upstream);
	if (s->watch.fd < 0)
		return false;
	struct channel *ch = memory_array(1, sizeof *ch);
	ch->stream = s;
	ch->timer.fire = expired;
	ch->credentials = atomic_load(p->upstream->tls->credentials);
	if (!client_begin(ch)) {
		channel_free(ch);
		errno = EPROTO;
		return false;
	}
	s->state = ch;
	loop_watch(p->loop, &s->watch, EPOLLIN);
	stream_wake(s);
	return true;
}

/* Keeps what the server gave to resume with: from the first answer on, and what it gave last. */
static void save_ticket(struct channel *ch)
{
	uint8_t ticket[TICKET_MAX];
	size_t length = ch->stream->open ? quic_client_save(ch->client, ticket, sizeof ticket) : 0;
	if (!length)
		return;
	ch->ticket_kept = true;
	ticket_keep(&ch->stream->pool->ticket, ch->credentials, ticket, length);
}

static void open_now(struct channel *ch)
{
	upstream_count(ch->stream->pool->upstream,
		quic_client_resumed(ch->client) ? UPSTREAM_TLS_RESUMED : UPSTREAM_TLS_FULL);
	stream_opened(ch->stream);
}

/* Why it has ended. */
static struct wire_end end_of(struct channel *ch)
{
	uint64_t code;
	switch (quic_client_end(ch->client, &code)) {
	case QUIC_END_TLS:
		upstream_count_failure(ch->stream->pool->upstream, (int)code);
		return (struct wire_end){ STEP_TLS, (int)code };
	case QUIC_END_SILENCE:
		return (struct wire_end){ ch->stream->open ? STEP_READ : STEP_DIAL, 0 };
	case QUIC_END_CLOSED:
		if (!code)
			return (struct wire_end){ STEP_EOF, 0 };
		return (struct wire_end){ STEP_QUIC, code > INT_MAX ? INT_MAX : (int)code };
	case QUIC_END_BROKEN:
		break;
	}
	if (!ch->stream->open)
		upstream_count_failure(ch->stream->pool->upstream, TLS_FAILURE_PROTOCOL);
	return (struct wire_end){ STEP_READ, EPROTO };
}

static bool send_channel(struct upstream_stream *s, struct wire_end *end)
{
	struct channel *ch = s->state;
	quic_client_flush(ch->client);
	timer_update(ch);
	if (ch->error) {
		*end = (struct wire_end){ STEP_DIAL, ch->error };
		return false;
	}
	if (quic_client_state(ch->client) != QUIC_CLIENT_ENDED)
		return true;
	*end = end_of(ch);
	return false;
}

static bool progress(struct upstream_stream *s, uint32_t events, struct wire_end *end)
{
	struct channel *ch = s->state;
	if (events)
		receive_all(ch);
	quic_client_expire(ch->client);
	if (!s->open && quic_client_state(ch->client) == QUIC_CLIENT_OPEN)
		open_now(ch);
	if (s->seasoned && !ch->ticket_kept)
		save_ticket(ch);
	s->distrusted |= quic_client_leaves(ch->client);
	return send_channel(s, end);
}

static void close_channel(struct upstream_stream *s)
{
	struct channel *ch = s->state;
	save_ticket(ch);
	timer_cancel(s->pool->loop, &ch->timer);
	loop_unwatch(s->pool->loop, &s->watch);
	channel_free(ch);
}

const struct stream_transport over_quic = {
	.connect = connect_channel,
	.query = query,
	.progress = progress,
	.send = send_channel,
	.forget = forget,
	.close = close_channel,
};
