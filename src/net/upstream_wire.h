/*
 * A connection to an upstream as a pair of octet streams: TCP, with TLS where the upstream has it. What is spoken on it, who waits
 * for what, and time limits are its user's, who also calls it when its descriptor is ready. An upstream with TLS is never
 * spoken to without: no function here sends what was appended before the handshake is done.
 */
#ifndef ISTHMUS_NET_UPSTREAM_WIRE_H
#define ISTHMUS_NET_UPSTREAM_WIRE_H

#include "net/upstream.h"

struct tls_session;

/* What a session with this upstream can be resumed with: the pool's. Good only with the credentials that it came with, since whom
 * they trust is not asked again. */
struct upstream_ticket {
	struct tls_credentials *credentials; /* a reference; NULL: there is no ticket */
	uint8_t *at;
	size_t length;
};

enum { TICKET_MAX = 4096 }; /* octets; longer ones are not kept */

void ticket_forget(struct upstream_ticket *t);

/* Keeps what a session that was made with these credentials can be resumed with, in place of what was there. */
void ticket_keep(struct upstream_ticket *t, struct tls_credentials *c, const uint8_t *octets, size_t length);

/* What there is to resume a session with these credentials with; empty: nothing. */
struct view ticket_for(struct upstream_ticket *t, struct tls_credentials *c);

struct wire_output {
	uint8_t *at;
	size_t length, sent, capacity;
};

enum wire_state {
	WIRE_CONNECTING,
	WIRE_SHAKING_HANDS,
	WIRE_OPEN,
};

/* How it ended: STEP_EOF by the peer's will. */
struct wire_end {
	enum attempt_step step;
	int error; /* as in struct attempt */
};

struct upstream_wire {
	struct watch *watch; /* the user's */
	struct loop *loop;
	struct upstream *upstream;
	struct upstream_ticket *ticket;
	enum wire_state state;
	struct tls_session *tls;
	struct tls_credentials *credentials; /* the session's */
	bool ticket_kept;
	bool framed; /* what is appended are messages, each behind its length: each is a record of TLS */
	struct wire_output plain; /* with TLS: to be encrypted */
	struct wire_output out;
	uint8_t *partial; /* what came and was not used */
	size_t partial_length;

	/* It is open now: what was appended goes out. May not close it. */
	void (*opened)(struct upstream_wire *w);
	/* Octets have come: gives how many of them were used; the others come again with more behind them. May not close it. */
	size_t (*received)(struct upstream_wire *w, const uint8_t *octets, size_t length);
};

/* Begins to connect, with `watch` (whose descriptor it sets), `opened` and `received` set. False with errno. */
bool wire_connect(
	struct upstream_wire *w, struct loop *l, struct upstream *u, struct upstream_ticket *ticket);

/* Goes on after the descriptor became ready. False when it has ended. */
bool wire_progress(struct upstream_wire *w, uint32_t events, struct wire_end *end);

/* Room for so many octets to send, to be filled at once. They go out with wire_send(), or when it is open. */
uint8_t *wire_append(struct upstream_wire *w, size_t length);

/* Sends what was appended, if it is open. False when it has ended; what the peer sent before has been handed over. */
bool wire_send(struct upstream_wire *w, struct wire_end *end);

/* Closes it; a TLS peer is told, and what it gave to resume with is kept. */
void wire_close(struct upstream_wire *w);

static inline bool wire_is_open(const struct upstream_wire *w)
{
	return w->state == WIRE_OPEN;
}

#endif
