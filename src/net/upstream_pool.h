/* What the parts of upstream.h's pools share: the pool, and who waits on a socket. */
#ifndef ISTHMUS_NET_UPSTREAM_POOL_H
#define ISTHMUS_NET_UPSTREAM_POOL_H

#include "net/upstream.h"
#include "net/upstream_outbox.h"
#include "net/upstream_wire.h"

enum {
	TABLE_SLOTS = 32,
	INBOX_BATCH = 64,
	UDP_SOCKETS = 64, /* one of them is drawn for the queries of a round */
};

/* Attempts that wait on one socket or connection, by id. */
struct attempt_table {
	struct attempt *slots[TABLE_SLOTS];
	size_t count;
	bool stream;
	int fd;
	uint64_t received; /* when something last came */
	void (*drained)(struct attempt_table *t); /* the last one has gone */
	void (*removed)(struct attempt_table *t, struct attempt *a); /* this one has; NULL: nobody asks */
};

struct upstream_socket;
struct upstream_stream;

/* Where a thread receives: shared by all its pools, since nothing stays there. Only pages that answers fill are ever
 * resident. */
struct upstream_inbox {
	struct mmsghdr messages[INBOX_BATCH];
	struct iovec wire[INBOX_BATCH];
	struct upstream_outbox out;
	uint8_t room[INBOX_BATCH][UINT16_MAX];
};

struct upstream_inbox *upstream_inbox(struct loop *l);

struct upstream_pool {
	struct loop *loop;
	struct upstream *upstream;
	struct timer sweep; /* closes what is idle */

	struct upstream_socket *sockets[UDP_SOCKETS];
	struct upstream_socket *retired; /* not used again, closed when nobody waits any more */
	struct upstream_socket *sending; /* the one drawn for this round */
	struct attempt *queue, **queue_end;
	struct loop_flush flush;
	bool whole; /* the kernel does not cut messages up on the way there */

	struct upstream_stream *streams, *streams_last; /* longest unused first */
	size_t stream_count;
	struct upstream_ticket ticket; /* of the last TLS session */
};

/* Enters an attempt under a new random id that nobody in the table has. */
void table_add(struct attempt_table *t, struct attempt *a);

/* Takes it out, no more. */
void table_remove(struct attempt *a);

/* A message has come: ends the attempt that it answers. False if it answers none. */
bool table_receive(
	struct upstream_pool *p, struct attempt_table *t, const uint8_t *wire, size_t length);

/* The answer to this very attempt has come; where it is none, the attempt has failed. */
void table_answer(struct attempt *a, const uint8_t *wire, size_t length);

/* Ends one attempt without an answer. */
void table_end(struct attempt *a, enum attempt_result result, enum attempt_step step, int error);

/* Ends all attempts of the table in the same way. */
void table_fail(struct attempt_table *t, enum attempt_result result, enum attempt_step step,
	int error);

/* A new socket of this type, bound to the upstream's source address. -1 with errno. */
int upstream_socket_new(const struct upstream *u, int type);

/* The local address of a socket, for messages. */
struct endpoint socket_local(int fd);

/* Whether a connection is too old (max_age), or was idle too long (expire), to be used again. */
bool upstream_expired(const struct upstream *u, uint64_t born, uint64_t used);

void upstream_count(struct upstream *u, enum upstream_event event);

/* Counts a handshake that failed: an enum tls_failure. */
void upstream_count_failure(struct upstream *u, int failure);

/* Says that something is open that must be closed some day. */
void pool_sweep_later(struct upstream_pool *p);

/* --- UDP: upstream_udp.c --- */
void udp_attempt(struct upstream_pool *p, struct attempt *a);
void udp_flush(struct upstream_pool *p);
bool udp_sweep(struct upstream_pool *p); /* false: nothing is open */
void udp_close_all(struct upstream_pool *p);
void udp_unqueue(struct upstream_pool *p, struct attempt *a);

/* --- connections: upstream_stream.c --- */
void stream_attempt(struct upstream_pool *p, struct attempt *a);
bool stream_sweep(struct upstream_pool *p);
void stream_close_all(struct upstream_pool *p);
void stream_distrust(struct attempt_table *t); /* takes no more queries */
uint64_t stream_ready_by(const struct attempt_table *t); /* when it will be connected or have failed; 0: it is */

#endif
