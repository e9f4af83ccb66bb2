/*
 * The life of a QUIC connection: packets in, packets out, timers, its end. ngtcp2 must not be
 * called anew from its callbacks, and a query may wait: so packets are read without a query being
 * answered, ready ones are handed over by the listener, and all that there is to send goes out once
 * a round.
 */
#include "net/quic/connection.h"

#include "base/log.h"
#include "base/memory.h"
#include "net/connection_counts.h"

#include <stdlib.h>

enum {
	PACKETS_A_TURN = 64, /* then other connections get theirs */
	CLOSING_PTOS = 3,    /* RFC 9000 10.2 */
};

#define CLOSING_MAX (3 * NS_PER_S)

/* --- lists of connections by last use --- */

static void list_remove(struct quic_connection *c)
{
	struct quic_list *list = c->list;
	if (!list)
		return;
	*(c->older ? &c->older->newer : &list->first) = c->newer;
	*(c->newer ? &c->newer->older : &list->last) = c->older;
	list->count--;
	c->list = NULL;
}

static void list_append(struct quic_list *list, struct quic_connection *c)
{
	list_remove(c);
	c->list = list;
	c->newer = NULL;
	c->older = list->last;
	*(list->last ? &list->last->newer : &list->first) = c;
	list->last = c;
	list->count++;
}

static void list_update(struct quic_connection *c)
{
	struct quic_listener *q = c->listener;
	list_append(!c->shaken ? &q->handshaking : c->streams ? &q->busy : &q->idle, c);
}

/* --- memory --- */

bool quic_connection_charge(struct quic_connection *c, size_t octets)
{
	c->memory += octets;
	c->listener->memory += octets;
	if (c->memory <= QUIC_CONNECTION_MEMORY)
		return true;
	c->overdrawn = true;
	quic_connection_fail(c, c->listener->service.application->excessive_load);
	return false;
}

void quic_connection_discharge(struct quic_connection *c, size_t octets)
{
	c->memory -= octets;
	c->listener->memory -= octets;
}

/* --- the end --- */

void quic_connection_free(struct quic_connection *c)
{
	struct quic_listener *q = c->listener;
	quic_session_end(c);
	list_remove(c);
	timer_cancel(q->loop, &c->timer);
	loop_flush_cancel(q->loop, &c->flush);
	quic_ids_remove_all(&q->ids, &c->ids);
	free(c->farewell);
	free(c);
}

/* Nothing is worked on any more. What still comes for its ids is answered by the farewell for a
 * while, so that the client learns of the end even if a packet is lost (RFC 9000 10.2.1); without
 * one it is passed over. */
static void close_session(struct quic_connection *c)
{
	struct quic_listener *q = c->listener;
	uint64_t period = CLOSING_PTOS * ngtcp2_conn_get_pto(c->conn);
	quic_session_end(c);
	loop_flush_cancel(q->loop, &c->flush);
	list_append(&q->closing, c);
	timer_set(
		q->loop, &c->timer, clock_batch() + (period < CLOSING_MAX ? period : CLOSING_MAX));
}

static void send_packet(
	struct quic_connection *c, const ngtcp2_path *path, const uint8_t *packet, size_t length)
{
	struct endpoint local = endpoint_from(path->local.addr);
	struct endpoint client = endpoint_from(path->remote.addr);
	udp_send(c->listener->udp, &local, &client, (struct view){ (const char *)packet, length });
}

static void say_farewell(struct quic_connection *c, const ngtcp2_connection_close_error *why)
{
	uint8_t packet[QUIC_PACKET_MAX];
	ngtcp2_path_storage path;
	ngtcp2_path_storage_zero(&path);
	size_t length = quic_farewell(c->conn, &path.path, packet, why);
	if (length) {
		send_packet(c, &path.path, packet, length);
		c->farewell = memcpy(memory_alloc(length), packet, length);
		c->farewell_length = length;
	}
	close_session(c);
}

static void log_closing(const struct quic_connection *c, uint64_t code)
{
	char client[ENDPOINT_TEXT_MAX];
	endpoint_print(&c->client, client);
	log_debug("closing quic conn %s with code %llu", client, (unsigned long long)code);
}

void quic_connection_close(struct quic_connection *c, uint64_t code)
{
	struct quic_service *service = &c->listener->service;
	ngtcp2_connection_close_error why;
	if (!c->conn)
		return;
	if (service->application->counts_closing && code != service->application->no_error)
		service->counted(service->listener, code);
	if (c->overdrawn)
		connection_count_cut(service->application->transport, CONNECTION_OVERDRAWN);
	if (log_debug_on())
		log_closing(c, code);
	ngtcp2_connection_close_error_default(&why);
	ngtcp2_connection_close_error_set_application_error(&why, code, NULL, 0);
	say_farewell(c, &why);
}

