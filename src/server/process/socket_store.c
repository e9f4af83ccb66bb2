/* Keeping sockets. There are few: a list does. */
#include "server/process/socket_store.h"

#include "base/memory.h"
#include "net/tcp.h"
#include "net/udp.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static bool key_equal(const struct socket_key *a, const struct socket_key *b)
{
	return a->scheme == b->scheme && a->udp == b->udp && a->index == b->index &&
	       endpoint_equal(&a->local, &b->local);
}

static struct stored_socket *find(struct socket_store *s, const struct socket_key *key)
{
	for (struct stored_socket *e = s->sockets; e; e = e->next) {
		if (key_equal(&e->key, key))
			return e;
	}
	return NULL;
}

static struct stored_socket *find_first_of(struct socket_store *s, const struct socket_key *key)
{
	struct socket_key first = *key;
	first.index = 0;
	return find(s, &first);
}

static bool bound_to(int fd, struct endpoint *local)
{
	struct sockaddr_storage given = { 0 };
	socklen_t size = sizeof given;
	if (getsockname(fd, (struct sockaddr *)&given, &size) < 0)
		return false;
	if (given.ss_family != AF_INET && given.ss_family != AF_INET6)
		return false;
	/* Not endpoint_from(): a socket for all of IPv6 is not one for all of IPv4. */
	memset(local, 0, sizeof *local);
	memcpy(local, &given, size < sizeof *local ? size : sizeof *local);
	return true;
}

/* --- from systemd --- */

void store_inherit(struct socket_store *s)
{
	s->inherited_count = service_sockets();
	for (unsigned i = 0; i < s->inherited_count; i++)
		s->inherited[i] = SERVICE_FD_FIRST + (int)i;
}

static bool is_for(int fd, const struct socket_key *key)
{
	int type = 0;
	socklen_t size = sizeof type;
	struct endpoint local;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       type == (key->udp ? SOCK_DGRAM : SOCK_STREAM) && bound_to(fd, &local) &&
	       endpoint_equal(&local, &key->local);
}

/* The inherited socket of the key's address, prepared as one of ours; -1 if there is none. */
static int take_inherited(struct socket_store *s, const struct socket_key *key)
{
	for (unsigned i = 0; i < s->inherited_count; i++) {
		int fd = s->inherited[i];
		if (!is_for(fd, key))
			continue;
		s->inherited[i] = s->inherited[--s->inherited_count];
		if (!(key->udp ? udp_adopt(fd, &key->local) : tcp_adopt(fd)))
			return fd;
		close(fd);
	}
	return -1;
}

/* --- opening --- */

/* Other workers' sockets take the port that the kernel chose for the first. */
static struct endpoint address_of(struct socket_store *s, const struct socket_key *key)
{
	struct endpoint local = key->local, bound;
	const struct stored_socket *first = key->index ? find_first_of(s, key) : NULL;
	if (first && endpoint_port(&local) == 0 && bound_to(first->fd, &bound))
		endpoint_set_port(&local, endpoint_port(&bound));
	return local;
}

static int open_new(struct socket_store *s, const struct socket_key *key, const char **step)
{
	struct endpoint local = address_of(s, key);
	int fd = key->udp ? udp_open(&local, step) : tcp_open(&local, step);
	if (fd >= 0 || errno != EADDRINUSE || key->index == 0)
		return fd;
	/* The first is not ours, and not to be shared: all workers read from that one. */
	const struct stored_socket *first = find_first_of(s, key);
	if (!first)
		errno = EADDRINUSE;
	return first ? fcntl(first->fd, F_DUPFD_CLOEXEC, 0) : -1;
}

int store_find(struct socket_store *s, const struct socket_key *key, unsigned generation,
	const char **step)
{
	struct stored_socket *e = find(s, key);
	if (e) {
		e->generation = generation;
		return e->fd;
	}
	int fd = take_inherited(s, key);
	if (fd < 0)
		fd = open_new(s, key, step);
	if (fd < 0)
		return -1;
	e = memory_alloc(sizeof *e);
	*e = (struct stored_socket){
		.next = s->sockets, .key = *key, .fd = fd, .generation = generation
	};
	s->sockets = e;
	return fd;
}

/* --- closing --- */

static void drop(struct stored_socket **link)
{
	struct stored_socket *e = *link;
	*link = e->next;
	close(e->fd);
	free(e);
}

void store_release(struct socket_store *s, const struct socket_key *key)
{
	for (struct stored_socket **link = &s->sockets; *link; link = &(*link)->next) {
		if (key_equal(&(*link)->key, key)) {
			drop(link);
			return;
		}
	}
}

void store_sweep(struct socket_store *s, unsigned generation)
{
	struct stored_socket **link = &s->sockets;
	while (*link) {
		if ((*link)->generation != generation)
			drop(link);
		else
			link = &(*link)->next;
	}
}

void store_clear(struct socket_store *s)
{
	while (s->sockets)
		drop(&s->sockets);
	while (s->inherited_count)
		close(s->inherited[--s->inherited_count]);
}
