/* What each worker is answering just now, in memory that outlives the server's process. */
#ifndef ISTHMUS_SERVER_PROCESS_CRASH_RING_H
#define ISTHMUS_SERVER_PROCESS_CRASH_RING_H

#include "base/text.h"

/* Makes the memory, shared with children, for so many workers. */
void crash_ring_make(unsigned workers);

/*
 * Writes the queries that nobody has answered, the newest first, at most `most` of them:
 * "example.org. MX for 192.0.2.1:5353 over udp, ...". Then forgets them. To be called when no
 * server runs.
 */
void crash_ring_report(struct text *to, unsigned most);

#endif
