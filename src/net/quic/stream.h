/* A stream of a QUIC connection: a query that is coming, is worked on, or whose answer is on its
 * way. */
#ifndef ISTHMUS_NET_QUIC_STREAM_H
#define ISTHMUS_NET_QUIC_STREAM_H

#include "net/incoming.h"

struct quic_connection;
struct quic_listener;

enum quic_stream_state {
	STREAM_READING,	  /* its query is not whole */
	STREAM_READY,	  /* it is: waits for its turn */
	STREAM_ANSWERING, /* is with the handler */
	STREAM_SENDING,	  /* its answer is not all sent */
	STREAM_OVER,	  /* nothing of it is wanted any more */
};

struct quic_queue {
	struct quic_stream *first, *last;
};

/* Belongs to its connection until that is closed; then it is kept only while its query is with the
 * handler. */
struct quic_stream {
	struct quic_connection *connection; /* NULL: closed */
	struct quic_listener *listener;
	struct quic_stream *newer, *older; /* of the connection */
	struct quic_queue *queue;	   /* the one it stands in, or NULL */
	struct quic_stream *next, *before; /* in it */
	int64_t id;
	uint64_t since; /* when the stream began */
	enum quic_stream_state state;
	bool ended; /* the client sends no more */
	/* The client wants no answer: it still counts as open while its query is with the handler. */
	bool given_up;
	uint8_t *input;
	size_t input_length, input_room;
	uint8_t *output; /* kept until the client has all of it */
	size_t output_length, output_sent;
	void *request; /* the application's */
};

void quic_queue_append(struct quic_queue *q, struct quic_stream *s);

/* Takes a stream out of the queue that it stands in, if any. */
void quic_queue_remove(struct quic_stream *s);

/* A new stream of the connection; it has the listener's `read` to become ready. */
struct quic_stream *quic_stream_new(struct quic_connection *c, int64_t id);

/* The client may open another one in its place: freed, but while its query is with the handler. */
void quic_stream_close(struct quic_stream *s);

/* The connection is closed: the same, without another one. */
void quic_stream_detach(struct quic_stream *s);

/* Keeps octets that came. False if the connection may hold no more: it fails. */
bool quic_stream_keep(struct quic_stream *s, const uint8_t *octets, size_t length);

/* Gives `length` octets of room for an answer. */
uint8_t *quic_stream_output(struct quic_stream *s, size_t length);

/* Its query is whole: the handler gets it in its turn. */
void quic_stream_ready(struct quic_stream *s);

/* It is not answered if nobody has begun with it: the client may ask elsewhere. */
void quic_stream_refuse(struct quic_stream *s);

/* Lets the handler answer it. It may wait; afterwards the stream may be gone, and the listener,
 * too. */
void quic_stream_answer(struct quic_stream *s);

#endif
