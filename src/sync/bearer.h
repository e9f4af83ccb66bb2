/* Bearer tokens (RFC 6750): fetched when they are needed, kept, and renewed before they expire. The control thread alone. */
#ifndef ISTHMUS_SYNC_BEARER_H
#define ISTHMUS_SYNC_BEARER_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"

#define BEARER_PREFIX "Authorization: Bearer " /* of the header: the token follows */

enum bearer_outcome {
	BEARER_GRANTED,
	BEARER_REFUSED,   /* with these credentials there will be none */
	BEARER_AWAY,      /* who gives them did not answer, or says to come again */
	BEARER_THROTTLED, /* who gives them says that too many are asked for */
};

struct bearer_grant {
	struct view token;
	uint64_t lifetime; /* in ns, from now */
};

/* Fetches a token; waits. What it gives, and *why where there is none (without secrets), is in the arena. */
typedef enum bearer_outcome bearer_fetch(void *owner, struct arena *arena, struct bearer_grant *grant, const char **why);

/* Starts as { .fetch = ..., .owner = ..., .early = ... }; ended by bearer_free(). */
struct bearer {
	bearer_fetch *fetch;
	void *owner;
	uint64_t early; /* it is renewed so long before it expires, in ns */
	/* its own */
	bool fetching;
	struct text header;
	uint64_t renew_at, expires, failed_at;
	enum bearer_outcome failure;
	struct text why;
};

/*
 * The header "Authorization: Bearer ..." with a token that is good now, in the arena. Waits where one must be fetched; who asks
 * meanwhile gets the same one. A failure to fetch counts for some seconds for all who ask. While an old token is good a failure to
 * renew it is none.
 */
enum bearer_outcome bearer_header(struct bearer *b, struct arena *arena, const char **header, const char **why);

/* The service did not take this header: unless there is another by now, the next one is fetched. */
void bearer_drop(struct bearer *b, const char *header);

/* Takes a struct bearer, for arena_on_free(). */
void bearer_free(void *bearer);

#endif
