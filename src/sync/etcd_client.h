/*
 * A client of etcd's API v3 over gRPC: the control thread alone; whoever asks waits on its fiber. Several endpoints are one
 * cluster: the one that answered last is asked first, and what is away is passed over. With a user name there is a token, which
 * is renewed when the server no longer takes it.
 */
#ifndef ISTHMUS_SYNC_ETCD_CLIENT_H
#define ISTHMUS_SYNC_ETCD_CLIENT_H

#include "sync/http.h"

struct etcd_client;

/* Must live as long as the client. */
struct etcd_settings {
	/* "http://host:port", "https://host:port", "host:port" (https with `tls`), "unix:///path", "unixs:///path" */
	const char *const *endpoints;
	size_t endpoint_count;
	struct view user, password; /* an empty user: no authentication */
	const struct http_tls *tls; /* NULL: the system's authorities */
	uint64_t timeout;           /* of one call to one endpoint, in ns */
	const _Atomic bool *stop;   /* calls are given up when it is set; may be NULL */
};

enum etcd_end {
	ETCD_DONE,
	ETCD_STOPPED,   /* by `stop`, or by the caller's own function */
	ETCD_AWAY,      /* no endpoint answers */
	ETCD_COMPACTED, /* the revision that was asked for is no longer kept */
	ETCD_REFUSED,   /* etcd answers with an error */
};

struct etcd_result {
	enum etcd_end end;
	char error[320]; /* why, with the endpoint; empty where it is ETCD_DONE */
};

/* Views into the answer: good until the function that is given it returns. */
struct etcd_pair {
	struct view key, value; /* no value when the key was deleted */
	int64_t created, modified; /* revisions */
	int64_t lease;          /* 0: none */
};

/* NULL with *why (in the arena) when there is no HTTP client to be had, or an endpoint is none. */
struct etcd_client *etcd_client_new(
	struct loop *l, struct arena *arena, const struct etcd_settings *settings, const char **why);

/* No call may be running. NULL is allowed. */
void etcd_client_free(struct etcd_client *c);

/* --- reading --- */

/* Told of each key, in order; false: give up. Must not wait. */
typedef bool etcd_taker(void *owner, const struct etcd_pair *pair);

/*
 * Reads the keys from `key` up to, without it, `end` (empty: `key` alone; see etcd_prefix_end()), in pages, all of the same
 * revision, which is left in *revision (may be NULL). What was told before a failure is not all.
 */
struct etcd_result etcd_range(struct etcd_client *c, struct view key, struct view end, etcd_taker *take, void *owner,
	int64_t *revision);

/* The end of the range of all keys that begin with `prefix`, in the arena. */
struct view etcd_prefix_end(struct arena *a, struct view prefix);

struct etcd_watch {
	struct view key, end;   /* as for etcd_range() */
	int64_t from;           /* the first revision that is wanted; goes on with what has come: a watch that has ended can be begun again */
	bool heard;             /* etcd has taken the watch */
	/* A change, in the order of revisions; must not wait. */
	void (*changed)(void *owner, const struct etcd_pair *pair, bool deleted);
	/* What came at once has been told, if it was anything: `from` has moved. May be NULL. */
	void (*caught_up)(void *owner);
	void *owner;
};

/*
 * Watches until the stream ends, which is never ETCD_DONE. etcd is asked every 10 s how far it is: one that was able to say so and
 * has been silent for 30 s counts as away.
 */
struct etcd_result etcd_watch(struct etcd_client *c, struct etcd_watch *w);

/* --- writing --- */

struct etcd_result etcd_put(struct etcd_client *c, struct view key, struct view value, int64_t lease);
struct etcd_result etcd_delete(struct etcd_client *c, struct view key);

/* Puts the key if it is not there, in one transaction; *created says whether. */
struct etcd_result etcd_create(
	struct etcd_client *c, struct view key, struct view value, int64_t lease, bool *created);

/* --- leases --- */

/* A new lease of `seconds` (etcd may give more); its id. */
struct etcd_result etcd_lease_grant(struct etcd_client *c, int64_t seconds, int64_t *lease);

/* Begins the lease's time anew. *seconds: what it has now; 0 when it is gone. */
struct etcd_result etcd_lease_keep(struct etcd_client *c, int64_t lease, int64_t *seconds);

/* What is left of the lease, in seconds; -1 when it is gone. *granted: its whole time. */
struct etcd_result etcd_lease_left(
	struct etcd_client *c, int64_t lease, int64_t *seconds, int64_t *granted);

/* Ends the lease; its keys are deleted. */
struct etcd_result etcd_lease_revoke(struct etcd_client *c, int64_t lease);

#endif
