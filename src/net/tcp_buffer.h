/*
 * Where TCP connections read into and write from. A thread has one input buffer that all its connections read into; queries
 * that wait keep the one that they are in. An output buffer is a connection's while answers in it are unsent.
 */
#ifndef ISTHMUS_NET_TCP_BUFFER_H
#define ISTHMUS_NET_TCP_BUFFER_H

#include "net/loop_state.h"

enum {
	TCP_PREFIX = 2, /* the length before each message (RFC 1035 4.2.2) */
	TCP_INPUT_ROOM = TCP_PREFIX + UINT16_MAX + (32 << 10),
	TCP_CIPHERTEXT_ROOM = 16 << 10, /* read at once; a message kept, this and a TLS record fit TCP_INPUT_ROOM */
	TCP_OUTPUTS_SPARE = 2,
};

struct tcp_connection;

/* What was read from a connection. The thread's own while no query in it waits. */
struct tcp_input {
	struct tcp_input *next; /* while it is spare */
	struct tcp_connection *owner;
	size_t start, end; /* not yet handed over */
	bool answering;    /* a query of it is with the handler, or was when it began to wait */
	bool drained;      /* the kernel had no more when it was filled */
	size_t waiting;    /* queries of it that wait */
	uint8_t wire[TCP_INPUT_ROOM];
};

/* What the listeners of a thread share. */
struct tcp_thread {
	size_t listeners;
	struct tcp_input *input; /* the one that is worked off */
	struct tcp_input *spare;
	size_t spares;
	uint8_t *outputs[TCP_OUTPUTS_SPARE]; /* output buffers that no connection uses now */
	size_t output_count;
	uint8_t *ciphertext; /* what TLS connections read into; NULL before the first of them */
};

struct tcp_output {
	uint8_t *at;
	size_t length, sent, capacity;
};

/* A listener begins (ends) to use the thread's buffers. */
struct tcp_thread *tcp_thread_join(struct loop *l);
void tcp_thread_leave(struct loop *l);

/* Whoever is answered began to wait: the buffer stays as it is until it is done. `in` may be NULL. */
void tcp_input_waits(struct tcp_input *in);

/* A buffer to read into, nothing of which is in use. */
struct tcp_input *tcp_input_fresh(struct tcp_thread *t);

/* Where TLS connections read into: TCP_CIPHERTEXT_ROOM octets. */
uint8_t *tcp_ciphertext(struct tcp_thread *t);

/* A query that waited in this buffer is done. */
void tcp_input_leave(struct tcp_thread *t, struct tcp_input *in);

/* Room for `more` octets behind out->length. */
void tcp_output_grow(struct tcp_thread *t, struct tcp_output *out, size_t more);

/* All is sent: the buffer goes back. */
void tcp_output_done(struct tcp_thread *t, struct tcp_output *out);

#endif
