/*
 * The supervisor: one thread that waits for signals, for the server's requests, and for the
 * server's end.
 *
 * A server that ends by itself gives its exit code to the supervisor, which ends too; one that is
 * killed is started again, at once the first times, then later and later. The sockets stay here
 * meanwhile, and what comes in queues up in them.
 */
#include "server/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/program.h"
#include "base/text.h"
#include "net/quic/quic.h"
#include "server/hooks.h"
#include "server/process/channel.h"
#include "server/process/crash_ring.h"
#include "server/process/privileges.h"
#include "server/process/service.h"
#include "server/process/socket_store.h"
#include "server/worker.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CRASHES_AT_ONCE = 3, /* that cost no delay */
	CRASHES_UNREADY = 5, /* of a server that never answered: it never will */
	BACKOFF_FIRST_MS = 20,
	BACKOFF_LAST_MS = 5000,
	STEADY_S = 10, /* who lived so long did not die of its start */
	NOTES_LOGGED = 3,
	EXIT_CRASHED = 1,
	EXIT_SIGNAL = 128, /* + the signal's number, as shells have it */
};

static struct {
	struct server_options *options;
	struct identity identity;
	struct socket_store store;
	sigset_t own_signals; /* those of ours that are not blocked in the server as well */
	int signal_fd;
	int channel;  /* to the server; -1 while there is none */
	pid_t server; /* 0 while there is none */
	unsigned generation;
	bool ready;		    /* this server answers */
	uint64_t started, start_at; /* when it was started; when it is to be, 0: not */
	unsigned crashes;	    /* one soon after the other */
	uint64_t crashes_in_all;
	bool was_ready;		    /* some server has answered */
	bool ending;		    /* we were told to end */
	uint64_t watchdog;	    /* of systemd, ns */
	int exit_code;		    /* negative while we run */
} supervisor = { .channel = -1, .signal_fd = -1, .exit_code = -1 };

/* --- the server's process --- */

static void say_and_exit(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	_exit(EXIT_CRASHED);
}

/* In the child: leaves what is the supervisor's, and becomes the server. It dies with its
 * supervisor. */
static int become_server(int channel, pid_t parent)
{
	struct server_options *options = supervisor.options;
	uint64_t watchdog = supervisor.watchdog;
	close(supervisor.signal_fd);
	store_clear(&supervisor.store);
	service_forget();
	setpgid(0, 0); /* a terminal's Ctrl-C comes from us, once */
	sigprocmask(SIG_UNBLOCK, &supervisor.own_signals, NULL);
	if (!privileges_keep_for_server(options->user ? &supervisor.identity : NULL))
		say_and_exit("cannot give up privileges");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_CRASHED);
	supervised_begin(channel, watchdog / 2, supervisor.crashes_in_all);
	options->quiet = options->quiet || supervisor.generation > 1; /* who it is was said */
	return server_run(options);
}

/* Starts a server. In its process the server's whole life is in here: true, with *exit_code. */
static bool start_server(int *exit_code)
{
	int pair[2];
	pid_t parent = getpid();
	supervisor.start_at = 0;
	supervisor.generation++;
	supervisor.ready = false;
	supervisor.started = clock_now();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		log_error("cannot start the server: socketpair: %s", strerror(errno));
		supervisor.exit_code = EXIT_CRASHED;
		return false;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		*exit_code = become_server(pair[1], parent);
		return true;
	}
	close(pair[1]);
	supervisor.channel = pair[0];
	supervisor.server = pid > 0 ? pid : 0;
	if (pid < 0) {
		log_error("cannot start the server: fork: %s", strerror(errno));
		supervisor.exit_code = EXIT_CRASHED;
	}
	return false;
}

/* --- its end --- */

static uint64_t backoff_ns(void)
{
	if (supervisor.crashes <= CRASHES_AT_ONCE)
		return 0;
	uint64_t ms = BACKOFF_FIRST_MS;
	for (unsigned i = CRASHES_AT_ONCE + 1; i < supervisor.crashes && ms < BACKOFF_LAST_MS; i++)
		ms *= 2;
	return (ms < BACKOFF_LAST_MS ? ms : BACKOFF_LAST_MS) * NS_PER_MS;
}

static void log_crash(int signal)
{
	struct text queries = { 0 };
	crash_ring_report(&queries, NOTES_LOGGED);
	log_error("the server died of signal %d (%s) while it answered %s", signal,
		strsignal(signal), queries.length ? queries.at : "nothing");
	text_free(&queries);
}

static void start_again(void)
{
	bool steady = clock_now() - supervisor.started > STEADY_S * NS_PER_S;
	supervisor.crashes = steady ? 1 : supervisor.crashes + 1;
	if (!supervisor.was_ready && supervisor.crashes >= CRASHES_UNREADY) {
		log_error("the server has never answered: it is not started again");
		supervisor.exit_code = EXIT_CRASHED;
		return;
	}
	uint64_t wait = backoff_ns();
	supervisor.start_at = clock_now() + wait;
	if (wait)
		log_warning("the server is started again in %u ms", (unsigned)(wait / NS_PER_MS));
}

static void server_crashed(int signal)
{
	supervisor.crashes_in_all++;
	log_crash(signal);
	if (supervisor.ending)
		supervisor.exit_code = EXIT_SIGNAL + signal;
	else
		start_again();
}

/* A server that is to follow one that answered, but cannot start (its Corefile is broken just now):
 * it is tried again. */
static void server_exited(int code)
{
	if (code == 0 || supervisor.ready || !supervisor.was_ready || supervisor.ending)
		supervisor.exit_code = code;
	else
		start_again();
}

/* There is nobody at the other end of the channel. */
static void leave_server(void)
{
	if (supervisor.channel >= 0)
		close(supervisor.channel);
	supervisor.channel = -1;
}

