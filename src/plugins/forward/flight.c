/* Questions in flight. */
#include "plugins/forward/flight.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "dns/message.h"

#include <stdlib.h>

enum {
	SLOTS_FIRST = 64,
	LATE_MAX = 1024,  /* flights left behind that are kept */
	SPARE_MAX = 256,
	QUERY_ROOM = 512, /* what a flight has room for without asking for more */
};

static const uint64_t late_keep = 5 * NS_PER_S;

struct follower {
	struct follower *next;
	struct fiber *fiber;
	struct arena *arena;
	struct flight_outcome outcome;
	bool done, again;
};

struct flights {
	struct loop *loop;
	struct flight **slots;
	size_t slot_count, count;
	size_t late;
	struct flight *spare;
	size_t spare_count;
	bool closing; /* freed when the last one that is led has landed */
};

/* --- the table --- */

struct flights *flights_new(struct loop *l)
{
	struct flights *f = memory_array(1, sizeof *f);
	f->loop = l;
	f->slot_count = SLOTS_FIRST;
	f->slots = memory_array(f->slot_count, sizeof *f->slots);
	return f;
}

static struct flight **slot_of(const struct flights *f, uint64_t hash)
{
	return &f->slots[hash & (f->slot_count - 1)];
}

static void table_grow(struct flights *f)
{
	struct flights old = *f;
	f->slot_count *= 2;
	f->slots = memory_array(f->slot_count, sizeof *f->slots);
	for (size_t i = 0; i < old.slot_count; i++) {
		while (old.slots[i]) {
			struct flight *moved = old.slots[i];
			old.slots[i] = moved->next;
			struct flight **slot = slot_of(f, moved->hash);
			moved->next = *slot;
			*slot = moved;
		}
	}
	free(old.slots);
}

/* All but the id is the same, the question's name in whatever case. */
static bool is_same(const struct flight *f, const uint8_t *query, size_t length, size_t question_end)
{
	size_t name_end = question_end - QUESTION_FIXED;
	struct view a = { (const char *)f->query + HEADER_SIZE, name_end - HEADER_SIZE };
	struct view b = { (const char *)query + HEADER_SIZE, name_end - HEADER_SIZE };
	return f->query_length == length && f->question_end == question_end &&
	       memcmp(f->query + FLAGS_AT, query + FLAGS_AT, HEADER_SIZE - FLAGS_AT) == 0 &&
	       view_equal_nocase(a, b) &&
	       memcmp(f->query + name_end, query + name_end, length - name_end) == 0;
}

static struct flight *find(const struct flights *f, uint64_t hash, const uint8_t *query,
	size_t length, size_t question_end, bool stream)
{
	struct flight *at = *slot_of(f, hash);
	while (at && !(at->hash == hash && at->stream == stream &&
			     is_same(at, query, length, question_end)))
		at = at->next;
	return at;
}

static void flight_free(struct flight *f)
{
	free(f->query);
	free(f->answer);
	free(f);
}

static unsigned attempts_kept(const struct flight *f)
{
	return f->attempts_made < FLIGHT_ATTEMPTS ? f->attempts_made : FLIGHT_ATTEMPTS;
}

static void late_forget(struct flight *f)
{
	if (f->late)
		arena_free(f->late->arena);
	f->late = NULL;
}

static void table_remove(struct flight *f)
{
	struct flights *flights = f->flights;
	struct flight **link = slot_of(flights, f->hash);
	while (*link != f)
		link = &(*link)->next;
	*link = f->next;
	flights->count--;
	late_forget(f);
	if (timer_is_set(&f->forget)) {
		timer_cancel(flights->loop, &f->forget);
		flights->late--;
	}
	for (unsigned i = 0; i < attempts_kept(f); i++)
		attempt_cancel(&f->attempts[i].attempt);
	if (flights->spare_count == SPARE_MAX) {
		flight_free(f);
		return;
	}
	f->next = flights->spare;
	flights->spare = f;
	flights->spare_count++;
}

/* Removes those that nobody leads. */
static void forget_late(struct flights *f)
{
	for (size_t i = 0; i < f->slot_count; i++) {
		for (struct flight *at = f->slots[i], *next; at; at = next) {
			next = at->next;
			if (!at->leader)
				table_remove(at);
		}
	}
}

void flights_free(struct flights *f)
{
	if (!f)
		return;
	f->closing = true;
	forget_late(f);
	if (f->count)
		return;
	while (f->spare) {
		struct flight *spare = f->spare;
		f->spare = spare->next;
		flight_free(spare);
	}
	free(f->slots);
	free(f);
}

static void forget_due(struct timer *t)
{
	struct flight *f = (struct flight *)((char *)t - offsetof(struct flight, forget));
	f->flights->late--;
	table_remove(f);
}

