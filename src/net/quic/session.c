/* A connection as ngtcp2 and GnuTLS have it: setting both up, and what they call. */
#include "net/quic/connection.h"

#include "base/random.h"
#include "net/client_counters.h"
#include "net/connection_counts.h"

#include <malloc.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdlib.h>

#define HANDSHAKE_TIME (5 * NS_PER_S)

/* What a client may send on all streams of a connection before some of it is used. */
enum { CONNECTION_WINDOW = 256 << 10 };

/* --- memory, counted --- */

static void *counted(struct quic_connection *c, void *at)
{
	if (at)
		quic_connection_charge(c, malloc_usable_size(at));
	return at;
}

/* Without memory ngtcp2 gives up what it does, and the connection is closed. A failing one needs
 * some for its farewell. */
static bool may_have(const struct quic_connection *c, size_t size)
{
	return c->failed ||
	       (size <= QUIC_CONNECTION_MEMORY && c->memory + size <= QUIC_CONNECTION_MEMORY);
}

static void *session_malloc(size_t size, void *data)
{
	return may_have(data, size) ? counted(data, malloc(size)) : NULL;
}

static void *session_calloc(size_t count, size_t size, void *data)
{
	return may_have(data, count * size) ? counted(data, calloc(count, size)) : NULL;
}

static void session_free(void *at, void *data)
{
	if (at)
		quic_connection_discharge(data, malloc_usable_size(at));
	free(at);
}

static void *session_realloc(void *at, size_t size, void *data)
{
	if (!may_have(data, size))
		return NULL;
	size_t before = at ? malloc_usable_size(at) : 0;
	void *moved = realloc(at, size);
	if (!moved)
		return NULL;
	quic_connection_discharge(data, before);
	return counted(data, moved);
}

/* --- what ngtcp2 calls: ids --- */

/* An id of ours, which tells the worker, and the token by which a worker that does not know it can end the connection. */
static void id_new(struct quic_connection *c, ngtcp2_cid *id, uint8_t *token, size_t length)
{
	struct quic_listener *q = c->listener;
	id->datalen = length;
	random_fill(id->data, length);
	id->data[0] = (uint8_t)q->service.worker;
	ngtcp2_crypto_generate_stateless_reset_token(
		token, q->service.shared->secrets->reset, sizeof q->service.shared->secrets->reset, id);
	quic_ids_add(&q->ids, c, &c->ids, id->data, length);
}

static int on_new_id(ngtcp2_conn *conn, ngtcp2_cid *id, uint8_t *token, size_t length, void *data)
{
	(void)conn;
	id_new(data, id, token, length);
	return 0;
}

static int on_remove_id(ngtcp2_conn *conn, const ngtcp2_cid *id, void *data)
{
	struct quic_connection *c = data;
	(void)conn;
	quic_ids_remove(&c->listener->ids, &c->ids, id->data, id->datalen);
	return 0;
}

/* --- the handshake --- */

/* What lets the client come again without showing once more that its address is its own (RFC
 * 9000 8.1.3). */
static void give_token(struct quic_connection *c)
{
	uint8_t token[NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN];
	const struct quic_secrets *secrets = c->listener->service.shared->secrets;
	const ngtcp2_path *path = ngtcp2_conn_get_path(c->conn);
	ngtcp2_ssize length = ngtcp2_crypto_generate_regular_token(token, secrets->token,
		sizeof secrets->token, path->remote.addr, path->remote.addrlen, clock_batch());
	if (length > 0)
		ngtcp2_conn_submit_new_token(c->conn, token, (size_t)length);
}

/* Whether the client may have another connection, and the listener has room for it. */
static bool has_room(struct quic_connection *c)
{
	struct quic_listener *q = c->listener;
	enum transport t = q->service.application->transport;
	if (*c->client_counter > q->limits.client_connections) {
		connection_count_cut(t, CONNECTION_CLIENT_FULL);
		return false;
	}
	if (atomic_load(&q->service.shared->connections) <= q->limits.connections ||
		quic_listener_evict(q))
		return true;
	connection_count_cut(t, CONNECTION_SURPLUS);
	return false;
}

/* Is one of those that are open; where there is no room it is closed as soon as it has begun. */
static void count_open(struct quic_connection *c)
{
	struct quic_listener *q = c->listener;
	c->client_counter = client_counter(q->clients, &c->client);
	++*c->client_counter;
	connection_count_open(q->service.application->transport, 1);
	atomic_fetch_add(&q->service.shared->connections, 1);
	if (!has_room(c))
		quic_connection_fail(c, q->service.application->excessive_load);
}

