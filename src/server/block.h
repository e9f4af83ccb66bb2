/* A configuration that is or was live: blocks, their chains, and where they listen. */
#ifndef ISTHMUS_SERVER_BLOCK_H
#define ISTHMUS_SERVER_BLOCK_H

#include "net/proxy_protocol.h"
#include "net/tcp.h"
#include "server/plugin.h"
#include <stdatomic.h>

struct credentials;
struct endpoint_group;

/* A number that a directive may have set. */
struct transport_limit {
	bool set;
	uint32_t most;
};

/* What `https`, `https3`, `quic` and `grpc_server` say of the listeners of their scheme. */
struct transport_limits {
	struct transport_limit streams;     /* of a connection */
	struct transport_limit connections; /* of a listener */
	struct transport_limit active;      /* queries of a listener */
};

struct needed_path;

/*
 * One server block. Set up by its directives: root, bind, debug, timeouts, multisocket and their like have no handler
 * and write here. Immutable once live.
 */
struct block {
	struct block *next;
	struct config *config;
	const struct server_block *source;
	struct name *zones; /* of the keys, in their order */
	size_t zone_count;
	struct plugin *chain;   /* the outermost handler; NULL: REFUSED for everything */
	struct plugin *plugins; /* all instances, by `sibling` */
	struct plugin *filter;  /* view, or NULL */
	struct plugin *foreseer; /* the first that has something to fetch ahead, or NULL */
	struct view view_name;

	const char *root;
	struct view *bind; /* addresses as text, interfaces resolved; none: the wildcard */
	size_t bind_count;
	bool debug, stacktrace;
	unsigned sockets; /* multisocket: how many CoreDNS would open; 0: not named */
	bool takes_any_class; /* chaos or forward */
	const struct proxy_policy *proxies; /* NULL: none are expected */
	struct credentials *tls; /* NULL: listeners are in the clear */
	bool sheds;
	bool collects_metadata;
	struct name *metadata_zones;
	size_t metadata_zone_count;

	struct transport_limits transport_limits[SCHEME_COUNT];

	/* `timeouts`, in ns; 0: not set there */
	uint64_t read_timeout, write_timeout, idle_timeout;
	long queries_max; /* 0: not set */
};

struct config {
	struct arena *arena;
	struct corefile *corefile;
	struct block *blocks;
	struct endpoint_group *groups; /* one for each (scheme, address, port) */
	unsigned workers;
	struct loop *control; /* the control thread's, once config_start() was called */
	bool replaces; /* another one was live when this one started: it is a reload */
	_Atomic unsigned tasks;
	_Atomic bool stopping;
	struct needed_path *needed_paths; /* see sandbox_need() */
	const char *start_error; /* why config_start() failed */
};

#endif
