/*
 * A client's QUIC connection as ngtcp2 and GnuTLS have it. ngtcp2 must not be called anew from its callbacks: what these find out is
 * kept until the datagram is read, and what there is to send goes out with the next flush.
 */
#include "net/quic/client_connection.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"

#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdlib.h>

enum {
	SERVER_ID_FIRST = 18,      /* octets of the id that is made up for the server */
	CONNECTION_WINDOW = 1 << 20, /* octets of answers that may be under way */
	PACKETS_A_FLUSH = 256,
	CRYPTO_ERROR = 0x100, /* TLS alerts among the codes of QUIC (RFC 9001 4.8) */
	ALERT_NO_APPLICATION_PROTOCOL = 120,
};

/* --- the end --- */

static void ended(struct quic_client *c, enum quic_client_end why, uint64_t code)
{
	if (c->progress == QUIC_CLIENT_ENDED)
		return;
	c->progress = QUIC_CLIENT_ENDED;
	c->why = why;
	c->code = code;
}

static void send_packet(struct quic_client *c, const uint8_t *packet, size_t length)
{
	if (length)
		c->settings.send(c->settings.owner, packet, length);
}

static void say_farewell(struct quic_client *c, const ngtcp2_connection_close_error *why)
{
	uint8_t packet[QUIC_PACKET_MAX];
	ngtcp2_path_storage path;
	ngtcp2_path_storage_zero(&path);
	send_packet(c, packet, quic_farewell(c->conn, &path.path, packet, why));
}

static void close_by_application(struct quic_client *c, uint64_t code)
{
	ngtcp2_connection_close_error why;
	ngtcp2_connection_close_error_default(&why);
	ngtcp2_connection_close_error_set_application_error(&why, code, NULL, 0);
	say_farewell(c, &why);
}

void quic_client_fail(struct quic_client *c, uint64_t code)
{
	ended(c, QUIC_END_BROKEN, code);
}

/* What is wrong with the server's certificate, if it is that. */
static enum tls_failure own_failure(const struct quic_client *c)
{
	unsigned status = gnutls_session_get_verify_cert_status(c->tls);
	if (status && status != UINT32_MAX)
		return tls_failure_of(c->tls, GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR);
	return TLS_FAILURE_PROTOCOL;
}

/* QUIC or TLS itself went wrong: the server is told. */
static void broken(struct quic_client *c, int error)
{
	ngtcp2_connection_close_error why;
	ngtcp2_connection_close_error_default(&why);
	if (error == NGTCP2_ERR_CRYPTO) {
		ended(c, QUIC_END_TLS, own_failure(c));
		ngtcp2_connection_close_error_set_transport_error_tls_alert(
			&why, ngtcp2_conn_get_tls_alert(c->conn), NULL, 0);
	} else if (error == NGTCP2_ERR_RECV_VERSION_NEGOTIATION) {
		ended(c, QUIC_END_TLS, TLS_FAILURE_VERSION);
		return;
	} else {
		ended(c, QUIC_END_BROKEN, ngtcp2_err_infer_quic_transport_error_code(error));
		ngtcp2_connection_close_error_set_transport_error_liberr(&why, error, NULL, 0);
	}
	say_farewell(c, &why);
}

/* The server has closed it, or says that it does not know it (RFC 9000 10.3). */
static void closed_by_server(struct quic_client *c)
{
	ngtcp2_connection_close_error why;
	ngtcp2_conn_get_connection_close_error(c->conn, &why);
	bool transport = why.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_TRANSPORT;
	if (c->reset)
		ended(c, QUIC_END_CLOSED, 0);
	else if (transport && why.error_code == CRYPTO_ERROR + ALERT_NO_APPLICATION_PROTOCOL)
		ended(c, QUIC_END_TLS, TLS_FAILURE_ALPN);
	else if (transport && why.error_code >= CRYPTO_ERROR && why.error_code < 2 * CRYPTO_ERROR)
		ended(c, QUIC_END_TLS, TLS_FAILURE_ALERT);
	else
		ended(c, QUIC_END_CLOSED,
			!transport && why.error_code == c->application->no_error ? 0 : why.error_code);
}

/* --- what ngtcp2 calls --- */

static int on_new_id(ngtcp2_conn *conn, ngtcp2_cid *id, uint8_t *token, size_t length, void *data)
{
	(void)conn;
	(void)data;
	id->datalen = length;
	random_fill(id->data, length);
	random_fill(token, NGTCP2_STATELESS_RESET_TOKENLEN);
	return 0;
}

