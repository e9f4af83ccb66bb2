/*
 * The life of a TCP connection: octets in, through TLS if it has it, to the protocol that is spoken on it; answers out in whatever
 * order; limits. It has no buffer of its own but for what is left of a query that is cut off, and for answers that the peer does
 * not take yet.
 */
#include "net/tcp_connection.h"

#include "base/memory.h"
#include "net/connection_counts.h"
#include "net/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	READS_A_TURN = 8,
	OUTPUT_PAUSE = 128 << 10, /* unsent octets at which no more queries are read */
};

/* --- lists of connections by last use --- */

static void list_remove(struct tcp_connection *c)
{
	struct connection_list *list = c->list;
	if (!list)
		return;
	*(c->older ? &c->older->newer : &list->first) = c->newer;
	*(c->newer ? &c->newer->older : &list->last) = c->older;
	list->count--;
	c->list = NULL;
}

static void list_append(struct connection_list *list, struct tcp_connection *c)
{
	c->list = list;
	c->newer = NULL;
	c->older = list->last;
	*(list->last ? &list->last->newer : &list->first) = c;
	list->last = c;
	list->count++;
}

static const struct connection_protocol *protocol_of(const struct tcp_connection *c)
{
	return c->listener->service.protocol;
}

/* --- answers out --- */

uint8_t *tcp_connection_append(struct tcp_connection *c, size_t length)
{
	struct tcp_output *out = c->tls ? &c->plain : &c->out;
	if (out->capacity - out->length < length)
		tcp_output_grow(c->listener->loop->tcp, out, length);
	if (out->length == 0)
		c->written_at = clock_batch();
	uint8_t *to = out->at + out->length;
	out->length += length;
	return to;
}

/* What the TLS session wants to send. */
static void ciphertext_append(void *owner, const uint8_t *octets, size_t length)
{
	struct tcp_connection *c = owner;
	struct tcp_output *out = &c->out;
	if (out->capacity - out->length < length)
		tcp_output_grow(c->listener->loop->tcp, out, length);
	if (out->length == 0)
		c->written_at = clock_batch();
	memcpy(out->at + out->length, octets, length);
	out->length += length;
}

void tcp_connection_end_record(struct tcp_connection *c)
{
	if (!c->plain.length)
		return;
	tls_session_send(c->tls, c->plain.at, c->plain.length);
	tcp_output_done(c->listener->loop->tcp, &c->plain);
}

