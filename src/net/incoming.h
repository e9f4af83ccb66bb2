/*
 * One DNS message that came in, whatever the transport, and the way back for its answer. Every transport ends in the
 * same call: server->handle(). What a message may be is decided behind it, in one place for all of them.
 */
#ifndef ISTHMUS_NET_INCOMING_H
#define ISTHMUS_NET_INCOMING_H

#include "net/endpoint.h"

struct incoming {
	const uint8_t *wire; /* valid until handle() returns, also when it waits meanwhile */
	size_t length;
	struct endpoint client, local;
	enum transport transport;
	void *listener;  /* what the server gave when it opened the listener */
	/* Room for the answer: answer_room octets, 65,535 (UDP: 65,507). All messages of a thread share it: it is written after
	 * the handler's last wait. */
	uint8_t *answer;
	size_t answer_room;
	size_t answer_length; /* set by handle(); 0: no answer */
	bool close;           /* set by handle(): the connection is to be closed after the answer */
};

/* Answers a message. Runs on the worker's loop; may wait. */
typedef void incoming_handler(struct incoming *in);

#endif
