/*
 * The server's side: asking the supervisor for sockets, and telling it how things are. Without a
 * supervisor the sockets are opened here, and systemd is told from here.
 */
#include "server/supervisor.h"

#include "base/clock.h"
#include "server/process/channel.h"
#include "server/process/socket_store.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int channel = -1;
static struct socket_store own; /* where there is no supervisor */
static bool own_ready;
static uint64_t alive_interval, alive_last;
static uint64_t crashes_before;

void supervised_begin(int fd, uint64_t interval, uint64_t crashes)
{
	channel = fd;
	alive_interval = interval;
	crashes_before = crashes;
}

/* --- sockets --- */

static int ask_supervisor(struct request r, const char **step)
{
	static struct grant grant; /* *step may point into it */
	int fd;
	if (!channel_send(channel, &r, sizeof r, -1) ||
		!channel_receive(channel, &grant, sizeof grant, &fd)) {
		*step = "supervisor";
		return -1;
	}
	if (grant.error || fd < 0) {
		*step = grant.step;
		errno = grant.error ? grant.error : EPROTO;
		return -1;
	}
	return fd;
}

static void own_begin(void)
{
	if (own_ready)
		return;
	own_ready = true;
	store_inherit(&own);
	alive_interval = service_watchdog() / 2;
}

int supervised_socket(const struct socket_key *key, const char **step)
{
	if (channel >= 0)
		return ask_supervisor((struct request){ .kind = REQUEST_SOCKET, .key = *key }, step);
	own_begin();
	int fd = store_find(&own, key, 0, step);
	if (fd < 0)
		return -1;
	*step = "dup";
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void supervised_release(const struct socket_key *key)
{
	struct request r = { .kind = REQUEST_RELEASE, .key = *key };
	if (channel >= 0)
		channel_send(channel, &r, sizeof r, -1);
	else
		store_release(&own, key);
}

int supervised_hooks(void)
{
	const char *step;
	return channel < 0 ? -1 : ask_supervisor((struct request){ .kind = REQUEST_HOOKS }, &step);
}

/* --- states --- */

void supervised_notify(enum supervised_state state)
{
	struct request r = { .kind = REQUEST_STATE, .state = state };
	if (channel >= 0) {
		channel_send(channel, &r, sizeof r, -1);
		return;
	}
	service_notify_state(state);
	if (state == SUPERVISED_STOPPING)
		store_clear(&own);
}

void supervised_alive(void)
{
	struct request r = { .kind = REQUEST_ALIVE };
	uint64_t now = clock_now();
	if (!alive_interval || now - alive_last < alive_interval)
		return;
	alive_last = now;
	if (channel >= 0)
		channel_send(channel, &r, sizeof r, -1);
	else
		service_notify("WATCHDOG=1");
}

uint64_t supervised_crashes(void)
{
	return crashes_before;
}

pid_t supervised_pid(void)
{
	return channel >= 0 ? getppid() : getpid();
}
