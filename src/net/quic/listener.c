/*
 * A worker's socket for QUIC: which connection a datagram is for, whether a new one is begun, and
 * what is answered without one: other versions, Retry, stateless resets. It hands queries that are
 * ready to the server.
 */
#include "net/quic/connection.h"

#include "base/memory.h"
#include "base/random.h"
#include "net/client_counters.h"
#include "net/connection_counts.h"
#include "net/loop_state.h"
#include "net/socket.h"

#include <stdlib.h>

enum {
	DATAGRAM_INITIAL_MIN = 1200, /* RFC 9000 14.1 */
	RETRY_FROM = 64, /* handshakes under way from which on clients must show that their address
			    is their own */
	HANDSHAKES_MAX = 1024, /* under way at once */
	CLOSING_MAX = 1024,    /* connections that are closed and still known */
	RESET_SIZE = 41,       /* looks like a packet of a connection (RFC 9000 10.3) */
	RESETS_A_SECOND = 100,
	LONG_HEADER = 0x80,
	DATAGRAM_PASSED_MAX = 2048,
	PASSED_MAX = 1024, /* datagrams on their way between workers */
	DATAGRAM_ROOM = 512, /* for Retry and Version Negotiation */
};

#define RETRY_TIME (10 * NS_PER_S)
#define TOKEN_TIME (3600 * NS_PER_S)

/* --- answers without a connection --- */

static void answer(struct quic_listener *q, const struct incoming *in, const uint8_t *datagram,
	ngtcp2_ssize length)
{
	if (length > 0)
		udp_send(q->udp, &in->local, &in->peer,
			(struct view){ (const char *)datagram, (size_t)length });
}

static void negotiate_version(
	struct quic_listener *q, const struct incoming *in, const ngtcp2_version_cid *ids)
{
	static const uint32_t versions[] = { NGTCP2_PROTO_VER_V1 };
	uint8_t datagram[2 * 256 + DATAGRAM_ROOM];
	if (in->length < DATAGRAM_INITIAL_MIN)
		return;
	answer(q, in, datagram,
		ngtcp2_pkt_write_version_negotiation(datagram, sizeof datagram,
			(uint8_t)random_u32(), ids->scid, ids->scidlen, ids->dcid, ids->dcidlen,
			versions, sizeof versions / sizeof *versions));
}

void quic_listener_retry(
	struct quic_listener *q, const struct incoming *in, const ngtcp2_pkt_hd *header)
{
	const struct quic_secrets *secrets = q->service.shared->secrets;
	struct endpoint client = in->peer;
	uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN], datagram[DATAGRAM_ROOM];
	ngtcp2_cid id = { .datalen = QUIC_ID_LENGTH };
	random_fill(id.data, id.datalen);
	ngtcp2_ssize length = ngtcp2_crypto_generate_retry_token(token, secrets->token,
		sizeof secrets->token, header->version, &client.any, endpoint_length(&client), &id,
		&header->dcid, clock_batch());
	if (length < 0)
		return;
	connection_count_retry(q->service.application->transport);
	answer(q, in, datagram,
		ngtcp2_crypto_write_retry(datagram, sizeof datagram, header->version, &header->scid,
			&id, &header->dcid, token, (size_t)length));
}

/* RFC 9000 8.1.3: a Retry's token that is not good is an error, since the client would only come
 * again with it. */
static void refuse_token(
	struct quic_listener *q, const struct incoming *in, const ngtcp2_pkt_hd *header)
{
	uint8_t datagram[DATAGRAM_ROOM];
	answer(q, in, datagram,
		ngtcp2_crypto_write_connection_close(datagram, sizeof datagram, header->version,
			&header->scid, &header->dcid, NGTCP2_INVALID_TOKEN, NULL, 0));
}

/* A client whose connection is not known, after a restart for one, learns it at once, and not after
 * its time-out. */
