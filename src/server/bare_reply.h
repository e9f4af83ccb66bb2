/* The replies that the server writes itself, and what every reply gets on its way out. */
#ifndef ISTHMUS_SERVER_BARE_REPLY_H
#define ISTHMUS_SERVER_BARE_REPLY_H

#include "server/query.h"

/* A reply without records, with the query's own OPT, put into q->reply. */
void bare_reply(struct query *q, uint16_t rcode);

/* BADVERS (RFC 6891 6.1.3): what this server speaks is version 0. */
void bad_version_reply(struct query *q);

/*
 * Gives q->reply the OPT that its client is to see: none without one in the query; else version 0, the query's size and DO,
 * and those of the options that are meant to be answered.
 */
void reply_finish_edns(struct query *q);

/* Whether q->reply is too large for the client, so that it will get TC. Writes the reply to see, if it may be. */
bool reply_is_cut(struct query *q);

#endif
