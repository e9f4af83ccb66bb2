/* What source.c and watch.c share: the source itself. */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_SOURCE_PARTS_H
#define ISTHMUS_PLUGINS_KUBERNETES_SOURCE_PARTS_H

#include "plugins/kubernetes/credentials.h"
#include "plugins/kubernetes/watch.h"
#include "sync/state_keeper.h"

struct kube_source {
	struct kube_source_settings settings;
	struct kube_index *index;
	struct http_client *client;
	struct kube_watch watches[KUBE_KINDS];
	struct loop *loop;
	struct timer publish;
	uint64_t published; /* when the index was last published */
	struct kube_credentials credentials;
	struct kube_budget budget;
	size_t server; /* the one of access.servers that is asked */
	uint64_t started;
	_Atomic bool healthy;
	uint64_t changes;          /* publications so far */
	unsigned restored;         /* bit by kind: what is served of it is from the disk */
	uint64_t restored_written; /* when that was written, Unix seconds */
	struct state_keeper keeper;
};

/* A watch has heard of the server, or has failed: whether the source is healthy may have changed. */
void kube_source_judge(struct kube_source *s);

/* A kind was listed by the server. */
void kube_source_listed(struct kube_source *s, enum kube_kind kind);

/* Takes over the state that is on the disk, and keeps it up to date from now on; nothing without `persist`: persist.c */
void kube_source_restore(struct kube_source *s);
void kube_source_persist(struct kube_source *s);

/* Lets pages of metrics tell of the source, until it is forgotten: counts.c */
void kube_source_observe(struct kube_source *s);
void kube_source_forget(struct kube_source *s);

/* Publishes soon: at once, unless that was done a moment ago. */
void kube_source_changed(struct kube_source *s);

/* Counts a request by its status (0: no answer): counts.c */
void kube_source_count_request(const struct kube_source *s, long status);

static inline const struct kube_server *kube_source_server(const struct kube_source *s)
{
	return &s->settings.access.servers[s->server];
}

/* This server gave no answer: if it is the one that is asked, another one will be. */
void kube_source_server_failed(struct kube_source *s, const struct kube_server *server);

/* A change of endpoints has come in: how long ago it happened: counts.c */
void kube_source_time(const struct kube_source *s, const struct kube_object *slice);

#endif