static void reset(struct quic_listener *q, const struct incoming *in, const ngtcp2_version_cid *ids)
{
	uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN], datagram[RESET_SIZE];
	uint8_t noise[RESET_SIZE - NGTCP2_STATELESS_RESET_TOKENLEN];
	ngtcp2_cid id;
	uint64_t second = clock_batch() / NS_PER_S;
	if (q->resets_at != second)
		q->resets = 0;
	q->resets_at = second;
	if (in->length <= RESET_SIZE || ids->dcidlen != QUIC_ID_LENGTH ||
		q->resets >= RESETS_A_SECOND)
		return;
	q->resets++;
	ngtcp2_cid_init(&id, ids->dcid, ids->dcidlen);
	ngtcp2_crypto_generate_stateless_reset_token(
		token, q->service.shared->secrets->reset, sizeof q->service.shared->secrets->reset, &id);
	random_fill(noise, sizeof noise);
	connection_count_reset(q->service.application->transport);
	answer(q, in, datagram,
		ngtcp2_pkt_write_stateless_reset(
			datagram, sizeof datagram, token, noise, sizeof noise));
}

/* --- new connections --- */

static bool was_given(
	const struct quic_listener *q, const struct incoming *in, const ngtcp2_vec *token)
{
	const struct quic_secrets *secrets = q->service.shared->secrets;
	return ngtcp2_crypto_verify_regular_token(token->base, token->len, secrets->token,
		       sizeof secrets->token, &in->peer.any, endpoint_length(&in->peer),
		       TOKEN_TIME, clock_batch()) == 0;
}

static bool retried(const struct quic_listener *q, const struct incoming *in,
	const ngtcp2_pkt_hd *header, ngtcp2_cid *original)
{
	const struct quic_secrets *secrets = q->service.shared->secrets;
	return ngtcp2_crypto_verify_retry_token(original, header->token.base, header->token.len,
		       secrets->token, sizeof secrets->token, header->version, &in->peer.any,
		       endpoint_length(&in->peer), &header->dcid, RETRY_TIME, clock_batch()) == 0;
}

static bool is_retry_token(const ngtcp2_vec *token)
{
	return token->len && token->base[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY;
}

/* Closes the first of the list, but not `spared`. False if there is none. */
static bool close_first(struct quic_listener *q, const struct quic_list *list,
	const struct quic_connection *spared, enum connection_cut why)
{
	struct quic_connection *c = list->first;
	if (c && c == spared)
		c = c->newer;
	if (!c)
		return false;
	if (c->conn)
		connection_count_cut(q->service.application->transport, why);
	if (c->conn && c->shaken)
		quic_connection_close(c, q->service.application->excessive_load);
	else
		quic_connection_free(c);
	return true;
}

bool quic_listener_evict(struct quic_listener *q)
{
	return close_first(q, &q->idle, NULL, CONNECTION_EVICTED);
}

/* A flood of handshakes must not cost those their connection who have one, nor idle ones keep new ones out. */
bool quic_listener_save_memory(struct quic_listener *q, const struct quic_connection *spared)
{
	bool flooded = q->handshaking.count > q->idle.count + q->busy.count;
	const struct quic_list *order[] = {
		&q->closing,
		flooded ? &q->handshaking : &q->idle,
		flooded ? &q->idle : &q->busy,
		flooded ? &q->busy : &q->handshaking,
	};
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		if (close_first(q, order[i], spared, CONNECTION_OVERDRAWN))
			return true;
	}
	return false;
}

static void accept_new(struct quic_listener *q, const struct incoming *in)
{
	ngtcp2_pkt_hd header;
	ngtcp2_cid first, *original = NULL;
	bool shown = false;
	if (ngtcp2_accept(&header, in->wire, in->length) != 0 ||
		header.type != NGTCP2_PKT_INITIAL || in->length < DATAGRAM_INITIAL_MIN)
		return;
	if (is_retry_token(&header.token)) {
		if (!retried(q, in, &header, &first)) {
			refuse_token(q, in, &header);
			return;
		}
		original = &first;
		shown = true;
	} else if (header.token.len) {
		shown = was_given(q, in, &header.token);
		if (!shown)
			header.token = (ngtcp2_vec){ 0 };
	}
	if (!shown && q->handshaking.count >= RETRY_FROM) {
		quic_listener_retry(q, in, &header);
		return;
	}
	if (q->handshaking.count >= HANDSHAKES_MAX)
		close_first(q, &q->handshaking, NULL, CONNECTION_HANDSHAKES_FULL);
	if (q->closing.count >= CLOSING_MAX)
		close_first(q, &q->closing, NULL, CONNECTION_EVICTED);
	quic_connection_new(q, in, &header, original);
}

