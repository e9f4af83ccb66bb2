/* A client's connection: the handshake, packets in and out. */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PACKET_MAX = 1200, ID_LENGTH = 8 };

static const char priority[] = "%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3";

/* --- the end --- */

void client_close(struct client *c)
{
	if (c->fd < 0)
		return;
	close(c->fd);
	c->fd = -1;
	ngtcp2_conn_del(c->conn);
	gnutls_deinit(c->tls);
	gnutls_certificate_free_credentials(c->credentials);
	if (c->http3)
		nghttp3_conn_del(c->http3);
	while (c->bodies) {
		struct body *b = c->bodies;
		c->bodies = b->next;
		free(b->octets);
		free(b);
	}
	free(c->question);
	c->question = NULL;
	while (c->streams) {
		struct stream *s = c->streams;
		c->streams = s->next;
		free(s->octets);
		free(s);
	}
}

struct body *client_keep(struct client *c, uint8_t *octets, size_t length)
{
	struct body *b = calloc(1, sizeof *b);
	*b = (struct body){ .next = c->bodies, .octets = octets, .length = length };
	c->bodies = b;
	return b;
}

/* The peer has closed the connection, or lost it. */
static void drained(struct client *c)
{
	ngtcp2_connection_close_error why;
	ngtcp2_conn_get_connection_close_error(c->conn, &why);
	say(c, "closed %#llx %s", (unsigned long long)why.error_code,
		why.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION ? "application"
										: "transport");
	client_close(c);
}

/* Tells the peer, too. */
void client_failed(struct client *c, const char *what, int error)
{
	uint8_t packet[PACKET_MAX];
	ngtcp2_path_storage path;
	ngtcp2_pkt_info info;
	ngtcp2_connection_close_error why;
	ngtcp2_path_storage_zero(&path);
	ngtcp2_connection_close_error_default(&why);
	if (error == NGTCP2_ERR_CRYPTO)
		ngtcp2_connection_close_error_set_transport_error_tls_alert(
			&why, ngtcp2_conn_get_tls_alert(c->conn), NULL, 0);
	else if (error)
		ngtcp2_connection_close_error_set_transport_error_liberr(&why, error, NULL, 0);
	else
		ngtcp2_connection_close_error_set_application_error(
			&why, c->http3 ? NGHTTP3_H3_NO_ERROR : 0, NULL, 0);
	ngtcp2_ssize length = ngtcp2_conn_write_connection_close(
		c->conn, &path.path, &info, packet, sizeof packet, &why, now());
	if (length > 0)
		(void)!send(c->fd, packet, (size_t)length, 0);
	if (error)
		say(c, "failed %s: %s", what, ngtcp2_strerror(error));
	client_close(c);
}

/* --- what ngtcp2 calls --- */

static void draw(uint8_t *to, size_t size, const ngtcp2_rand_ctx *context)
{
	(void)context;
	if (getrandom(to, size, 0) != (ssize_t)size)
		abort();
}

static int on_new_id(ngtcp2_conn *conn, ngtcp2_cid *id, uint8_t *token, size_t length, void *data)
{
	(void)conn;
	(void)data;
	id->datalen = length;
	draw(id->data, length, NULL);
	draw(token, NGTCP2_STATELESS_RESET_TOKENLEN, NULL);
	return 0;
}

static int on_handshake(ngtcp2_conn *conn, void *data)
{
	struct client *c = data;
	(void)conn;
	c->open = true;
	if (strcmp(c->options.alpn, "h3") == 0)
		http3_open(c);
	say(c, "open %s", gnutls_session_is_resumed(c->tls) ? "resumed" : "new");
	return 0;
}

/* Forgets the stream, and asks again. */
static void load_answered(struct client *c, int64_t id)
{
	for (struct stream **at = &c->streams; *at; at = &(*at)->next) {
		struct stream *s = *at;
		if (s->id != id)
			continue;
		*at = s->next;
		free(s->octets);
		free(s);
		break;
	}
	if (++c->answered == c->to_ask)
		say(c, "loaded %zu %.3f", c->answered,
			(double)(now() - c->load_began) / (double)NGTCP2_SECONDS);
	else if (c->asked < c->to_ask &&
		 client_send(c, -1, c->question, c->question_length, true) >= 0)
		c->asked++;
}

