/* What a message may be, decided in one place for every transport. */
#ifndef ISTHMUS_SERVER_INTAKE_H
#define ISTHMUS_SERVER_INTAKE_H

#include "net/incoming.h"
#include "server/query.h"

enum intake {
	INTAKE_QUERY,   /* q->request is filled in: dispatch it */
	INTAKE_DROP,    /* nothing is sent */
	INTAKE_REFUSED, /* the reply is q->reply already: FORMERR, NOTIMP */
};

/*
 * Reads in->wire into q (whose arena, client, transport are set): drops what is no query, answers FORMERR and NOTIMP
 * to what must not reach a plugin, and says in in->outcome why. The reply of a refusal has no OPT, and no question unless it
 * could be read.
 */
enum intake intake_read(struct query *q, struct incoming *in);

#endif
