/* The table of leases, and the task that asks for them. */
#include "plugins/etcd/leases.h"

#include "base/clock.h"
#include "base/epoch.h"
#include "base/hash.h"
#include "base/memory.h"
#include "net/loop.h"
#include <stdlib.h>

enum {
	ASKED_AT_ONCE = 50,
	ASK_DIVISOR = 3, /* a lease is asked for so many times before it would end */
};

static const uint64_t round_interval = 250 * NS_PER_MS;
static const uint64_t ask_soonest = 5 * NS_PER_S, ask_latest = 300 * NS_PER_S;

static uint64_t hash_of_id(int64_t id)
{
	return hash_bytes(&id, sizeof id);
}

static uint64_t hash_of(const void *value)
{
	return hash_of_id(((const struct service_lease *)value)->id);
}

static bool matches(const void *value, const void *key)
{
	return ((const struct service_lease *)value)->id == *(const int64_t *)key;
}

static const struct trie_type by_id = { hash_of, matches };

struct service_lease *leases_hold(struct leases *l, int64_t id)
{
	uint64_t hash = hash_of_id(id);
	struct service_lease *lease = trie_find(&l->by_id, &by_id, hash, &id);
	if (!lease) {
		lease = memory_array(1, sizeof *lease);
		lease->id = id;
		lease->next = l->first;
		l->first = lease;
		l->fresh = true;
		if (l->waiter)
			fiber_wake(l->waiter);
		trie_put(&l->by_id, &by_id, l->edit, hash, &id, lease);
	}
	lease->keys++;
	return lease;
}

/* It is forgotten when the task next comes by: that walks along the list. */
void leases_release(struct leases *l, struct service_lease *lease)
{
	if (--lease->keys == 0)
		trie_remove(&l->by_id, &by_id, l->edit, hash_of_id(lease->id), &lease->id);
}

enum etcd_end lease_ask(struct service_lease *lease, struct etcd_client *client)
{
	int64_t seconds, granted;
	uint64_t now = clock_now();
	struct etcd_result r = etcd_lease_left(client, lease->id, &seconds, &granted);
	if (r.end != ETCD_DONE)
		return r.end;
	if (seconds > 0)
		atomic_store(&lease->end, now + (uint64_t)seconds * NS_PER_S);
	uint64_t third = granted > 0 ? (uint64_t)granted * NS_PER_S / ASK_DIVISOR : 0;
	lease->ask_next = now + (third < ask_soonest ? ask_soonest : third > ask_latest ? ask_latest : third);
	return ETCD_DONE;
}

/* Those that are due; false when etcd does not answer. */
static bool ask_due(struct leases *l, struct etcd_client *client)
{
	unsigned again = 0;
	l->fresh = false;
	for (struct service_lease *lease = l->first; lease; lease = lease->next) {
		if (!lease->keys || clock_now() < lease->ask_next || (lease->ask_next && again == ASKED_AT_ONCE))
			continue;
		again += lease->ask_next != 0;
		enum etcd_end end = lease_ask(lease, client);
		if (end == ETCD_AWAY || end == ETCD_STOPPED)
			return false;
		if (end != ETCD_DONE)
			lease->ask_next = clock_now() + ask_soonest;
	}
	return true;
}

/* Takes those out that no key has any more. */
static void sweep(struct leases *l)
{
	for (struct service_lease **at = &l->first, *lease; (lease = *at);) {
		if (lease->keys || lease->released == l->edit->generation) {
			at = &lease->next;
			continue;
		}
		*at = lease->next;
		epoch_retire(lease, free);
	}
}

/* Until the next round, or a new lease. */
static void wait_for_more(struct leases *l)
{
	uint64_t until = clock_now() + round_interval;
	while (!l->fresh && clock_now() < until) {
		l->waiter = fiber_self();
		enum wait_result waited = fiber_park(until);
		l->waiter = NULL;
		if (waited == WAIT_STOPPED)
			return;
	}
}

void leases_follow(struct leases *l, struct etcd_client *client, struct plugin *self)
{
	while (task_sleep(self, 0)) {
		l->asking = true;
		bool answered = ask_due(l, client);
		l->asking = false;
		if (!answered && !task_sleep(self, ask_soonest))
			break;
		sweep(l);
		wait_for_more(l);
	}
}

uint32_t lease_left(const struct service_lease *lease)
{
	uint64_t end = atomic_load_explicit(&lease->end, memory_order_relaxed), now = clock_now();
	return end > now ? (uint32_t)((end - now + NS_PER_S - 1) / NS_PER_S) : 0;
}

void leases_free(struct leases *l)
{
	for (struct service_lease *lease = l->first, *next; lease; lease = next) {
		next = lease->next;
		if (!lease->keys)
			free(lease);
	}
	trie_discard(&l->by_id, l->edit);
	trie_edit_publish(l->edit);
}
