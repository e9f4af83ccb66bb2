/* What becomes of clients' connections, in metrics: of the whole process, by transport. Any thread. */
#ifndef ISTHMUS_NET_CONNECTION_COUNTS_H
#define ISTHMUS_NET_CONNECTION_COUNTS_H

#include "net/endpoint.h"

/* Why a connection was closed that the client did not close. */
enum connection_cut {
	CONNECTION_EVICTED,     /* another one needed the room, and this one was unused longest */
	CONNECTION_SLOW_READER, /* it did not take its answers in time */
	CONNECTION_SLOW_WRITER, /* it did not send (the rest of) a query in time */
	CONNECTION_IDLE,        /* it asked nothing more in time */
	CONNECTION_SLOW_HANDSHAKE,  /* its TLS handshake took too long */
	CONNECTION_HANDSHAKES_FULL, /* another one's handshake needed the room */
	CONNECTION_CLIENT_FULL,     /* its client has as many as one may have */
	CONNECTION_SURPLUS,   /* as many as may be were open, and all of them in use */
	CONNECTION_OVERDRAWN, /* it, or all together, would have held too much memory */
	CONNECTION_CUTS,
};

/* One more (1) or one less (-1) is open. */
void connection_count_open(enum transport t, int change);

void connection_count_cut(enum transport t, enum connection_cut why);

/* A header of the PROXY protocol was refused, with the connection or the datagram behind it. */
void connection_count_header_refused(enum transport t);

/* As many are open as may be: more have to wait. */
void connection_count_full(enum transport t);

/* How a TLS handshake with a client ended. */
enum handshake {
	HANDSHAKE_FULL,
	HANDSHAKE_RESUMED,   /* went on from an earlier session */
	HANDSHAKE_FAILED,    /* one side refused the other */
	HANDSHAKE_ABANDONED, /* the client went away */
	HANDSHAKES,
};

void connection_count_handshake(enum transport t, enum handshake h);

/* QUIC: a client was told to show first that its address is its own; a packet of a connection that is not known was answered. */
void connection_count_retry(enum transport t);
void connection_count_reset(enum transport t);

#endif