/* RFC 9001 8.1: without the protocol nothing may be spoken. */
static bool is_agreed(const struct quic_client *c)
{
	gnutls_datum_t protocol;
	return gnutls_alpn_get_selected_protocol(c->tls, &protocol) == 0 &&
	       view_is((struct view){ (const char *)protocol.data, protocol.size },
		       c->application->alpn[0]);
}

static int on_handshake(ngtcp2_conn *conn, void *data)
{
	struct quic_client *c = data;
	(void)conn;
	if (!is_agreed(c)) {
		ended(c, QUIC_END_TLS, TLS_FAILURE_ALPN);
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	c->progress = QUIC_CLIENT_OPEN;
	return c->application->open(c) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

static int on_reset_by_server(ngtcp2_conn *conn, const ngtcp2_pkt_stateless_reset *reset, void *data)
{
	(void)conn;
	(void)reset;
	((struct quic_client *)data)->reset = true;
	return 0;
}

static int on_data(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset,
	const uint8_t *octets, size_t length, void *data, void *stream)
{
	struct quic_client *c = data;
	(void)conn;
	(void)offset;
	if (c->progress == QUIC_CLIENT_OPEN)
		c->application->receive(
			c, stream, id, octets, length, flags & NGTCP2_STREAM_DATA_FLAG_FIN);
	return 0;
}

static int on_acknowledged(
	ngtcp2_conn *conn, int64_t id, uint64_t offset, uint64_t octets, void *data, void *stream)
{
	struct quic_client *c = data;
	(void)conn;
	(void)offset;
	(void)stream;
	c->application->acknowledged(c, id, octets);
	return 0;
}

static int on_room(ngtcp2_conn *conn, int64_t id, uint64_t most, void *data, void *stream)
{
	struct quic_client *c = data;
	(void)conn;
	(void)most;
	c->application->unblocked(c, stream, id);
	return 0;
}

/* The server gives no answer, or breaks off in the middle of it. */
static int on_reset(
	ngtcp2_conn *conn, int64_t id, uint64_t size, uint64_t code, void *data, void *stream)
{
	struct quic_client *c = data;
	(void)size;
	if (!stream)
		return 0;
	const struct quic_answer answer = {
		.untouched = code && code == c->application->rejected,
		.code = code,
	};
	quic_call_finish(c, stream, &answer);
	ngtcp2_conn_shutdown_stream(conn, id, c->application->cancelled);
	return 0;
}

static int on_close(
	ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t code, void *data, void *stream)
{
	struct quic_client *c = data;
	struct quic_call *call = stream;
	(void)conn;
	if (!(flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET))
		code = c->application->no_error;
	c->application->closed(c, id, code);
	if (!call)
		return 0;
	if (call->of && !call->finished)
		quic_call_finish(c, call, &(struct quic_answer){ .code = code });
	quic_call_close(call);
	return 0;
}

static const ngtcp2_callbacks callbacks = {
	QUIC_CALLBACKS,
	.client_initial = ngtcp2_crypto_client_initial_cb,
	.handshake_completed = on_handshake,
	.recv_stream_data = on_data,
	.acked_stream_data_offset = on_acknowledged,
	.stream_close = on_close,
	.recv_stateless_reset = on_reset_by_server,
	.recv_retry = ngtcp2_crypto_recv_retry_cb,
	.get_new_connection_id = on_new_id,
	.stream_reset = on_reset,
	.extend_max_stream_data = on_room,
};

/* --- setting up --- */

static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *reference)
{
	return ((struct quic_client *)reference->user_data)->conn;
}

static bool tls_start(struct quic_client *c)
{
	struct tls_peer peer = c->settings.peer;
	if (gnutls_init(&c->tls, GNUTLS_CLIENT) < 0) {
		c->tls = NULL;
		return false;
	}
	peer.alpn = c->application->alpn;
	c->reference = (ngtcp2_crypto_conn_ref){ get_conn, c };
	if (tls_set_up_client(c->tls, c->settings.credentials, TLS_IN_QUIC, &peer, &c->wanted) < 0)
		return false;
	gnutls_session_set_ptr(c->tls, &c->reference);
	return ngtcp2_crypto_gnutls_configure_client_session(c->tls) == 0;
}

static bool conn_start(struct quic_client *c)
{
	ngtcp2_settings settings;
	ngtcp2_transport_params p;
	ngtcp2_cid server = { .datalen = SERVER_ID_FIRST }, own = { .datalen = 0 };
	ngtcp2_path path = quic_path(&c->settings.local, &c->settings.remote);
	random_fill(server.data, server.datalen);
	ngtcp2_settings_default(&settings);
	settings.initial_ts = clock_batch();
	settings.max_tx_udp_payload_size = QUIC_PACKET_MAX;
	settings.no_pmtud = 1;
	settings.handshake_timeout = UINT64_MAX; /* who waits for it has a timer */
	ngtcp2_transport_params_default(&p);
	p.initial_max_stream_data_bidi_local = c->application->stream_window;
	p.initial_max_stream_data_uni = c->application->stream_window;
	p.initial_max_data = CONNECTION_WINDOW;
	p.initial_max_streams_uni = c->application->unidirectional_streams;
	p.max_idle_timeout = c->settings.idle;
	if (ngtcp2_conn_client_new(&c->conn, &server, &own, &path, NGTCP2_PROTO_VER_V1, &callbacks,
		    &settings, &p, NULL, c) == 0)
		return true;
	c->conn = NULL;
	return false;
}

static void client_free(struct quic_client *c)
{
	if (c->conn && c->progress != QUIC_CLIENT_ENDED)
		close_by_application(c, c->application->no_error);
	if (c->conn)
		ngtcp2_conn_del(c->conn);
	if (c->state)
		c->application->release(c);
	if (c->tls)
		gnutls_deinit(c->tls);
	tls_credentials_functions.release(c->settings.credentials);
	quic_calls_free(c);
	free(c);
}

static struct quic_client *client_new(const struct quic_client_settings *settings)
{
	struct quic_client *c = memory_array(1, sizeof *c);
	c->settings = *settings;
	c->application = settings->http3 ? &quic_client_http3 : &quic_client_doq;
	tls_credentials_functions.retain(settings->credentials);
	if (tls_start(c) && conn_start(c)) {
		ngtcp2_conn_set_tls_native_handle(c->conn, c->tls);
		return c;
	}
	client_free(c);
	return NULL;
}

/* --- packets --- */

void quic_client_consumed(struct quic_client *c, int64_t id, size_t octets)
{
	if (!octets)
		return;
	ngtcp2_conn_extend_max_offset(c->conn, octets);
	ngtcp2_conn_extend_max_stream_offset(c->conn, id, octets);
}

/* After whatever may have called callbacks. `error` is ngtcp2's. */
static void settle(struct quic_client *c, int error)
{
	bool by_callback = c->progress == QUIC_CLIENT_ENDED;
	quic_calls_deliver(c);
	if (by_callback)
		close_by_application(c, c->why == QUIC_END_BROKEN ? c->code : c->application->no_error);
	else if (!error)
		return;
	else if (error == NGTCP2_ERR_DRAINING)
		closed_by_server(c);
	else if (error == NGTCP2_ERR_IDLE_CLOSE)
		ended(c, QUIC_END_SILENCE, 0);
	else
		broken(c, error);
}

static void client_receive(struct quic_client *c, const uint8_t *datagram, size_t length)
{
	ngtcp2_path path = quic_path(&c->settings.local, &c->settings.remote);
	ngtcp2_pkt_info info = { 0 };
	if (c->progress != QUIC_CLIENT_ENDED)
		settle(c, ngtcp2_conn_read_pkt(c->conn, &path, &info, datagram, length, clock_batch()));
}

static void client_expire(struct quic_client *c)
{
	if (c->progress != QUIC_CLIENT_ENDED && ngtcp2_conn_get_expiry(c->conn) <= clock_batch())
		settle(c, ngtcp2_conn_handle_expiry(c->conn, clock_batch()));
}

static uint64_t client_expires(const struct quic_client *c)
{
	return c->progress == QUIC_CLIENT_ENDED ? UINT64_MAX : ngtcp2_conn_get_expiry(c->conn);
}

/* Gives those that wait a stream each, as long as the server allows more. */
static void open_streams(struct quic_client *c)
{
	struct quic_call *call;
	while ((call = quic_call_first(&c->waiting)) &&
		ngtcp2_conn_open_bidi_stream(c->conn, &call->id, call) == 0) {
		quic_call_take(&c->waiting);
		if (!c->application->begin(c, call))
			quic_call_finish(c, call, &(struct quic_answer){ .untouched = true });
	}
}

/* Writes a packet's worth, or a part of it: of what the application has, unless a packet is only to be brought to its end. False
 * when there is no more to send. */
static bool write_some(struct quic_client *c, uint8_t *packet, ngtcp2_path_storage *path, bool ends)
{
	struct quic_output out = { .id = -1 };
	ngtcp2_ssize taken;
	size_t length;
	int error;
	bool sends = !ends && c->progress == QUIC_CLIENT_OPEN && ngtcp2_conn_get_max_data_left(c->conn);
	if (sends && !c->application->next(c, &out)) {
		quic_client_fail(c, c->application->protocol_error);
		close_by_application(c, c->code);
		return false;
	}
	enum quic_written written = quic_write(c->conn, &path->path, packet, &out, &length, &taken, &error);
	if (taken >= 0 && out.id >= 0)
		c->application->sent(c, &out, (size_t)taken);
	send_packet(c, packet, length);
	if (written == QUIC_BLOCKED || written == QUIC_REFUSED)
		c->application->blocked(c, &out, written == QUIC_REFUSED);
	else if (written == QUIC_FAILED)
		broken(c, error);
	return written != QUIC_SILENT && written != QUIC_FAILED;
}

static void client_flush(struct quic_client *c)
{
	uint8_t packet[QUIC_PACKET_MAX];
	ngtcp2_path_storage path;
	if (c->progress == QUIC_CLIENT_ENDED)
		return;
	if (c->progress == QUIC_CLIENT_OPEN)
		open_streams(c);
	ngtcp2_path_storage_zero(&path);
	for (int i = 0; i <= PACKETS_A_FLUSH && write_some(c, packet, &path, i == PACKETS_A_FLUSH); i++)
		;
	if (c->progress != QUIC_CLIENT_ENDED)
		ngtcp2_conn_update_pkt_tx_time(c->conn, clock_batch());
}

/* --- calls --- */

static struct quic_call *client_ask(struct quic_client *c, struct view message, void *of)
{
	uint8_t length[2] = { (uint8_t)(message.length >> 8), (uint8_t)message.length };
	if (c->leaves || c->progress == QUIC_CLIENT_ENDED)
		return NULL;
	struct quic_call *call = quic_call_new(c, (struct view){ NULL, 0 }, of);
	call->sent_length = sizeof length + message.length;
	call->sent = memory_alloc(call->sent_length);
	memcpy(call->sent, length, sizeof length);
	memcpy(call->sent + sizeof length, message.at, message.length);
	quic_call_append(&c->waiting, call);
	return call;
}

/* Its fields are kept until there is a stream. */
static struct quic_call *client_request(
	struct quic_client *c, const struct http_client_request *r, void *of)
{
	size_t size = 0, at = 0;
	if (c->leaves || c->progress == QUIC_CLIENT_ENDED)
		return NULL;
	struct quic_call *call = quic_call_new(c, r->body, of);
	for (unsigned i = 0; i < r->field_count; i++)
		size += r->fields[i].value.length;
	call->fields = memory_alloc(size);
	call->request = *r;
	for (unsigned i = 0; i < r->field_count; i++) {
		struct view *value = &call->request.fields[i].value;
		memcpy(call->fields + at, value->at, value->length);
		value->at = call->fields + at;
		at += value->length;
	}
	quic_call_append(&c->waiting, call);
	return call;
}

/* RFC 9250 4.3.1: the server need not go on. */
static void client_cancel(struct quic_client *c, struct quic_call *call)
{
	call->of = NULL;
	if (call->id >= 0 && !call->finished && c->progress == QUIC_CLIENT_OPEN)
		ngtcp2_conn_shutdown_stream(c->conn, call->id, c->application->cancelled);
}

/* --- what it is --- */

static enum quic_client_state client_state(const struct quic_client *c)
{
	return c->progress;
}

static enum quic_client_end client_end(const struct quic_client *c, uint64_t *code)
{
	*code = c->code;
	return c->why;
}

static bool client_leaves(const struct quic_client *c)
{
	return c->leaves;
}

static bool client_resumed(const struct quic_client *c)
{
	return gnutls_session_is_resumed(c->tls) != 0;
}

static size_t client_save(struct quic_client *c, uint8_t *to, size_t room)
{
	return tls_save(c->tls, to, room);
}

const struct quic_client_functions quic_client_functions = {
	.new = client_new,
	.free = client_free,
	.receive = client_receive,
	.expire = client_expire,
	.expires = client_expires,
	.ask = client_ask,
	.request = client_request,
	.cancel = client_cancel,
	.flush = client_flush,
	.state = client_state,
	.end = client_end,
	.leaves = client_leaves,
	.resumed = client_resumed,
	.save = client_save,
};
