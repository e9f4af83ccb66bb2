/* Leases of keys, and how much is left of each. etcd tells nobody when a lease is renewed: it has to be asked. */
#ifndef ISTHMUS_PLUGINS_ETCD_LEASES_H
#define ISTHMUS_PLUGINS_ETCD_LEASES_H

#include "base/trie.h"
#include "plugins/etcd/service.h"
#include "server/plugin.h"
#include "sync/etcd_client.h"

/* The control thread's own. Zeroed but for `edit` is empty. */
struct leases {
	struct trie by_id;
	struct service_lease *first; /* of all */
	bool fresh;                  /* there are some that etcd was not asked for yet */
	bool asking;                 /* they are being asked for */
	struct fiber *waiter;        /* the task, while it has nothing to do */
	struct trie_edit *edit;      /* of those who hold them: what it has discarded is seen until it is published */
};

/* The lease with this id, for one key more. */
struct service_lease *leases_hold(struct leases *l, int64_t id);

/* For one key less; the last one discards it. */
void leases_release(struct leases *l, struct service_lease *lease);

/* A task: asks for new ones at once, and for all of them now and then, at most 200 a second, until it is to end. What it cannot know
 * in time counts as not renewed. */
void leases_follow(struct leases *l, struct etcd_client *client, struct plugin *self);

/* Asks for one; gives how etcd answered. */
enum etcd_end lease_ask(struct service_lease *lease, struct etcd_client *client);

/* Seconds that are left of it; 0: not known, or over. */
uint32_t lease_left(const struct service_lease *lease);

/* Frees all, when nobody can see them any more. */
void leases_free(struct leases *l);

#endif
