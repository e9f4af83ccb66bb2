/* Who the processes run as, and what they may do as such. One that was not started as root uses the right to open low
 * ports where it was given that, and changes nothing else. */
#ifndef ISTHMUS_SERVER_PROCESS_PRIVILEGES_H
#define ISTHMUS_SERVER_PROCESS_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

struct identity {
	const char *user;
	uid_t uid;
	gid_t gid;
};

/* The user of this name; false if there is none. */
bool identity_find(const char *user, struct identity *to);

/* For the supervisor: keeps what it needs to open sockets, to signal the server and to start it as
 * another user. */
bool privileges_keep_for_supervisor(void);

/* For the server: becomes the user, unless `to` is NULL, and keeps what it needs to open sockets of
 * low ports (and, as root, to read files of others). False with errno set. */
bool privileges_keep_for_server(const struct identity *to);

#endif
