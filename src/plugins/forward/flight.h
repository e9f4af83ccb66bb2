/*
 * Questions in flight. Identical ones of a worker are one: the first query leads, asks upstreams and waits; the others
 * follow and get what it gets. So nobody can make a worker ask the same thing many times over, which would make it as many
 * times easier to forge an answer (RFC 5452 5).
 *
 * A question that failed by time-outs stays for a while: should the answer come after all, it is kept for the next
 * query that asks the same, so that a slow upstream is slow once and not unreachable. `late` is told at once.
 */
#ifndef ISTHMUS_PLUGINS_FORWARD_FLIGHT_H
#define ISTHMUS_PLUGINS_FORWARD_FLIGHT_H

#include "base/arena.h"
#include "net/upstream.h"

enum { FLIGHT_ATTEMPTS = 4 }; /* that may still be answered; older ones are forgotten */

struct flights;
struct flight;

/* What is to happen when the answer comes after all, to a question that nobody leads any more. It lives in its arena. */
struct flight_late {
	struct arena *arena;
	void (*answered)(struct flight_late *late); /* takes it over */
};

struct flight_attempt {
	struct attempt attempt;
	struct flight *flight;
	size_t upstream; /* index: whom it was sent to */
};

/* How an exchange went for who led it. */
enum flight_result {
	FLIGHT_ANSWERED,
	FLIGHT_TIMEOUT,
	FLIGHT_FAILED,
	FLIGHT_CLOSED,    /* to be tried again at once */
	FLIGHT_CANCELLED, /* the query's own deadline, or the loop is being stopped */
};

/* What a follower gets: an answer in its own arena, or what the leader failed with. */
struct flight_outcome {
	const uint8_t *wire; /* NULL: none */
	size_t length;
	size_t upstream;     /* who answered */
	uint64_t took;       /* ns from the question to the answer */
	bool stream;         /* it came over TCP */
	const char *error;   /* without an answer: why; NULL: nobody was asked */
};

struct flight {
	struct flight *next; /* in its slot, or among the spare ones */
	struct flights *flights;
	uint64_t hash;
	uint8_t *query; /* id 0 */
	size_t query_length, query_capacity, question_end;
	bool stream;    /* the clients came over a stream */
	bool random_case;
	struct fiber *leader; /* NULL: left behind by one that failed */
	struct follower *followers;
	struct flight_attempt attempts[FLIGHT_ATTEMPTS];
	unsigned attempts_made;
	uint8_t *answer; /* of the flight's own */
	size_t answer_length, answer_capacity;
	size_t answered_by;
	uint64_t took;
	bool answered, answered_by_stream;
	enum attempt_result last_result; /* of the attempt that the leader waits for, when it has ended without an answer */
	struct timer forget;
	struct flight_late *late; /* while it is left behind, or NULL */
};

/* A worker's flights of one instance of forward. */
struct flights *flights_new(struct loop *l);

/* Forgets those that were left behind, and all when the last one that is led has landed. */
void flights_free(struct flights *f);

enum flight_role {
	FLIGHT_LEADS,
	FLIGHT_FOLLOWED, /* the outcome is there */
	FLIGHT_GIVEN_UP, /* the deadline, or the loop is being stopped */
};

/*
 * Joins the flight of this query, or starts it. The one who leads must call flight_land() in the end. With `random_case` the
 * letters of a new flight's question get a random case, which the answer must repeat. Waits if it follows.
 */
enum flight_role flight_join(struct flights *f, const uint8_t *query, size_t length,
	size_t question_end, bool stream, bool random_case, struct arena *arena, uint64_t deadline,
	struct flight **flight, struct flight_outcome *outcome);

/* Sends the question to an upstream and waits for an answer to any of the flight's attempts: `timeout` ns, or until `deadline`
 * if that is not 0. */
enum flight_result flight_ask(struct flight *f, struct upstream_pool *pool, size_t upstream,
	bool stream, uint64_t timeout, uint64_t deadline);

/* What the last attempt failed with. */
const char *flight_error(const struct flight *f, struct arena *arena);

/* The answer, copied to the arena; the flight is ready to be asked with again. */
struct flight_outcome flight_take(struct flight *f, struct arena *arena);

/* Ends the leading: followers get the outcome. `again`: the leader was cancelled, one of the followers is to lead. `late`: the
 * answer may still come; true if the flight stays for it, and may be given f->late. */
bool flight_land(struct flight *f, const struct flight_outcome *outcome, bool again, bool late);

#endif
