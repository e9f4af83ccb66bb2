/* The plugin `etcd`, and what a question to it is answered from. */
#ifndef ISTHMUS_PLUGINS_ETCD_ETCD_H
#define ISTHMUS_PLUGINS_ETCD_ETCD_H

#include "plugins/etcd/source.h"
#include "plugins/seen.h"

struct etcd {
	struct name *zones;
	size_t zone_count;
	struct fallthrough fallthrough;
	struct view prefix; /* of all keys: "/skydns", without a final slash */
	const char **endpoints;
	size_t endpoint_count;
	struct view user, password;
	struct http_tls *tls; /* NULL: not named */
	uint32_t lease_min, lease_max; /* what a lease may make of a TTL, in seconds */
	bool live;            /* each query asks etcd */
	const char *persist;  /* the file that keeps the last good state; NULL: none */
	struct etcd_source *source;
};

extern const struct option etcd_options[];
void etcd_init(struct setup *s);
bool etcd_setup(struct setup *s);
bool etcd_finish(struct setup *s);

enum etcd_outcome {
	ETCD_FOUND,
	ETCD_NODATA,
	ETCD_NO_NAME,
	ETCD_UNKNOWN, /* etcd was never heard, does not answer, or has nothing but what cannot be read */
};

/* One question in one zone. */
struct etcd_lookup {
	struct plugin *self;
	const struct etcd *e;
	struct query *q;
	struct name zone;
	uint16_t type;
	const struct sorted *known; /* NULL where etcd itself is asked, or nothing is known */
	const char *error;          /* why it is ETCD_UNKNOWN */
	struct seen seen, seen_additional;
};

/* The records of a name. */
struct etcd_found {
	const struct service **services;
	size_t count;
};

/*
 * The records of a name in lower case (with the labels "*" and "any" a pattern) and of all names below it, those of its group
 * alone; with `exact` those of the name only. ETCD_FOUND also where keys are there that do not fit the type.
 */
enum etcd_outcome etcd_find(
	struct etcd_lookup *l, struct name name, uint16_t type, bool exact, struct etcd_found *found);

/* How long a record may be kept. */
uint32_t etcd_ttl(const struct etcd_lookup *l, const struct service *s);

/* The name that a record's key stands for; of length 0 if it is none. */
struct name etcd_key_name(const struct etcd_lookup *l, const struct service *s);

/* Puts an answer into q->reply. */
enum etcd_outcome etcd_answer(struct etcd_lookup *l);

void etcd_add_soa(struct etcd_lookup *l, enum section_id section);

#endif
