/* Listening sockets that outlive the server that asked for them. */
#ifndef ISTHMUS_SERVER_PROCESS_SOCKET_STORE_H
#define ISTHMUS_SERVER_PROCESS_SOCKET_STORE_H

#include "server/process/service.h"
#include "server/supervisor.h"

struct stored_socket {
	struct stored_socket *next;
	struct socket_key key;
	int fd;
	unsigned generation; /* of the server that asked for it last */
};

/* Zeroed is empty. One process, one thread. */
struct socket_store {
	struct stored_socket *sockets;
	int inherited[SERVICE_SOCKETS_MAX]; /* given by systemd and not asked for yet */
	unsigned inherited_count;
};

/* Takes the sockets over that systemd opened. */
void store_inherit(struct socket_store *s);

/* The key's socket, opened if it is not there yet; it stays the store's. -1 with errno and *step as
 * supervised_socket(). */
int store_find(struct socket_store *s, const struct socket_key *key, unsigned generation,
	const char **step);

/* Closes the key's socket. */
void store_release(struct socket_store *s, const struct socket_key *key);

/* Closes what no server since this generation has asked for. */
void store_sweep(struct socket_store *s, unsigned generation);

/* Closes everything. */
void store_clear(struct socket_store *s);

#endif
