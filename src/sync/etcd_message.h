/* The messages of etcd's API v3 (etcdserverpb, mvccpb) that the client reads: protocol buffers, read in place. */
#ifndef ISTHMUS_SYNC_ETCD_MESSAGE_H
#define ISTHMUS_SYNC_ETCD_MESSAGE_H

#include "sync/etcd_client.h"

/* RangeResponse */
struct etcd_page {
	int64_t revision;
	uint64_t count;      /* keys that were told of */
	bool more, stopped;
	struct view last;    /* the last key */
};

/* Tells of each key; false if it is malformed. Where `take` gives up, page->stopped is set. */
bool etcd_read_page(struct view message, etcd_taker *take, void *owner, struct etcd_page *page);

/* WatchResponse */
struct etcd_news {
	int64_t revision, compacted; /* compacted: the oldest revision that is kept; 0: not said */
	int64_t last;                /* the revision of the last event; 0: there is none */
	bool of_stream;              /* of the stream, not of the watch: an answer to who asks for progress */
	bool created, canceled;
	bool fragment;               /* more of the same revisions comes in the next message */
	unsigned events;
	struct view reason;          /* why it was canceled */
};

/* Tells w->changed of each event; false if it is malformed. */
bool etcd_read_news(struct view message, const struct etcd_watch *w, struct etcd_news *news);

/* Of AuthenticateResponse, TxnResponse and the answers of leases: the numbers and octets of these fields. */
struct etcd_plain {
	uint64_t number[5]; /* by field; those of 1 (the header) are 0 */
	struct view octets[5];
};
bool etcd_read_plain(struct view message, struct etcd_plain *plain);

#endif