/* --- starting --- */

static void attempt_done(
	struct attempt *a, enum attempt_result result, const uint8_t *wire, size_t length);

static struct flight *spare_take(struct flights *f)
{
	struct flight *spare = f->spare;
	if (!spare) {
		spare = memory_array(1, sizeof *spare);
		spare->query = memory_alloc(QUERY_ROOM);
		spare->query_capacity = QUERY_ROOM;
		spare->forget.fire = forget_due;
		return spare;
	}
	f->spare = spare->next;
	f->spare_count--;
	return spare;
}

static void randomize_case(uint8_t *at, size_t length)
{
	enum { CASE_BIT = 0x20 };
	uint8_t bits[32];
	random_fill(bits, sizeof bits);
	for (size_t i = 0; i < length; i++) {
		uint8_t lower = at[i] | CASE_BIT;
		if (lower >= 'a' && lower <= 'z' && (bits[i / 8] >> i % 8 & 1))
			at[i] ^= CASE_BIT;
	}
}

static struct flight *start(struct flights *flights, uint64_t hash, const uint8_t *query,
	size_t length, size_t question_end, bool stream, bool random_case)
{
	struct flight *f = spare_take(flights);
	if (f->query_capacity < length) {
		f->query = memory_resize(f->query, length, 1);
		f->query_capacity = length;
	}
	memcpy(f->query, query, length);
	if (random_case)
		randomize_case(f->query + HEADER_SIZE, question_end - QUESTION_FIXED - HEADER_SIZE);
	f->query_length = length;
	f->question_end = question_end;
	f->flights = flights;
	f->hash = hash;
	f->stream = stream;
	f->followers = NULL;
	f->attempts_made = 0;
	f->answered = false;
	f->random_case = random_case;
	if (++flights->count > 2 * flights->slot_count)
		table_grow(flights);
	struct flight **slot = slot_of(flights, hash);
	f->next = *slot;
	*slot = f;
	return f;
}

/* --- following --- */

static void follower_leave(struct flight *f, struct follower *me)
{
	struct follower **link = &f->followers;
	while (*link != me)
		link = &(*link)->next;
	*link = me->next;
}

static enum flight_role follow(struct flight *f, struct follower *me, uint64_t deadline)
{
	me->fiber = fiber_self();
	me->next = f->followers;
	f->followers = me;
	while (!me->done) {
		if (fiber_park(deadline) != WAIT_READY && !me->done) {
			follower_leave(f, me);
			return FLIGHT_GIVEN_UP;
		}
	}
	return FLIGHT_FOLLOWED;
}

/* One that was left behind is led again; what it has got meanwhile is taken at once. */
static enum flight_role take_up(struct flight *f, struct arena *arena, struct flight_outcome *outcome)
{
	f->flights->late--;
	late_forget(f);
	timer_cancel(f->flights->loop, &f->forget);
	f->leader = fiber_self();
	if (!f->answered)
		return FLIGHT_LEADS;
	*outcome = flight_take(f, arena);
	table_remove(f);
	return FLIGHT_FOLLOWED;
}

enum flight_role flight_join(struct flights *flights, const uint8_t *query, size_t length,
	size_t question_end, bool stream, bool random_case, struct arena *arena, uint64_t deadline,
	struct flight **flight, struct flight_outcome *outcome)
{
	uint64_t hash = hash_bytes_nocase(query + HEADER_SIZE, length - HEADER_SIZE);
	for (;;) {
		struct flight *f = find(flights, hash, query, length, question_end, stream);
		if (!f) {
			f = start(flights, hash, query, length, question_end, stream, random_case);
			f->leader = fiber_self();
			*flight = f;
			return FLIGHT_LEADS;
		}
		*flight = f;
		if (!f->leader)
			return take_up(f, arena, outcome);
		struct follower me = { .arena = arena };
		if (follow(f, &me, deadline) == FLIGHT_GIVEN_UP)
			return FLIGHT_GIVEN_UP;
		if (!me.again) {
			*outcome = me.outcome;
			return FLIGHT_FOLLOWED;
		}
	}
}

/* --- leading --- */

static void answer_keep(struct flight *f, const uint8_t *wire, size_t length)
{
	if (f->answer_capacity < length) {
		f->answer = memory_resize(f->answer, length, 1);
		f->answer_capacity = length;
	}
	memcpy(f->answer, wire, length);
	f->answer_length = length;
	f->answered = true;
}

static void late_tell(struct flight *f)
{
	struct flight_late *late = f->late;
	f->late = NULL;
	late->answered(late);
}

