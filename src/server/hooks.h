/*
 * Commands that run on events of the server (`on startup`, `on shutdown`), and for what they print (credentials).
 *
 * The server itself may not execute programs once its sandbox is closed. A small process outside of
 * it, which has nothing but the standard streams and one end of a socket, runs the commands and says
 * how they ended. The supervisor forks it, or the server itself where there is no supervisor.
 */
#ifndef ISTHMUS_SERVER_HOOKS_H
#define ISTHMUS_SERVER_HOOKS_H

#include "base/arena.h"

enum { HOOK_ID_MAX = 37, HOOK_SIZE_MAX = 32 * 1024 };

struct hook {
	const char *const *argv; /* ended by NULL */
	size_t argc;
	const char *text;     /* the words joined by blanks: for the log */
	bool wait;	      /* for the command's end */
	char id[HOOK_ID_MAX]; /* a random UUID (RFC 9562 5.4) */
};

/*
 * Splits a command line into words as a POSIX shell does, without expansions: quotes, backslashes,
 * "#" comments. False with *why. The hook is filled in but for `wait`.
 */
bool hook_parse(struct arena *a, struct view line, struct hook *h, const char **why);

/* Starts the process that runs commands, if it does not run yet. Control thread; without a
 * supervisor this must come before the sandbox closes. */
void hooks_begin(void);

/* The life of that process, after fork(): runs the commands that come in by the socket until its
 * other end is closed. */
_Noreturn void hooks_serve(int fd);

/* Runs the command, and logs that it does, and how it failed. On a fiber of the control thread,
 * which waits if the hook says so. */
void hook_run(const struct hook *h);

enum { COMMAND_OUTPUT_MAX = 64 * 1024 };

/* A command that is run for what it prints. */
struct command {
	const char *const *argv;        /* ended by NULL; without a slash it is looked for in PATH */
	const char *const *environment; /* "NAME=VALUE", beside and before the server's own; ended by NULL */
	uint64_t timeout;               /* ns, at most an hour; it is killed then */
};

/*
 * Runs it, and takes what it writes to its standard output into the arena; its standard error is the server's. False with *why (in
 * the arena) when it cannot be run, fails, takes too long or prints too much. On a fiber of the control thread, which waits. The
 * process that runs commands must have been started by hooks_begin().
 */
bool command_run(const struct command *c, struct arena *a, struct view *output, const char **why);

#endif
