/* A connection of the admin server: requests in, pages out, one after the other. Control thread
 * only. */
#ifndef ISTHMUS_SERVER_ADMIN_HTTP_H
#define ISTHMUS_SERVER_ADMIN_HTTP_H

#include "net/loop.h"
#include "server/admin.h"

enum { ADMIN_REQUEST_MAX = 8192 };

struct admin_connection {
	struct admin_connection *next,
		**link; /* among the server's connections, the oldest first */
	int fd;
	bool busy;    /* a page is being made or sent: it is not cut off to make room */
	bool closing; /* no further request is read */
	size_t received;
	char request[ADMIN_REQUEST_MAX];
	/* Finds and makes the page of a path; false if there is none. */
	bool (*make_page)(struct admin_connection *c, struct view path, struct admin_page *page);
	void *owner;
};

/* Answers requests until the peer, a time limit, an error or c->closing ends it. Does not close the
 * descriptor. */
void admin_connection_serve(struct admin_connection *c);

#endif
