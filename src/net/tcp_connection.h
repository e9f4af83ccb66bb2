/* A TCP connection with its queries, and what it shares with its listener. */
#ifndef ISTHMUS_NET_TCP_CONNECTION_H
#define ISTHMUS_NET_TCP_CONNECTION_H

#include "net/tcp.h"
#include "net/tcp_buffer.h"

struct connection_list {
	struct tcp_connection *first, *last;
};

struct tcp_connection {
	struct watch watch;
	struct timer timer; /* at or before `expires` */
	struct loop_flush flush;
	struct tcp_listener *listener;
	struct connection_list *list;
	struct tcp_connection *newer, *older;
	struct endpoint client, local;
	uint8_t *partial; /* what was read and cannot be handed over yet */
	size_t partial_length;
	struct tcp_output out;
	size_t active; /* queries with the handler */
	long queries;  /* that came so far */
	uint64_t expires, accepted, active_at, partial_since, written_at;
	bool paused;   /* a whole query is in `partial`: too many are worked on, or too much is unsent */
	bool ended;    /* the peer sends no more */
	bool closing;  /* takes no more queries */
	bool lingering; /* all is sent and shut down; what still comes is thrown away */
	bool dead;     /* the descriptor is closed */
};

struct tcp_listener {
	struct watch watch;
	struct timer accept_again;
	struct loop *loop;
	struct endpoint local;
	struct tcp_limits limits;
	incoming_handler *handle;
	void *listener;
	struct connection_list idle, busy; /* longest unused first */
	_Atomic size_t open;
	size_t allocated; /* connections, dead ones included */
	bool stopped, released;
};

/* Takes an accepted descriptor over. */
void tcp_connection_new(struct tcp_listener *t, int fd, const struct sockaddr_in6 *peer);

/* Closes it at once. Its memory stays until its queries are done. */
void tcp_connection_close(struct tcp_connection *c);

/* Frees a listener that was released, when its last connection has gone. */
void tcp_listener_free(struct tcp_listener *t);

#endif