/* --- datagrams for another worker --- */

/*
 * The kernel chooses a worker by the client's address and port. When these change in mid-connection (a NAT forgets, a telephone
 * goes from one network to another) it may choose another one than the connection's, which the connection's id names.
 */
struct passed {
	struct quic_shared *shared;
	unsigned worker;
	struct endpoint client, peer, local;
	size_t length;
	uint8_t wire[];
};

static void read_known(struct quic_listener *q, const struct incoming *in)
{
	ngtcp2_version_cid ids;
	if (ngtcp2_pkt_decode_version_cid(&ids, in->wire, in->length, QUIC_ID_LENGTH) != 0)
		return;
	struct quic_connection *c = quic_ids_find(&q->ids, ids.dcid, ids.dcidlen);
	if (c)
		quic_connection_read(c, in);
	else
		reset(q, in, &ids);
}

static void arrived(void *data)
{
	struct passed *p = data;
	struct quic_listener *q = p->shared->place[p->worker].listener;
	const struct incoming in = { .wire = p->wire,
		.length = p->length,
		.client = p->client,
		.peer = p->peer,
		.local = p->local };
	if (q && !q->stopped)
		read_known(q, &in);
	atomic_fetch_sub(&p->shared->passed, 1);
	quic_shared_release(p->shared);
	free(p);
}

/* Hands the datagram to the worker that its id names. False if it names none, this one, or too many are on their way. */
static bool pass_on(
	struct quic_listener *q, const struct incoming *in, const ngtcp2_version_cid *ids)
{
	struct quic_shared *s = q->service.shared;
	unsigned worker = ids->dcid[0];
	struct loop *l = worker < s->workers && worker != q->service.worker ?
				 atomic_load(&s->place[worker].loop) :
				 NULL;
	if (!l || in->length > DATAGRAM_PASSED_MAX || atomic_load(&s->passed) >= PASSED_MAX)
		return false;
	struct passed *p = memory_alloc(sizeof *p + in->length);
	*p = (struct passed){ s, worker, in->client, in->peer, in->local, in->length };
	memcpy(p->wire, in->wire, in->length);
	atomic_fetch_add(&s->references, 1);
	atomic_fetch_add(&s->passed, 1);
	loop_post(l, arrived, p);
	return true;
}

static void receive(struct incoming *in)
{
	struct quic_listener *q = in->listener;
	ngtcp2_version_cid ids;
	in->answer_length = 0;
	int error = ngtcp2_pkt_decode_version_cid(&ids, in->wire, in->length, QUIC_ID_LENGTH);
	if (error == NGTCP2_ERR_VERSION_NEGOTIATION)
		negotiate_version(q, in, &ids);
	if (error)
		return;
	if (q->stopped) /* the last connection may end by what came */
		quic_listener_wake(q);
	struct quic_connection *c = quic_ids_find(&q->ids, ids.dcid, ids.dcidlen);
	if (c)
		quic_connection_read(c, in);
	else if (q->stopped)
		return;
	else if (in->wire[0] & LONG_HEADER)
		accept_new(q, in);
	else if (!pass_on(q, in, &ids))
		reset(q, in, &ids);
}

/* --- queries that are ready --- */

static void work(struct watch *w, uint32_t events)
{
	struct quic_listener *q = (struct quic_listener *)w;
	struct loop *l = q->loop;
	uint64_t handoffs = l->handoffs;
	(void)events;
	/* When a query has waited, somebody else has gone on with this, and the listener may be
	 * gone. */
	while (q->active < q->limits.active && q->ready.first) {
		struct quic_stream *s = q->ready.first;
		quic_queue_remove(s);
		quic_stream_answer(s);
		if (l->handoffs != handoffs)
			return;
	}
}

