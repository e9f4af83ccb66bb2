/* A TCP connection: its limits and buffers, TLS if it has it, and the protocol that is spoken on it. */
#ifndef ISTHMUS_NET_TCP_CONNECTION_H
#define ISTHMUS_NET_TCP_CONNECTION_H

#include "net/proxy_protocol.h"
#include "net/tcp.h"
#include "net/tcp_buffer.h"
#include "net/tls_session.h"

struct tcp_connection;

/*
 * What is spoken on a connection. The connection reads, decrypts, closes when a limit says so and sends; the protocol finds
 * queries in what came, lets them be answered by tcp_connection_handle(), and puts answers into the connection's output. All
 * functions but `work` may be NULL; none but `work` may wait.
 */
struct connection_protocol {
	/* The connection is open, its TLS handshake done: sets c->state up. False: it is closed at once. */
	bool (*open)(struct tcp_connection *c);
	/*
	 * Octets have come, from in->start to in->end: moves in->start behind what it has used. What is left is kept, and comes
	 * again with more behind it. It is also called without octets, after c->paused was set.
	 *
	 * It hands queries over as long as tcp_connection_may_handle(), and sets c->paused when it has one that may not be handled
	 * now: then nothing more is read until it may. It begins by clearing c->paused.
	 *
	 * False if a query had to wait: then neither `in` nor the connection is the caller's any more, and the function has
	 * already been called anew, from another stack, for what came after that query: what it is at must be found in c->state
	 * and `in`, never in its locals. It returns at once.
	 */
	bool (*work)(struct tcp_connection *c, struct tcp_input *in);
	/* Called before output is sent, at least once in a round in which something happened: puts what it still has to say (window
	 * updates, frames that waited) into the output. */
	void (*flush)(struct tcp_connection *c);
	/* When the oldest query began that is not whole yet, or the oldest answer was given that the peer does not let us send;
	 * 0: there is none. It has limits.read from then on. What is kept of `in` counts only where there is none. */
	uint64_t (*unfinished_since)(const struct tcp_connection *c);
	/* No more queries are taken: says so to the peer, if it can (GOAWAY). c->closing is set: the connection is closed when all
	 * queries are answered and all is sent. */
	void (*stop)(struct tcp_connection *c);
	/* The connection's memory goes: frees c->state. The descriptor is closed; no query is with the handler any more. */
	void (*release)(struct tcp_connection *c);
};

/* DNS messages, each behind two octets of length. */
extern const struct connection_protocol dns_framing;

struct connection_list {
	struct tcp_connection *first, *last;
	size_t count;
};

struct tcp_connection {
	struct watch watch;
	struct timer timer; /* at or before `expires` */
	struct loop_flush flush;
	struct tcp_listener *listener;
	struct connection_list *list;
	struct tcp_connection *newer, *older;
	struct endpoint client, local;
	uint16_t *counter; /* of the client's connections */
	struct tls_session *tls; /* NULL: in the clear */
	void *state;      /* the protocol's */
	uint8_t *partial; /* what was read, decrypted, and cannot be handed over yet */
	size_t partial_length;
	struct tcp_output plain; /* with TLS: what is to be encrypted */
	struct tcp_output out;   /* what is to be sent */
	size_t active; /* queries with the handler */
	long queries;  /* that came so far */
	uint64_t expires, accepted, active_at, partial_since, written_at;
	enum proxy_use proxy; /* PROXY_SKIP: no header is waited for, or none any more */
	bool open;     /* the handshake is done, or there is none */
	bool greeted;  /* set by the protocol: the peer speaks it, and may be as idle as after a query */
	bool one_by_one; /* set by the protocol: no query is handled before the one before it is answered */
	bool paused;   /* a whole query is there, but too many are worked on, or too much is unsent */
	bool ended;    /* the peer sends no more */
	bool closing;  /* takes no more queries */
	bool lingering; /* all is sent and shut down; what still comes is thrown away */
	bool dead;     /* the descriptor is closed: the memory stays until its queries are done */
};

struct tcp_listener {
	struct watch watch;
	struct timer accept_again;
	struct loop *loop;
	struct endpoint local;
	struct tcp_limits limits;
	struct tcp_service service;
	struct connection_list handshaking, idle, busy; /* longest unused first */
	_Atomic size_t open;
	uint16_t *clients; /* connections of each client, by a hash of its address */
	size_t allocated; /* connections, dead ones included */
	bool full;        /* not accepting, until a connection is closed */
	bool stopped, released;
};

/* Takes an accepted descriptor over; *counter has counted it, `proxy` says what is done with a header of the PROXY protocol. */
void tcp_connection_new(
	struct tcp_listener *t, int fd, const struct endpoint *client, uint16_t *counter,
	enum proxy_use proxy);

/* Closes it at once. Its memory stays until its queries are done. */
void tcp_connection_close(struct tcp_connection *c);

/* The same, but tells the peer before, if it takes that at once. */
void tcp_connection_end(struct tcp_connection *c);

/* Takes no more queries; it is closed when those that it has are answered. */
void tcp_connection_stop(struct tcp_connection *c);

/* Looks for the header of the PROXY protocol, c->proxy says what for, and takes it off. */
enum tcp_preface {
	PREFACE_WAITS, /* for more octets */
	PREFACE_DONE,  /* whatever comes now is the protocol's */
	PREFACE_BROKEN,
};
enum tcp_preface tcp_preface_read(struct tcp_connection *c);

/* Frees a listener that was released, when its last connection has gone. */
void tcp_listener_free(struct tcp_listener *t);

/* There is room for connections again, or room for a listener that is full may be made: accepts again. */
void tcp_listener_resume(struct tcp_listener *t);

/* --- for protocols --- */

/* Whether one query more may be handed over: not too many are worked on, not too much is unsent. */
bool tcp_connection_may_handle(const struct tcp_connection *c);

/* A message of this connection, to be given to tcp_connection_handle(). */
struct incoming tcp_connection_incoming(
	const struct tcp_connection *c, const uint8_t *wire, size_t length);

/*
 * Lets the server answer the message; its answer, if any, is then m->answer, m->answer_length octets, valid until the next
 * wait. Sets c->closing when the connection may take no more. False if the query had to wait: the caller puts the answer
 * into the output, unless c->dead, then calls tcp_connection_waited(), and `work` returns false.
 */
bool tcp_connection_handle(struct tcp_connection *c, struct incoming *m);

/* After a query that waited: lets its answer go out with others of this round. The connection may be gone afterwards. */
void tcp_connection_waited(struct tcp_connection *c);

/* Appends so many octets to what is sent, for the caller to fill before it does anything else with the connection. */
uint8_t *tcp_connection_append(struct tcp_connection *c, size_t length);

/* With TLS: what was appended so far goes in a record of its own, and what follows into the next one. Else all that is appended in a
 * round shares records. */
void tcp_connection_end_record(struct tcp_connection *c);

/* Octets that the peer has not taken yet. */
size_t tcp_connection_unsent(const struct tcp_connection *c);

#endif
