/* Whom the senders of datagrams have said to speak for: a header holds for later datagrams, too. One listener's, one thread's. */
#ifndef ISTHMUS_NET_PROXY_SESSIONS_H
#define ISTHMUS_NET_PROXY_SESSIONS_H

#include "net/endpoint.h"

struct proxy_sessions;

struct proxy_sessions *proxy_sessions_new(void);
void proxy_sessions_free(struct proxy_sessions *s);

/* Remembers the source that `peer` named, until `expires` (monotonic). Of more than `most` the one that was used longest ago goes. */
void proxy_sessions_put(struct proxy_sessions *s, const struct endpoint *peer,
	const struct endpoint *source, uint64_t expires, size_t most);

/* Whom this sender named, at `now`; it holds until `expires` from now on. False if nobody. */
bool proxy_sessions_find(struct proxy_sessions *s, const struct endpoint *peer, uint64_t now,
	uint64_t expires, struct endpoint *source);

#endif
