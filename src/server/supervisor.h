/*
 * The supervisor: a small parent process that keeps the server's listening sockets, and starts the
 * server anew on them when it dies. Here is what the server itself needs of it. Every call also
 * works in a process that has no supervisor.
 */
#ifndef ISTHMUS_SERVER_SUPERVISOR_H
#define ISTHMUS_SERVER_SUPERVISOR_H

#include "net/incoming.h"
#include "server/corefile.h"
#include "server/server.h"
#include <sys/types.h>

/* Runs the server in a process of its own until it ends by itself or is told to; gives its exit
 * code. With options->single it runs in this one. */
int supervisor_run(struct server_options *options);

/* --- for the server: control thread --- */

/* A listening socket by what it is for. `index` counts the sockets that share an address, one for
 * each worker. */
struct socket_key {
	enum scheme scheme;
	bool udp;
	unsigned index;
	struct endpoint
		local; /* port 0: the kernel's choice for index 0, and that port for the others */
};

/*
 * The socket of this key, open, bound and listening: the one that a server before this one had
 * (with what queued up in it meanwhile), one that systemd opened, or a new one. The descriptor is
 * the caller's. -1 with errno set and *step naming the call that failed.
 */
int supervised_socket(const struct socket_key *key, const char **step);

/* The server has no more use for it: nobody keeps it open any longer. */
void supervised_release(const struct socket_key *key);

/* The socket to a process outside of the server's sandbox that runs commands (server/hooks.h), started by the supervisor;
 * -1 if there is no supervisor or it cannot. */
int supervised_hooks(void);

enum supervised_state {
	SUPERVISED_READY, /* it answers; also when a reload is over */
	SUPERVISED_RELOADING,
	SUPERVISED_STOPPING, /* no server will come after it: the sockets may close */
};

/* Tells the supervisor, and systemd if it wants to know. */
void supervised_notify(enum supervised_state state);

/* To be called at least every 100 ms: that the control thread is alive, for systemd's watchdog. */
void supervised_alive(void);

/* How many servers before this one were killed by a signal, since the supervisor began. */
uint64_t supervised_crashes(void);

/* The process to send signals to: the supervisor's. For the pid file. */
pid_t supervised_pid(void);

/* --- for workers --- */

/* Notes that the worker begins to answer this message, for the log if it should die of it. Gives
 * what crash_ring_end() takes. */
unsigned crash_ring_begin(unsigned worker, const struct incoming *in);

/* It has been answered. */
void crash_ring_end(unsigned worker, unsigned note);

#endif