static int on_data(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset,
	const uint8_t *octets, size_t length, void *data, void *stream)
{
	struct client *c = data;
	bool ended = flags & NGTCP2_STREAM_DATA_FLAG_FIN;
	(void)offset;
	(void)stream;
	ngtcp2_conn_extend_max_offset(conn, length);
	ngtcp2_conn_extend_max_stream_offset(conn, id, length);
	if (c->http3) {
		http3_receive(c, id, octets, length, ended);
		return 0;
	}
	if (c->to_ask) {
		if (ended)
			load_answered(c, id);
		return 0;
	}
	if (length)
		say_octets(c, "data", id, octets, length);
	if (ended)
		say(c, "end %lld", (long long)id);
	return 0;
}

static int on_reset(
	ngtcp2_conn *conn, int64_t id, uint64_t size, uint64_t code, void *data, void *stream)
{
	(void)conn;
	(void)size;
	(void)stream;
	say(data, "reset %lld %#llx", (long long)id, (unsigned long long)code);
	return 0;
}

static int on_stop(ngtcp2_conn *conn, int64_t id, uint64_t code, void *data, void *stream)
{
	(void)conn;
	(void)stream;
	say(data, "stopped %lld %#llx", (long long)id, (unsigned long long)code);
	return 0;
}

static int on_acknowledged(
	ngtcp2_conn *conn, int64_t id, uint64_t offset, uint64_t octets, void *data, void *stream)
{
	struct client *c = data;
	(void)conn;
	(void)offset;
	(void)stream;
	if (c->http3)
		nghttp3_conn_add_ack_offset(c->http3, id, octets);
	return 0;
}

static int on_close(
	ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t code, void *data, void *stream)
{
	struct client *c = data;
	(void)conn;
	(void)stream;
	if (!(flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET))
		code = NGHTTP3_H3_NO_ERROR;
	if (c->http3)
		nghttp3_conn_close_stream(c->http3, id, code);
	return 0;
}

static int on_room(ngtcp2_conn *conn, int64_t id, uint64_t most, void *data, void *stream)
{
	struct client *c = data;
	(void)conn;
	(void)most;
	(void)stream;
	if (c->http3)
		nghttp3_conn_unblock_stream(c->http3, id);
	for (struct stream *s = c->streams; s; s = s->next)
		if (s->id == id)
			s->blocked = false;
	return 0;
}

static int on_retry(ngtcp2_conn *conn, const ngtcp2_pkt_hd *header, void *data)
{
	say(data, "retry");
	return ngtcp2_crypto_recv_retry_cb(conn, header, data);
}

static const ngtcp2_callbacks callbacks = {
	.client_initial = ngtcp2_crypto_client_initial_cb,
	.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
	.handshake_completed = on_handshake,
	.encrypt = ngtcp2_crypto_encrypt_cb,
	.decrypt = ngtcp2_crypto_decrypt_cb,
	.hp_mask = ngtcp2_crypto_hp_mask_cb,
	.recv_stream_data = on_data,
	.acked_stream_data_offset = on_acknowledged,
	.stream_close = on_close,
	.recv_retry = on_retry,
	.rand = draw,
	.get_new_connection_id = on_new_id,
	.update_key = ngtcp2_crypto_update_key_cb,
	.stream_reset = on_reset,
	.extend_max_stream_data = on_room,
	.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
	.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
	.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
	.stream_stop_sending = on_stop,
	.version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};

/* --- beginning --- */

static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *reference)
{
	return ((struct client *)reference->user_data)->conn;
}

static void tls_open(struct client *c)
{
	const struct options *o = &c->options;
	gnutls_datum_t alpn = { (unsigned char *)(uintptr_t)o->alpn, (unsigned)strlen(o->alpn) };
	gnutls_init(&c->tls, GNUTLS_CLIENT);
	gnutls_certificate_allocate_credentials(&c->credentials);
	if (o->authorities && gnutls_certificate_set_x509_trust_file(
				      c->credentials, o->authorities, GNUTLS_X509_FMT_PEM) < 1)
		say(c, "failed to read %s", o->authorities);
	if (o->certificate && gnutls_certificate_set_x509_key_file(c->credentials, o->certificate,
				      o->key, GNUTLS_X509_FMT_PEM) < 0)
		say(c, "failed to read %s", o->certificate);
	gnutls_priority_set_direct(c->tls, priority, NULL);
	gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->credentials);
	if (o->name)
		gnutls_server_name_set(c->tls, GNUTLS_NAME_DNS, o->name, strlen(o->name));
	if (o->authorities)
		gnutls_session_set_verify_cert(c->tls, o->name, 0);
	if (alpn.size)
		gnutls_alpn_set_protocols(c->tls, &alpn, 1, 0);
	if (o->resume && o->resume->fd >= 0) {
		gnutls_datum_t session;
		if (gnutls_session_get_data2(o->resume->tls, &session) == 0) {
			gnutls_session_set_data(c->tls, session.data, session.size);
			gnutls_free(session.data);
		}
	}
	c->reference = (ngtcp2_crypto_conn_ref){ get_conn, c };
	gnutls_session_set_ptr(c->tls, &c->reference);
	ngtcp2_crypto_gnutls_configure_client_session(c->tls);
}

