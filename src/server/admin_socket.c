/* The admin socket: a fiber for each connection, a few of them at a time. */
#include "server/admin_socket.h"

#include "base/clock.h"
#include "base/error.h"
#include "net/socket.h"
#include "server/explain.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BACKLOG = 8,
	CONNECTIONS_MAX = 8,
	ARENA_SIZE = 4096,
};

static const uint64_t patience = 5 * NS_PER_S; /* with who does not write, or does not read */

static struct {
	struct watch watch;
	struct loop *loop;
	const struct live *live;
	unsigned connections;
} admin;

/* --- the file --- */

static bool is_answered(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answered = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
	if (fd >= 0)
		close(fd);
	return answered;
}

static int refuse(const char *path, const char *why)
{
	log_error("Could not open the admin socket %s: %s", path, why);
	return -1;
}

int admin_socket_open(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat status;
	if (strlen(path) >= sizeof at.sun_path)
		return refuse(path, "the path is too long for a socket");
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (lstat(path, &status) == 0) {
		if (!S_ISSOCK(status.st_mode))
			return refuse(path, "a file that is no socket has this name");
		if (is_answered(&at))
			return refuse(path, "another server listens to it");
		unlink(path);
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t mask = umask(S_IRWXG | S_IRWXO | S_IXUSR);
	bool open = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
		    listen(fd, BACKLOG) == 0;
	umask(mask);
	if (open)
		return fd;
	refuse(path, error_text(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* --- connections --- */

/* A line, without its end; false if none came in time. */
static bool read_line(int fd, char line[static EXPLAIN_LINE_MAX], struct view *to)
{
	uint64_t deadline = clock_now() + patience;
	size_t length = 0;
	while (length < EXPLAIN_LINE_MAX && wait_readable(fd, deadline) == WAIT_READY) {
		ssize_t n = recv(fd, line + length, EXPLAIN_LINE_MAX - length, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		length += n > 0 ? (size_t)n : 0;
		const char *end = memchr(line, '\n', length);
		if (end) {
			*to = (struct view){ line, (size_t)(end - line) };
			return true;
		}
	}
	return false;
}

static void answer_explain(struct view words, struct text *to)
{
	struct arena *arena = arena_new(ARENA_SIZE);
	struct explain_question question;
	const char *why;
	if (!explain_read(arena, words, &question, &why))
		text_printf(to, ADMIN_SOCKET_ERROR "%s\n", why);
	else if (!admin.live->config)
		text_add_string(to, ADMIN_SOCKET_ERROR "the server is not ready yet\n");
	else
		explain(admin.live->config, admin.live->workers, &question, to);
	arena_free(arena);
}

static void answer(struct view line, struct text *to)
{
	struct view word = view_word(&line);
	if (view_is(word, "explain"))
		answer_explain(line, to);
	else
		text_printf(to,
			ADMIN_SOCKET_ERROR
			"'%.*s' is no question; expected: explain NAME [TYPE] [from=ADDRESS] "
			"[at=LISTENER] [tcp] [do]\n",
			VIEW_ARGS(word));
}

static void connection_run(void *data)
{
	int fd = (int)(intptr_t)data;
	char line[EXPLAIN_LINE_MAX];
	struct view question;
	struct text to = { 0 };
	if (read_line(fd, line, &question)) {
		answer(question, &to);
		socket_send_all(fd, text_view(&to), clock_now() + patience);
	}
	text_free(&to);
	close(fd);
	if (admin.connections-- == CONNECTIONS_MAX && admin.loop)
		loop_watch(admin.loop, &admin.watch, EPOLLIN);
}

static void accept_ready(struct watch *w, uint32_t events)
{
	(void)events;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (++admin.connections == CONNECTIONS_MAX)
		loop_watch(admin.loop, w, 0);
	fiber_spawn(admin.loop, connection_run, (void *)(intptr_t)fd);
}

/* --- life --- */

void admin_socket_serve(int fd, struct loop *control, const struct live *live)
{
	admin.loop = control;
	admin.live = live;
	admin.watch = (struct watch){ .fd = fd, .ready = accept_ready };
	loop_watch(control, &admin.watch, EPOLLIN);
}

void admin_socket_close(const char *path)
{
	if (!admin.loop)
		return;
	loop_unwatch(admin.loop, &admin.watch);
	admin.loop = NULL;
	close(admin.watch.fd);
	unlink(path);
}
