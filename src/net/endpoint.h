/* Addresses with a port, and the transports between them. */
#ifndef ISTHMUS_NET_ENDPOINT_H
#define ISTHMUS_NET_ENDPOINT_H

#include "base/view.h"
#include <netinet/in.h>
#include <sys/socket.h>

/* IPv4 or IPv6 with a port. An IPv4 address that came over a dual-stack socket is IPv4 here. */
struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

enum { ENDPOINT_TEXT_MAX = 64 }; /* "[ffff:...:255.255.255.255%interface]:65535" and NUL */

enum transport {
	TRANSPORT_UDP,
	TRANSPORT_TCP,
	TRANSPORT_TLS,
	TRANSPORT_HTTPS,
	TRANSPORT_HTTPS3,
	TRANSPORT_QUIC,
	TRANSPORT_GRPC,
	TRANSPORTS,
};

/* "udp", "tcp", ...; "?" for a number that is none. */
const char *transport_name(enum transport t);

static inline bool endpoint_is_v6(const struct endpoint *e)
{
	return e->any.sa_family == AF_INET6;
}

/* 0.0.0.0 or [::]. */
bool endpoint_is_wildcard(const struct endpoint *e);

uint16_t endpoint_port(const struct endpoint *e);
void endpoint_set_port(struct endpoint *e, uint16_t port);
socklen_t endpoint_length(const struct endpoint *e);

/* The 4 or 16 octets of the address. */
struct view endpoint_address(const struct endpoint *e);

/* From what the kernel gave; v4-mapped IPv6 becomes IPv4. */
struct endpoint endpoint_from(const struct sockaddr *any);

/* An IP literal without port ("192.0.2.1", "2001:db8::1", "fe80::1%eth0"); false if it is none. */
bool endpoint_parse_ip(struct view text, uint16_t port, struct endpoint *to);

/* "IP", "IP:port", "[v6]", "[v6]:port"; the port is `port` where the text has none. */
bool endpoint_parse(struct view text, uint16_t port, struct endpoint *to);

/* The address alone, IPv6 without brackets; NUL-terminated, gives its length. */
size_t endpoint_print_ip(const struct endpoint *e, char to[static ENDPOINT_TEXT_MAX]);

/* "192.0.2.1:53", "[2001:db8::1]:53". */
size_t endpoint_print(const struct endpoint *e, char to[static ENDPOINT_TEXT_MAX]);

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

#endif
