/* What both ends of QUIC connections need of ngtcp2 in the same way. */
#ifndef ISTHMUS_NET_QUIC_PACKET_H
#define ISTHMUS_NET_QUIC_PACKET_H

#include "net/endpoint.h"

#include <ngtcp2/ngtcp2.h>

enum { QUIC_PACKET_MAX = 1200 }; /* what every path carries: no probing */

/* What to send next. */
struct quic_output {
	int64_t id;   /* of a stream; -1: of none, only what QUIC itself has to say */
	void *stream; /* what the connection knows it by. NULL: one that the application has opened */
	ngtcp2_vec octets[8];
	size_t count;
	bool ends; /* the stream, with these octets */
};

/* What became of it. */
enum quic_written {
	QUIC_WROTE,   /* there may be more to send */
	QUIC_BLOCKED, /* the stream cannot go on now */
	QUIC_REFUSED, /* or not at all: the peer wants no more of it */
	QUIC_SILENT,  /* nothing can be sent now */
	QUIC_FAILED,  /* the connection is broken */
};

/* Writes a packet's worth of it, or a part of a packet, into `packet`: *length octets to be sent along `path`, which may be 0;
 * *taken of `out`, -1 if it was not begun with. In *error why it failed. */
enum quic_written quic_write(ngtcp2_conn *conn, ngtcp2_path *path, uint8_t packet[static QUIC_PACKET_MAX],
	const struct quic_output *out, size_t *length, ngtcp2_ssize *taken, int *error);

/* Writes the packet that ends the connection, to be sent along `path`; gives its length, 0 where there is nothing to say. */
size_t quic_farewell(ngtcp2_conn *conn, ngtcp2_path *path, uint8_t packet[static QUIC_PACKET_MAX],
	const ngtcp2_connection_close_error *why);

/* What ngtcp2 calls at both ends of a connection that is not the connection's own. */
#define QUIC_CALLBACKS                                                                             \
	.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,                                     \
	.encrypt = ngtcp2_crypto_encrypt_cb, .decrypt = ngtcp2_crypto_decrypt_cb,                  \
	.hp_mask = ngtcp2_crypto_hp_mask_cb, .rand = quic_draw,                                    \
	.update_key = ngtcp2_crypto_update_key_cb,                                                 \
	.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,                         \
	.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,                     \
	.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,                       \
	.version_negotiation = ngtcp2_crypto_version_negotiation_cb

/* The way between these addresses. */
ngtcp2_path quic_path(struct endpoint *local, struct endpoint *peer);

/* ngtcp2's callback for random octets. */
void quic_draw(uint8_t *to, size_t size, const ngtcp2_rand_ctx *context);

#endif
