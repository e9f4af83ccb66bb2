/* What an answer says, as far as the cache must know it. */
#ifndef ISTHMUS_PLUGINS_CACHE_ANSWERS_H
#define ISTHMUS_PLUGINS_CACHE_ANSWERS_H

#include "server/query.h"

/*
 * Whether a NOERROR answer answers its question: at the end of the chain of CNAMEs that starts at
 * qname there is a record of the type asked for (RFC 1034 3.6.2). A chain that loops or forks, or
 * is very long, leads nowhere.
 */
bool answers_question(const struct message *m);

/* The class of the answer; one with CNAMEs that lead nowhere and a SOA is NODATA (RFC 2308 2.2). */
enum response_type answer_type(const struct message *m);

/* Whether the question of m is that of q, name in whatever case. */
bool answer_matches(const struct message *m, const struct query *q);

/* Whether the authority section has a SOA. */
bool answer_has_soa(const struct message *m);

#endif
