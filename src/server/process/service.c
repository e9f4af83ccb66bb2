/* The protocols of sd_notify(3), sd_listen_fds(3) and sd_watchdog_enabled(3). */
#include "server/process/service.h"

#include "base/clock.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void service_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t length = path ? strlen(path) : 0;
	if (length < 2 || length >= sizeof to.sun_path)
		return;
	memcpy(to.sun_path, path, length);
	if (path[0] == '@')
		to.sun_path[0] = 0; /* the abstract name space */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, size);
	(void)sent; /* nobody could do anything about it */
	close(fd);
}

void service_notify_state(enum supervised_state state)
{
	char text[64];
	switch (state) {
	case SUPERVISED_READY:
		service_notify("READY=1");
		break;
	case SUPERVISED_RELOADING:
		/* systemd compares it with its own clock. */
		snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%llu",
			(unsigned long long)clock_now() / 1000);
		service_notify(text);
		break;
	case SUPERVISED_STOPPING:
		service_notify("STOPPING=1");
		break;
	}
}

/* A number of the environment that is meant for this process: PID_NAME, if it is there, is its pid.
 */
static uint64_t own_number(const char *name, const char *pid_name)
{
	uint64_t number = 0, pid = 0;
	const char *text = getenv(name), *pid_text = getenv(pid_name);
	if (!text || !view_unsigned(view_of(text), UINT64_MAX, &number))
		return 0;
	if (pid_text &&
		(!view_unsigned(view_of(pid_text), INT32_MAX, &pid) || pid != (uint64_t)getpid()))
		return 0;
	return number;
}

unsigned service_sockets(void)
{
	uint64_t count = getenv("LISTEN_PID") ? own_number("LISTEN_FDS", "LISTEN_PID") : 0;
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	if (count > SERVICE_SOCKETS_MAX)
		count = SERVICE_SOCKETS_MAX;
	for (int fd = SERVICE_FD_FIRST; fd < SERVICE_FD_FIRST + (int)count; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return (unsigned)count;
}

uint64_t service_watchdog(void)
{
	uint64_t us = own_number("WATCHDOG_USEC", "WATCHDOG_PID");
	return us < UINT64_MAX / 1000 ? us * 1000 : 0;
}

void service_forget(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}