static void uncount_open(struct quic_connection *c)
{
	if (!c->client_counter)
		return;
	--*c->client_counter;
	c->client_counter = NULL;
	connection_count_open(c->listener->service.application->transport, -1);
	atomic_fetch_sub(&c->listener->service.shared->connections, 1);
}

static int on_handshake(ngtcp2_conn *conn, void *data)
{
	struct quic_connection *c = data;
	(void)conn;
	c->shaken = true;
	connection_count_handshake(c->listener->service.application->transport,
		gnutls_session_is_resumed(c->tls) ? HANDSHAKE_RESUMED : HANDSHAKE_FULL);
	gnutls_session_ticket_send(c->tls, 1, 0);
	give_token(c);
	count_open(c);
	return c->listener->service.application->open(c) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

/* --- streams --- */

static int on_open(ngtcp2_conn *conn, int64_t id, void *data)
{
	const struct quic_listener *q = ((struct quic_connection *)data)->listener;
	if (!ngtcp2_is_bidi_stream(id))
		return 0;
	if (q->stopped)
		return ngtcp2_conn_shutdown_stream(conn, id, q->service.application->rejected);
	return ngtcp2_conn_set_stream_user_data(conn, id, quic_stream_new(data, id));
}

static int on_data(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset,
	const uint8_t *octets, size_t length, void *data, void *stream)
{
	struct quic_connection *c = data;
	struct quic_stream *s = stream;
	bool ended = flags & NGTCP2_STREAM_DATA_FLAG_FIN;
	(void)conn;
	(void)offset;
	if (c->failed)
		return 0;
	if (s)
		s->ended = ended;
	c->listener->service.application->receive(c, s, id, octets, length, ended);
	return 0;
}

static int on_acknowledged(
	ngtcp2_conn *conn, int64_t id, uint64_t offset, uint64_t octets, void *data, void *stream)
{
	struct quic_connection *c = data;
	(void)conn;
	(void)offset;
	(void)stream;
	c->listener->service.application->acknowledged(c, id, octets);
	return 0;
}

static int on_room(ngtcp2_conn *conn, int64_t id, uint64_t most, void *data, void *stream)
{
	struct quic_connection *c = data;
	(void)conn;
	(void)most;
	c->listener->service.application->unblocked(c, stream, id);
	return 0;
}

static int on_stop_sending(ngtcp2_conn *conn, int64_t id, uint64_t code, void *data, void *stream)
{
	struct quic_connection *c = data;
	(void)conn;
	(void)code;
	c->listener->service.application->refused(c, stream, id);
	return 0;
}

/* The client has given up a query that it had not sent whole. */
static int on_reset(
	ngtcp2_conn *conn, int64_t id, uint64_t size, uint64_t code, void *data, void *stream)
{
	struct quic_connection *c = data;
	struct quic_stream *s = stream;
	(void)size;
	(void)code;
	if (s && s->state == STREAM_READING)
		ngtcp2_conn_shutdown_stream(conn, id, c->listener->service.application->cancelled);
	return 0;
}

static int on_close(
	ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t code, void *data, void *stream)
{
	struct quic_connection *c = data;
	const struct quic_application *app = c->listener->service.application;
	if (!(flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET))
		code = app->no_error;
	app->closed(c, stream, id, code);
	if (stream)
		quic_stream_close(stream);
	else if (!ngtcp2_is_bidi_stream(id) && !ngtcp2_conn_is_local_stream(conn, id))
		ngtcp2_conn_extend_max_streams_uni(conn, 1);
	return 0;
}

static const ngtcp2_callbacks callbacks = {
	QUIC_CALLBACKS,
	.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
	.handshake_completed = on_handshake,
	.recv_stream_data = on_data,
	.acked_stream_data_offset = on_acknowledged,
	.stream_open = on_open,
	.stream_close = on_close,
	.get_new_connection_id = on_new_id,
	.remove_connection_id = on_remove_id,
	.stream_reset = on_reset,
	.extend_max_stream_data = on_room,
	.stream_stop_sending = on_stop_sending,
};

/* --- setting up --- */

static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *reference)
{
	return ((struct quic_connection *)reference->user_data)->conn;
}

