/* DNS over UDP: recvmmsg and sendmmsg in batches, answers from the address that was asked. */
#ifndef ISTHMUS_NET_UDP_H
#define ISTHMUS_NET_UDP_H

#include "net/incoming.h"
#include "net/loop.h"

struct udp_listener;

/* Opens a bound UDP socket: SO_REUSEPORT, buffer sizes, PKTINFO on wildcard addresses, dual stack for [::].
 * -1 with errno set and *step naming the call that failed ("socket", "bind", ...). */
int udp_open(const struct endpoint *local, const char **step);

/* Sets a socket up, bound to this address by somebody else, as udp_open() does. NULL, or the name of the call that failed. */
const char *udp_adopt(int fd, const struct endpoint *local);

/* Serves the socket (which it then owns) on the loop of the calling thread. */
struct udp_listener *udp_listen(
	struct loop *l, int fd, const struct endpoint *local, incoming_handler *handle, void *listener);

/*
 * What is done when queries come faster than they are answered. By default they wait in the kernel's queue, oldest first: once
 * that is full every answer is late. A listener that sheds empties the queue, answers the newest query first and drops the oldest
 * ones over SHED_PENDING_MAX.
 */
enum { SHED_PENDING_MAX = 1024 };

enum udp_dropped {
	DROPPED_QUERY,    /* too old: newer ones were there to be answered */
	DROPPED_RESPONSE, /* the socket's buffer was full */
};

struct udp_shedding {
	/* Whether the listener sheds; asked only when a whole batch came in at once. Its thread. */
	bool (*wanted)(void *listener);
	/* So many were dropped. Its thread. */
	void (*dropped)(void *listener, enum udp_dropped what, size_t count);
};

/* Sets the listener's policy, which must outlive it. */
void udp_shed(struct udp_listener *u, const struct udp_shedding *s);

/*
 * Called when a batch of several datagrams has come in, before the first of them is answered: time to fetch what answering
 * will take into the CPU's cache. The datagrams are as they came. Its thread.
 */
typedef void udp_foresight(void *listener, const struct view *datagrams, unsigned count);
void udp_foresee(struct udp_listener *u, udp_foresight *foresee);

/*
 * Sends a datagram that is no direct answer, with others of this round: to `client` from `local`, both as a message that came
 * in had them. For transports that are built on datagrams. Its thread.
 */
void udp_send(struct udp_listener *u, const struct endpoint *local, const struct endpoint *client,
	struct view wire);

struct proxy_policy;

/* Datagrams may have a header of the PROXY protocol in front; policy() gives what holds now, valid for the loop's round, NULL:
 * none may. */
void udp_expect_proxies(
	struct udp_listener *u, const struct proxy_policy *(*policy)(void *listener));

/* Takes no more queries; queries that wait still get their answer sent. */
void udp_stop(struct udp_listener *u);

/* Frees it when the last waiting query has been answered. */
void udp_release(struct udp_listener *u);

#endif
