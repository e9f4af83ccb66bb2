/* Datagrams that come through proxies: whom they are from. */
#ifndef ISTHMUS_NET_UDP_PROXIES_H
#define ISTHMUS_NET_UDP_PROXIES_H

#include "net/incoming.h"
#include "net/proxy_protocol.h"

struct proxy_sessions;

/* One listener's, zeroed at first. */
struct udp_proxies {
	/* The policy that holds now; it stays valid for the loop's round. NULL, or giving NULL: no proxies are expected. */
	const struct proxy_policy *(*policy)(void *listener);
	struct proxy_sessions *sessions; /* NULL before the first */
	uint64_t complained_at;
};

/*
 * Takes the header off a datagram, and makes whom it names the message's client. False if there is nothing (more) to answer: the
 * header alone came, or one that is refused.
 */
bool udp_proxies_take(struct udp_proxies *p, void *listener, struct incoming *in);

void udp_proxies_free(struct udp_proxies *p);

#endif
