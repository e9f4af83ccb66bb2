/* Packets out, addresses and random octets for ngtcp2. */
#include "net/quic/packet.h"

#include "base/clock.h"
#include "base/random.h"

enum quic_written quic_write(ngtcp2_conn *conn, ngtcp2_path *path, uint8_t packet[static QUIC_PACKET_MAX],
	const struct quic_output *out, size_t *length, ngtcp2_ssize *taken, int *error)
{
	ngtcp2_pkt_info info;
	uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE;
	if (out->ends)
		flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
	*taken = -1;
	ngtcp2_ssize result = ngtcp2_conn_writev_stream(conn, path, &info, packet, QUIC_PACKET_MAX, taken,
		flags, out->id, out->octets, out->count, clock_batch());
	*length = result > 0 ? (size_t)result : 0;
	switch (result) {
	case 0:
		return QUIC_SILENT;
	case NGTCP2_ERR_STREAM_DATA_BLOCKED:
		return QUIC_BLOCKED;
	case NGTCP2_ERR_STREAM_SHUT_WR:
	case NGTCP2_ERR_STREAM_NOT_FOUND:
		return QUIC_REFUSED;
	case NGTCP2_ERR_WRITE_MORE:
		return QUIC_WROTE;
	default:
		*error = result < 0 ? (int)result : 0;
		return result < 0 ? QUIC_FAILED : QUIC_WROTE;
	}
}

size_t quic_farewell(ngtcp2_conn *conn, ngtcp2_path *path, uint8_t packet[static QUIC_PACKET_MAX],
	const ngtcp2_connection_close_error *why)
{
	ngtcp2_pkt_info info;
	ngtcp2_ssize length = ngtcp2_conn_write_connection_close(
		conn, path, &info, packet, QUIC_PACKET_MAX, why, clock_batch());
	return length > 0 ? (size_t)length : 0;
}

ngtcp2_path quic_path(struct endpoint *local, struct endpoint *peer)
{
	return (ngtcp2_path){
		.local = { &local->any, endpoint_length(local) },
		.remote = { &peer->any, endpoint_length(peer) },
	};
}

void quic_draw(uint8_t *to, size_t size, const ngtcp2_rand_ctx *context)
{
	(void)context;
	random_fill(to, size);
}
