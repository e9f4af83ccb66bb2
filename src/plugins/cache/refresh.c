/* Asking for an entry's answer anew, beside the query that noticed that it is time. */
#include "base/epoch.h"
#include "net/loop.h"
#include "plugins/cache/cache.h"

enum { REFRESH_ARENA_SIZE = 8192 };

bool cache_refresh_begin(struct cache_entry *e, uint64_t recheck)
{
	if (recheck && clock_batch() < atomic_load(&e->no_refresh_before))
		return false;
	return !atomic_exchange(&e->refreshing, true);
}

void cache_refresh_end(struct cache_entry *e, uint64_t recheck, bool refreshed)
{
	atomic_store(&e->no_refresh_before, recheck && !refreshed ? clock_batch() + recheck : 0);
	atomic_store(&e->refreshing, false);
}

/* A refresh that runs by itself, with a query of its own. */
struct refresh {
	struct plugin *self;
	struct query *q; /* all memory, this struct too, is in its arena */
	struct cache_entry *entry;
	uint64_t epoch; /* keeps the entry and the configuration */
	bool stale, tracked;

	/* for cache_refresh_in_time() */
	struct fiber *waiter; /* NULL: nobody waits (any more) */
	bool done;
	enum verdict verdict;
	struct cache_entry *fresh;
};

static struct metadata *metadata_copy(struct arena *a, const struct metadata *from)
{
	struct metadata *first = NULL, **last = &first;
	for (; from; from = from->next) {
		struct metadata *m = arena_new_object(a, struct metadata);
		m->label = arena_string(a, view_of(from->label));
		m->value = arena_copy(a, from->value);
		*last = m;
		last = &m->next;
	}
	return first;
}

static struct refresh *refresh_new(
	struct plugin *self, const struct query *q, struct cache_entry *e)
{
	struct arena *a = arena_new(REFRESH_ARENA_SIZE);
	struct refresh *r = arena_new_object(a, struct refresh);
	r->self = self;
	r->q = query_copy(a, q);
	r->entry = e;
	r->epoch = epoch_enter();
	return r;
}

static void refresh_free(void *refresh)
{
	struct refresh *r = refresh;
	arena_free(r->q->arena);
}

/* The hits of the entry go over to the one that takes its place. */
static void carry_hits(const struct cache_entry *from, struct cache_entry *to)
{
	if (!to)
		return;
	atomic_store(&to->hits, atomic_load(&from->hits));
	atomic_store(&to->last_hit, clock_batch());
}

static void run_behind(void *data)
{
	struct refresh *r = data;
	const struct cache *c = r->self->state;
	struct cache_key key = cache_key_of(r->q);
	uint64_t recheck = r->stale ? c->recheck : 0;
	bool refreshed = true;
	cache_ask(r->self, r->q);
	if (r->stale)
		refreshed = cache_refresh_keep(r->self, r->q, &key, KEEP_BEHIND, &r->fresh) ==
			    VERDICT_ACCEPTED;
	else if (r->q->reply)
		r->fresh = cache_keep(r->self, r->q, &key, KEEP_BEHIND);
	carry_hits(r->entry, r->fresh);
	cache_refresh_end(r->entry, recheck, refreshed);
	epoch_leave(r->epoch);
	refresh_free(r);
}

void cache_refresh_behind(struct plugin *self, struct query *q, struct cache_entry *e, bool stale)
{
	const struct cache *c = self->state;
	if (!cache_refresh_begin(e, stale ? c->recheck : 0))
		return;
	cache_count(self, q, COUNT_PREFETCHES, 1);
	struct refresh *r = refresh_new(self, q, e);
	r->stale = stale;
	/* There is no client: answers of any size are welcome. */
	r->q->client = (struct endpoint){ .v4 = { .sin_family = AF_INET } };
	r->q->transport = TRANSPORT_TCP;
	fiber_spawn(loop_current(), run_behind, r);
}

static void run_in_time(void *data)
{
	struct refresh *r = data;
	const struct cache *c = r->self->state;
	struct cache_key key = cache_key_of(r->q);
	cache_ask(r->self, r->q);
	r->verdict = cache_refresh_keep(r->self, r->q, &key, KEEP_BEHIND, &r->fresh);
	if (r->tracked)
		cache_refresh_end(r->entry, c->recheck, r->verdict == VERDICT_ACCEPTED);
	epoch_leave(r->epoch);
	r->done = true;
	if (r->waiter)
		fiber_wake(r->waiter);
	else
		refresh_free(r);
}

/* Whether it was done before the deadline. */
static bool wait_for(struct refresh *r, uint64_t deadline)
{
	enum wait_result result = WAIT_READY;
	while (!r->done && result == WAIT_READY)
		result = fiber_park(deadline);
	r->waiter = NULL;
	return r->done;
}

bool cache_refresh_in_time(
	struct plugin *self, struct query *q, struct cache_entry *e, bool tracked)
{
	const struct cache *c = self->state;
	struct refresh *r = refresh_new(self, q, e);
	r->q->metadata = metadata_copy(r->q->arena, q->metadata);
	r->tracked = tracked;
	r->waiter = fiber_self();
	fiber_spawn(loop_current(), run_in_time, r);
	if (!wait_for(r, clock_batch() + c->verify_timeout))
		return false;
	arena_on_free(q->arena, refresh_free, r);
	if (r->verdict != VERDICT_ACCEPTED)
		return false;
	if (r->fresh)
		cache_reply(self, q, r->fresh, r->fresh->ttl);
	else
		q->reply = r->q->reply;
	return true;
}
