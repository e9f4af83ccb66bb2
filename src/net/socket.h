/* What sockets have in common. */
#ifndef ISTHMUS_NET_SOCKET_H
#define ISTHMUS_NET_SOCKET_H

#include "net/endpoint.h"
#include "net/loop.h"

/* setsockopt() of an int. */
int socket_set(int fd, int level, int option, int value);

/*
 * A socket of this type, not blocking, that shares its address with other workers' sockets (SO_REUSEPORT; dual stack for
 * [::]) and was bound after prepare(), which gives the name of the call that failed, or NULL. -1 with errno set and *step
 * naming the call that failed.
 */
int socket_open(const struct endpoint *local, int type,
	const char *(*prepare)(int fd, const struct endpoint *local), const char **step);

/* Sends all of it by a stream socket that does not block, waiting on the fiber; false when the peer is gone or has not taken all until
 * the deadline (clock_now(); 0: none). */
bool socket_send_all(int fd, struct view octets, uint64_t deadline);

#endif
