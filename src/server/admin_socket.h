/*
 * The socket by which an operator on the same machine asks the running server about itself (-admin
 * PATH): one line in, text out, then the end. Whoever may open the file may ask; that is its owner
 * alone.
 *
 *   explain www.example.org A from=192.0.2.1      what happens to a query (server/explain.h)
 */
#ifndef ISTHMUS_SERVER_ADMIN_SOCKET_H
#define ISTHMUS_SERVER_ADMIN_SOCKET_H

#include "server/live.h"

/* What the text begins with when the question was not understood; the reason follows. */
#define ADMIN_SOCKET_ERROR "error: "

/* Makes the socket, in place of one that nobody listens to. Before the sandbox is closed. -1 with
 * the reason in the log. */
int admin_socket_open(const char *path);

/* Serves it on the control thread's loop, from the state of `live` at the time of each question. */
void admin_socket_serve(int fd, struct loop *control, const struct live *live);

/* Closes it and takes the file away. */
void admin_socket_close(const char *path);

#endif
