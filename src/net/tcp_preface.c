/* What comes before all else on a connection through a proxy: the header of the PROXY protocol. */
#include "net/tcp_connection.h"

#include "net/connection_counts.h"
#include "net/socket.h"

#include <errno.h>

/* The header is looked at where it lies in the kernel, and taken out when it is whole: nothing that comes behind it is. */
static bool take(const struct tcp_connection *c, const struct proxy_header *h)
{
	uint8_t octets[PROXY_HEADER_MAX];
	socket_set(c->watch.fd, SOL_SOCKET, SO_RCVLOWAT, 1);
	return recv(c->watch.fd, octets, h->length, MSG_DONTWAIT) == (ssize_t)h->length;
}

static enum tcp_preface use_header(struct tcp_connection *c, const struct proxy_header *h)
{
	if (c->proxy == PROXY_REJECT) {
		connection_count_header_refused(c->listener->service.transport);
		return PREFACE_BROKEN;
	}
	if (!take(c, h))
		return PREFACE_BROKEN;
	if (c->proxy == PROXY_USE && h->names) {
		c->client = h->source;
		c->local = h->destination;
	}
	return PREFACE_DONE;
}

enum tcp_preface tcp_preface_read(struct tcp_connection *c)
{
	uint8_t octets[PROXY_HEADER_MAX];
	struct proxy_header h;
	const char *why;
	ssize_t got = recv(c->watch.fd, octets, sizeof octets, MSG_PEEK | MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return PREFACE_WAITS;
	if (got <= 0)
		return PREFACE_BROKEN;
	switch (proxy_header_read(octets, (size_t)got, &h, &why)) {
	case PROXY_NONE:
		socket_set(c->watch.fd, SOL_SOCKET, SO_RCVLOWAT, 1);
		return PREFACE_DONE;
	case PROXY_HEADER:
		return use_header(c, &h);
	case PROXY_MORE: /* else the loop would be told of the same octets again and again */
		socket_set(c->watch.fd, SOL_SOCKET, SO_RCVLOWAT, (int)got + 1);
		return PREFACE_WAITS;
	case PROXY_BAD:
		break;
	}
	connection_count_header_refused(c->listener->service.transport);
	return PREFACE_BROKEN;
}
