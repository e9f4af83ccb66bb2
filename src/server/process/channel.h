/* What the server and its supervisor say to each other, over a socket that keeps messages whole. */
#ifndef ISTHMUS_SERVER_PROCESS_CHANNEL_H
#define ISTHMUS_SERVER_PROCESS_CHANNEL_H

#include "server/supervisor.h"

enum request_kind {
	REQUEST_SOCKET, /* answered */
	REQUEST_RELEASE,
	REQUEST_STATE,
	REQUEST_ALIVE,
	REQUEST_HOOKS, /* answered: the socket to a process that runs commands */
};

struct request {
	enum request_kind kind;
	enum supervised_state state;
	struct socket_key key;
};

/* The answer to a request for a descriptor, which comes with it. */
struct grant {
	int error; /* 0, or errno of the call named by `step` */
	char step[40];
};

/* Sends size octets, and the descriptor unless it is negative; false with errno set. */
bool channel_send(int channel, const void *message, size_t size, int fd);

/* Receives a message of exactly this size; *fd is the descriptor that came with it, or -1. False at
 * the end or an error. */
bool channel_receive(int channel, void *message, size_t size, int *fd);

/* In the server's process: this is its channel to the supervisor, how often that wants to hear of it
 * (0: never), and how many servers before this one have died. */
void supervised_begin(int channel, uint64_t alive_interval, uint64_t crashes);

#endif
