/* The last good state on the disk: a server that starts while etcd is away begins with it. */
#ifndef ISTHMUS_PLUGINS_ETCD_STATE_H
#define ISTHMUS_PLUGINS_ETCD_STATE_H

#include "base/sorted.h"
#include "plugins/etcd/service.h"
#include "sync/state_file.h"

/* Writes all records to the file at `path`; may wait. `identity` says what they are of. False with *why. */
bool etcd_state_write(
	const char *path, const char *identity, const struct sorted *services, struct state_problem *why);

/* Told of each record, which it keeps, and of its lease (0: none). */
typedef void etcd_state_taker(void *owner, struct service *service, int64_t lease);

/* Reads what was written for the same identity: all of it, or nothing. */
enum state_outcome etcd_state_read(
	const char *path, const char *identity, etcd_state_taker *take, void *owner, struct state_problem *why);

/* The same from a payload; false with *why. */
bool etcd_state_take(
	struct view payload, const char *identity, etcd_state_taker *take, void *owner, const char **why);

#endif
