/*
 * Listening for TCP connections, in the clear or with TLS: pipelined queries, answers out of order, limits on time and number.
 * What a connection speaks is a protocol (tcp_connection.h): DNS messages with their length (RFC 7766, RFC 7858), or HTTP.
 */
#ifndef ISTHMUS_NET_TCP_H
#define ISTHMUS_NET_TCP_H

#include "net/incoming.h"
#include "net/loop.h"

struct tcp_listener;
struct connection_protocol;
struct proxy_policy;
struct tls_credentials;

/* Times in ns. All of them are enforced: a slow reader is cut off after `write`. */
struct tcp_limits {
	uint64_t read;  /* for the first query, TLS handshake included, and for a query once its first octet is there */
	uint64_t write; /* until a stuck peer takes more of an answer */
	uint64_t idle;  /* between queries */
	long queries;   /* connection closed after so many; -1: no limit */
	size_t connections; /* of this listener; the one that is idle longest makes room, or: */
	bool waits_when_full; /* while all are at work more are not accepted */
	size_t client_connections; /* of one client (IPv6: of its /64): more are closed at once */
	size_t handshakes;  /* TLS handshakes at once; the one that began first makes room */
	size_t pipelined;   /* queries of one connection that are worked on at once; more are not read meanwhile */
};

extern const struct tcp_limits tcp_limits_default; /* 3 s, 5 s, 10 s, -1, 20,000, no, 5,000, 1,000, 256 */

/* What is served on a listener. */
struct tcp_service {
	enum transport transport; /* that queries are said to have come by */
	const struct connection_protocol *protocol; /* NULL: DNS messages with their length */
	const void *options; /* of the protocol; stays as long as the listener */
	/* Gives what a new connection's TLS session is made with, which must stay valid for the loop's round: the session takes
	 * a reference. NULL, or giving NULL: connections are in the clear. On the listener's thread. */
	struct tls_credentials *(*credentials)(void *listener);
	/* Whose headers of the PROXY protocol are believed; valid for the loop's round. NULL, or giving NULL: none are looked for. On
	 * the listener's thread. */
	const struct proxy_policy *(*proxies)(void *listener);
	const char *const *alpn; /* as tls_session_server() takes it */
	bool alpn_required;
	incoming_handler *handle;
	void *listener; /* that incoming messages are said to have come by */
};

/* Opens a bound, listening TCP socket; as udp_open. */
int tcp_open(const struct endpoint *local, const char **step);

/* Makes a socket that somebody else has bound, and may have told to listen, one as tcp_open() gives. NULL, or the name of the
 * call that failed. */
const char *tcp_adopt(int fd);

/* Serves the socket (which it then owns) on the loop of the calling thread. Limits and service are copied. */
struct tcp_listener *tcp_listen(struct loop *l, int fd, const struct endpoint *local,
	const struct tcp_limits *limits, const struct tcp_service *service);

/* Other limits from now on, for connections that are open, too. */
void tcp_limit(struct tcp_listener *t, const struct tcp_limits *limits);

/* Accepts no more; idle connections are closed at once, running queries may finish. */
void tcp_stop(struct tcp_listener *t);
void tcp_release(struct tcp_listener *t);

/* Open connections. Any thread. */
size_t tcp_connections(const struct tcp_listener *t);

#endif