static void attempt_done(
	struct attempt *a, enum attempt_result result, const uint8_t *wire, size_t length)
{
	struct flight_attempt *fa = (struct flight_attempt *)a;
	struct flight *f = fa->flight;
	unsigned last = (f->attempts_made - 1) % FLIGHT_ATTEMPTS;
	if (result == ATTEMPT_ANSWERED && !f->answered) {
		answer_keep(f, wire, length);
		f->answered_by = fa->upstream;
		f->took = clock_batch() - a->sent;
		f->answered_by_stream = a->stream;
	} else if (fa != &f->attempts[last]) {
		return; /* an old one that failed: the leader waits for another */
	}
	f->last_result = result;
	if (f->leader)
		fiber_wake(f->leader);
	else if (f->answered && f->late)
		late_tell(f);
}

static enum flight_result result_of(const struct flight *f)
{
	switch (f->last_result) {
	case ATTEMPT_CLOSED:
		return FLIGHT_CLOSED;
	case ATTEMPT_STOPPED:
		return FLIGHT_CANCELLED;
	default:
		return FLIGHT_FAILED;
	}
}

static enum flight_result wait_for(
	struct flight *f, struct attempt *a, uint64_t timeout, uint64_t deadline)
{
	while (!f->answered && attempt_pending(a)) {
		enum attempt_wait wait = attempt_park(a, timeout, deadline);
		if (f->answered || !attempt_pending(a))
			break;
		if (wait == ATTEMPT_CUT)
			return FLIGHT_CANCELLED;
		if (wait == ATTEMPT_OVER) {
			attempt_timed_out(a);
			return FLIGHT_TIMEOUT;
		}
	}
	return f->answered ? FLIGHT_ANSWERED : result_of(f);
}

enum flight_result flight_ask(struct flight *f, struct upstream_pool *pool, size_t upstream,
	bool stream, uint64_t timeout, uint64_t deadline)
{
	struct flight_attempt *fa = &f->attempts[f->attempts_made % FLIGHT_ATTEMPTS];
	if (f->attempts_made++ >= FLIGHT_ATTEMPTS)
		attempt_cancel(&fa->attempt);
	fa->upstream = upstream;
	fa->flight = f;
	fa->attempt.query = f->query;
	fa->attempt.query_length = f->query_length;
	fa->attempt.question_end = f->question_end;
	fa->attempt.exact_case = f->random_case;
	fa->attempt.done = attempt_done;
	f->leader = fiber_self();
	attempt_start(pool, &fa->attempt, stream);
	return wait_for(f, &fa->attempt, timeout, deadline);
}

const char *flight_error(const struct flight *f, struct arena *arena)
{
	char text[ATTEMPT_ERROR_MAX];
	unsigned last = (f->attempts_made - 1) % FLIGHT_ATTEMPTS;
	return arena_string(arena, view_of(attempt_error(&f->attempts[last].attempt, text)));
}

static struct flight_outcome copy_answer(const struct flight_outcome *from, struct arena *arena)
{
	struct flight_outcome copy = *from;
	if (from->wire) {
		uint8_t *wire = arena_octets(arena, from->length);
		memcpy(wire, from->wire, from->length);
		copy.wire = wire;
	}
	if (from->error)
		copy.error = arena_string(arena, view_of(from->error));
	return copy;
}

struct flight_outcome flight_take(struct flight *f, struct arena *arena)
{
	struct flight_outcome outcome = {
		.wire = f->answer,
		.length = f->answer_length,
		.upstream = f->answered_by,
		.took = f->took,
		.stream = f->answered_by_stream,
	};
	f->answered = false;
	return copy_answer(&outcome, arena);
}

static void release_followers(struct flight *f, const struct flight_outcome *outcome, bool again)
{
	while (f->followers) {
		struct follower *to = f->followers;
		f->followers = to->next;
		to->done = true;
		to->again = again;
		if (!again)
			to->outcome = copy_answer(outcome, to->arena);
		fiber_wake(to->fiber);
	}
}

static bool any_pending(const struct flight *f)
{
	for (unsigned i = 0; i < attempts_kept(f); i++)
		if (attempt_pending(&f->attempts[i].attempt))
			return true;
	return false;
}

bool flight_land(struct flight *f, const struct flight_outcome *outcome, bool again, bool late)
{
	struct flights *flights = f->flights;
	release_followers(f, outcome, again && !flights->closing);
	f->leader = NULL;
	if (late && !flights->closing && flights->late < LATE_MAX && any_pending(f)) {
		flights->late++;
		timer_set(flights->loop, &f->forget, clock_batch() + late_keep);
		return true;
	}
	table_remove(f);
	if (flights->closing && !flights->count)
		flights_free(flights);
	return false;
}
