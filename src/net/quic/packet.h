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

/* The way between these addresses. */
ngtcp2_path quic_path(struct endpoint *local, struct endpoint *peer);

/* ngtcp2's callback for random octets. */
void quic_draw(uint8_t *to, size_t size, const ngtcp2_rand_ctx *context);

#endif