void quic_connection_fail(struct quic_connection *c, uint64_t code)
{
	if (!c->failed)
		c->failure = code;
	c->failed = true;
	quic_connection_wake(c);
}

/* QUIC or TLS itself went wrong. */
static void close_broken(struct quic_connection *c, int error)
{
	ngtcp2_connection_close_error why;
	ngtcp2_connection_close_error_default(&why);
	if (!c->shaken)
		connection_count_handshake(
			c->listener->service.application->transport, HANDSHAKE_FAILED);
	if (error == NGTCP2_ERR_CRYPTO)
		ngtcp2_connection_close_error_set_transport_error_tls_alert(
			&why, ngtcp2_conn_get_tls_alert(c->conn), NULL, 0);
	else
		ngtcp2_connection_close_error_set_transport_error_liberr(&why, error, NULL, 0);
	say_farewell(c, &why);
}

/* --- packets out --- */

/* Writes one packet's worth, or a part of it: of what the application has, unless a packet is only to
 * be brought to its end. False if the connection is broken, which has closed it. */
static bool write_some(struct quic_connection *c, uint8_t *packet, ngtcp2_path_storage *path,
	bool ends, bool *done)
{
	const struct quic_application *app = c->listener->service.application;
	struct quic_output out = { .id = -1 };
	ngtcp2_ssize taken;
	size_t length;
	int error;
	bool sends = !ends && c->shaken && ngtcp2_conn_get_max_data_left(c->conn);
	if (sends && !app->next(c, &out)) {
		quic_connection_fail(c, app->internal_error);
		out.id = -1;
	}
	enum quic_written written = quic_write(c->conn, &path->path, packet, &out, &length, &taken, &error);
	if (taken >= 0 && out.id >= 0)
		app->sent(c, &out, (size_t)taken);
	if (length)
		send_packet(c, &path->path, packet, length);
	*done = written == QUIC_SILENT;
	if (written == QUIC_BLOCKED)
		app->blocked(c, out.stream, out.id);
	else if (written == QUIC_REFUSED)
		app->refused(c, out.stream, out.id);
	else if (written == QUIC_FAILED)
		close_broken(c, error);
	return written != QUIC_FAILED;
}

/* Sends what the path takes now. False if the connection was closed. A packet that was begun is brought to its end: ngtcp2 goes on
 * with it at the next write, whatever there is to be written by then. */
static bool write_all(struct quic_connection *c)
{
	uint8_t packet[QUIC_PACKET_MAX];
	ngtcp2_path_storage path;
	bool done = false;
	ngtcp2_path_storage_zero(&path);
	for (int i = 0; i <= PACKETS_A_TURN && !done; i++)
		if (!write_some(c, packet, &path, i == PACKETS_A_TURN || c->failed, &done))
			return false;
	ngtcp2_conn_update_pkt_tx_time(c->conn, clock_batch());
	if (!done)
		quic_connection_wake(c);
	return true;
}

/* --- timers --- */

/* When something is to be done: by QUIC, or since a query does not become whole. */
static uint64_t expires(const struct quic_connection *c)
{
	uint64_t at = ngtcp2_conn_get_expiry(c->conn);
	if (c->reading.first && c->shaken) {
		uint64_t late = c->reading.first->since + c->listener->limits.read;
		at = late < at ? late : at;
	}
	return at;
}

/* Moves the timer only when it would come too late. */
static void timer_update(struct quic_connection *c)
{
	c->expires = expires(c);
	if (c->expires != UINT64_MAX && (!timer_is_set(&c->timer) || c->timer.at > c->expires))
		timer_set(c->listener->loop, &c->timer, c->expires);
}

static void late_streams(struct quic_connection *c)
{
	const struct quic_listener *q = c->listener;
	struct quic_stream *s;
	while (!c->failed && (s = c->reading.first) && s->since + q->limits.read <= clock_batch()) {
		connection_count_cut(q->service.application->transport, CONNECTION_SLOW_WRITER);
		quic_queue_remove(s);
		q->service.application->late(s);
	}
}

