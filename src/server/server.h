/* The server process: from a Corefile to answers, until a signal ends it. */
#ifndef ISTHMUS_SERVER_SERVER_H
#define ISTHMUS_SERVER_SERVER_H

#include "server/corefile.h"

struct server_options {
	struct corefile_source source;
	const char *pidfile; /* NULL: none */
	bool quiet;          /* no banner */
	bool single;         /* no supervisor */
	bool sandbox;        /* seccomp and Landlock after the start */
	unsigned workers;    /* 0: one for each CPU that the process may use */
	const char *admin;   /* where its admin socket is (server/admin_socket.h); NULL: there is none */
	const char *user;    /* who the server runs as when it is started as root; NULL: root */
};

/* Runs the server in this process until it is told to end; gives the exit code. Standard error has why a start failed. */
int server_run(struct server_options *options);

/*
 * Starts what the Corefile names, but for listeners and pages, answers one question (server/explain.h) on standard output, and
 * ends; log lines go to standard error. Gives the exit code.
 */
int server_explain(struct server_options *options, const char *question);

/*
 * Reads a Corefile and sets every plugin up, opening nothing: what `isthmus check` does. True if `run` would start; the
 * complaints have every error and warning.
 */
bool server_check(struct arena *arena, struct corefile_source *source, struct complaints *c);

#endif