static ngtcp2_path path_of(struct client *c)
{
	return (ngtcp2_path){
		.local = { (struct sockaddr *)&c->local, sizeof c->local },
		.remote = { (struct sockaddr *)&c->remote, sizeof c->remote },
	};
}

static bool socket_open(struct client *c)
{
	socklen_t length = sizeof c->local;
	c->remote = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(c->options.port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	return c->fd >= 0 && connect(c->fd, (struct sockaddr *)&c->remote, sizeof c->remote) == 0 &&
	       getsockname(c->fd, (struct sockaddr *)&c->local, &length) == 0;
}

/* The client itself does not notice. */
void client_rebind(struct client *c)
{
	close(c->fd);
	c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&c->remote, sizeof c->remote) < 0) {
		perror("rebind");
		exit(1);
	}
}

void client_open(struct client *c)
{
	ngtcp2_settings settings;
	ngtcp2_transport_params p;
	ngtcp2_cid server = { .datalen = 18 }, own = { .datalen = ID_LENGTH };
	if (!socket_open(c)) {
		perror("socket");
		exit(1);
	}
	ngtcp2_path path = path_of(c);
	draw(server.data, server.datalen, NULL);
	draw(own.data, own.datalen, NULL);
	ngtcp2_settings_default(&settings);
	settings.initial_ts = now();
	ngtcp2_transport_params_default(&p);
	p.initial_max_stream_data_bidi_local = 1 << 20;
	p.initial_max_stream_data_uni = 1 << 20;
	p.initial_max_data = 8 << 20;
	p.initial_max_streams_uni = 100;
	p.max_idle_timeout = 60 * NGTCP2_SECONDS;
	p.active_connection_id_limit = 4;
	tls_open(c);
	int error = ngtcp2_conn_client_new(&c->conn, &server, &own, &path, NGTCP2_PROTO_VER_V1,
		&callbacks, &settings, &p, NULL, c);
	if (error) {
		fprintf(stderr, "%s\n", ngtcp2_strerror(error));
		exit(1);
	}
	ngtcp2_conn_set_tls_native_handle(c->conn, c->tls);
	client_write(c);
}

/* --- streams --- */

int64_t client_send(struct client *c, int64_t id, const uint8_t *octets, size_t length, bool ends)
{
	struct stream **at = &c->streams;
	if (id < 0 && ngtcp2_conn_open_bidi_stream(c->conn, &id, NULL) != 0)
		return -1;
	while (*at && (*at)->id != id)
		at = &(*at)->next;
	struct stream *s = *at;
	if (!s) {
		s = *at = calloc(1, sizeof *s);
		s->id = id;
	}
	uint8_t *kept = malloc(s->length + length + 1); /* the old one may still be sent again */
	if (s->length)
		memcpy(kept, s->octets, s->length);
	memcpy(kept + s->length, octets, length);
	client_keep(c, s->octets, s->length);
	s->octets = kept;
	s->length += length;
	s->ends |= ends;
	return id;
}

void client_load(
	struct client *c, const uint8_t *octets, size_t length, size_t count, size_t window)
{
	c->question = malloc(length);
	memcpy(c->question, octets, length);
	c->question_length = length;
	c->to_ask = count;
	c->load_began = now();
	while (c->asked < window && c->asked < count &&
		client_send(c, -1, octets, length, true) >= 0)
		c->asked++;
}

static struct stream *sendable(struct client *c)
{
	for (struct stream *s = c->streams; s; s = s->next)
		if (!s->blocked && (s->sent < s->length || (s->ends && !s->ended)))
			return s;
	return NULL;
}

/* --- packets --- */