/* Whether it was idle too long, or its handshake took too long. */
static bool has_died(struct quic_connection *c)
{
	uint64_t now = clock_batch();
	if (ngtcp2_conn_get_expiry(c->conn) > now || ngtcp2_conn_handle_expiry(c->conn, now) == 0)
		return false;
	connection_count_cut(c->listener->service.application->transport,
		c->shaken ? CONNECTION_IDLE : CONNECTION_SLOW_HANDSHAKE);
	return true;
}

static void expired(struct timer *timer)
{
	struct quic_connection *c =
		(struct quic_connection *)((char *)timer - offsetof(struct quic_connection, timer));
	struct quic_listener *q = c->listener;
	uint64_t now = clock_batch();
	if (c->conn && c->expires > now) {
		timer_set(q->loop, timer, c->expires);
		return;
	}
	if (!c->conn || has_died(c)) {
		quic_connection_free(c);
		quic_listener_done(q);
		return;
	}
	late_streams(c);
	quic_connection_wake(c);
}

/* --- a round's end --- */

static void settle(struct quic_connection *c)
{
	struct quic_listener *q = c->listener;
	const struct quic_application *app = q->service.application;
	if (c->failed) {
		quic_connection_close(c, c->failure);
		return;
	}
	if (!write_all(c))
		return;
	if (c->failed || (q->stopped && !c->streams)) {
		quic_connection_close(c, c->failed ? c->failure : app->no_error);
		return;
	}
	timer_update(c);
	list_update(c);
	while (q->memory > q->limits.memory && quic_listener_save_memory(q, c))
		;
}

static void flush_due(struct loop_flush *f)
{
	struct quic_connection *c =
		(struct quic_connection *)((char *)f - offsetof(struct quic_connection, flush));
	struct quic_listener *q = c->listener;
	settle(c);
	quic_listener_done(q);
}

void quic_connection_wake(struct quic_connection *c)
{
	if (c->conn)
		loop_flush_later(c->listener->loop, &c->flush);
}

void quic_connection_consumed(struct quic_connection *c, size_t octets)
{
	if (c->conn && octets)
		ngtcp2_conn_extend_max_offset(c->conn, octets);
}

/* --- packets in --- */

/* The first few packets that come after the end are answered, then ever fewer. */
static void repeat_farewell(struct quic_connection *c)
{
	size_t n = ++c->late_packets;
	if (c->farewell_length && !(n & (n - 1)))
		udp_send(c->listener->udp, &c->local, &c->client,
			(struct view){ (const char *)c->farewell, c->farewell_length });
}

static void read_failed(struct quic_connection *c, const struct incoming *in, int error)
{
	struct quic_listener *q = c->listener;
	ngtcp2_pkt_hd header;
	switch (error) {
	case NGTCP2_ERR_DRAINING: /* the client has closed it */
		close_session(c);
		return;
	case NGTCP2_ERR_RETRY:
		if (ngtcp2_accept(&header, in->wire, in->length) == 0)
			quic_listener_retry(q, in, &header);
		quic_connection_free(c);
		return;
	case NGTCP2_ERR_DROP_CONN:
		quic_connection_free(c);
		return;
	default:
		close_broken(c, error);
	}
}

/* A proxy has said for whom it speaks. */
static void learn_source(struct quic_connection *c, const struct incoming *in)
{
	if (endpoint_equal(&in->client, &in->peer))
		return;
	c->source = in->client;
	c->proxied = true;
}

void quic_connection_read(struct quic_connection *c, const struct incoming *in)
{
	struct endpoint local = in->local, client = in->peer;
	if (!c->conn) {
		repeat_farewell(c);
		return;
	}
	learn_source(c, in);
	ngtcp2_path path = quic_path(&local, &client);
	ngtcp2_pkt_info info = { 0 };
	int error =
		ngtcp2_conn_read_pkt(c->conn, &path, &info, in->wire, in->length, clock_batch());
	if (error) {
		read_failed(c, in, error);
		return;
	}
	const ngtcp2_path *now = ngtcp2_conn_get_path(c->conn);
	c->local = endpoint_from(now->local.addr);
	c->client = endpoint_from(now->remote.addr);
	quic_connection_wake(c);
}

void quic_connection_new(struct quic_listener *q, const struct incoming *in,
	const ngtcp2_pkt_hd *header, const ngtcp2_cid *original)
{
	struct quic_connection *c = memory_array(1, sizeof *c);
	c->listener = q;
	c->client = in->peer;
	learn_source(c, in);
	c->local = in->local;
	c->timer.fire = expired;
	c->flush.run = flush_due;
	if (!quic_session_start(c, in, header, original)) {
		quic_connection_free(c);
		return;
	}
	list_update(c);
	quic_connection_read(c, in);
}