static void flush_due(struct loop_flush *f)
{
	struct quic_listener *q =
		(struct quic_listener *)((char *)f - offsetof(struct quic_listener, flush));
	if (q->stopped)
		quic_listener_done(q);
	else
		loop_dispatch(q->loop, &q->work, 0);
}

void quic_listener_wake(struct quic_listener *q)
{
	loop_flush_later(q->loop, &q->flush);
}

/* --- listeners --- */

static const struct proxy_policy *proxies(void *listener)
{
	const struct quic_listener *q = listener;
	return q->service.proxies ? q->service.proxies(q->service.listener) : NULL;
}

static struct quic_listener *listen_on(struct loop *l, int fd, const struct endpoint *local,
	const struct quic_limits *limits, const struct quic_service *service)
{
	struct quic_listener *q = memory_array(1, sizeof *q);
	*q = (struct quic_listener){
		.work = { .fd = -1, .ready = work },
		.flush = { .run = flush_due },
		.loop = l,
		.local = *local,
		.limits = *limits,
		.service = *service,
		.clients = client_counters_new(),
	};
	/* QUIC's datagrams are never cut by the way (RFC 9000 14), nor is ICMP believed. */
	socket_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	if (endpoint_is_v6(local))
		socket_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	q->udp = udp_listen(l, fd, local, receive, q);
	udp_expect_proxies(q->udp, proxies);
	atomic_fetch_add(&service->shared->references, 1);
	service->shared->place[service->worker].listener = q;
	atomic_store(&service->shared->place[service->worker].loop, l);
	return q;
}

static void limit(struct quic_listener *q, const struct quic_limits *limits)
{
	q->limits = *limits;
}

static void close_all(struct quic_list *list, uint64_t code)
{
	while (list->first)
		quic_connection_close(list->first, code);
}

static void free_all(struct quic_list *list)
{
	while (list->first)
		quic_connection_free(list->first);
}

/* Queries that nobody has begun with are refused, those in hand are answered. What comes is read until these are with their clients. */
static void leave(struct quic_connection *c)
{
	const struct quic_application *app = c->listener->service.application;
	for (struct quic_stream *s = c->newest; s; s = s->older)
		quic_stream_refuse(s);
	if (app->leave)
		app->leave(c);
	quic_connection_wake(c);
}

static void stop(struct quic_listener *q)
{
	if (q->stopped)
		return;
	q->stopped = true;
	atomic_store(&q->service.shared->place[q->service.worker].loop, NULL);
	q->service.shared->place[q->service.worker].listener = NULL;
	free_all(&q->handshaking);
	close_all(&q->idle, q->service.application->no_error);
	for (struct quic_connection *c = q->busy.first; c; c = c->newer)
		leave(c);
}

void quic_listener_done(struct quic_listener *q)
{
	if (!q->released || q->active || q->busy.count || q->idle.count || q->handshaking.count)
		return;
	free_all(&q->closing);
	q->service.shared->place[q->service.worker].leaving = NULL;
	loop_flush_cancel(q->loop, &q->flush);
	quic_ids_free(&q->ids);
	free(q->clients);
	quic_shared_release(q->service.shared);
	udp_release(q->udp);
	free(q);
}

static void nobody_counts(void *listener, uint64_t code)
{
	(void)listener;
	(void)code;
}

/* service.listener may be gone soon: it is not used any more but by the queries that it waits for. */
static void release(struct quic_listener *q)
{
	stop(q);
	q->released = true;
	q->service.counted = nobody_counts;
	q->service.proxies = NULL;
	q->service.shared->place[q->service.worker].leaving = q;
	quic_listener_done(q);
}

static void cut(struct quic_shared *s, unsigned worker)
{
	struct quic_listener *q = s->place[worker].leaving;
	if (!q)
		return;
	close_all(&q->busy, q->service.application->no_error);
	quic_listener_done(q);
}

const struct quic_functions quic_functions = {
	.doq = &quic_doq,
	.http3 = &quic_http3,
	.listen = listen_on,
	.limit = limit,
	.stop = stop,
	.release = release,
	.cut = cut,
};
