/* What both ends of HTTP/3 (RFC 9114) do with the streams of a QUIC connection. */
#ifndef ISTHMUS_NET_QUIC_HTTP3_STREAMS_H
#define ISTHMUS_NET_QUIC_HTTP3_STREAMS_H

#include "net/quic/packet.h"

#include <nghttp3/nghttp3.h>

/* Opens the streams that HTTP/3 needs beside those of requests; false if the peer allows too few. */
bool http3_open_streams(nghttp3_conn *http3, ngtcp2_conn *quic);

/* What is to be sent next; false when HTTP/3 has failed. */
bool http3_next(nghttp3_conn *http3, struct quic_output *out);

/* A stream has ended. Gives 0, or the error with which HTTP/3 has. */
int http3_closed(nghttp3_conn *http3, int64_t id, uint64_t code);

#endif