/* RFC 9001 8.1: a client must offer a protocol, and one that is spoken here. */
static int need_protocol(gnutls_session_t tls, unsigned type, unsigned when, unsigned incoming,
	const gnutls_datum_t *message)
{
	gnutls_datum_t protocol;
	(void)type;
	(void)when;
	(void)incoming;
	(void)message;
	return gnutls_alpn_get_selected_protocol(tls, &protocol) == 0
		       ? 0
		       : GNUTLS_E_NO_APPLICATION_PROTOCOL;
}

static bool tls_start(struct quic_connection *c)
{
	const struct quic_service *service = &c->listener->service;
	struct tls_credentials *credentials = service->credentials(service->listener);
	if (!credentials || gnutls_init(&c->tls, GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET) < 0) {
		c->tls = NULL;
		return false;
	}
	tls_credentials_retain(credentials);
	c->credentials = credentials;
	c->reference = (ngtcp2_crypto_conn_ref){ get_conn, c };
	if (tls_set_up_server(c->tls, credentials, TLS_IN_QUIC, service->application->alpn, true) <
		0)
		return false;
	gnutls_session_set_ptr(c->tls, &c->reference);
	gnutls_handshake_set_hook_function(
		c->tls, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_POST, need_protocol);
	return ngtcp2_crypto_gnutls_configure_server_session(c->tls) == 0;
}

static ngtcp2_settings settings_of(const ngtcp2_pkt_hd *header)
{
	ngtcp2_settings settings;
	ngtcp2_settings_default(&settings);
	settings.initial_ts = clock_batch();
	settings.max_tx_udp_payload_size = QUIC_PACKET_MAX;
	settings.no_pmtud = 1;
	settings.handshake_timeout = HANDSHAKE_TIME;
	settings.token = header->token;
	return settings;
}

/* Those that HTTP/3 needs beside requests must be possible, however few requests are (RFC 9114 6.2). */
static size_t unidirectional_streams(const struct quic_connection *c)
{
	enum { HTTP3_NEEDS = 3 };
	size_t most = c->listener->limits.streams;
	if (!c->listener->service.application->takes_unidirectional)
		return 0;
	return most < HTTP3_NEEDS ? HTTP3_NEEDS : most;
}

static ngtcp2_transport_params parameters_of(const struct quic_connection *c)
{
	const struct quic_limits *limits = &c->listener->limits;
	const struct quic_application *app = c->listener->service.application;
	ngtcp2_transport_params p;
	ngtcp2_transport_params_default(&p);
	p.initial_max_stream_data_bidi_remote = app->stream_window;
	p.initial_max_stream_data_uni = app->stream_window;
	p.initial_max_data = CONNECTION_WINDOW;
	p.initial_max_streams_bidi = limits->streams;
	p.initial_max_streams_uni = unidirectional_streams(c);
	p.max_idle_timeout = limits->idle;
	p.stateless_reset_token_present = 1;
	return p;
}

bool quic_session_start(struct quic_connection *c, const struct incoming *in,
	const ngtcp2_pkt_hd *header, const ngtcp2_cid *original)
{
	struct endpoint local = in->local, client = in->peer;
	ngtcp2_path path = quic_path(&local, &client);
	ngtcp2_settings settings = settings_of(header);
	ngtcp2_transport_params parameters = parameters_of(c);
	ngtcp2_cid id;
	if (!tls_start(c))
		return false;
	id_new(c, &id, parameters.stateless_reset_token, QUIC_ID_LENGTH);
	quic_ids_add(&c->listener->ids, c, &c->ids, header->dcid.data, header->dcid.datalen);
	parameters.original_dcid = original ? *original : header->dcid;
	if (original) {
		parameters.retry_scid = header->dcid;
		parameters.retry_scid_present = 1;
	}
	c->memory_functions =
		(ngtcp2_mem){ c, session_malloc, session_free, session_calloc, session_realloc };
	if (ngtcp2_conn_server_new(&c->conn, &header->scid, &id, &path, header->version, &callbacks,
		    &settings, &parameters, &c->memory_functions, c) != 0) {
		c->conn = NULL;
		return false;
	}
	ngtcp2_conn_set_tls_native_handle(c->conn, c->tls);
	return true;
}

void quic_session_end(struct quic_connection *c)
{
	if (c->conn)
		ngtcp2_conn_del(c->conn);
	c->conn = NULL;
	uncount_open(c);
	while (c->newest)
		quic_stream_detach(c->newest);
	if (c->state)
		c->listener->service.application->release(c);
	c->state = NULL;
	if (c->tls)
		gnutls_deinit(c->tls);
	c->tls = NULL;
	if (c->credentials)
		tls_credentials_release(c->credentials);
	c->credentials = NULL;
}