static void server_ended(int status)
{
	leave_server();
	supervisor.server = 0;
	if (WIFSIGNALED(status))
		server_crashed(WTERMSIG(status));
	else
		server_exited(WEXITSTATUS(status));
}

/* Also of orphans, where we are process 1. */
static void reap(void)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (pid == supervisor.server)
			server_ended(status);
	}
}

/* --- signals --- */

static void forward(int signal)
{
	bool ends = signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
	supervisor.ending = supervisor.ending || ends;
	if (supervisor.server)
		kill(supervisor.server, signal);
	else if (ends)
		supervisor.exit_code = 0; /* between two servers */
}

static void take_signal(void)
{
	struct signalfd_siginfo info;
	if (read(supervisor.signal_fd, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo == SIGCHLD)
		reap();
	else
		forward((int)info.ssi_signo);
}

static void catch_signals(void)
{
	const int numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGHUP, SIGCHLD };
	sigset_t all;
	sigemptyset(&all);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sigaddset(&all, numbers[i]);
	sigprocmask(SIG_BLOCK, &all, NULL);
	sigemptyset(&supervisor.own_signals);
	sigaddset(&supervisor.own_signals, SIGHUP);
	sigaddset(&supervisor.own_signals, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	supervisor.signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* --- the server's requests --- */

static void grant_socket(const struct socket_key *key)
{
	const char *step = "";
	struct grant grant = { 0 };
	int fd = store_find(&supervisor.store, key, supervisor.generation, &step);
	if (fd < 0) {
		grant.error = errno;
		snprintf(grant.step, sizeof grant.step, "%s", step);
	}
	channel_send(supervisor.channel, &grant, sizeof grant, fd);
}

/* In the child: nothing of the supervisor's but the standard streams, and no more rights than the server has. */
static void become_hooks(int fd)
{
	struct server_options *options = supervisor.options;
	if (!privileges_keep_for_server(options->user ? &supervisor.identity : NULL))
		say_and_exit("cannot give up privileges");
	hooks_serve(fd);
}

static void grant_hooks(void)
{
	struct grant grant = { 0 };
	int pair[2] = { -1, -1 };
	pid_t pid = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0)
		pid = fork();
	if (pid < 0)
		grant.error = errno;
	else if (pid == 0)
		become_hooks(pair[1]);
	channel_send(supervisor.channel, &grant, sizeof grant, pair[0]);
	for (int i = 0; i < 2; i++) {
		if (pair[i] >= 0)
			close(pair[i]);
	}
}

static void take_state(enum supervised_state state)
{
	service_notify_state(state);
	if (state == SUPERVISED_READY) {
		supervisor.ready = supervisor.was_ready = true;
		store_sweep(&supervisor.store, supervisor.generation);
		program_pages_return();
	}
	if (state == SUPERVISED_STOPPING)
		store_clear(&supervisor.store);
}

static void take_request(void)
{
	struct request r;
	int fd;
	if (!channel_receive(supervisor.channel, &r, sizeof r, &fd)) {
		leave_server(); /* it dies: SIGCHLD says how */
		return;
	}
	if (fd >= 0)
		close(fd);
	switch (r.kind) {
	case REQUEST_SOCKET:
		grant_socket(&r.key);
		break;
	case REQUEST_RELEASE:
		store_release(&supervisor.store, &r.key);
		break;
	case REQUEST_STATE:
		take_state(r.state);
		break;
	case REQUEST_ALIVE:
		service_notify("WATCHDOG=1");
		break;
	case REQUEST_HOOKS:
		grant_hooks();
		break;
	}
}

/* --- the loop --- */

static int wait_ms(void)
{
	if (!supervisor.start_at)
		return -1;
	uint64_t now = clock_now();
	return supervisor.start_at <= now ? 0 : (int)((supervisor.start_at - now) / NS_PER_MS) + 1;
}

/* Waits for one thing to happen, and does what follows of it. */
static void step_once(void)
{
	struct pollfd fds[] = {
		{ .fd = supervisor.signal_fd, .events = POLLIN },
		{ .fd = supervisor.channel, .events = POLLIN },
	};
	if (poll(fds, 2, wait_ms()) <= 0)
		return;
	if (fds[1].revents)
		take_request();
	if (fds[0].revents & POLLIN)
		take_signal();
}

static bool find_user(void)
{
	const char *user = supervisor.options->user;
	if (!user)
		return true;
	if (geteuid() != 0)
		fprintf(stderr, "-user needs to be started as root\n");
	else if (!identity_find(user, &supervisor.identity))
		fprintf(stderr, "no user is called '%s'\n", user);
	else
		return true;
	return false;
}

static bool prepare(struct server_options *options)
{
	supervisor.options = options;
	if (!find_user())
		return false;
	if (!options->workers)
		options->workers = worker_count_default();
	corefile_read_stdin(&options->source);
	crash_ring_make(options->workers);
	store_inherit(&supervisor.store);
	quic_secrets(); /* the server's, and those of the servers after it */
	supervisor.watchdog = service_watchdog();
	catch_signals();
	privileges_keep_for_supervisor();
	return supervisor.signal_fd >= 0;
}

int supervisor_run(struct server_options *options)
{
	if (options->single)
		return server_run(options);
	if (!prepare(options))
		return EXIT_CRASHED;
	supervisor.start_at = clock_now();
	while (supervisor.exit_code < 0) {
		int code;
		if (supervisor.start_at && supervisor.start_at <= clock_now() &&
			start_server(&code))
			return code;
		if (supervisor.exit_code < 0)
			step_once();
	}
	store_clear(&supervisor.store);
	close(supervisor.signal_fd);
	return supervisor.exit_code;
}
