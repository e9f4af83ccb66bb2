/* Between nghttp3 and ngtcp2. */
#include "net/quic/http3_streams.h"

bool http3_open_streams(nghttp3_conn *http3, ngtcp2_conn *quic)
{
	int64_t control, encoder, decoder;
	return ngtcp2_conn_open_uni_stream(quic, &control, NULL) == 0 &&
	       ngtcp2_conn_open_uni_stream(quic, &encoder, NULL) == 0 &&
	       ngtcp2_conn_open_uni_stream(quic, &decoder, NULL) == 0 &&
	       nghttp3_conn_bind_control_stream(http3, control) == 0 &&
	       nghttp3_conn_bind_qpack_streams(http3, encoder, decoder) == 0;
}

bool http3_next(nghttp3_conn *http3, struct quic_output *out)
{
	enum { PIECES = sizeof out->octets / sizeof *out->octets };
	nghttp3_vec pieces[PIECES];
	int ends = 0;
	nghttp3_ssize count = nghttp3_conn_writev_stream(http3, &out->id, &ends, pieces, PIECES);
	if (count < 0)
		return false;
	for (nghttp3_ssize i = 0; i < count; i++)
		out->octets[i] = (ngtcp2_vec){ pieces[i].base, pieces[i].len };
	out->count = (size_t)count;
	out->ends = ends;
	return true;
}

int http3_closed(nghttp3_conn *http3, int64_t id, uint64_t code)
{
	int error = nghttp3_conn_close_stream(http3, id, code);
	return error == NGHTTP3_ERR_STREAM_NOT_FOUND ? 0 : error;
}