static void send_datagram(struct client *c, const uint8_t *packet, size_t length)
{
	uint8_t datagram[sizeof c->options.prefix + PACKET_MAX];
	memcpy(datagram, c->options.prefix, c->options.prefix_length);
	memcpy(datagram + c->options.prefix_length, packet, length);
	c->octets_sent += length;
	(void)!send(c->fd, datagram, c->options.prefix_length + length, 0);
}

/* A piece of what there is to send; -1 when there is nothing. */
static int64_t next_piece(
	struct client *c, struct stream **from, ngtcp2_vec *to, size_t *count, bool *ends)
{
	*from = NULL;
	*count = 0;
	*ends = false;
	if (c->http3) {
		int64_t id = -1;
		int last = 0;
		nghttp3_vec vec[8];
		nghttp3_ssize n = nghttp3_conn_writev_stream(c->http3, &id, &last, vec, 8);
		for (nghttp3_ssize i = 0; i < n; i++)
			to[i] = (ngtcp2_vec){ vec[i].base, vec[i].len };
		*count = n > 0 ? (size_t)n : 0;
		*ends = last;
		return id;
	}
	struct stream *s = sendable(c);
	if (!s)
		return -1;
	*from = s;
	to[0] = (ngtcp2_vec){ s->octets + s->sent, s->length - s->sent };
	*count = 1;
	*ends = s->ends;
	return s->id;
}

static void piece_sent(struct client *c, struct stream *s, int64_t id, size_t octets)
{
	if (c->http3)
		nghttp3_conn_add_write_offset(c->http3, id, octets);
	if (!s)
		return;
	s->sent += octets;
	s->ended = s->ends && s->sent == s->length;
}

static void piece_blocked(struct client *c, struct stream *s, int64_t id, bool for_good)
{
	if (c->http3 && for_good)
		nghttp3_conn_shutdown_stream_write(c->http3, id);
	else if (c->http3)
		nghttp3_conn_block_stream(c->http3, id);
	if (s)
		s->blocked = true;
}

void client_write(struct client *c)
{
	uint8_t packet[PACKET_MAX];
	ngtcp2_path_storage path;
	ngtcp2_path_storage_zero(&path);
	while (c->fd >= 0) {
		ngtcp2_vec vec[8];
		ngtcp2_pkt_info info;
		struct stream *s = NULL;
		size_t count = 0;
		bool ends = false;
		int64_t id = c->open ? next_piece(c, &s, vec, &count, &ends) : -1;
		ngtcp2_ssize taken = -1;
		uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE;
		if (ends)
			flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
		ngtcp2_ssize length = ngtcp2_conn_writev_stream(c->conn, &path.path, &info, packet,
			sizeof packet, &taken, flags, id, vec, count, now());
		if (taken >= 0 && id >= 0)
			piece_sent(c, s, id, (size_t)taken);
		if (length == NGTCP2_ERR_WRITE_MORE)
			continue;
		if (length == NGTCP2_ERR_STREAM_DATA_BLOCKED ||
			length == NGTCP2_ERR_STREAM_SHUT_WR ||
			length == NGTCP2_ERR_STREAM_NOT_FOUND) {
			piece_blocked(c, s, id, length != NGTCP2_ERR_STREAM_DATA_BLOCKED);
			continue;
		}
		if (length < 0) {
			client_failed(c, "write", (int)length);
			return;
		}
		if (length == 0)
			return;
		send_datagram(c, packet, (size_t)length);
	}
}

void client_readable(struct client *c)
{
	uint8_t datagram[65536];
	ngtcp2_pkt_info info = { 0 };
	ssize_t length;
	while (c->fd >= 0 && (length = recv(c->fd, datagram, sizeof datagram, 0)) >= 0) {
		ngtcp2_path path = path_of(c);
		c->octets_received += (size_t)length;
		if (length > 0 && (datagram[0] & 0xf0) == 0xf0)
			c->retries++;
		if (c->options.mute)
			continue;
		int error = ngtcp2_conn_read_pkt(
			c->conn, &path, &info, datagram, (size_t)length, now());
		if (error == NGTCP2_ERR_DRAINING)
			drained(c);
		else if (error)
			client_failed(c, "read", error);
	}
	if (c->fd >= 0 && !c->options.mute)
		client_write(c);
}

void client_expired(struct client *c)
{
	int error = ngtcp2_conn_handle_expiry(c->conn, now());
	if (error)
		client_failed(c, "timer", error);
	else
		client_write(c);
}
