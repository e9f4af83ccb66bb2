/* Opening of listening sockets. */
#include "net/socket.h"

#include <errno.h>
#include <unistd.h>

int socket_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value);
}

static const char *bind_shared(int fd, const struct endpoint *local)
{
	if (socket_set(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0)
		return "setsockopt SO_REUSEPORT";
	if (endpoint_is_v6(local) &&
		socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !endpoint_is_wildcard(local)) < 0)
		return "setsockopt IPV6_V6ONLY";
	return bind(fd, &local->any, endpoint_length(local)) < 0 ? "bind" : NULL;
}

int socket_open(const struct endpoint *local, int type,
	const char *(*prepare)(int fd, const struct endpoint *local), const char **step)
{
	int fd = socket(local->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		*step = "socket";
		return -1;
	}
	*step = prepare(fd, local);
	if (!*step)
		*step = bind_shared(fd, local);
	if (!*step)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

bool socket_send_all(int fd, struct view octets, uint64_t deadline)
{
	while (octets.length > 0) {
		ssize_t n = send(fd, octets.at, octets.length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			octets = view_skip(octets, (size_t)n);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		else if (wait_writable(fd, deadline) != WAIT_READY)
			return false;
	}
	return true;
}
