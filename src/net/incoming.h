/*
 * One DNS message that came in, whatever the transport, and the way back for its answer. Every transport ends in the
 * same call: server->handle(). What a message may be is decided behind it, in one place for all of them.
 */
#ifndef ISTHMUS_NET_INCOMING_H
#define ISTHMUS_NET_INCOMING_H

#include "net/endpoint.h"

/* What became of a message. Transports that have errors of their own (HTTP, gRPC, QUIC) go by it. */
enum incoming_outcome {
	INCOMING_UNANSWERED, /* nobody gave an answer */
	INCOMING_ANSWERED,
	INCOMING_TOO_SHORT,  /* not even a header */
	INCOMING_REJECTED,   /* a response, an opcode that is not served (answered NOTIMP), counts that no query has (FORMERR) */
	INCOMING_MALFORMED,  /* does not parse; answered FORMERR */
};

struct incoming {
	const uint8_t *wire; /* valid until handle() returns, also when it waits meanwhile */
	size_t length;
	struct endpoint client, local;
	struct endpoint peer; /* over UDP: who sent the datagram; the client, or a proxy that speaks for it */
	enum transport transport;
	uint64_t deadline; /* of the monotonic clock: nobody waits for the answer any longer (gRPC); 0: nobody says */
	void *listener;  /* what the server gave when it opened the listener */
	/* Room for the answer: answer_room octets, 65,535 (UDP: 65,507). All messages of a thread share it: it is written after
	 * the handler's last wait. */
	uint8_t *answer;
	size_t answer_room;
	size_t answer_length; /* set by handle(); 0: no answer */
	bool close;           /* set by handle(): the connection is to be closed after the answer */
	enum incoming_outcome outcome; /* set by handle() */
	/* Sends `answer` as one of several messages before the one that handle() leaves there (RFC 5936 2.2); may wait until the
	 * client takes more. False: it is gone. NULL: the transport has one answer to a query. */
	bool (*send)(struct incoming *in);
	uint32_t max_age;     /* set by handle() over HTTP: seconds that the answer stays fresh (RFC 8484 5.1) */
};

/* Answers a message. Runs on the worker's loop; may wait. */
typedef void incoming_handler(struct incoming *in);

#endif
