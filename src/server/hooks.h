/*
 * Commands that run on events of the server (`on startup`, `on shutdown`).
 *
 * The server itself may not execute programs once its sandbox is closed. A small process that is
 * forked before that, and has nothing of the server's but its standard streams and one end of a
 * socket, runs the commands and says how they ended.
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

/* Starts the process that runs commands. To be called before there are threads, and before the
 * sandbox closes; if nobody did, hook_run() does it. */
void hooks_begin(void);

/* Runs the command, and logs that it does, and how it failed. On a fiber of the control thread,
 * which waits if the hook says so. */
void hook_run(const struct hook *h);

#endif
