/*
 * The pages that operators' tools fetch (health, ready, metrics): a small HTTP/1.1 server on the
 * control thread's loop.
 *
 * Plugins mount pages at an address and a path. Mounts of one address share a listener, also across
 * a reload: the new configuration mounts its pages before the old one takes its own away, so
 * nobody's connection is refused meanwhile.
 */
#ifndef ISTHMUS_SERVER_ADMIN_H
#define ISTHMUS_SERVER_ADMIN_H

#include "base/text.h"
#include "server/plugin.h"

/* What a page's handler fills in. The body is freed by the server. */
struct admin_page {
	unsigned status;	  /* 200 unless the handler sets another */
	const char *content_type; /* "text/plain; charset=utf-8" unless the handler sets another */
	struct text body;
};

/* Makes a page; runs on the control thread and may wait. */
typedef void admin_handler(void *data, struct admin_page *page);

struct admin_mount;

/*
 * Serves `path` at `address` ("HOST:PORT", ":PORT": every address). Where several have mounted the
 * same, the newest answers. NULL with why ("listen tcp :8080: bind: address already in use") when
 * the address cannot be listened on. Control thread only.
 */
struct admin_mount *admin_mount(
	const char *address, const char *path, admin_handler *handle, void *data, struct text *why);

/* From now on pages are mounted and nobody listens: for a process that only rehearses. Before the first mount. */
void admin_rehearse(void);

/* Takes the page away; the listener is closed with its last page. NULL is allowed. */
void admin_unmount(struct admin_mount *m);

/* Where the mount's listener is: with the port that the kernel chose, if the address had port 0. */
struct endpoint admin_local(const struct admin_mount *m);

/* Splits "host:port", "[v6]:port", ":port" as Go's net package does; false with why ("address x:
 * missing port in address"). */
bool admin_split_address(
	struct view address, struct view *host, struct view *port, struct text *why);

/* The line's only argument as such an address, if it has one; `address` keeps its value if not.
 * False after an error. */
bool admin_args_address(struct setup *s, const char **address);

#endif