/* Sends what the peer takes. False if the connection is broken. */
static bool output_send(struct tcp_connection *c)
{
	struct tcp_output *out = &c->out;
	if (protocol_of(c)->flush && c->open)
		protocol_of(c)->flush(c);
	tcp_connection_end_record(c);
	while (out->sent < out->length) {
		ssize_t sent = send(c->watch.fd, out->at + out->sent, out->length - out->sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN || errno == ENOBUFS;
		out->sent += (size_t)sent;
		c->written_at = clock_batch();
	}
	if (out->length)
		tcp_output_done(c->listener->loop->tcp, out);
	return true;
}

size_t tcp_connection_unsent(const struct tcp_connection *c)
{
	return c->out.length - c->out.sent + c->plain.length;
}

/* Tells the peer that no more comes, if it can be told at once: a TLS peer need not take our end for an attack then. */
static void say_goodbye(struct tcp_connection *c)
{
	if (!c->open || c->lingering || tcp_connection_unsent(c))
		return;
	if (!c->closing && protocol_of(c)->stop)
		protocol_of(c)->stop(c);
	c->closing = true;
	tcp_connection_end_record(c);
	if (c->tls)
		tls_session_end(c->tls);
	output_send(c);
}

/* --- the end of a connection --- */

static void connection_free(struct tcp_connection *c)
{
	struct tcp_listener *t = c->listener;
	if (c->state && protocol_of(c)->release)
		protocol_of(c)->release(c);
	free(c);
	t->allocated--;
	if (t->released && !t->allocated)
		tcp_listener_free(t);
}

void tcp_connection_close(struct tcp_connection *c)
{
	struct tcp_listener *t = c->listener;
	loop_unwatch(t->loop, &c->watch);
	timer_cancel(t->loop, &c->timer);
	loop_flush_cancel(t->loop, &c->flush);
	list_remove(c);
	if (t->loop->tcp->input && t->loop->tcp->input->owner == c)
		t->loop->tcp->input->owner = NULL;
	close(c->watch.fd);
	if (c->tls)
		tls_session_free(c->tls);
	free(c->partial);
	free(c->plain.at);
	free(c->out.at);
	c->tls = NULL;
	c->partial = NULL;
	c->plain = c->out = (struct tcp_output){ 0 };
	c->dead = true;
	--*c->counter;
	atomic_fetch_sub_explicit(&t->open, 1, memory_order_relaxed);
	connection_count_open(t->service.transport, -1);
	if (t->full && !t->stopped)
		tcp_listener_resume(t);
	if (!c->active)
		connection_free(c);
}

void tcp_connection_end(struct tcp_connection *c)
{
	say_goodbye(c);
	tcp_connection_close(c);
}

/* --- what a connection waits for now --- */

/* When the query began that is not whole yet; 0: there is none. */
static uint64_t unfinished_since(const struct tcp_connection *c)
{
	uint64_t since = protocol_of(c)->unfinished_since ? protocol_of(c)->unfinished_since(c) : 0;
	return since || !c->partial_length || c->paused ? since : c->partial_since;
}

static uint64_t expires(const struct tcp_connection *c)
{
	const struct tcp_limits *limits = &c->listener->limits;
	if (!c->open)
		return c->accepted + limits->read;
	if (tcp_connection_unsent(c))
		return c->written_at + limits->write;
	if (c->lingering)
		return c->active_at + limits->read;
	uint64_t since = unfinished_since(c);
	if (since)
		return since + limits->read;
	if (c->active)
		return 0;
	return c->queries || c->greeted ? c->active_at + limits->idle : c->accepted + limits->read;
}

/* Moves the timer only when it would come too late: most connections are used again before it does. */
static void timer_update(struct tcp_connection *c)
{
	struct loop *l = c->listener->loop;
	c->expires = expires(c);
	if (!c->expires)
		return;
	if (!timer_is_set(&c->timer) || c->timer.at > c->expires)
		timer_set(l, &c->timer, c->expires);
}

/* Which of the times that expires() knows is over. */
static enum connection_cut limit_reached(const struct tcp_connection *c)
{
	if (!c->open && c->tls)
		return CONNECTION_SLOW_HANDSHAKE;
	if (tcp_connection_unsent(c))
		return CONNECTION_SLOW_READER;
	if (unfinished_since(c) || (!c->queries && !c->greeted && !c->lingering))
		return CONNECTION_SLOW_WRITER;
	return CONNECTION_IDLE;
}

static void expired(struct timer *timer)
{
	struct tcp_connection *c =
		(struct tcp_connection *)((char *)timer - offsetof(struct tcp_connection, timer));
	if (!c->expires)
		return;
	if (c->expires > clock_batch()) {
		timer_set(c->listener->loop, timer, c->expires);
		return;
	}
	connection_count_cut(c->listener->service.transport, limit_reached(c));
	tcp_connection_end(c);
}

static struct connection_list *list_for(const struct tcp_connection *c)
{
	struct tcp_listener *t = c->listener;
	if (!c->open)
		return &t->handshaking;
	return c->active || tcp_connection_unsent(c) ? &t->busy : &t->idle;
}

static void list_update(struct tcp_connection *c)
{
	struct connection_list *list = list_for(c);
	if (list == &c->listener->handshaking && c->list == list)
		return; /* in the order in which they began */
	list_remove(c);
	list_append(list, c);
	if (c->listener->full && list == &c->listener->idle && !c->listener->stopped)
		tcp_listener_resume(c->listener);
}

/* All is answered and nothing will be read: closes, but lets the peer take the answers first. Closing while unread queries
 * lie in the kernel would make it throw away what we sent. */
static void finish(struct tcp_connection *c)
{
	say_goodbye(c);
	if (c->ended || c->lingering || c->listener->stopped || shutdown(c->watch.fd, SHUT_WR) < 0) {
		tcp_connection_close(c);
		return;
	}
	c->lingering = true;
	c->active_at = clock_batch();
	loop_watch(c->listener->loop, &c->watch, EPOLLIN);
	timer_update(c);
	list_update(c);
}

/* Sends what there is and sets up all that makes the connection go on; may close it. */
static void settle(struct tcp_connection *c)
{
	if (!output_send(c)) {
		tcp_connection_close(c);
		return;
	}
	bool reads = !c->ended && !c->closing && !c->paused;
	bool unsent = tcp_connection_unsent(c) > 0;
	if (!c->active && !unsent && !reads && !c->paused) {
		finish(c);
		return;
	}
	loop_watch(c->listener->loop, &c->watch,
		(reads ? EPOLLIN : 0u) | (unsent ? EPOLLOUT : 0u));
	timer_update(c);
	list_update(c);
}

void tcp_connection_stop(struct tcp_connection *c)
{
	if (c->closing)
		return;
	c->closing = true;
	if (protocol_of(c)->stop)
		protocol_of(c)->stop(c);
	loop_flush_later(c->listener->loop, &c->flush);
}

/* --- queries in --- */

static void flush_due(struct loop_flush *f)
{
	struct tcp_connection *c =
		(struct tcp_connection *)((char *)f - offsetof(struct tcp_connection, flush));
	if (c->paused)
		loop_dispatch(c->listener->loop, &c->watch, 0);
	else
		settle(c);
}

void tcp_connection_waited(struct tcp_connection *c)
{
	if (!c->dead)
		loop_flush_later(c->listener->loop, &c->flush);
	else if (!c->active)
		connection_free(c);
}

struct incoming tcp_connection_incoming(
	const struct tcp_connection *c, const uint8_t *wire, size_t length)
{
	const struct tcp_listener *t = c->listener;
	return (struct incoming){
		.wire = wire,
		.length = length,
		.client = c->client,
		.local = c->local,
		.transport = t->service.transport,
		.listener = t->service.listener,
		.answer = loop_answer_room(t->loop),
		.answer_room = UINT16_MAX,
	};
}

bool tcp_connection_handle(struct tcp_connection *c, struct incoming *m)
{
	struct tcp_listener *t = c->listener;
	uint64_t handoffs = t->loop->handoffs;
	c->active++;
	c->queries++;
	if (t->limits.queries >= 0 && c->queries >= t->limits.queries)
		c->closing = true;
	t->service.handle(m);
	c->active--;
	c->closing |= m->close;
	return t->loop->handoffs == handoffs;
}

bool tcp_connection_may_handle(const struct tcp_connection *c)
{
	size_t most = c->one_by_one ? 1 : c->listener->limits.pipelined;
	return c->active < most && tcp_connection_unsent(c) < OUTPUT_PAUSE;
}

/* Keeps what could not be handed over. */
static void keep_rest(struct tcp_connection *c, struct tcp_input *in)
{
	size_t rest = c->closing ? 0 : in->end - in->start;
	if (rest) {
		c->partial = memory_resize(c->partial, rest, 1);
		memcpy(c->partial, in->wire + in->start, rest);
	} else if (c->partial) {
		free(c->partial);
		c->partial = NULL;
	}
	/* A query has so much time from its first octet on, not from its last. */
	if (rest && (!c->partial_length || in->start))
		c->partial_since = clock_batch();
	c->partial_length = rest;
	in->start = in->end;
	in->owner = NULL;
}

/* --- octets in --- */

/* The handshake is done: the protocol begins. */
static void opened(struct tcp_connection *c)
{
	struct tcp_listener *t = c->listener;
	c->open = true;
	if (c->tls)
		connection_count_handshake(t->service.transport,
			tls_session_resumed(c->tls) ? HANDSHAKE_RESUMED : HANDSHAKE_FULL);
	if (protocol_of(c)->open && !protocol_of(c)->open(c))
		c->ended = c->closing = true;
}

/* After the peer has ended the connection, or it broke. */
static void peer_ended(struct tcp_connection *c)
{
	if (!c->open && c->tls && !c->ended)
		connection_count_handshake(c->listener->service.transport, HANDSHAKE_ABANDONED);
	c->ended = true;
}

/* Decrypts what came. False if nothing for the protocol was in it. */
static bool decrypt(struct tcp_connection *c, struct tcp_input *in, size_t length)
{
	size_t got;
	enum tls_state state = tls_session_receive(c->tls, c->listener->loop->tcp->ciphertext, length,
		in->wire + in->end, TCP_INPUT_ROOM - in->end, &got);
	if (state == TLS_FAILED && !c->open)
		connection_count_handshake(c->listener->service.transport, HANDSHAKE_FAILED);
	if (state >= TLS_ENDED)
		c->ended = true;
	if (state == TLS_FAILED)
		c->closing = true;
	else if (!c->open && state != TLS_HANDSHAKING)
		opened(c);
	in->end += got;
	return got > 0 && !c->closing;
}

/* Reads behind what is kept from before; *drained when the kernel has no more. False when nothing for the protocol came. */
static bool receive(struct tcp_connection *c, struct tcp_input *in)
{
	struct tcp_thread *thread = c->listener->loop->tcp;
	size_t kept = c->partial_length;
	uint8_t *to = c->tls ? tcp_ciphertext(thread) : in->wire + kept;
	size_t room = c->tls ? TCP_CIPHERTEXT_ROOM : TCP_INPUT_ROOM - kept;
	ssize_t got = recv(c->watch.fd, to, room, MSG_DONTWAIT);
	in->drained = got < (ssize_t)room;
	if (got <= 0) {
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			peer_ended(c);
		return false;
	}
	if (kept)
		memcpy(in->wire, c->partial, kept);
	in->end = kept;
	c->active_at = clock_batch();
	if (!c->tls)
		in->end += (size_t)got;
	else if (!decrypt(c, in, (size_t)got))
		return false;
	in->owner = c;
	return true;
}

/* Works off what the buffer holds of this connection, then what the kernel holds. False if a query had to wait. */
static bool work(struct tcp_connection *c)
{
	struct tcp_thread *thread = c->listener->loop->tcp;
	for (int turn = 0; turn < READS_A_TURN; turn++) {
		struct tcp_input *in = thread->input;
		if (in && in->owner == c) {
			if (!protocol_of(c)->work(c, in))
				return false;
			keep_rest(c, in);
			if (in->drained)
				return true;
		}
		if (c->paused || c->closing || c->ended)
			return true;
		in = tcp_input_fresh(thread);
		if (!receive(c, in) && in->drained)
			return true;
	}
	return true;
}

/* Works on queries that were kept back, as far as they may be now. False if one of them had to wait. */
static bool work_on_kept(struct tcp_connection *c)
{
	while (c->paused && output_send(c) && tcp_connection_may_handle(c)) {
		struct tcp_input *in = tcp_input_fresh(c->listener->loop->tcp);
		if (c->partial_length)
			memcpy(in->wire, c->partial, c->partial_length);
		in->end = c->partial_length;
		in->owner = c;
		if (!work(c))
			return false;
	}
	return true;
}

static void discard(struct tcp_connection *c)
{
	struct tcp_input *in = tcp_input_fresh(c->listener->loop->tcp);
	ssize_t got;
	for (int turn = 0; turn < READS_A_TURN; turn++) {
		got = recv(c->watch.fd, in->wire, sizeof in->wire, MSG_DONTWAIT);
		if (got <= 0)
			break;
	}
	if (got == 0 || (got < 0 && errno != EAGAIN))
		tcp_connection_close(c);
}

/* --- beginning --- */

/* Begins TLS, if the listener has it. False if there is no memory for it. */
static bool secure(struct tcp_connection *c)
{
	struct tcp_listener *t = c->listener;
	const struct tcp_service *service = &t->service;
	struct tls_credentials *credentials =
		service->credentials ? service->credentials(service->listener) : NULL;
	if (!credentials) {
		opened(c);
		return true;
	}
	if (t->handshaking.count >= t->limits.handshakes && t->handshaking.first) {
		connection_count_cut(service->transport, CONNECTION_HANDSHAKES_FULL);
		tcp_connection_close(t->handshaking.first);
	}
	c->tls = tls_session_server(credentials, service->alpn, service->alpn_required,
		(struct tls_output){ ciphertext_append, c });
	return c->tls != NULL;
}

/* What comes first is a proxy's. False if it has to be waited for, or the connection is closed. */
static bool begin_behind_proxy(struct tcp_connection *c)
{
	enum tcp_preface preface = tcp_preface_read(c);
	if (preface == PREFACE_WAITS)
		return false;
	c->proxy = PROXY_SKIP;
	list_remove(c);
	if (preface == PREFACE_BROKEN || !secure(c) || c->ended) {
		tcp_connection_close(c);
		return false;
	}
	list_update(c);
	return true;
}

static void connection_ready(struct watch *w, uint32_t events)
{
	struct tcp_connection *c = (struct tcp_connection *)w;
	tcp_input_waits(c->listener->loop->tcp->input);
	if (events & (EPOLLERR | EPOLLHUP)) {
		peer_ended(c);
		tcp_connection_close(c);
	} else if (c->lingering) {
		discard(c);
	} else if (c->proxy != PROXY_SKIP && !begin_behind_proxy(c)) {
		return;
	} else if ((c->paused || work(c)) && work_on_kept(c)) {
		settle(c);
	}
}

void tcp_connection_new(
	struct tcp_listener *t, int fd, const struct endpoint *client, uint16_t *counter,
	enum proxy_use proxy)
{
	struct tcp_connection *c = memory_array(1, sizeof *c);
	struct sockaddr_in6 local;
	socklen_t length = sizeof local;
	c->watch = (struct watch){ .fd = fd, .ready = connection_ready };
	c->timer.fire = expired;
	c->flush.run = flush_due;
	c->listener = t;
	c->client = *client;
	c->counter = counter;
	c->proxy = proxy;
	c->local = t->local;
	if (endpoint_is_wildcard(&t->local) &&
		getsockname(fd, (struct sockaddr *)&local, &length) == 0)
		c->local = endpoint_from((struct sockaddr *)&local);
	c->accepted = clock_batch();
	socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	t->allocated++;
	atomic_fetch_add_explicit(&t->open, 1, memory_order_relaxed);
	connection_count_open(t->service.transport, 1);
	loop_watch(t->loop, &c->watch, EPOLLIN);
	if (proxy == PROXY_SKIP && (!secure(c) || c->ended)) {
		tcp_connection_close(c);
		return;
	}
	timer_update(c);
	list_update(c);
}
